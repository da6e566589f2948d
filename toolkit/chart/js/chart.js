// One chart: which candles are in view, how it is arranged, and what it does in a frame. A wheel turn or a drag changes the
// range; the next animation frame gathers data where the last gathering no longer covers it, fits the value axes, sets the
// scales and paints. The kernel is told the range a moment after it stops moving.

const FEWEST_CANDLES = 12;
const FIRST_PIXELS = 7; // width of a candle when a chart opens
const REPORT_AFTER = 150;
const REPORT_AT_LAST = 800;
// By the widget's key. Every widget gets these modules for itself, so what charts know of each other is the page's.
const CHARTS = (globalThis[Symbol.for("system-v4.charts")] ??= new Map());

class Chart {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.linked = { panes: [], x: null };
    this.range = null;
    this.window = null;
    this.selected = null;
    this.pointed = null;
    this.pointTold = null;
    this.frames = 0; // painted so far
    this.spent = 0; // milliseconds that the last one took
    this.pending = 0;
    this.canvas = model.get("renderer") !== "svg";
    this.repaint = () => this.request();
    this.feed = new Feed((message) => model.send(message), (what, before) => this.#fed(what, before));
    this.tools = new Tools(this);
    model.on("msg:custom", (message, buffers) => {
      if (!this.awake) return; // all that is told meanwhile is told again
      if (this.feed.receive(message, buffers)) return;
      if (message.type === "go") this.go(message.position);
      if (message.type === "problem") for (const view of this.views) view.report(message.text);
    });
    model.on("change:spec", () => this.link());
    model.on("change:loading", () => this.request());
    model.on("change:goal", () => this.#reach());
    model.on("change:watching", () => this.pointAt(this.pointed));
    model.on("change:arrangement", () => this.request());
    model.on("change:group", () => this.request());
    this.ready = this.link();
    // A notebook that is opened again gets every chart that its kernel ever made: those wait until they are looked at.
    this.reached = model.get("seen")?.goal;
    if (!model.get("seen")?.epoch) this.#wake();
  }

  #wake() {
    if (this.awake) return;
    this.awake = true;
    this.model.send({ type: "ready" });
  }

  // It is shown at one more place; where that is the only one, it comes to where its group is.
  join(view) {
    this.views.add(view);
    this.#wake();
    const other = this.views.size === 1 && this.range && this.#leader;
    if (other) this.follow(...other.span);
  }

  // Follows the kernel's description of panes and marks.
  async link() {
    const spec = this.model.get("spec");
    if (!spec?.panes) return; // a chart that is made while the page is open is told a moment later
    if (sameParts(spec, this.spec)) {
      // only titles and levels: no need to look for models, nor to make anything anew
      spec.panes.forEach((pane, i) => {
        const { marks, ...rest } = pane;
        const held = this.linked.panes[i];
        const { figure, scales } = held;
        Object.assign(held, rest, { figure, scales });
        marks.forEach((mark, k) => Object.assign(held.marks[k], mark));
      });
      this.#take(spec, this.linked);
      for (const view of this.views) view.retitle();
      return;
    }
    const linked = await resolve(this.model.widget_manager, spec);
    if (spec !== this.model.get("spec")) return; // a newer one is on its way
    this.#take(spec, linked);
    for (const view of this.views) view.rebuild();
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

  #fed(what, before) {
    this.window = null;
    const again = before.epoch === this.feed.epoch; // another window on this kernel was opened, ours is as it was
    if (what === "reset" && !again) {
      this.range = null;
      this.selected = null;
      this.pointTold = null;
      for (const pane of this.linked.panes) pane.dragged = null;
      this.#reach();
    }
    if (what === "tick") this.#grow(this.feed.length - before.length);
    this.request();
  }

