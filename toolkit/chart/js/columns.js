// Columns of candle data and their pyramids: level L holds one bucket for 2^L candles, counted from candle 0,
// so that a bucket stays where it is while the chart moves. NaN is "undefined" or "not here yet".

// How two neighbours become one, `here[i]` of `below[2 * i]` and `below[2 * i + 1]`: a loop of its own for each way, since
// a call for every pair takes several times as long. A NaN counts only beside another.
const REDUCE = {
  first(here, below, from, to) {
    for (let i = from; i < to; i++) {
      const a = below[2 * i];
      here[i] = a === a ? a : below[2 * i + 1];
    }
  },
  last(here, below, from, to) {
    for (let i = from; i < to; i++) {
      const b = below[2 * i + 1];
      here[i] = b === b ? b : below[2 * i];
    }
  },
  min(here, below, from, to) {
    for (let i = from; i < to; i++) {
      const a = below[2 * i];
      const b = below[2 * i + 1];
      here[i] = b < a || a !== a ? b : a;
    }
  },
  max(here, below, from, to) {
    for (let i = from; i < to; i++) {
      const a = below[2 * i];
      const b = below[2 * i + 1];
      here[i] = b > a || a !== a ? b : a;
    }
  },
  sum(here, below, from, to) {
    for (let i = from; i < to; i++) {
      const a = below[2 * i];
      const b = below[2 * i + 1];
      here[i] = a !== a ? b : b !== b ? a : a + b;
    }
  },
};

// One array reduced level by level. Levels are built when first read and refreshed when rows arrive.
export class Pyramid {
  constructor(values, how) {
    this.reduce = REDUCE[how];
    this.levels = [values];
  }

  level(wanted) {
    while (this.levels.length <= wanted) {
      const below = this.levels[this.levels.length - 1];
      const built = new Float64Array((below.length + 1) >> 1);
      this.levels.push(built);
      this.#fill(this.levels.length - 1, 0, built.length);
    }
    return this.levels[wanted];
  }

  // Level 0 has more room now: `values` begin as those before.
  grow(values) {
    for (let level = 0, length = values.length; level < this.levels.length; level++, length = (length + 1) >> 1) {
      if (level === 0) {
        this.levels[0] = values;
        continue;
      }
      const wider = new Float64Array(length).fill(NaN);
      wider.set(this.levels[level]);
      this.levels[level] = wider;
    }
  }

  // Rows [from, to) of level 0 changed.
  refresh(from, to) {
    for (let level = 1; level < this.levels.length; level++) {
      from >>= 1;
      to = (to + 1) >> 1;
      this.#fill(level, from, to);
    }
  }

  #fill(level, from, to) {
    const below = this.levels[level - 1];
    const here = this.levels[level];
    const paired = Math.min(to, below.length >> 1);
    this.reduce(here, below, from, paired);
    if (to > paired && to > from) here[to - 1] = below[2 * (to - 1)];
  }
}

// A column: exact values, one or two pyramids over them ("range" keeps the minimum and the maximum of each bucket),
// and a patch: what the kernel computed for the buckets in view, shown until all the rows are here.
export class Column {
  constructor(how, length, version = 0) {
    this.how = how;
    this.length = length;
    this.reset(version);
  }

  // Nothing is here any more. Room for rows is made when some come: under a moving slider it is only patches that do.
  reset(version) {
    this.version = version;
    this.values = null;
    this.pyramids = [];
    this.from = this.length; // rows before this one are still in the kernel
    this.patch = null;
    this.missing = false; // asked for, but the kernel has none (yet)
  }

  put(from, rows) {
    if (!this.values) {
      this.values = new Float64Array(this.length).fill(NaN);
      const kinds = this.how === "range" ? ["min", "max"] : [this.how];
      this.pyramids = kinds.map((how) => new Pyramid(this.values, how));
    }
    this.values.set(rows, from);
    for (const pyramid of this.pyramids) pyramid.refresh(from, from + rows.length);
    this.from = Math.min(this.from, from);
    if (this.from === 0) this.patch = null;
    if (this.patch) rows.forEach((value, i) => this.#amend(from + i, value));
  }

  // A patch shows a row that came after it was made, where it has a place for it.
  #amend(row, value) {
    const { level, from, low, high } = this.patch;
    const place = Math.floor(row / 2 ** level) - from;
    if (!(place >= 0 && place < low.length)) return;
    if (!level) low[place] = value;
    else if (value === value) {
      if (!(low[place] <= value)) low[place] = value;
      if (!(high[place] >= value)) high[place] = value;
    }
  }

  // There are so many candles now. Room for more is taken in steps, so that a candle costs the same however many there are.
  resize(length) {
    const before = this.length;
    this.length = length;
    if (this.values && length > this.values.length) {
      const values = new Float64Array(length + Math.max(1024, length >> 2)).fill(NaN);
      values.set(this.values);
      this.values = values;
      for (const pyramid of this.pyramids) pyramid.grow(values);
    }
    if (length < before) {
      this.values?.fill(NaN, length, before);
      for (const pyramid of this.pyramids) pyramid.refresh(length, before);
      this.patch = null; // its buckets may hold what is gone
    }
    this.from = Math.min(this.from, length);
  }

  // What candle i holds, exactly; NaN where it is undefined or not here yet.
  exact(i) {
    const patch = this.patch;
    if (patch && patch.level === 0 && i >= patch.from && i < patch.from + patch.low.length) return patch.low[i - patch.from];
    return i >= this.from && i < this.length ? this.values[i] : NaN;
  }

  // Buckets [from, to) of a level: { low, high }; both the same array unless the column keeps ranges.
  buckets(level, from, to) {
    const { patch } = this;
    if (patch && patch.level === level && patch.from <= from && patch.from + patch.low.length >= to) {
      const cut = (values) => values.slice(from - patch.from, to - patch.from);
      const low = cut(patch.low);
      return { low, high: patch.high ? cut(patch.high) : low }; // no need to build levels of rows that are not here
    }
    const none = () => new Float64Array(Math.max(0, Math.min(to, Math.ceil(this.length / 2 ** level)) - from)).fill(NaN);
    const read = (pyramid, which) => {
      const out = pyramid ? pyramid.level(level).slice(from, to) : none();
      if (patch && patch.level === level) {
        const { from: at, [which]: values } = patch;
        const start = Math.max(from, at);
        const end = Math.min(to, at + values.length);
        if (end > start) out.set(values.subarray(start - at, end - at), start - from);
      }
      return out;
    };
    const low = read(this.pyramids[0], "low");
    return { low, high: level > 0 && this.how === "range" ? read(this.pyramids[1], "high") : low };
  }
}

// The smallest level at which `span` candles make no more than `most` buckets.
export function levelFor(span, most) {
  return Math.max(0, Math.ceil(Math.log2(span / Math.max(1, most)) - 1e-9));
}

// The first index whose value is at least `wanted`, in sorted values.
export function lowerBound(values, wanted, from = 0, to = values.length) {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle] < wanted) from = middle + 1;
    else to = middle;
  }
  return from;
}
