// What lies over and under bqplot's figures: the canvas with grid and marks, axis labels, crosshair, legend, buttons and
// the loading state. Text is only ever set as text.

const AXIS_WIDTH = 76;
const AXIS_HEIGHT = STRIP_HEIGHT + 25;
const FOOT_HEIGHT = 34;
const COLORS = { grid: "#1b2130", frame: "#262d3d", text: "#8b94a7", last: "#9aa4b8", select: "rgba(255, 200, 87, 0.16)", selectEdge: "rgba(255, 200, 87, 0.9)" };
const FONT = "11px Inter, 'Segoe UI', system-ui, -apple-system, Roboto, 'Helvetica Neue', Arial, sans-serif";
const LARGE = new Set(["volume", "value"]); // units whose numbers are shown as 1.23M
const SPANS = [["1D", 1], ["1W", 7], ["1M", 30], ["3M", 91], ["1Y", 365]];

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// A text that is set again is laid out again, even where it is the same: at sixty frames a second that shows.
function say(part, text) {
  if (part.said !== text) {
    part.said = text;
    part.textContent = text;
  }
}

class View {
  constructor(chart, el, model) {
    this.chart = chart;
    this.model = model;
    this.el = el;
    this.plot = { left: 0, top: 0, width: 0, height: 0 };
    this.panes = [];
    this.pointer = null;
    this.abort = new AbortController();
    el.classList.add("tk-controller");
    this.canvas = element(el, "canvas", "tk-canvas");
    this.surface = element(el, "div", "tk-surface");
    this.surface.tabIndex = 0;
    this.surface.setAttribute("role", "application");
    this.surface.chart = chart;
    this.scroll = element(el, "div", "tk-pane-scroll");
    this.scroll.setAttribute("aria-label", "Scroll the panes");
    this.scrollSpace = element(this.scroll, "div");
    this.scroll.addEventListener("scroll", () => chart.request(), { signal: this.abort.signal });
    this.legends = element(el, "div", "tk-legends");
    this.cross = {
      x: element(el, "div", "tk-cross tk-cross-x"),
      y: element(el, "div", "tk-cross tk-cross-y"),
      time: element(el, "div", "tk-chip tk-chip-time"),
      value: element(el, "div", "tk-chip tk-chip-value"),
    };
    this.told = element(el, "div", "tk-chip tk-chip-found");
    this.foot = element(el, "div", "tk-foot");
    this.curtain = element(el, "div", "tk-curtain");
    element(this.curtain, "div", "tk-spinner");
    this.curtainText = element(this.curtain, "div", "tk-curtain-text");
    this.#buttons();
    listen(this.surface, chart, this, this.abort.signal);
    this.observer = new ResizeObserver(() => chart.request());
    this.observer.observe(el);
    chart.views.add(this);
    this.rebuild();
    chart.adopt();
    chart.request();
  }

  remove() {
    this.abort.abort();
    this.observer.disconnect();
    this.chart.views.delete(this);
  }

