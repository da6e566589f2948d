// The strip on the time axis: gaps, candles without volume, quarantined rows, and how stale the newest candle is. Each has a
// shape of its own besides its colour (a full bar, hatched bars from below as high as their share, a cross, a hatched end),
// and the colours differ in lightness too. x is a candle's index, so what lies between two candles is drawn at a half.

const STRIP_HEIGHT = 11;
const STRIP_APART = 6; // pixels: what is nearer together than that is one mark

// What the kernel found, as it sends it: `keys` are [kind, short text, long text] of the kinds that occur.
export class Found {
  constructor(message = {}, buffers = []) {
    const { keys = [], reasons = [], stale = null } = message;
    Object.assign(this, { keys, reasons, stale });
    const array = (i, Type) => (buffers[i] ? numbers(buffers[i], Type) : new (Type ?? Float64Array)(0));
    this.gaps = { row: array(0), missing: array(1), start: array(2), end: array(3) };
    this.runs = { start: array(4, Int32Array), length: array(5, Int32Array) };
    this.bad = { row: array(6), count: array(7), first: array(8), last: array(9), reason: array(10) };
    this.runs.before = summed(this.runs.length);
  }

  // The row of the newest of a kind that lies before `row`, or of the newest at all.
  previous(kind, row) {
    const rows = { gap: this.gaps.row, quiet: this.runs.start, bad: this.bad.row }[kind] ?? [];
    const i = lowerBound(rows, row);
    return rows[(i || rows.length) - 1];
  }
}

// before[i]: the sum of the values before the i-th.
function summed(values) {
  const before = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) before[i + 1] = before[i] + values[i];
  return before;
}

// How many of the candles before `row` are without volume.
export function quietBefore({ start, length, before }, row) {
  const i = lowerBound(start, row);
  return i ? before[i - 1] + Math.min(length[i - 1], row - start[i - 1]) : 0;
}

// Candles without volume as bars over the buckets in view: [{ low, high, share }], x from low to high.
export function quietBars(runs, { level, from, to }, length) {
  const size = 2 ** level;
  const bars = [];
  let known = quietBefore(runs, from * size);
  for (let bucket = from; bucket < to; bucket++) {
    const first = bucket * size;
    const end = Math.min(length, first + size);
    const now = quietBefore(runs, end);
    const share = (now - known) / (end - first);
    known = now;
    if (!(share > 0)) continue;
    const last = bars[bars.length - 1];
    if (last && last.high === first - 0.5 && last.share === share) last.high = end - 0.5;
    else bars.push({ low: first - 0.5, high: end - 0.5, share });
  }
  return bars;
}

// Sorted rows as groups no closer than `apart`, counted from row 0 so that they stay put: [{ from, to }], indices.
export function clusters(rows, low, high, apart) {
  const groups = [];
  for (let i = lowerBound(rows, low); i < rows.length && rows[i] < high; ) {
    const end = lowerBound(rows, (Math.floor(rows[i] / apart) + 1) * apart, i);
    groups.push({ from: i, to: end });
    i = end;
  }
  return groups;
}

// What the strip shows of a window: never more marks of a kind than there is room for.
export function stripMarks(found, view, length, apart) {
  const size = 2 ** view.level;
  const [low, high] = [view.from * size, view.to * size + 1];
  const places = (rows) =>
    clusters(rows, low, high, apart).map(({ from, to }) => ({ low: rows[from] - 0.5, high: rows[to - 1] - 0.5, from, to }));
  return { quiet: quietBars(found.runs, view, length), gap: places(found.gaps.row), bad: places(found.bad.row) };
}

// `x` maps candles to pixels; `box` is { left, width, top, height }; `end` is the x at which the candles end; `colors` a theme.
export function paintStrip(context, box, x, marks, stale, end, colors) {
  const { left, width, top, height } = box;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.fillStyle = colors.lane;
  context.fillRect(left, top, width, height);
  for (const { low, high, share } of marks.quiet) {
    const one = Math.round(x(low));
    paintQuiet(context, one, top, Math.max(1, Math.round(x(high)) - one), height, share, colors);
  }
  if (stale) paintStale(context, x(end), top, Math.max(6, left + width - x(end)), height, colors);
  for (const { low, high } of marks.gap) paintGap(context, x(low), x(high), top, height, colors);
  for (const { low, high } of marks.bad) paintBad(context, (x(low) + x(high)) / 2, top, height, colors);
  context.restore();
}

function paintQuiet(context, left, top, width, height, share, colors) {
  const tall = Math.max(2, Math.round(share * (height - 3)));
  hatch(context, left, top + height - tall, width, tall, colors.quiet, 1);
}

function paintGap(context, low, high, top, height, colors) {
  const left = Math.round(low) - 1;
  const width = Math.max(3, Math.round(high) - left + 2);
  context.fillStyle = colors.rim;
  context.fillRect(left - 1, top, width + 2, height);
  context.fillStyle = colors.gap;
  context.fillRect(left, top, width, height);
}

