// One place where a chart is shown. Over and under bqplot's figures lie a canvas with grid, marks and axes, a surface that
// the hand works on, legends, the crosshair, buttons, and the loading state. Text is only ever set as text.

const FOOT_HEIGHT = 34;

class View {
  constructor(chart, el, model) {
    this.chart = chart;
    this.model = model;
    this.el = el;
    this.plot = { left: 0, top: 0, width: 0, height: 0 };
    this.panes = [];
    this.pointer = null;
    this.ghost = NaN; // the x at which the pointer of a linked chart is
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.ink = (color) => inkOf(this.theme, color);
    this.#dress("dark");
    el.classList.add("tk-controller");
    this.canvas = element(el, "canvas", "tk-canvas");
    this.surface = element(el, "div", "tk-surface");
    this.surface.tabIndex = 0;
    this.surface.setAttribute("role", "application");
    this.surface.chart = chart;
    this.scroll = element(el, "div", "tk-pane-scroll");
    this.scroll.setAttribute("aria-label", "Scroll the panes");
    this.scrollSpace = element(this.scroll, "div");
    this.scroll.addEventListener("scroll", () => chart.request(), { signal });
    this.legends = element(el, "div", "tk-legends");
    this.stack = new Stack(this, el, signal);
    this.cross = new Crosshair(this, el);
    this.rail = new Rail(this, el, signal);
    this.foot = new Foot(this, el, signal);
    this.problem = element(el, "button", "tk-button tk-problem");
    this.problem.type = "button";
    this.problem.title = "Close";
    this.problem.hidden = true;
    this.problem.setAttribute("role", "alert");
    this.problem.addEventListener("click", () => (this.problem.hidden = true), { signal });
    this.curtain = element(el, "div", "tk-curtain");
    element(this.curtain, "div", "tk-spinner");
    this.curtainText = element(this.curtain, "div", "tk-curtain-text");
    listen(this.surface, chart, this, signal);
    this.themes = new MutationObserver(() => {
      this.looked = 0;
      chart.request();
    });
    this.observer = new ResizeObserver(() => {
      this.#lookAround();
      chart.request();
    });
    this.observer.observe(el);
    this.rebuild();
    chart.join(this);
    chart.adopt();
    chart.request();
  }

  // The theme may change on any element around; they are known once we are among them, which is after we are made.
  #lookAround() {
    if (this.around || !this.el.isConnected) return;
    this.around = true;
    for (let around = this.el.parentElement; around; around = around.parentElement) {
      this.themes.observe(around, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"] });
    }
    this.looked = 0; // it may have changed since the first frame looked
  }

  remove() {
    this.abort.abort();
    this.observer.disconnect();
    this.themes.disconnect();
    this.chart.views.delete(this);
  }

  // Panes came or went, or what is in them.
  rebuild() {
    this.legends.replaceChildren();
    this.panes = this.chart.linked.panes.map((pane) => {
      const legend = element(this.legends, "div", "tk-legend");
      const units = pane.series.flatMap((series) => series.values.map(({ unit }) => unit));
      return { pane, legend, series: [], large: !pane.candles && units.length > 0 && units.every((unit) => LARGE.has(unit)) };
    });
    for (const entry of this.panes) buildLegend(this, entry);
    this.stack.rebuild();
    this.retitle();
  }

  // The same panes have other names and rules.
  retitle() {
    this.surface.setAttribute("aria-label", `${this.chart.spec?.title ?? ""} price chart. Arrow keys move and zoom.`.trim());
    for (const entry of this.panes) nameLegend(this, entry);
    this.rail.rebuild();
  }

  // Says what went wrong, until it is clicked away or something else goes wrong.
  report(text) {
    this.problem.textContent = text;
    this.problem.hidden = false;
  }

