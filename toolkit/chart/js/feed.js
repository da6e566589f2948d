// The browser's copy of the candles and indicator columns, and how it is asked for: the kernel sends the last candles
// first, the rest is asked for piece by piece, and a changed indicator comes as a patch of what is in view, then whole.
// Candles as they happen come as ticks, each put in place at once: nothing queues up where no frames are painted.

const CANDLES = { time: "first", open: "first", high: "max", low: "min", close: "last", volume: "sum" };
const NO_SIGNALS = { position: [], group: [], confidence: [], rule: [], value: [], rules: [] };
const PIECE = 40000; // rows asked for at once: small enough that a moved slider never waits behind one
const QUIET = 120; // milliseconds without a change before whole columns are asked for

// Numbers as sent by the kernel, whatever the front end wraps them in.
export function numbers(buffer, Type = Float64Array) {
  const bytes = buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return new Type(bytes.slice().buffer);
}

// Columns of one length, shortened to `end` rows, or one after the other; what is no array of numbers is as it was.
const cut = (columns, end) => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, ArrayBuffer.isView(values) ? values.slice(0, end) : values]));
const joined = (columns, more) => {
  const out = { ...more };
  for (const [name, values] of Object.entries(more)) {
    if (!ArrayBuffer.isView(values)) continue;
    out[name] = new values.constructor(columns[name].length + values.length);
    out[name].set(columns[name]);
    out[name].set(values, columns[name].length);
  }
  return out;
};

export class Feed {
  constructor(send, changed) {
    this.send = send;
    this.changed = changed;
    this.epoch = -1;
    this.length = 0;
    this.step = 0;
    this.columns = new Map();
    this.columns.forming = false; // whether the last row is a candle that has not closed
    this.badge = "";
    this.signals = NO_SIGNALS;
    this.found = new Found();
    this.waiting = null;
    this.timer = 0;
  }

  // -> true where the message was one of ours and still matters
  receive(message, buffers) {
    const before = { epoch: this.epoch, length: this.length };
    if (message.type === "reset") this.#reset(message, buffers);
    else if (message.type === "badge") this.badge = message.text;
    else if (message.epoch !== this.epoch) return false;
    else if (message.type === "rows") this.#rows(message, buffers);
    else if (message.type === "patch") this.#patch(message, buffers);
    else if (message.type === "tick") this.#tick(message, buffers);
    else if (message.type === "signals") this.#signals(message, buffers);
    else if (message.type === "found") this.found = new Found(message, buffers);
    else return false;
    this.changed(message.type, before);
    return true;
  }

