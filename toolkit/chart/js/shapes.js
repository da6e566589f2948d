// What is in view as coordinates for marks: x in candles, y in the mark's own units, NaN between separate pieces.
// `view` is { level, from, to, shift }: buckets [from, to) of that level, drawn `shift` candles later than they are counted.

// The x of a bucket's middle: bucket b of level L covers candles [b * 2^L, (b + 1) * 2^L).
export function bucketX(level, bucket) {
  const size = 2 ** level;
  return (bucket + 0.5) * size - 0.5;
}

// The x at which the i-th bucket of a view is drawn.
function middleOf(view, i) {
  return bucketX(view.level, view.from + i) + (view.shift ?? 0);
}

function segments(view, count, lowOf, highOf, wanted) {
  const x = new Float64Array(count * 3);
  const y = new Float64Array(count * 3);
  let used = 0;
  for (let i = 0; i < count; i++) {
    if (!wanted(i)) continue;
    x[used] = x[used + 1] = x[used + 2] = middleOf(view, i);
    y[used] = lowOf(i);
    y[used + 1] = highOf(i);
    y[used + 2] = NaN;
    used += 3;
  }
  return { x: x.subarray(0, used), y: y.subarray(0, used) };
}

// Candles as vertical segments: { wick_up, wick_down, body_up, body_down, volume_up, volume_down }.
export function candleShapes(view, candles) {
  const { open, high, low, close, volume } = candles;
  const count = close.length;
  const up = (i) => close[i] >= open[i];
  const down = (i) => close[i] < open[i];
  const wick = (wanted) => segments(view, count, (i) => low[i], (i) => high[i], wanted);
  const body = (wanted) => segments(view, count, (i) => open[i], (i) => close[i], wanted);
  const bar = (wanted) => segments(view, count, () => 0, (i) => volume[i], (i) => wanted(i) && volume[i] > 0);
  return {
    wick_up: wick(up), wick_down: wick(down),
    body_up: body(up), body_down: body(down),
    volume_up: bar(up), volume_down: bar(down),
  };
}

// A line that keeps its extremes: two points a bucket, in the order in which the line is going.
export function lineShape(view, { low, high }) {
  const count = low.length;
  if (view.level === 0) {
    const x = new Float64Array(count);
    for (let i = 0; i < count; i++) x[i] = middleOf(view, i);
    return { x, y: low };
  }
  const x = new Float64Array(2 * count);
  const y = new Float64Array(2 * count);
  const quarter = 2 ** view.level / 4;
  let middle = NaN;
  for (let i = 0; i < count; i++) {
    const centre = middleOf(view, i);
    const here = (low[i] + high[i]) / 2;
    const falling = here < middle;
    middle = here;
    x[2 * i] = centre - quarter;
    x[2 * i + 1] = centre + quarter;
    y[2 * i] = falling ? high[i] : low[i];
    y[2 * i + 1] = falling ? low[i] : high[i];
  }
  return { x, y };
}

// The area between two lines: x, and y as a pair of arrays.
export function bandShape(view, one, other) {
  const count = one.low.length;
  const x = new Float64Array(count);
  const top = new Float64Array(count);
  const bottom = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    x[i] = middleOf(view, i);
    top[i] = Math.max(one.high[i], other.high[i]);
    bottom[i] = Math.min(one.low[i], other.low[i]);
  }
  return { x, y: [top, bottom] };
}

// Bars from zero, in four marks: above and below zero, each while it grows and while it fades.
export function histogramShapes(view, { low, high }) {
  const count = low.length;
  const grows = (values, i, sign) => i === 0 || !(values[i - 1] * sign > values[i] * sign);
  const bars = (values, sign, growing) =>
    segments(view, count, () => 0, (i) => values[i], (i) => values[i] * sign > 0 && grows(values, i, sign) === growing);
  return {
    up_grow: bars(high, 1, true), up_fade: bars(high, 1, false),
    down_grow: bars(low, -1, true), down_fade: bars(low, -1, false),
  };
}

// Dots: one a candle; of a bucket its least and its greatest, so that a dot far out never disappears.
export function dotShape(view, { low, high }) {
  const count = low.length;
  const x = new Float64Array(2 * count);
  const y = new Float64Array(2 * count);
  let used = 0;
  for (let i = 0; i < count; i++) {
    if (low[i] !== low[i]) continue;
    x[used] = middleOf(view, i);
    y[used++] = low[i];
    if (high[i] === low[i]) continue;
    x[used] = x[used - 1];
    y[used++] = high[i];
  }
  return { x: x.subarray(0, used), y: y.subarray(0, used) };
}