  #dress(theme) {
    this.theme = theme;
    this.colors = THEMES[theme];
    const box = this.el.parentElement ?? this.el;
    box.classList.toggle("tk-light", theme === "light");
  }

  // The theme of the page; looking costs a millisecond, so not in every frame.
  #around() {
    const now = performance.now();
    if (!this.looked || now - this.looked > 1000) {
      this.looked = now;
      this.surroundings = themeAround(this.el.parentElement ?? this.el);
    }
    return this.surroundings;
  }

  // Where the panes are, in pixels of our element; the canvas follows.
  measure() {
    const wanted = this.chart.arrangement.theme;
    const theme = wanted === "dark" || wanted === "light" ? wanted : this.#around();
    if (theme !== this.theme) this.#dress(theme);
    const figures = [...(this.el.parentElement?.children ?? [])].filter((child) => child !== this.el);
    this.stack.arrange(figures);
    const box = this.el.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    this.ratio = ratio;
    const width = Math.round(box.width * ratio);
    const height = Math.round(box.height * ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.canvas.style.width = `${width / ratio}px`;
      this.canvas.style.height = `${height / ratio}px`;
    }
    this.plot = { left: 0, top: 0, width: Math.max(0, box.width - AXIS_WIDTH), height: Math.max(0, box.height - AXIS_HEIGHT - FOOT_HEIGHT) };
    const boxes = this.panes.map((_, i) => figures[i]?.getBoundingClientRect());
    const total = boxes.reduce((sum, figure) => sum + (figure?.height ?? 0), 0);
    const top = this.panes.length ? Math.min(...boxes.map((figure) => figure?.top ?? box.top)) - box.top : 0;
    const moved = this.#scrolled(total, figures, top);
    this.panes.forEach((entry, i) => {
      const figure = boxes[i];
      entry.top = figure ? figure.top - box.top + moved : 0;
      entry.height = entry.pane.height = figure ? figure.height : 0;
      // what bqplot draws itself must not reach over the time axis
      const over = entry.top + entry.height - this.plot.height;
      const clip = figure && over > 0.5 ? `inset(0 0 ${Math.ceil(over)}px 0)` : "";
      if (figure && figures[i].style.clipPath !== clip) figures[i].style.clipPath = clip;
    });
  }

  // Panes that are higher together than the chart are moved by the scroll bar beside them; `top` is where they begin now.
  // Returns by how many pixels they were moved.
  #scrolled(total, figures, top) {
    const room = this.plot.height;
    const needed = total > room + 1;
    if (this.scrolls !== needed) {
      this.scrolls = needed;
      this.scroll.classList.toggle("tk-shown", needed);
      this.scroll.tabIndex = needed ? 0 : -1;
    }
    if (needed) this.scroll.style.height = `${room}px`;
    const height = `${needed ? Math.round(total) : 0}px`;
    if (this.scrollSpace.style.height !== height) this.scrollSpace.style.height = height;
    const wanted = needed ? -Math.min(this.scroll.scrollTop, total - room) : 0;
    if (Math.abs(wanted - top) < 0.5) return 0;
    const move = wanted ? `translateY(${wanted}px)` : "";
    for (const figure of figures) figure.style.transform = move;
    return wanted - top;
  }

  // Moves the panes, where there are more than fit.
  scrollBy(pixels) {
    this.scroll.scrollTop += pixels;
  }

  toX(pixel) {
    const { low, high } = this.chart.range;
    return low + ((pixel - this.plot.left) / this.plot.width) * (high - low);
  }

  entryAt(y) {
    return this.panes.find(({ top, height }) => y >= top && y < top + height) ?? null;
  }

  paint() {
    const { chart } = this;
    const context = this.canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const loading = this.model.get("loading");
    const waiting = Boolean(loading) || !chart.feed.length;
    this.curtain.classList.toggle("tk-shown", waiting);
    this.curtain.classList.toggle("tk-first", !chart.feed.length);
    if (waiting) say(this.curtainText, loading || "Waiting for candles…"); // else it fades with what it said
    if (!chart.range || !chart.window) return;
    this.paintOn(context);
    this.foot.tell();
    this.rail.tell();
    this.stack.place();
    this.cross.tell();
    if (this.crossed !== this.plot.height) this.cross.x.style.height = `${(this.crossed = this.plot.height)}px`;
    if (this.crossWide !== this.plot.width) this.cross.y.style.width = `${(this.crossWide = this.plot.width)}px`;
  }

  // All that is drawn, on any context that draws as a canvas does.
  paintOn(context) {
    const { plot } = this;
    context.font = FONT;
    context.textBaseline = "middle";
    const ticks = timeTicksOf(this);
    const vertical = ticks.map((tick) => tick.x);
    context.save();
    context.beginPath();
    context.rect(0, 0, plot.width + AXIS_WIDTH, plot.height);
    context.clip();
    for (const entry of this.panes) {
      if (entry.height < 8 || !entry.pane.bounds || entry.top > plot.height || entry.top + entry.height < 0) continue;
      paintPane(context, this, entry, vertical);
    }
    context.restore();
    paintBadge(context, this.chart.feed.badge, plot.width - 48, Math.max(0, this.panes[0]?.top ?? 0), this.panes[0]?.height ?? 0); // beside a pane's buttons
    paintFrame(context, this);
    paintTimeAxis(context, this, ticks);
  }

  // The pointer moved to a place, or left (null).
  point(pointer) {
    const { chart, plot } = this;
    this.pointer = pointer && pointer.x < plot.width && pointer.y < plot.height + AXIS_HEIGHT ? pointer : null;
    if (!chart.range) return;
    const x = this.pointer ? this.toX(pointer.x) : NaN;
    const row = Math.round(x);
    chart.pointAt(row >= 0 && row < chart.feed.length ? row : null);
    for (const other of chart.others) for (const view of other.views) view.haunt(x === x ? chart.feed.moment(row) : NaN);
    if (!chart.pending) this.cross.tell();
  }

  // The pointer of a linked chart is at a moment, or nowhere (NaN).
  haunt(time) {
    this.ghost = time === time && this.chart.feed.length ? this.chart.feed.xOf(time) : NaN;
    if (this.chart.range && !this.chart.pending) this.cross.tell();
  }
}
