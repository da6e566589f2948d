// One chart: which candles are in view, at which level of detail, and what its marks and scales hold. A wheel turn or a
// drag changes the range; the next animation frame gathers data where the last gathering no longer covers it, fits the
// price axes, sets the scales and paints. The kernel is told the range a moment after it stops moving.

const CANDLE_PIXELS = 3; // no candle is narrower, a bucket takes its place
const MOST_BUCKETS = 640;
const FEWEST_CANDLES = 12;
const FIRST_PIXELS = 7; // width of a candle when a chart opens
const REPORT_AFTER = 150;
const REPORT_AT_LAST = 800;
const MARKER_PIXELS = 16; // two markers of one kind are at least so far apart

class Chart {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.linked = { panes: [], x: null };
    this.range = null;
    this.window = null;
    this.selected = null;
    this.frames = 0; // painted so far
    this.spent = 0; // milliseconds that the last one took
    this.pending = 0;
    this.canvas = model.get("renderer") !== "svg";
    this.repaint = () => this.request();
    this.feed = new Feed((message) => model.send(message), (what) => this.#fed(what));
    model.on("msg:custom", (message, buffers) => {
      this.lengthBefore = this.feed.length;
      if (this.feed.receive(message, buffers)) return;
      if (message.type === "go") this.go(message.position);
    });
    model.on("change:spec", () => this.link());
    model.on("change:loading", () => this.request());
    this.ready = this.link();
    model.send({ type: "ready" });
  }

  // Follows the kernel's description of panes and marks.
  async link() {
    const spec = this.model.get("spec");
    if (sameMarks(spec, this.spec)) {
      // only titles and levels: no need to look for models
      spec.panes.forEach((pane, i) => {
        const held = this.linked.panes[i];
        Object.assign(held, { series: pane.series, range: pane.range, shifts: pane.shifts });
        pane.marks.forEach((mark, k) => Object.assign(held.marks[k], mark));
      });
      this.#take(spec, this.linked);
      return;
    }
    const linked = await resolve(this.model.widget_manager, spec);
    if (spec !== this.model.get("spec")) return; // a newer one is on its way
    this.#take(spec, linked);
    this.adopt();
  }

