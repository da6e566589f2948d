// The value axes: linear, logarithmic or in percent, fitted to what is in view or as they were dragged. A pane's `map` takes
// values to its axis; `bounds` are ends of the axis, in its own units.

const LINEAR = { to: (value) => value, from: (at) => at };
const LOG = { to: (value) => (value > 0 ? Math.log10(value) : NaN), from: (at) => 10 ** at };

const LEGEND_LINE = 18; // pixels
const TITLE_WRAPS = 620; // pixels: in a narrower chart the candle's numbers need two lines

// Prices in which a percent scale and a second symbol begin: those of the first candle in view at which both are known.
export function basesOf({ feed, range, spec, window }) {
  const first = Math.max(0, Math.ceil(range.low - 1e-9));
  const other = spec?.compare?.column;
  const last = Math.min(feed.length, Math.ceil(range.high) + 1);
  for (let row = first; row < last; row++) {
    const own = feed.exact("close", row);
    const theirs = other ? feed.exact(other, row) : 1;
    if (own === own && theirs === theirs) return { row, own, factor: other ? own / theirs : 1 };
  }
  const near = window?.candles.close.find((close) => close === close) ?? NaN; // its rows are still on the way
  return { row: first, own: other ? NaN : near, factor: NaN };
}

export function fitPanes(chart) {
  const { feed, linked, arrangement } = chart;
  const [from, to] = chart.inView.map((bucket) => bucket - chart.window.from);
  const { candles, columns, level } = chart.window;
  const bucketOf = (x) => Math.floor((x + 0.5) / 2 ** level);
  chart.bases = basesOf(chart);
  const kept = new Map((arrangement.panes ?? []).map(({ key, range }) => [key, range]));
  for (const pane of linked.panes) {
    pane.scale = pane.candles ? arrangement.scale : "linear";
    pane.map = pane.scale === "log" ? LOG : LINEAR;
    pane.manual = pane.dragged?.map === pane.map ? pane.dragged : endsOf(kept.get(pane.key), pane.map);
    const bounds = { low: Infinity, high: -Infinity };
    if (pane.range && !pane.manual) {
      [bounds.low, bounds.high] = pane.range;
      pane.bounds = bounds;
      continue;
    }
    const least = pane.map === LOG ? 0 : -Infinity;
    if (pane.candles) {
      extend(bounds, candles.low, from, to, least);
      extend(bounds, candles.high, from, to, least);
    }
    const fitted = new Set();
    for (const mark of pane.marks) {
      if (mark.kind === "level") extend(bounds, [mark.value], 0, 1, least);
      if (!mark.column || fitted.has(mark.column)) continue;
      fitted.add(mark.column); // three marks, where it has three colours
      const { low, high, view } = columns.get(mark.column);
      const [start, end] = view.shift
        ? [bucketOf(chart.range.low - view.shift) - view.from, bucketOf(chart.range.high - view.shift) + 1 - view.from]
        : [from, to];
      const own = mark.compare ? { low: Infinity, high: -Infinity } : bounds;
      extend(own, low, start, end, least);
      extend(own, high, start, end, least);
      if (mark.compare && own.low <= own.high) extend(bounds, [own.low * chart.bases.factor, own.high * chart.bases.factor], 0, 2, least);
      if (mark.kind === "segments") extend(bounds, [0], 0, 1);
    }
    if (pane.candles) {
      const most = { low: 0, high: 0 };
      extend(most, candles.volume, from, to);
      pane.volume = { low: 0, high: (most.high || 1) / 0.16 };
    }
    if (bounds.low > bounds.high) Object.assign(bounds, pane.map === LOG ? { low: 1, high: 10 } : { low: 0, high: 1 });
    [bounds.low, bounds.high] = [pane.map.to(bounds.low), pane.map.to(bounds.high)];
    const span = bounds.high - bounds.low || Math.abs(bounds.high) * 0.02 || 1;
    if (bounds.high === bounds.low) bounds.low -= span / 2;
    // the lower part of the candles' pane belongs to the volume, the upper of every pane to its legend
    const below = pane.candles ? 0.22 : 0.1;
    const title = pane.candles ? (chart.width < TITLE_WRAPS ? 2 : 1) : 0;
    const legend = Math.min(0.34, (LEGEND_LINE * (pane.series.length + title) + 6) / pane.height || 0);
    const above = Math.max(0.08, ((1 + below) * legend) / (1 - legend));
    pane.bounds = pane.manual ?? { low: bounds.low - span * below, high: bounds.low + span * (1 + above) };
  }
}

// Ends of an axis, of the values that were set by hand; null where there are none, or a logarithm has none of them.
function endsOf(range, map) {
  const [low, high] = (range ?? []).map(map.to);
  return low < high ? { low, high, map } : null;
}

// One x for all panes, one y for each. Marks that bqplot draws are held still until all of it is set.
export function applyScales(chart) {
  const { linked, range, width, window } = chart;
  const drawn = linked.panes.flatMap((pane) => pane.marks).filter((mark) => mark.own.length);
  const [{ theme }] = chart.views;
  for (const mark of drawn) mark.model.dirty = true;
  setLocal(linked.x, { min: range.low, max: range.high });
  for (const pane of linked.panes) {
    setLocal(pane.scales.price, { min: pane.bounds.low, max: pane.bounds.high });
    if (pane.scales.volume) setLocal(pane.scales.volume, { min: pane.volume.low, max: pane.volume.high });
  }
  const pixels = (width / (range.high - range.low)) * 2 ** window.level;
  for (const pane of linked.panes) {
    for (const mark of pane.marks) {
      mark.width = widthOf(mark, pixels);
      mark.place = placeOf(chart, pane, mark);
      if (mark.placed !== mark.place.key) mark.stale = true;
      mark.placed = mark.place.key;
    }
  }
  for (const mark of drawn) {
    mark.model.dirty = false;
    dress(mark, theme);
    if (mark.kind === "segments") setLocal(mark.model, { stroke_width: mark.width });
    if (mark.stale) flush(mark);
    else mark.model.trigger("data_updated");
  }
}

// How a mark's values get to its axis; `key` is another one where that changed.
function placeOf({ bases }, pane, mark) {
  if (mark.scale === "volume") return { key: "", to: LINEAR.to };
  if (mark.compare) return { key: `${pane.scale} ${bases.factor}`, to: (value) => pane.map.to(value * bases.factor) };
  return { key: pane.map === LOG ? "log" : "", to: pane.map.to };
}

function widthOf(mark, pixels) {
  if (mark.kind === "dots") return Math.max(1.5, Math.min(5, pixels * 0.55));
  if (mark.kind !== "segments") return mark.model.get("stroke_width");
  const body = pixels * 0.72;
  if (mark.role.startsWith("wick")) return 1;
  if (body < 3) return Math.max(1, Math.round(body));
  const odd = Math.floor(body / 2) * 2 + 1; // the wick is in its middle
  return odd > pixels - 1 ? odd - 2 : odd;
}