  #column(name, version) {
    let column = this.columns.get(name);
    if (!column) {
      column = new Column(CANDLES[name] ?? "range", this.length, version);
      this.columns.set(name, column);
    }
    return column;
  }

  #reset(message, buffers) {
    this.epoch = message.epoch;
    this.length = message.length;
    this.step = message.step;
    this.columns = new Map();
    this.columns.forming = message.forming;
    this.signals = NO_SIGNALS;
    this.found = new Found();
    this.waiting = null;
    message.columns.forEach(([name, version], i) => this.#column(name, version).put(message.from, numbers(buffers[i])));
    this.#ask(50);
  }

  #rows(message, buffers) {
    const asked = new Set(message.asked); // what this one answers: another one may be on its way since a reset
    this.waiting = null;
    message.columns.forEach(([name, version], i) => {
      asked.delete(name);
      const column = this.columns.get(name);
      if (column && version > column.version) column.reset(version);
      // a column that changed or went away meanwhile is asked for again, or not at all
      if (column && column.version === version && message.to === column.from) column.put(message.from, numbers(buffers[i]));
    });
    for (const name of asked) if (this.columns.has(name)) this.columns.get(name).missing = true;
    this.#ask(0);
  }

  #patch(message, buffers) {
    message.columns.forEach(([name, version], i) => {
      const column = this.#column(name, version);
      column.reset(version);
      column.patch = { level: message.level, from: message.from, low: numbers(buffers[2 * i]), high: message.level ? numbers(buffers[2 * i + 1]) : null };
    });
    this.#ask(QUIET);
  }

  // Rows that take the place of those from `from` on, and are the last ones.
  #tick({ from, length, forming, columns }, buffers) {
    const told = new Map(columns.map(([name, version], i) => [name, { version, rows: numbers(buffers[i]) }]));
    const before = this.length;
    this.length = length;
    this.columns.forming = forming;
    let broken = false;
    for (const [name, column] of this.columns) {
      column.resize(length);
      const { version, rows } = told.get(name) ?? { version: column.version };
      if (!rows || version !== column.version) {
        column.reset(version); // what is here does not go on, so it is asked for anew
        broken = true;
      }
      if (rows?.length) column.put(from, rows);
    }
    if (length < before) this.signals = cut(this.signals, lowerBound(this.signals.position, length));
    if (broken) this.#ask(QUIET); // else what was asked for is not put off by every tick
  }

  // All signals, or those that follow the ones that are here.
  #signals(message, buffers) {
    const [position, group, confidence, rule, value] = buffers;
    const come = {
      position: numbers(position, Int32Array),
      group: numbers(group, Uint8Array),
      confidence: numbers(confidence, Float32Array),
      rule: numbers(rule, Int32Array),
      value: numbers(value),
      rules: message.rules, // [label, type, text, number], of which `rule` names one
    };
    this.signals = message.more ? joined(this.signals, come) : come;
  }

  // Asks for the newest rows that are missing, unless an answer is on its way.
  #ask(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.waiting !== null) return;
      const wanted = [...this.columns].filter(([, column]) => column.from && !column.missing);
      if (!wanted.length) return;
      const to = Math.max(...wanted.map(([, column]) => column.from));
      const columns = wanted.filter(([, column]) => column.from === to).map(([name]) => name);
      this.waiting = columns;
      this.send({ type: "rows", epoch: this.epoch, columns, from: Math.max(0, to - PIECE), to });
    }, delay);
  }

  close() {
    clearTimeout(this.timer);
  }

  // Forgets the columns that no pane shows any more, and asks for those that never came.
  keep(names) {
    for (const name of this.columns.keys()) if (!(name in CANDLES) && !names.has(name)) this.columns.delete(name);
    if (!this.length) return;
    for (const name of names) this.#column(name, 0);
    this.#ask(QUIET);
  }

  get complete() {
    return [...this.columns.values()].every((column) => column.from === 0 || column.missing);
  }

  // The share of the candles that is here, 0 to 1.
  get share() {
    const times = this.columns.get("time");
    return times && this.length ? 1 - times.from / this.length : 0;
  }

  exact(name, i) {
    return this.columns.get(name)?.exact(i) ?? NaN;
  }

  buckets(name, level, from, to) {
    const column = this.columns.get(name);
    if (column) return column.buckets(level, from, to);
    const nothing = new Float64Array(Math.max(0, to - from)).fill(NaN);
    return { low: nothing, high: nothing };
  }

  // Whether the time of candle i is here.
  knows(i) {
    const times = this.columns.get("time");
    return Boolean(times) && i >= times.from && i < this.length;
  }

  // The time at which candle i opens; outside the candles, and where history is still missing, counted on in steps.
  time(i) {
    const times = this.columns.get("time");
    if (!times || !this.length) return NaN;
    const inside = Math.max(times.from, Math.min(this.length - 1, i));
    return times.values[inside] + (i - inside) * this.step;
  }

  // The x of any moment: a candle's own where it opens then, between two candles in proportion, counted on beyond both ends.
  xOf(time) {
    const times = this.columns.get("time");
    if (!times || !this.length) return NaN;
    const [from, last] = [times.from, this.length - 1];
    if (time < times.values[from]) return from + (time - times.values[from]) / this.step;
    if (time >= times.values[last]) return last + (time - times.values[last]) / this.step;
    const after = lowerBound(times.values, time, from, this.length);
    if (times.values[after] === time) return after;
    const [before, next] = [times.values[after - 1], times.values[after]];
    return after - 1 + (time - before) / (next - before);
  }

  // The moment at any x.
  moment(x) {
    const [low, high] = [Math.floor(x), Math.ceil(x)];
    return low === high ? this.time(low) : this.time(low) + (x - low) * (this.time(high) - this.time(low));
  }

  // The x of a time: the first candle that opens then or later.
  indexOf(time) {
    const times = this.columns.get("time");
    const first = times.values[times.from];
    const last = times.values[this.length - 1];
    if (time < first) return times.from + Math.round((time - first) / this.step);
    if (time > last) return this.length - 1 + Math.round((time - last) / this.step);
    return lowerBound(times.values, time, times.from, this.length);
  }
}