  #buttons() {
    const { chart, foot } = this;
    const button = (text, title, action) => {
      const made = element(foot, "button", "tk-button", text);
      made.type = "button";
      made.title = title;
      made.addEventListener("click", action, { signal: this.abort.signal });
      return made;
    };
    this.spans = SPANS.map(([text, days]) => {
      const made = button(text, `Show the last ${days === 1 ? "day" : `${days} days`}`, () => chart.showLatest((days * 864e5) / chart.feed.step));
      made.days = days;
      return made;
    });
    button("All", "Show the whole history (key F)", () => chart.showAll());
    button("Latest", "Back to the newest candle (double-click, or key End)", () => chart.showLatest());
    this.keys = element(foot, "span", "tk-keys");
    this.note = element(foot, "span", "tk-note");
  }

  // What the marks on the time axis mean, and how many there are; a click goes from one to the one before it.
  #keys() {
    const { chart, keys } = this;
    const { found } = chart.feed;
    if (this.keyed === found) return;
    this.keyed = found;
    keys.replaceChildren();
    for (const [kind, text, title] of found.keys) {
      const button = element(keys, "button", "tk-button tk-key");
      button.type = "button";
      button.title = `${title}${kind === "stale" ? "" : " (click: show the one before)"}`;
      const canvas = element(button, "canvas", "tk-key-mark");
      canvas.width = 14 * this.ratio;
      canvas.height = STRIP_HEIGHT * this.ratio;
      const context = canvas.getContext("2d");
      context.scale(this.ratio, this.ratio);
      paintKey(context, kind, 14, STRIP_HEIGHT);
      element(button, "span", "tk-key-text", text);
      button.addEventListener("click", () => {
        const row = found.previous(kind, chart.selected ?? Math.ceil(chart.range.high));
        if (row === undefined) chart.showLatest();
        else chart.go(Math.min(row, chart.feed.length - 1));
      }, { signal: this.abort.signal });
    }
  }

  // Panes came, went or changed their names.
  rebuild() {
    this.surface.setAttribute("aria-label", `${this.chart.spec?.title ?? ""} price chart. Arrow keys move and zoom.`.trim());
    this.legends.replaceChildren();
    this.panes = this.chart.linked.panes.map((pane) => {
      const legend = element(this.legends, "div", "tk-legend");
      const units = pane.series.flatMap((series) => series.values.map(({ unit }) => unit));
      return { pane, legend, series: [], large: !pane.candles && units.length > 0 && units.every((unit) => LARGE.has(unit)) };
    });
    for (const entry of this.panes) this.#legend(entry);
  }

  #legend(entry) {
    const { pane, legend } = entry;
    if (pane.candles) {
      const line = element(legend, "div", "tk-legend-line");
      element(line, "span", "tk-legend-title", this.chart.spec.title);
      entry.candle = ["O", "H", "L", "C"].map((letter) => {
        element(line, "span", "tk-legend-key", letter);
        return element(line, "span", "tk-legend-number");
      });
      entry.change = element(line, "span", "tk-legend-number");
      element(line, "span", "tk-legend-key", "Vol");
      entry.volume = element(line, "span", "tk-legend-number");
    }
    entry.series = pane.series.map((series) => {
      const line = element(legend, "div", "tk-legend-line");
      element(line, "span", "tk-legend-name", series.title);
      return series.values.map(({ column, color, name, unit }) => {
        const value = element(line, "span", "tk-legend-number");
        value.style.color = color;
        value.title = name;
        return { column, value, large: LARGE.has(unit), shift: pane.shifts?.[column] ?? 0 };
      });
    });
  }

  // Where the panes are, in pixels of our element; the canvas follows.
  measure() {
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
    const figures = [...(this.el.parentElement?.children ?? [])].filter((child) => child !== this.el);
    const boxes = this.panes.map((_, i) => figures[i]?.getBoundingClientRect());
    const total = boxes.reduce((sum, figure) => sum + (figure?.height ?? 0), 0);
    const moved = this.#scrolled(total, figures, this.panes.length ? (boxes[0]?.top ?? box.top) - box.top : 0);
    this.panes.forEach((entry, i) => {
      const figure = boxes[i];
      entry.top = figure ? figure.top - box.top + moved : 0;
      entry.height = figure ? figure.height : 0;
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

  #scaleOf(entry, bounds) {
    const { low, high } = this.chart.range;
    const { left, width } = this.plot;
    const perX = width / (high - low);
    const perY = entry.height / (bounds.high - bounds.low);
    const bottom = entry.top + entry.height;
    return {
      left, width, low, high, slack: 2 ** this.chart.window.level, top: entry.top, height: entry.height, ratio: this.ratio,
      x: (value) => left + (value - low) * perX,
      y: (value) => bottom - (value - bounds.low) * perY,
    };
  }

  paint() {
    const { chart, plot } = this;
    const context = this.canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const loading = this.model.get("loading");
    const waiting = Boolean(loading) || !chart.feed.length;
    this.curtain.classList.toggle("tk-shown", waiting);
    this.curtain.classList.toggle("tk-first", !chart.feed.length);
    if (waiting) say(this.curtainText, loading || "Waiting for candles…"); // else it fades with what it said
    if (!chart.range || !chart.window) return;
    context.font = FONT;
    context.textBaseline = "middle";
    const ticks = this.#timeTicks();
    context.save();
    context.beginPath();
    context.rect(0, 0, plot.width + AXIS_WIDTH, plot.height);
    context.clip();
    for (const entry of this.panes) {
      if (entry.height < 8 || !entry.pane.bounds || entry.top > plot.height || entry.top + entry.height < 0) continue;
      this.#paintPane(context, entry, ticks.map((tick) => tick.x));
    }
    context.restore();
    paintBadge(context, chart.feed.badge, plot.width, Math.max(0, this.panes[0]?.top ?? 0));
    this.#frameLines(context);
    this.#strip(context);
    this.#timeAxis(context, ticks);
    this.#keys();
    this.#readout();
    for (const span of this.spans) span.hidden = (span.days * 864e5) / chart.feed.step < 20;
    const perBucket = 2 ** chart.window.level;
    const bars = perBucket > 1 ? `${perBucket} candles a bar · UTC` : "UTC";
    const { share } = chart.feed;
    say(this.note, share < 1 ? `History ${Math.floor(100 * share)}%… · ${bars}` : bars);
    this.cross.x.style.height = `${plot.height}px`;
  }

  #paintPane(context, entry, vertical) {
    const { pane } = entry;
    const scale = this.#scaleOf(entry, pane.bounds);
    const volume = pane.volume && this.#scaleOf(entry, pane.volume);
    entry.scale = scale;
    const ticks = numberTicks(pane.bounds.low, pane.bounds.high, Math.max(3, entry.height / 34));
    const price = pane.candles ? priceDecimals(this.chart.feed.exact("close", this.chart.feed.length - 1)) : 0;
    entry.decimals = Math.max(ticks.decimals, price, 2);
    const levels = pane.marks.filter((mark) => mark.kind === "level").map((mark) => mark.value);
    const within = (value) => Math.abs(scale.y(value) - scale.top) > 8 && Math.abs(scale.y(value) - scale.top - scale.height) > 8;
    // a level's label takes the place of a tick beside it
    const free = (value) => levels.every((level) => level === value || Math.abs(scale.y(level) - scale.y(value)) > 12);
    const shown = ticks.values.filter((value) => within(value) && free(value));
    context.save();
    context.beginPath();
    context.rect(scale.left, scale.top, scale.width, scale.height);
    context.clip();
    this.#selection(context, scale);
    paintGrid(context, scale, vertical, shown.map(scale.y), COLORS.grid);
    for (const mark of pane.marks) if (!mark.own.length) paintMark(context, mark, mark.scale === "volume" ? volume : scale);
    context.restore();
    context.fillStyle = COLORS.text;
    for (const level of levels) if (within(level) && !shown.includes(level)) context.fillText(exactText(level), scale.width + 8, scale.y(level));
    const texts = entry.large ? compactTicks(shown, ticks.step) : shown.map((value) => fixedText(value, ticks.decimals));
    shown.forEach((value, i) => context.fillText(texts[i], scale.width + 8, scale.y(value)));
    if (pane.candles) this.#lastPrice(context, scale, entry);
  }

  #selection(context, scale) {
    const { selected } = this.chart;
    if (selected === null) return;
    const half = Math.max(0.5, (3 * (this.chart.range.high - this.chart.range.low)) / scale.width);
    const left = scale.x(selected - half);
    const right = scale.x(selected + half);
    context.fillStyle = COLORS.select;
    context.fillRect(left, scale.top, right - left, scale.height);
    context.fillStyle = COLORS.selectEdge;
    context.fillRect(Math.round(scale.x(selected)), scale.top, 1, scale.height);
  }

  // The newest close, dotted across the pane, with its price on the axis.
  #lastPrice(context, scale, entry) {
    const { feed } = this.chart;
    const close = feed.exact("close", feed.length - 1);
    const y = scale.y(close);
    if (!(y > scale.top + 8 && y < scale.top + scale.height - 8)) return;
    const color = close >= feed.exact("open", feed.length - 1) ? "#26a69a" : "#ef5350";
    context.save();
    context.strokeStyle = color;
    context.globalAlpha = 0.7;
    context.setLineDash([1.5, 3]);
    context.beginPath();
    context.moveTo(scale.left, Math.round(y) + 0.5);
    context.lineTo(scale.left + scale.width, Math.round(y) + 0.5);
    context.stroke();
    context.restore();
    context.fillStyle = color;
    context.fillRect(scale.width + 1, y - 9, AXIS_WIDTH - 1, 18);
    context.fillStyle = "#0b0e14";
    context.fillText(fixedText(close, entry.decimals), scale.width + 8, y + 0.5);
  }

  #frameLines(context) {
    const { plot } = this;
    context.fillStyle = COLORS.frame;
    context.fillRect(plot.width, 0, 1, plot.height);
    for (const entry of this.panes.slice(1)) {
      if (entry.top < plot.height) context.fillRect(0, Math.round(entry.top), plot.width + AXIS_WIDTH, 1);
    }
    context.fillRect(0, Math.round(plot.height), plot.width + AXIS_WIDTH, 1);
  }

  #strip(context) {
    const { chart, plot } = this;
    const { low, high } = chart.range;
    const x = (value) => plot.left + ((value - low) * plot.width) / (high - low);
    const box = { left: plot.left, width: plot.width, top: Math.round(plot.height) + 1, height: STRIP_HEIGHT };
    paintStrip(context, box, x, chart.window.strip, chart.feed.found.stale, chart.feed.length - 0.5);
  }

  #timeTicks() {
    const { chart, plot } = this;
    const { low, high } = chart.range;
    const { feed } = chart;
    const from = feed.time(Math.floor(low));
    const to = feed.time(Math.ceil(high));
    const least = ((to - from) / plot.width) * 92;
    const perX = plot.width / (high - low);
    const found = timeTicks(from, to, least).map((tick) => ({ ...tick, x: (feed.indexOf(tick.time) - low) * perX }));
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

  #timeAxis(context, ticks) {
    const y = this.plot.height + (AXIS_HEIGHT + STRIP_HEIGHT) / 2 + 1;
    context.textAlign = "center";
    for (const { x, label, major } of ticks) {
      if (x < 24 || x > this.plot.width - 24) continue;
      context.fillStyle = major ? "#c3cad9" : COLORS.text;
      context.fillText(label, x, y);
    }
    context.textAlign = "left";
  }

  // ---- crosshair and legend: no kernel, no canvas

  point(pointer) {
    this.pointer = pointer && pointer.x < this.plot.width && pointer.y < this.plot.height + AXIS_HEIGHT ? pointer : null;
    if (this.chart.range && !this.chart.pending) this.#readout();
  }

  #readout() {
    const { chart, pointer, plot, cross } = this;
    const { feed } = chart;
    const inside = Boolean(pointer);
    const within = inside && pointer.y < plot.height; // else on the time axis
    for (const part of [cross.x, cross.time]) part.classList.toggle("tk-shown", inside);
    for (const part of [cross.y, cross.value]) part.classList.toggle("tk-shown", within);
    const told = inside ? this.#told(within) : "";
    this.told.classList.toggle("tk-shown", told !== "");
    let candle = feed.length - 1;
    if (inside) {
      const wanted = Math.round(this.toX(pointer.x));
      candle = wanted;
      const { low, high } = chart.range;
      const x = ((wanted - low) * plot.width) / (high - low);
      cross.x.style.transform = `translateX(${Math.round(x)}px)`;
      cross.y.style.transform = `translateY(${Math.round(pointer.y)}px)`;
      cross.y.style.width = `${plot.width}px`;
      say(cross.time, timeText(feed.time(wanted), feed.step));
      cross.time.style.transform = `translate(${Math.round(Math.max(64, Math.min(plot.width - 64, x)))}px, ${plot.height + STRIP_HEIGHT + 3}px) translateX(-50%)`;
      if (told) {
        say(this.told, told);
        // beside the pointer, on the side where there is more room
        const side = pointer.x > plot.width / 2 ? "-100%" : "0%";
        this.told.style.transform = `translate(${Math.round(pointer.x) + (side === "0%" ? 8 : -8)}px, ${plot.height - 4}px) translate(${side}, -100%)`;
      }
      const entry = this.panes.find(({ top, height }) => pointer.y >= top && pointer.y < top + height);
      if (entry?.scale) {
        const { low: bottom, high: top } = entry.pane.bounds;
        const value = top - ((pointer.y - entry.top) / entry.height) * (top - bottom);
        say(cross.value, entry.large ? compactText(value) : fixedText(value, entry.decimals));
        cross.value.style.transform = `translate(${plot.width + 1}px, ${Math.round(pointer.y) - 9}px)`;
      }
    }
    for (const entry of this.panes) this.#values(entry, candle);
  }

  // What the marks under the pointer mean. Over the panes, not what a bar of many candles holds: that is seldom nothing.
  #told(overPanes) {
    const { chart, pointer, plot } = this;
    const reach = (5 * (chart.range.high - chart.range.low)) / plot.width;
    const bucket = 2 ** (chart.window?.level ?? 0);
    const texts = foundTexts(chart.feed.found, chart.feed, this.toX(pointer.x), reach, bucket);
    return texts.filter((text) => !overPanes || bucket === 1 || !text.startsWith("no volume")).join("\n");
  }

  #values(entry, candle) {
    const { feed } = this.chart;
    entry.legend.style.transform = `translateY(${Math.round(entry.top) + 6}px)`;
    const shown = entry.top > -12 && entry.top < this.plot.height - 20 ? "" : "hidden";
    if (entry.legend.style.visibility !== shown) entry.legend.style.visibility = shown;
    if (entry.candle) {
      const values = ["open", "high", "low", "close"].map((name) => feed.exact(name, candle));
      const color = values[3] >= values[0] ? "#26a69a" : values[3] < values[0] ? "#ef5350" : COLORS.text;
      entry.candle.forEach((part, i) => {
        say(part, exactText(values[i]));
        part.style.color = color;
      });
      const change = (values[3] / feed.exact("close", candle - 1) - 1) * 100;
      say(entry.change, change === change ? `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)}%` : "");
      entry.change.style.color = color;
      say(entry.volume, compactText(feed.exact("volume", candle)));
    }
    for (const line of entry.series) {
      for (const { column, value, large, shift } of line) {
        // what is drawn at this candle, which another one may have brought about; beyond the last one, only that is
        const number = feed.exact(column, candle - shift);
        say(value, large ? compactText(number) : valueText(number, entry.decimals ?? 2));
      }
    }
  }
}