function paintBad(context, centre, top, height, colors) {
  const middle = top + height / 2;
  const [across, down] = [4, height / 2 - 2];
  // narrow enough that a gap's bar, which is there as well, shows above, below and between
  for (const [color, thick] of [[colors.rim, 3.6], [colors.bad, 2]]) {
    context.strokeStyle = color;
    context.lineWidth = thick;
    context.beginPath();
    context.moveTo(centre - across, middle - down);
    context.lineTo(centre + across, middle + down);
    context.moveTo(centre - across, middle + down);
    context.lineTo(centre + across, middle - down);
    context.stroke();
  }
}

function paintStale(context, left, top, width, height, colors) {
  hatch(context, left, top, width, height, colors.stale, -1);
  context.fillStyle = colors.stale;
  context.fillRect(Math.round(left), top, 2, height);
}

// A box with lines across it, leaning one way or the other; what is too narrow for lines is only tinted.
function hatch(context, left, top, width, height, color, lean) {
  context.fillStyle = color;
  context.globalAlpha = 0.5;
  context.fillRect(left, top, width, height);
  context.globalAlpha = 1;
  context.fillRect(left, lean > 0 ? top : top + height - 1, width, 1);
  if (width < 5 || height < 4) return;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = 1.2;
  context.beginPath();
  // from a fixed grid, so that lines stay where they are when boxes join
  for (let x = Math.floor((left - height) / 5) * 5; x < left + width + height; x += 5) {
    context.moveTo(x, top + (lean > 0 ? height : 0));
    context.lineTo(x + height, top + (lean > 0 ? 0 : height));
  }
  context.stroke();
  context.restore();
}

// A small picture of a kind, for the legend.
export function paintKey(context, kind, width, height, colors) {
  context.fillStyle = colors.lane;
  context.fillRect(0, 0, width, height);
  if (kind === "gap") paintGap(context, width / 2, width / 2, 0, height, colors);
  else if (kind === "bad") paintBad(context, width / 2, 0, height, colors);
  else if (kind === "quiet") paintQuiet(context, 1, 0, width - 2, height, 0.8, colors);
  else paintStale(context, 0, 0, width, height, colors);
}

// What lies at x, in words: `reach` candles on either side count; `bucket` is how many candles a bar stands for.
export function foundTexts(found, feed, x, reach, bucket, zone = zoneOf("UTC")) {
  const texts = [];
  const near = (rows) => [lowerBound(rows, x + 0.5 - reach), lowerBound(rows, x + 0.5 + reach)];
  const { gaps, bad, runs, stale } = found;
  const [gap, lastGap] = near(gaps.row);
  if (lastGap > gap) {
    let missing = 0;
    for (let i = gap; i < lastGap; i++) missing += gaps.missing[i];
    const what = lastGap - gap > 1 ? `${lastGap - gap} gaps` : "gap";
    texts.push(`${what}: ${candlesText(missing)} missing, ${spanText(gaps.start[gap], gaps.end[lastGap - 1], zone)}`);
  }
  const [row, lastRow] = near(bad.row);
  if (lastRow > row) {
    let count = 0;
    for (let i = row; i < lastRow; i++) count += bad.count[i];
    const reason = found.reasons[bad.reason[row]];
    const when = count > 1 ? spanText(bad.first[row], bad.last[lastRow - 1], zone) : `${momentText(bad.first[row], zone)} ${zone.label(bad.first[row])}`;
    texts.push(count > 1 ? `${count} rows quarantined (first: ${reason}), ${when}` : `quarantined: ${reason}, ${when}`);
  }
  const candle = Math.round(x);
  if (candle >= 0 && candle < feed.length) texts.push(...quietTexts(runs, feed, candle, bucket, zone));
  else if (stale && candle >= feed.length) {
    texts.push(`stale: the last candle closed ${momentText(stale.closed, zone)} ${zone.label(stale.closed)}, ${stale.behind.toLocaleString("en-US")} more have closed since`);
  }
  return texts;
}

function quietTexts(runs, feed, candle, bucket, zone = zoneOf("UTC")) {
  const during = (from, to) => (feed.knows(from) && feed.knows(to) ? `, ${spanText(feed.time(from), feed.time(to) + feed.step, zone)}` : "");
  if (bucket > 1) {
    const from = Math.floor(candle / bucket) * bucket;
    const end = Math.min(feed.length, from + bucket);
    const count = quietBefore(runs, end) - quietBefore(runs, from);
    return count ? [`no volume: ${count} of ${candlesText(end - from)}${during(from, end - 1)}`] : [];
  }
  const i = lowerBound(runs.start, candle + 1) - 1;
  if (i < 0 || candle >= runs.start[i] + runs.length[i]) return [];
  return [`no volume: ${candlesText(runs.length[i])}${during(runs.start[i], runs.start[i] + runs.length[i] - 1)}`];
}

const candlesText = (count) => `${count.toLocaleString("en-US")} candle${count === 1 ? "" : "s"}`;
