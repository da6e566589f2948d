// What is in view as coordinates for marks: x in candles, y in the mark's own units, NaN between separate pieces.
// `view` is { level, from, to }: buckets [from, to) of that level.

// The x of a bucket's middle: bucket b of level L covers candles [b * 2^L, (b + 1) * 2^L).
export function bucketX(level, bucket) {
  const size = 2 ** level;
  return (bucket + 0.5) * size - 0.5;
}

function segments(view, count, lowOf, highOf, wanted) {
  const x = new Float64Array(count * 3);
  const y = new Float64Array(count * 3);
  let used = 0;
  for (let i = 0; i < count; i++) {
    if (!wanted(i)) continue;
    x[used] = x[used + 1] = x[used + 2] = bucketX(view.level, view.from + i);
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
    for (let i = 0; i < count; i++) x[i] = view.from + i;
    return { x, y: low };
  }
  const x = new Float64Array(2 * count);
  const y = new Float64Array(2 * count);
  const quarter = 2 ** view.level / 4;
  let middle = NaN;
  for (let i = 0; i < count; i++) {
    const centre = bucketX(view.level, view.from + i);
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
    x[i] = bucketX(view.level, view.from + i);
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

// Grows [bounds.low, bounds.high] to what `values` hold at indices [from, to).
export function extend(bounds, values, from, to) {
  for (let i = Math.max(0, from); i < Math.min(to, values.length); i++) {
    const value = values[i];
    if (value < bounds.low) bounds.low = value;
    if (value > bounds.high) bounds.high = value;
  }
}