  // Candles came, or went: whoever looks at the newest goes on seeing it, whoever looks back stays where he is.
  #grow(more) {
    if (!this.range || !more) return;
    const { low, high } = this.range;
    if (this.selected >= this.feed.length) this.selected = null;
    if (high >= this.feed.length - more - 0.5) this.#show(low + more, high + more);
    else if (high > this.feed.length) this.#show(low, high);
  }

  // Shows the range that Python asked for, once, and when the candles that it was asked for are here.
  #reach() {
    const { number, epoch, low, high } = this.model.get("goal");
    if (epoch !== this.feed.epoch || number === this.reached) return;
    this.reached = number;
    this.show(low, high);
  }

  // The row under the crosshair, or null; the kernel is told when it rests, and only while somebody there wants to know.
  pointAt(row) {
    this.pointed = row;
    if (!this.model.get("watching") || row === this.pointTold) return;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      if (this.pointed === this.pointTold || !this.model.get("watching")) return;
      this.pointTold = this.pointed;
      this.model.send({ type: "pointer", epoch: this.feed.epoch, row: this.pointed });
    }, REPORT_AFTER);
  }

  // ---- how it is arranged

  get arrangement() {
    return this.model.get("arrangement");
  }

  arrange(changes) {
    this.model.set("arrangement", { ...this.arrangement, ...changes });
    this.model.save_changes();
    this.request();
  }

  get zone() {
    return zoneOf(this.arrangement.timezone, this.feed.step);
  }

  // Charts that move with this one: those that can be seen, for what a cell showed before it was run again is still here.
  get others() {
    const group = this.model.get("group");
    if (!group) return [];
    const { widget_manager: notebook } = this.model; // another notebook's charts may be on the page, too
    return [...CHARTS.values()].filter((chart) => chart !== this && chart.views.size && chart.model.get("group") === group && chart.model.widget_manager === notebook);
  }

  // One of them that shows something.
  get #leader() {
    return this.others.find(({ range, feed }) => range && feed.length);
  }

  // The times at both ends of what is in view.
  get span() {
    return [this.range.low, this.range.high].map((x) => this.feed.moment(x));
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
    this.#show(low, high, anchor);
    if (!this.feed.length) return;
    for (const other of this.others) other.follow(...this.span);
  }

  // Shows the span of time that another chart shows.
  follow(first, last) {
    if (this.feed.length) this.#show(this.feed.xOf(first), this.feed.xOf(last));
  }

  #show(low, high, anchor = (low + high) / 2) {
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

  showLatest(candles) {
    this.show(...this.#latest(candles));
  }

  #latest(candles = Math.max(FEWEST_CANDLES, this.width / FIRST_PIXELS - this.ahead)) {
    const span = (Math.min(candles, Math.max(FEWEST_CANDLES, this.feed.length)) + this.ahead) / 0.97;
    const high = this.feed.length - 0.5 + this.ahead + span * 0.03;
    return [high - span, high];
  }

  showAll() {
    this.showLatest(this.feed.length);
  }

  // Where a chart begins: with what its group shows, else where it was before the page was opened again, else with the newest
  // candles.
  #begin() {
    const [other, seen] = [this.#leader, this.model.get("seen")];
    if (other) this.follow(...other.span);
    else if (seen?.epoch === this.feed.epoch) this.#show(seen.first, seen.last);
    else this.#show(...this.#latest());
  }

  // The value axes follow what is in view again, all of them or one pane's.
  fit(pane) {
    const fitted = (pane ? [pane] : this.linked.panes).map(({ key }) => key);
    for (const one of this.linked.panes) if (fitted.includes(one.key)) one.dragged = null;
    const held = (this.arrangement.panes ?? []).filter(({ key, range }) => range && fitted.includes(key));
    if (held.length) this.#keep(Object.fromEntries(held.map(({ key }) => [key, null])));
    this.request();
  }

  // The hand lets go of the value axes: where they were dragged to is part of the arrangement.
  keepRanges() {
    const dragged = this.linked.panes.filter((pane) => pane.dragged);
    const values = ({ low, high, map }) => [low, high].map((at) => Number(map.from(at).toPrecision(10)));
    if (dragged.length) this.#keep(Object.fromEntries(dragged.map((pane) => [pane.key, values(pane.dragged)])));
    for (const pane of dragged) pane.dragged = null;
  }

  // Sets, or takes away, the ends of value axes, by the panes' keys.
  #keep(ranges) {
    const { panes = [] } = this.arrangement;
    const order = orderOf(this.linked.panes.map(({ key }) => key), panes);
    const changes = Object.fromEntries(Object.entries(ranges).map(([key, range]) => [key, { range }]));
    this.arrange({ panes: rearranged(panes, order, changes).map(({ range, ...rest }) => (range ? { ...rest, range } : rest)) });
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
    if (!this.range) this.#begin();
    gather(this);
    fitPanes(this);
    applyScales(this);
    for (const view of this.views) view.paint();
    this.frames++;
    this.spent = performance.now() - began;
    this.#settle();
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
      const seen = { epoch: this.feed.epoch, level, from, to, first: this.range.low, last: this.range.high, goal: this.reached };
      if (JSON.stringify(seen) === JSON.stringify(this.model.get("seen"))) return;
      this.model.set("seen", seen);
      this.model.save_changes();
    }, Math.max(0, Math.min(REPORT_AFTER, this.unsettled + REPORT_AT_LAST - now)));
  }

  inspect() {
    return inspected(this);
  }

  close() {
    cancelAnimationFrame(this.pending);
    clearTimeout(this.settling);
    clearTimeout(this.telling);
    this.feed.close();
  }
}

// Whether two descriptions are of the same panes, marks and lines of the legend.
function sameParts(one, other) {
  const series = ({ label, values, rules }) => [label, values, rules.length];
  const parts = (spec) => JSON.stringify(spec?.panes.map((pane) => [pane.figure, pane.marks.map((mark) => mark.id), pane.series.map(series)]));
  return parts(one) === parts(other);
}
