// What the hand does with a tool on one chart: draws, moves and deletes levels and trend lines, measures.

class Tools {
  constructor(chart) {
    this.chart = chart;
    this.mode = "cursor"; // or "level", "line", "measure"
    this.chosen = null; // id of a drawing
    this.live = null; // a drawing while it is being drawn or moved
    this.measured = null; // { pane, from, to }
  }

  get #symbol() {
    return this.chart.spec?.about?.symbol ?? "";
  }

  get drawings() {
    return this.chart.arrangement.drawings?.[this.#symbol] ?? [];
  }

  #keep(drawings) {
    this.chart.arrange({ drawings: { ...this.chart.arrangement.drawings, [this.#symbol]: drawings } });
  }

  use(mode) {
    this.mode = this.mode === mode ? "cursor" : mode;
    this.live = null;
    this.measured = null;
    this.chosen = null;
    this.chart.request();
  }

  // Ends what is going on; false where there was nothing.
  cancel() {
    const busy = this.mode !== "cursor" || this.live || this.measured || this.chosen;
    this.mode = "cursor";
    this.live = this.measured = this.chosen = this.grabbed = null;
    this.chart.request();
    return Boolean(busy);
  }

  removeChosen() {
    if (!this.drawings.some(({ id }) => id === this.chosen)) return false;
    this.#keep(this.drawings.filter(({ id }) => id !== this.chosen));
    this.chosen = null;
    return true;
  }

  // [milliseconds, value] under a point: the time of the candle there.
  #anchor(view, entry, point) {
    return [this.chart.feed.time(Math.round(view.toX(point.x))), valueAt(entry, point.y)];
  }

  #place(view, entry, point) {
    return [Math.round(view.toX(point.x)), valueAt(entry, point.y)];
  }

  // -> true where the press belongs to a tool, so that the chart does not move
  down(view, point, event) {
    const entry = view.entryAt(point.y);
    if (!entry?.scale || entry.folded) return false;
    this.pressed = point;
    if (this.mode === "measure" || (event.shiftKey && this.mode === "cursor")) {
      const from = this.#place(view, entry, point);
      this.measured = { pane: entry.pane.key, from, to: from };
      this.measuring = entry;
      return true;
    }
    const shown = Boolean(this.measured);
    this.measured = null;
    if (shown) this.chart.request();
    if (this.mode === "level" || this.mode === "line") {
      if (this.live) {
        this.#drop(view, point); // the second click of a line
        return true;
      }
      const at = this.#anchor(view, entry, point);
      const points = this.mode === "level" ? [at] : [at, at];
      this.live = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, kind: this.mode, pane: entry.pane.key, points };
      this.grabbed = { entry, end: this.mode === "level" ? null : 1, fresh: true };
      this.chart.request();
      return true;
    }
    const hit = hitOf(this.drawings, entry, this.chart.feed, point, event.pointerType === "touch" ? 2 : 1);
    const before = this.chosen;
    this.chosen = hit?.drawing.id ?? null;
    if (hit || before) this.chart.request();
    if (!hit) return false;
    this.live = hit.drawing;
    this.grabbed = { entry, end: hit.end, from: point, points: hit.drawing.points };
    return true;
  }

  move(view, point) {
    if (this.measuring) {
      this.measured = { ...this.measured, to: this.#place(view, this.measuring, point) };
      this.chart.request();
      return true;
    }
    if (!this.live || !this.grabbed) return false;
    const { entry, end, fresh, from, points } = this.grabbed;
    const at = this.#anchor(view, entry, point);
    if (end !== null) this.live = { ...this.live, points: this.live.points.map((old, i) => (i === end ? at : old)) };
    else if (fresh) this.live = { ...this.live, points: [at] };
    else this.live = { ...this.live, points: this.#moved(view, entry, points, from, point) };
    this.chart.request();
    return true;
  }

  // Points moved as the pointer was, by whole candles, and on the axis as it is seen.
  #moved(view, entry, points, from, to) {
    const { feed } = this.chart;
    const candles = Math.round(view.toX(to.x)) - Math.round(view.toX(from.x));
    const { map, bounds } = entry.pane;
    const rise = ((from.y - to.y) / entry.height) * (bounds.high - bounds.low);
    return points.map(([time, value]) => [candles ? feed.moment(feed.xOf(time) + candles) : time, map.from(map.to(value) + rise)]);
  }

  // -> true where a tool was at work
  up(view, point) {
    if (this.measuring) {
      this.measuring = null;
      this.mode = "cursor";
      this.chart.request();
      return true;
    }
    if (!this.live) return false;
    const still = Math.hypot(point.x - this.pressed.x, point.y - this.pressed.y) < 4;
    if (this.grabbed?.fresh && this.live.kind === "line" && still) return true; // its other end comes with the next click
    this.#drop(view, point);
    return true;
  }

  #drop(view, point) {
    const { live, grabbed } = this;
    if (grabbed?.fresh) this.move(view, point);
    const done = this.live ?? live;
    this.live = this.grabbed = null;
    this.mode = "cursor";
    this.chosen = done.id;
    const others = this.drawings.filter(({ id }) => id !== done.id);
    if (JSON.stringify(done) !== JSON.stringify(this.drawings.find(({ id }) => id === done.id))) this.#keep([...others, done]);
    this.chart.request();
  }

  // What the pointer would take hold of, for its shape.
  cursorAt(view, point) {
    if (this.mode !== "cursor") return "crosshair";
    const entry = view.entryAt(point.y);
    if (!entry?.scale || entry.folded) return "";
    return hitOf(this.drawings, entry, this.chart.feed, point) ? "pointer" : "";
  }

  // What belongs on the axis beside a pane.
  label(context, view, entry) {
    const { key } = entry.pane;
    const shown = [...this.drawings.filter(({ id }) => id !== this.live?.id), ...(this.live ? [this.live] : [])];
    for (const drawing of shown) if (drawing.pane === key) paintLevelLabel(context, view, entry, drawing);
  }

  paint(context, view, entry) {
    const { key } = entry.pane;
    for (const drawing of this.drawings) {
      if (drawing.pane === key && drawing.id !== this.live?.id) paintDrawing(context, view, entry, drawing, drawing.id === this.chosen);
    }
    if (this.live?.pane === key) paintDrawing(context, view, entry, this.live, true);
    if (this.measured?.pane === key) paintMeasure(context, view, entry, this.measured);
  }
}
