// What marks hold for the range in view: data at one level of detail, for what is in view and half as much on either side.

const CANDLE_PIXELS = 3; // no candle is narrower, a bucket takes its place
const MOST_BUCKETS = 640;
const MARKER_PIXELS = 16; // two markers of one kind are at least so far apart

// Sets `chart.inView`; `chart.window` and the marks' shapes only where what they hold no longer covers the range.
export function gather(chart) {
  const { feed, linked, width } = chart;
  const { low, high } = chart.range;
  const level = levelFor(high - low, Math.min(MOST_BUCKETS, width / CANDLE_PIXELS));
  const size = 2 ** level;
  const bucketOf = (x) => Math.floor((x + 0.5) / size);
  const buckets = Math.ceil(feed.length / size);
  chart.inView = [Math.max(0, bucketOf(low)), Math.min(buckets, bucketOf(high) + 1)];
  const held = chart.window;
  if (held && held.level === level && held.low <= low && held.high >= high) return;
  const margin = (high - low) / 2;
  const view = { level, from: Math.max(0, bucketOf(low - margin)), to: Math.min(buckets, bucketOf(high + margin) + 1) };
  const read = (name) => feed.buckets(name, level, view.from, view.to);
  // what is drawn elsewhere than it is known comes from buckets of its own
  const moved = (name, shift) => {
    const from = Math.max(0, Math.min(buckets, bucketOf(low - margin - shift)));
    const to = Math.max(from, Math.min(buckets, bucketOf(high + margin - shift) + 1));
    return { ...feed.buckets(name, level, from, to), view: { level, from, to, shift } };
  };
  const candles = Object.fromEntries(["open", "high", "low", "close", "volume"].map((name) => [name, read(name).low]));
  const columns = new Map();
  for (const { columns: names, shifts } of linked.panes) {
    for (const name of names) columns.set(name, shifts?.[name] ? moved(name, shifts[name]) : { ...read(name), view });
  }
  const strip = stripMarks(feed.found, view, feed.length, stretch(chart, STRIP_APART));
  chart.window = { ...view, low: low - margin, high: high + margin, candles, columns, strip };
  const shapes = candleShapes(view, candles);
  const bars = new Map();
  for (const pane of linked.panes) {
    for (const mark of pane.marks) setShape(mark, shapeOf(chart, mark, view, columns, shapes, bars));
  }
}

// Candles that lie on so many pixels, as a power of two: so that what is joined stays joined while the chart moves.
function stretch({ range, width }, pixels) {
  return Math.max(1, 2 ** Math.ceil(Math.log2((pixels * (range.high - range.low)) / width)));
}

function shapeOf(chart, mark, view, columns, shapes, bars) {
  const ends = new Float64Array([-1e7, 1e7]);
  const flat = (value) => new Float64Array([value, value]);
  switch (mark.kind) {
    case "line":
    case "dots": return drawnShape(chart, mark, columns);
    case "band": return bandShape(...pairOf(chart, mark, columns));
    case "cloud": return cloudShape(...pairOf(chart, mark, columns), mark.role);
    case "level": return { x: ends, y: flat(mark.value) };
    case "zone": return { x: ends, y: mark.values.map(flat) };
    case "markers": return markerShape(chart, mark, view);
    default:
      if (!mark.column) return shapes[mark.role];
      if (mark.by) return drawnShape(chart, mark, columns);
      if (!bars.has(mark.column)) bars.set(mark.column, histogramShapes(columns.get(mark.column).view, columns.get(mark.column)));
      return bars.get(mark.column)[mark.role];
  }
}

// A line, dots or bars, or the part of them that has the mark's colour.
function drawnShape({ feed }, mark, columns) {
  const column = columns.get(mark.column);
  if (!mark.by) return mark.kind === "line" ? lineShape(column.view, column) : dotShape(column.view, column);
  const { level, from, to } = column.view;
  const tints = tintsOf(feed.buckets(mark.by, level, from, to));
  if (mark.kind === "line") return tintedLine(lineShape(column.view, column), tints, mark.role);
  return (mark.kind === "dots" ? dotShape : barShape)(column.view, tinted(column, tints, mark.role));
}

// The two edges of an area as they are drawn, and their view. Edges that are moved by different numbers of candles are
// brought together by whole buckets.
function pairOf({ feed }, mark, columns) {
  const [one, other] = mark.columns.map((name) => columns.get(name));
  const { level } = one.view;
  if ((one.view.shift ?? 0) === (other.view.shift ?? 0)) return [one.view, one, other];
  const apart = Math.round(((one.view.shift ?? 0) - (other.view.shift ?? 0)) / 2 ** level);
  const start = Math.max(0, one.view.from + apart);
  const found = feed.buckets(mark.columns[1], level, start, Math.max(start, one.view.to + apart));
  const padded = (values) => {
    const out = new Float64Array(one.low.length).fill(NaN);
    const offset = start - one.view.from - apart;
    out.set(values.subarray(0, Math.max(0, out.length - offset)), Math.min(offset, out.length));
    return out;
  };
  return [one.view, one, { low: padded(found.low), high: padded(found.high) }];
}

// `mark.signals` are the signals behind its points, `mark.apart` how many candles one of them stands for.
function markerShape(chart, mark, view) {
  const { signals } = chart.feed;
  const size = 2 ** view.level;
  mark.apart = stretch(chart, MARKER_PIXELS);
  const first = lowerBound(signals.position, view.from * size);
  const end = lowerBound(signals.position, view.to * size);
  const side = chart.window.candles[mark.side > 0 ? "low" : "high"];
  const priceOf = (signal) => side[Math.floor(signals.position[signal] / size) - view.from];
  // among hundreds of thousands of signals a search takes longer than all the rest: only where it would find others
  const among = [signals, first, end, mark.apart];
  if (!mark.thinned?.among.every((part, i) => part === among[i])) mark.thinned = { among, kept: thinned(signals, first, end, mark.group, mark.apart) };
  // a candle that is not here yet has no place for a marker: bqplot would draw it at NaN
  mark.signals = mark.thinned.kept.filter((signal) => priceOf(signal) === priceOf(signal));
  const x = Float64Array.from(mark.signals, (signal) => bucketX(view.level, Math.floor(signals.position[signal] / size)));
  const y = Float64Array.from(mark.signals, priceOf);
  return { x, y };
}

// Signals that a marker stands for, as indices, most confident first.
export function signalsAt({ position, group, confidence }, signal, apart) {
  const start = Math.floor(position[signal] / apart) * apart;
  const found = [];
  for (let i = lowerBound(position, start); i < position.length && position[i] < start + apart; i++) {
    if (group[i] === group[signal]) found.push(i);
  }
  return found.sort((a, b) => confidence[b] - confidence[a]);
}
