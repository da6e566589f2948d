// A pane and what surrounds it, painted: grid, warm-up, marks, the newest price, the labels of both axes.

const AXIS_WIDTH = 76; // panes.py has the same number
const AXIS_HEIGHT = STRIP_HEIGHT + 25;
const FONT = "11px Inter, 'Segoe UI', system-ui, -apple-system, Roboto, 'Helvetica Neue', Arial, sans-serif";

// Pixels of a pane from the units of its axis; see paint.js.
export function scaleOf(view, entry, bounds) {
  const { low, high } = view.chart.range;
  const { left, width } = view.plot;
  const perX = width / (high - low);
  const perY = entry.height / (bounds.high - bounds.low);
  const bottom = entry.top + entry.height;
  return {
    left, width, low, high, slack: 2 ** view.chart.window.level, top: entry.top, height: entry.height, ratio: view.ratio,
    colors: view.colors, ink: view.ink,
    x: (value) => left + (value - low) * perX,
    y: (value) => bottom - (value - bounds.low) * perY,
  };
}

export function paintPane(context, view, entry, vertical) {
  const { chart, colors } = view;
  const { pane } = entry;
  const scale = scaleOf(view, entry, pane.bounds);
  const volume = pane.volume && scaleOf(view, entry, pane.volume);
  entry.scale = scale;
  if (entry.folded) return;
  const ticks = priceTicks(pane.scale, pane.bounds.low, pane.bounds.high, entry.height, chart.bases.own);
  const price = pane.candles ? priceDecimals(chart.feed.exact("close", chart.feed.length - 1)) : 0;
  entry.decimals = Math.max(pane.scale === "percent" ? 0 : ticks.decimals, price, 2);
  const levels = pane.marks.filter((mark) => mark.kind === "level").map((mark) => mark.value);
  const within = (value) => Math.abs(scale.y(value) - scale.top) > 8 && Math.abs(scale.y(value) - scale.top - scale.height) > 8;
  // a level's label takes the place of a tick beside it
  const free = (value) => levels.every((level) => level === value || Math.abs(scale.y(level) - scale.y(value)) > 12);
  const last = pane.candles ? scale.y(pane.map.to(chart.feed.exact("close", chart.feed.length - 1))) : NaN;
  const shown = ticks.values.map((value, i) => ({ value, text: ticks.texts[i] })).filter(({ value }) => within(value) && free(value));
  context.save();
  context.beginPath();
  context.rect(scale.left, scale.top, scale.width, scale.height);
  context.clip();
  paintSelection(context, chart, scale);
  paintGrid(context, scale, vertical, shown.map(({ value }) => scale.y(value)), colors.grid);
  paintWarmup(context, entry, scale);
  if (pane.candles) paintGaps(context, chart, scale);
  for (const mark of pane.marks) if (view.saving || !mark.own.length) paintMark(context, mark, mark.scale === "volume" ? volume : scale);
  if (pane.candles && chart.feed.columns.forming && scale.slack === 1) paintNewest(context, view, pane, scale);
  chart.tools.paint(context, view, entry);
  context.restore();
  context.fillStyle = colors.text;
  for (const level of levels) {
    if (within(level) && !shown.some(({ value }) => value === level)) context.fillText(exactText(level), scale.width + 8, scale.y(level));
  }
  const texts = entry.large ? compactTicks(shown.map(({ value }) => value), ticks.step) : shown.map(({ text }) => text);
  shown.forEach(({ value }, i) => {
    if (!(Math.abs(scale.y(value) - last) < 15)) context.fillText(texts[i], scale.width + 8, scale.y(value));
  });
  chart.tools.label(context, view, entry);
  if (pane.candles) paintLastPrice(context, view, entry);
}

function paintSelection(context, { selected, range }, scale) {
  if (selected === null) return;
  const half = Math.max(0.5, (3 * (range.high - range.low)) / scale.width);
  const left = scale.x(selected - half);
  const right = scale.x(selected + half);
  context.fillStyle = scale.colors.select;
  context.fillRect(left, scale.top, right - left, scale.height);
  context.fillStyle = scale.colors.selectEdge;
  context.fillRect(Math.round(scale.x(selected)), scale.top, 1, scale.height);
}

// Candles at which an indicator of the pane is not defined yet. Over candles, which are defined, only a bar at the top.
function paintWarmup(context, { pane }, scale) {
  const rows = Math.max(0, ...pane.series.map((series) => series.warmup ?? 0));
  const end = scale.x(rows - 0.5);
  const start = scale.x(-0.5);
  if (!rows || end < scale.left || start > scale.left + scale.width) return;
  const left = Math.max(scale.left, start);
  context.fillStyle = scale.colors.shade;
  context.fillRect(left, scale.top, end - left, scale.height);
  context.fillStyle = scale.colors.shadeEdge;
  context.fillRect(Math.round(end) - 1, scale.top, 1, scale.height);
}