  #take(spec, linked) {
    const ahead = this.ahead;
    const atEnd = this.range && this.range.high >= this.feed.length - 0.5;
    this.linked = linked;
    this.spec = spec;
    // whoever looks at the newest candles goes on seeing all that is drawn beyond them
    if (atEnd && this.ahead !== ahead) {
      const more = this.ahead - ahead;
      this.range = { low: this.range.low + more, high: this.range.high + more };
    }
    this.feed.keep(new Set(linked.panes.flatMap((pane) => pane.columns)));
    this.window = null;
    for (const view of this.views) view.rebuild();
    this.request();
  }

  // Takes over views as bqplot makes them.
  async adopt() {
    const { linked } = this;
    const marks = linked.panes.flatMap((pane) => pane.marks);
    for (let tries = 0; tries < 200 && linked === this.linked; tries++) {
      const seen = await Promise.all(marks.map((mark) => adoptViews(mark, this.repaint, this.canvas)));
      if (tries === 0 || seen.every(Boolean)) this.request();
      if (seen.every(Boolean)) return;
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  #fed(what) {
    this.window = null;
    if (what === "reset") {
      this.range = null;
      this.selected = null;
    }
    if (what === "tick") this.#follow(this.feed.length - this.lengthBefore);
    this.request();
  }

  // Candles came, or went: whoever looks at the newest goes on seeing it, whoever looks back stays where he is.
  #follow(more) {
    if (!this.range || !more) return;
    const { low, high } = this.range;
    if (this.selected >= this.feed.length) this.selected = null;
    if (high >= this.feed.length - more - 0.5) this.show(low + more, high + more);
    else if (high > this.feed.length) this.show(low, high);
  }

  // ---- the range in view, in candles: candle i lies between i - 0.5 and i + 0.5

  get width() {
    return Math.max(1, ...[...this.views].map((view) => view.plot.width));
  }

  // How many candles beyond the last one something is drawn.
  get ahead() {
    return Math.max(0, ...this.linked.panes.flatMap((pane) => Object.values(pane.shifts ?? {})));
  }

  show(low, high, anchor = (low + high) / 2) {
    const last = this.feed.length - 0.5 + this.ahead;
    const most = Math.max(FEWEST_CANDLES, this.feed.length * 1.04 + 2 + this.ahead);
    const span = Math.max(FEWEST_CANDLES, Math.min(most, high - low));
    const share = (anchor - low) / (high - low || 1);
    let start = anchor - share * span;
    // some room beyond both ends, never an empty chart
    start = Math.max(-0.5 - span * 0.1, Math.min(start, last + span * 0.1 - span));
    this.range = { low: start, high: start + span };
    this.request();
  }

  showLatest(candles = Math.max(FEWEST_CANDLES, this.width / FIRST_PIXELS - this.ahead)) {
    const span = (Math.min(candles, Math.max(FEWEST_CANDLES, this.feed.length)) + this.ahead) / 0.97;
    const high = this.feed.length - 0.5 + this.ahead + span * 0.03;
    this.show(high - span, high);
  }

  showAll() {
    this.showLatest(this.feed.length);
  }

  // Brings a candle to the middle and marks it.
  go(position) {
    const span = Math.min(this.range ? this.range.high - this.range.low : Infinity, this.width / FIRST_PIXELS);
    this.selected = position;
    this.show(position - span / 2, position + span / 2);
  }

  highlight(position) {
    this.selected = position;
    this.request();
  }

  // ---- a frame

  request() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.#frame();
    });
  }

  #frame() {
    const { feed, linked } = this;
    if (!this.views.size || !linked.x) return;
    const began = performance.now();
    for (const view of this.views) view.measure();
    if (!feed.length || this.width < 10) {
      for (const view of this.views) view.paint();
      return;
    }
    if (!this.range) this.showLatest();
    this.#gather();
    this.#fit();
    this.#scale();
    for (const view of this.views) view.paint();
    this.frames++;
    this.spent = performance.now() - began;
    this.#settle();
  }

  // Puts data for what is in view and half as much on either side into the marks, where what they hold does not do.
  #gather() {
    const { low, high } = this.range;
    const level = levelFor(high - low, Math.min(MOST_BUCKETS, this.width / CANDLE_PIXELS));
    const size = 2 ** level;
    const bucketOf = (x) => Math.floor((x + 0.5) / size);
    const buckets = Math.ceil(this.feed.length / size);
    this.inView = [Math.max(0, bucketOf(low)), Math.min(buckets, bucketOf(high) + 1)];
    const held = this.window;
    if (held && held.level === level && held.low <= low && held.high >= high) return;
    const margin = (high - low) / 2;
    const view = { level, from: Math.max(0, bucketOf(low - margin)), to: Math.min(buckets, bucketOf(high + margin) + 1) };
    const read = (name) => this.feed.buckets(name, level, view.from, view.to);
    // what is drawn elsewhere than it is known comes from buckets of its own
    const moved = (name, shift) => {
      const from = Math.max(0, Math.min(buckets, bucketOf(low - margin - shift)));
      const to = Math.max(from, Math.min(buckets, bucketOf(high + margin - shift) + 1));
      return { ...this.feed.buckets(name, level, from, to), view: { level, from, to, shift } };
    };
    const candles = Object.fromEntries(["open", "high", "low", "close", "volume"].map((name) => [name, read(name).low]));
    const columns = new Map();
    for (const { columns: names, shifts } of this.linked.panes) {
      for (const name of names) columns.set(name, shifts?.[name] ? moved(name, shifts[name]) : { ...read(name), view });
    }
    const apart = Math.max(1, 2 ** Math.ceil(Math.log2((STRIP_APART * (high - low)) / this.width)));
    const strip = stripMarks(this.feed.found, view, this.feed.length, apart);
    this.window = { ...view, low: low - margin, high: high + margin, candles, columns, strip };
    const shapes = candleShapes(view, candles);
    const bars = new Map();
    for (const pane of this.linked.panes) {
      for (const mark of pane.marks) setShape(mark, this.#shape(mark, view, columns, shapes, bars));
    }
  }

  #shape(mark, view, columns, shapes, bars) {
    const ends = new Float64Array([-1e7, 1e7]);
    const flat = (value) => new Float64Array([value, value]);
    switch (mark.kind) {
      case "line":
      case "dots": return this.#drawn(mark, columns);
      case "band": return bandShape(...this.#pair(mark, columns));
      case "cloud": return cloudShape(...this.#pair(mark, columns), mark.role);
      case "level": return { x: ends, y: flat(mark.value) };
      case "zone": return { x: ends, y: mark.values.map(flat) };
      case "markers": return this.#markers(mark, view);
      default:
        if (!mark.column) return shapes[mark.role];
        if (mark.by) return this.#drawn(mark, columns);
        if (!bars.has(mark.column)) bars.set(mark.column, histogramShapes(columns.get(mark.column).view, columns.get(mark.column)));
        return bars.get(mark.column)[mark.role];
    }
  }

  // A line, dots or bars, or the part of them that has the mark's colour.
  #drawn(mark, columns) {
    const column = columns.get(mark.column);
    if (!mark.by) return mark.kind === "line" ? lineShape(column.view, column) : dotShape(column.view, column);
    const { level, from, to } = column.view;
    const tints = tintsOf(this.feed.buckets(mark.by, level, from, to));
    if (mark.kind === "line") return tintedLine(lineShape(column.view, column), tints, mark.role);
    return (mark.kind === "dots" ? dotShape : barShape)(column.view, tinted(column, tints, mark.role));
  }

  // The two edges of an area as they are drawn, and their view. Edges that are moved by different numbers of candles are
  // brought together by whole buckets.
  #pair(mark, columns) {
    const [one, other] = mark.columns.map((name) => columns.get(name));
    const { level } = one.view;
    if ((one.view.shift ?? 0) === (other.view.shift ?? 0)) return [one.view, one, other];
    const apart = Math.round(((one.view.shift ?? 0) - (other.view.shift ?? 0)) / 2 ** level);
    const start = Math.max(0, one.view.from + apart);
    const found = this.feed.buckets(mark.columns[1], level, start, Math.max(start, one.view.to + apart));
    const padded = (values) => {
      const out = new Float64Array(one.low.length).fill(NaN);
      const offset = start - one.view.from - apart;
      out.set(values.subarray(0, Math.max(0, out.length - offset)), Math.min(offset, out.length));
      return out;
    };
    return [one.view, one, { low: padded(found.low), high: padded(found.high) }];
  }

  #markers(mark, view) {
    const { signals } = this.feed;
    const size = 2 ** view.level;
    const apart = Math.max(1, 2 ** Math.ceil(Math.log2((MARKER_PIXELS * (this.range.high - this.range.low)) / this.width)));
    const first = lowerBound(signals.position, view.from * size);
    const end = lowerBound(signals.position, view.to * size);
    const side = this.window.candles[mark.side > 0 ? "low" : "high"];
    const priceOf = (signal) => side[Math.floor(signals.position[signal] / size) - view.from];
    // a candle that is not here yet has no place for a marker: bqplot would draw it at NaN
    const kept = thinned(signals, first, end, mark.group, apart).filter((signal) => priceOf(signal) === priceOf(signal));
    const x = Float64Array.from(kept, (signal) => bucketX(view.level, Math.floor(signals.position[signal] / size)));
    const y = Float64Array.from(kept, priceOf);
    return { x, y };
  }

  // Fits every pane's axis to what is in view.
  #fit() {
    const [from, to] = this.inView.map((bucket) => bucket - this.window.from);
    const { candles, columns } = this.window;
    const size = 2 ** this.window.level;
    const bucketOf = (x) => Math.floor((x + 0.5) / size);
    for (const pane of this.linked.panes) {
      const bounds = { low: Infinity, high: -Infinity };
      if (pane.range) {
        [bounds.low, bounds.high] = pane.range;
        pane.bounds = bounds;
        continue;
      }
      if (pane.candles) {
        extend(bounds, candles.low, from, to);
        extend(bounds, candles.high, from, to);
      }
      const fitted = new Set();
      for (const mark of pane.marks) {
        if (mark.kind === "level") extend(bounds, [mark.value], 0, 1);
        if (!mark.column || fitted.has(mark.column)) continue;
        fitted.add(mark.column); // three marks, where it has three colours
        const { low, high, view } = columns.get(mark.column);
        const [start, end] = view.shift
          ? [bucketOf(this.range.low - view.shift) - view.from, bucketOf(this.range.high - view.shift) + 1 - view.from]
          : [from, to];
        extend(bounds, low, start, end);
        extend(bounds, high, start, end);
        if (mark.kind === "segments") extend(bounds, [0], 0, 1);
      }
      if (bounds.low > bounds.high) Object.assign(bounds, { low: 0, high: 1 });
      const span = bounds.high - bounds.low || Math.abs(bounds.high) * 0.02 || 1;
      if (bounds.high === bounds.low) bounds.low -= span / 2;
      // the lower part of the candles' pane belongs to the volume
      pane.bounds = { low: bounds.low - span * (pane.candles ? 0.22 : 0.1), high: bounds.low + span * (pane.candles ? 1.08 : 1.1) };
      if (pane.candles) {
        const most = { low: 0, high: 0 };
        extend(most, candles.volume, from, to);
        pane.volume = { low: 0, high: (most.high || 1) / 0.16 };
      }
    }
  }

  // One x for all panes, one y for each. Marks that bqplot draws are held still until all of it is set.
  #scale() {
    const drawn = this.linked.panes.flatMap((pane) => pane.marks).filter((mark) => mark.own.length);
    for (const mark of drawn) mark.model.dirty = true;
    setLocal(this.linked.x, { min: this.range.low, max: this.range.high });
    for (const pane of this.linked.panes) {
      setLocal(pane.scales.price, { min: pane.bounds.low, max: pane.bounds.high });
      if (pane.scales.volume) setLocal(pane.scales.volume, { min: pane.volume.low, max: pane.volume.high });
    }
    const pixels = (this.width / (this.range.high - this.range.low)) * 2 ** this.window.level;
    for (const pane of this.linked.panes) for (const mark of pane.marks) mark.width = widthOf(mark, pixels);
    for (const mark of drawn) {
      mark.model.dirty = false;
      if (mark.kind === "segments") setLocal(mark.model, { stroke_width: mark.width });
      if (mark.stale) flush(mark);
      else mark.model.trigger("data_updated");
    }
  }

  // When nothing moves any more: the kernel learns what is in view, and bqplot's models hold what the canvas shows.
  #settle() {
    // while candles stream in it never rests: the kernel is told now and then all the same
    const now = performance.now();
    this.unsettled ??= now;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.unsettled = undefined;
      if (!this.window) return;
      for (const pane of this.linked.panes) pane.marks.forEach(flush);
      const { level, from, to } = this.window;
      const seen = { epoch: this.feed.epoch, level, from, to, first: this.range.low, last: this.range.high };
      if (JSON.stringify(seen) === JSON.stringify(this.model.get("seen"))) return;
      this.model.set("seen", seen);
      this.model.save_changes();
    }, Math.max(0, Math.min(REPORT_AFTER, this.unsettled + REPORT_AT_LAST - now)));
  }

  close() {
    cancelAnimationFrame(this.pending);
    clearTimeout(this.settling);
    this.feed.close();
  }

  // What is on the screen, in numbers: for tests and benchmarks.
  inspect() {
    return {
      frames: this.frames,
      spent: this.spent,
      epoch: this.feed.epoch,
      candles: this.feed.length,
      forming: this.feed.columns.forming,
      badge: this.feed.badge,
      complete: this.feed.complete,
      range: this.range && { ...this.range },
      level: this.window?.level,
      drawn: this.inView ? this.inView[1] - this.inView[0] : 0,
      selected: this.selected,
      strip: this.window && Object.fromEntries(Object.entries(this.window.strip).map(([kind, marks]) => [kind, marks.length])),
      versions: Object.fromEntries([...this.feed.columns].map(([name, column]) => [name, column.version])),
      canvas: this.linked.panes.every((pane) => pane.marks.every((mark) => !mark.own.length)),
      panes: this.linked.panes.map((pane) => ({
        key: pane.key,
        bounds: pane.bounds && { ...pane.bounds },
        marks: pane.marks.map((mark) => ({ kind: mark.kind, role: mark.role, column: mark.column, by: mark.by, group: mark.group, points: mark.shape?.x.length ?? 0 })),
      })),
    };
  }
}

function sameMarks(one, other) {
  const marks = (spec) => JSON.stringify(spec?.panes.map((pane) => [pane.figure, pane.marks.map((mark) => mark.id)]));
  return marks(one) === marks(other);
}

function widthOf(mark, pixels) {
  if (mark.kind === "dots") return Math.max(1.5, Math.min(5, pixels * 0.55));
  if (mark.kind !== "segments") return mark.model.get("stroke_width");
  const body = pixels * 0.72;
  if (mark.role.startsWith("wick")) return 1;
  if (body < 3) return Math.max(1, Math.round(body));
  return Math.floor(body / 2) * 2 + 1 > pixels - 1 ? Math.floor(body / 2) * 2 - 1 : Math.floor(body / 2) * 2 + 1; // odd: the wick is in its middle
}

const CHARTS = new Map(); // by the widget's key: what `initialize` made, for `render`

export default {
  initialize({ model }) {
    const key = model.get("key");
    const chart = new Chart(model);
    CHARTS.set(key, chart);
    return () => {
      chart.close();
      if (CHARTS.get(key) === chart) CHARTS.delete(key);
    };
  },
  render({ model, el }) {
    const view = new View(CHARTS.get(model.get("key")), el, model);
    return () => view.remove();
  },
};