// What colours each bucket: "up" where the other output is above zero in all of it, "down" where below, else "flat".
export function tintsOf({ low, high }) {
  return Array.from(low, (value, i) => (value > 0 ? "up" : high[i] < 0 ? "down" : "flat"));
}

// The part of a line that has one tint: the pieces between two points of it. Pieces that lead from one tint to another, such as
// a stop that changes sides, belong to "flat".
export function tintedLine({ x, y }, tints, wanted) {
  const count = x.length;
  const per = count === tints.length ? 1 : 2;
  const outX = new Float64Array(3 * count);
  const outY = new Float64Array(3 * count);
  let used = 0;
  const put = (atX, atY) => {
    outX[used] = atX;
    outY[used++] = atY;
  };
  let drawing = false;
  for (let i = 1; i < count; i++) {
    const tint = tints[Math.floor(i / per)];
    const piece = tint === tints[Math.floor((i - 1) / per)] ? tint : "flat";
    const here = piece === wanted && y[i] === y[i] && y[i - 1] === y[i - 1];
    if (here && !drawing) put(x[i - 1], y[i - 1]);
    if (here) put(x[i], y[i]);
    else if (drawing) put(x[i - 1], NaN);
    drawing = here;
  }
  return { x: outX.subarray(0, used), y: outY.subarray(0, used) };
}

// The buckets of one tint, the others undefined.
export function tinted({ low, high }, tints, wanted) {
  const only = (values) => values.map((value, i) => (tints[i] === wanted ? value : NaN));
  return { low: only(low), high: low === high ? only(low) : only(high) };
}

// Plain bars from zero to the value farther away from it.
export function barShape(view, { low, high }) {
  const value = (i) => (Math.abs(low[i]) > Math.abs(high[i]) ? low[i] : high[i]);
  return segments(view, low.length, () => 0, value, (i) => low[i] === low[i]);
}

// The area between two lines where the first is above ("above") or below the other; between candles it ends where they cross.
// Zoomed out a bucket belongs wholly to the one that is above on average, and reaches over all that both cover.
export function cloudShape(view, one, other, wanted) {
  const sign = wanted === "above" ? 1 : -1;
  const count = Math.min(one.low.length, other.low.length);
  if (view.level > 0) {
    const shape = bandShape(view, one, other);
    const [top, bottom] = shape.y;
    for (let i = 0; i < count; i++) {
      if (!((one.low[i] + one.high[i] - other.low[i] - other.high[i]) * sign > 0)) top[i] = bottom[i] = NaN;
    }
    return shape;
  }
  const a = one.low;
  const b = other.low;
  const x = new Float64Array(3 * count);
  const top = new Float64Array(3 * count);
  const bottom = new Float64Array(3 * count);
  let used = 0;
  const put = (atX, first, second) => {
    x[used] = atX;
    top[used] = Math.max(first, second);
    bottom[used++] = Math.min(first, second);
  };
  for (let i = 0; i < count; i++) {
    const apart = (a[i] - b[i]) * sign;
    const before = i ? (a[i - 1] - b[i - 1]) * sign : NaN;
    if ((before > 0 && apart < 0) || (before < 0 && apart > 0)) {
      const share = before / (before - apart);
      const level = a[i - 1] + share * (a[i] - a[i - 1]);
      put(middleOf(view, i - 1) + share, level, level);
    }
    if (apart >= 0) put(middleOf(view, i), a[i], b[i]);
    else if (used && top[used - 1] === top[used - 1]) put(x[used - 1], NaN, NaN);
  }
  const cut = (values) => values.subarray(0, used);
  return { x: cut(x), y: [cut(top), cut(bottom)] };
}

// The signals worth a marker: in every stretch of `apart` candles the most confident one, so that they never crowd.
// `signals` is { position, group, confidence }, sorted by position; -> indices into it.
export function thinned(signals, first, end, group, apart) {
  const { position, confidence } = signals;
  const kept = [];
  let stretch = NaN;
  for (let i = first; i < end; i++) {
    if (signals.group[i] !== group) continue;
    const here = Math.floor(position[i] / apart);
    if (here !== stretch) {
      kept.push(i);
      stretch = here;
    } else if (confidence[i] > confidence[kept[kept.length - 1]]) {
      kept[kept.length - 1] = i;
    }
  }
  return kept;
}

// Grows [bounds.low, bounds.high] to what `values` above `least` hold at indices [from, to).
export function extend(bounds, values, from, to, least = -Infinity) {
  for (let i = Math.max(0, from); i < Math.min(to, values.length); i++) {
    const value = values[i];
    if (!(value > least)) continue;
    if (value < bounds.low) bounds.low = value;
    if (value > bounds.high) bounds.high = value;
  }
}