// Where candles are missing, their neighbours stand side by side: a dashed line says that they are none.
function paintGaps(context, { feed, range, window }, scale) {
  const { row } = feed.found.gaps;
  const first = lowerBound(row, range.low);
  const end = lowerBound(row, range.high + 1);
  if (window.level || end - first > 40) return; // the strip tells it better
  context.save();
  context.strokeStyle = scale.colors.gap;
  context.globalAlpha = 0.55;
  context.lineWidth = 1;
  context.setLineDash([2, 4]);
  context.beginPath();
  for (let i = first; i < end; i++) {
    const x = Math.round(scale.x(row[i] - 0.5)) + 0.5;
    context.moveTo(x, scale.top);
    context.lineTo(x, scale.top + scale.height);
  }
  context.stroke();
  context.restore();
}

function paintNewest(context, view, pane, scale) {
  const { feed } = view.chart;
  const last = feed.length - 1;
  const candle = Object.fromEntries(["open", "high", "low", "close"].map((name) => [name, pane.map.to(feed.exact(name, last))]));
  const body = pane.marks.find((mark) => mark.role === "body_up");
  paintForming(context, scale, candle, last, body?.width ?? 3, candle.close >= candle.open ? view.colors.up : view.colors.down);
}

// The newest close, dotted across the pane, with its price on the axis; hollow while its candle has not closed.
function paintLastPrice(context, view, entry) {
  const { chart, colors } = view;
  const { scale, pane } = entry;
  const { feed } = chart;
  const close = feed.exact("close", feed.length - 1);
  const y = scale.y(pane.map.to(close));
  if (!(y > scale.top + 8 && y < scale.top + scale.height - 8)) return;
  const color = close >= feed.exact("open", feed.length - 1) ? colors.up : colors.down;
  context.save();
  context.strokeStyle = color;
  context.globalAlpha = 0.7;
  context.lineWidth = 1;
  context.setLineDash([1.5, 3]);
  context.beginPath();
  context.moveTo(scale.left, Math.round(y) + 0.5);
  context.lineTo(scale.left + scale.width, Math.round(y) + 0.5);
  context.stroke();
  context.restore();
  context.fillStyle = color;
  context.fillRect(scale.width + 1, y - 9, AXIS_WIDTH - 1, 18);
  if (feed.columns.forming) {
    context.fillStyle = colors.back;
    context.fillRect(scale.width + 2, y - 8, AXIS_WIDTH - 3, 16);
  }
  context.fillStyle = feed.columns.forming ? color : colors.on;
  context.fillText(axisText(chart, entry, close), scale.width + 8, y + 0.5);
}

// A value as the pane's axis shows it.
export function axisText(chart, entry, value) {
  if (entry.pane.scale === "percent") return percentText((value / chart.bases.own - 1) * 100);
  return entry.large ? compactText(value) : fixedText(value, entry.decimals ?? 2);
}

export function paintFrame(context, view) {
  const { plot, colors, panes } = view;
  context.fillStyle = colors.frame;
  context.fillRect(plot.width, 0, 1, plot.height);
  for (const entry of panes) {
    if (entry.top > 1 && entry.top < plot.height) context.fillRect(0, Math.round(entry.top), plot.width + AXIS_WIDTH, 1);
  }
  context.fillRect(0, Math.round(plot.height), plot.width + AXIS_WIDTH, 1);
  const { low, high } = view.chart.range;
  const x = (value) => plot.left + ((value - low) * plot.width) / (high - low);
  const box = { left: plot.left, width: plot.width, top: Math.round(plot.height) + 1, height: STRIP_HEIGHT };
  paintStrip(context, box, x, view.chart.window.strip, view.chart.feed.found.stale, view.chart.feed.length - 0.5, colors);
}

export function timeTicksOf({ chart, plot }) {
  const { feed, zone } = chart;
  const { low, high } = chart.range;
  const from = feed.time(Math.floor(low));
  const to = feed.time(Math.ceil(high));
  const least = ((to - from) / plot.width) * 92;
  const perX = plot.width / (high - low);
  const found = timeTicks(from, to, least, zone).map((tick) => ({ ...tick, x: (feed.indexOf(tick.time) - low) * perX }));
  // a hole in the data, or the end of a month, can bring ticks together: the greater boundary stays
  const kept = [];
  for (const tick of found) {
    const before = kept[kept.length - 1];
    if (before && tick.x - before.x < 56) {
      if (tick.major && !before.major) kept[kept.length - 1] = tick;
    } else {
      kept.push(tick);
    }
  }
  return kept;
}

export function paintTimeAxis(context, view, ticks) {
  const y = view.plot.height + (AXIS_HEIGHT + STRIP_HEIGHT) / 2 + 1;
  context.textAlign = "center";
  for (const { x, label, major } of ticks) {
    if (x < 24 || x > view.plot.width - 24) continue;
    context.fillStyle = major ? view.colors.strong : view.colors.text;
    context.fillText(label, x, y);
  }
  context.textAlign = "left";
}
