// The bar under the chart: spans of time, what the marks on the time axis mean, the scale of the prices, the time zone.

const SPANS = [["1D", 1], ["1W", 7], ["1M", 30], ["3M", 91], ["1Y", 365]];
const SCALE_BUTTONS = [["log", "Log", "Logarithmic price axis"], ["percent", "%", "Price axis in percent of the first candle in view"]];

class Foot {
  constructor(view, el, signal) {
    const { chart } = view;
    this.view = view;
    this.signal = signal;
    this.el = element(el, "div", "tk-foot");
    const button = (parent, text, title, action) => {
      const made = element(parent, "button", "tk-button", text);
      made.type = "button";
      made.title = title;
      made.addEventListener("click", action, { signal });
      return made;
    };
    const left = element(this.el, "span", "tk-spans");
    this.spans = SPANS.map(([text, days]) => {
      const made = button(left, text, `Show the last ${days === 1 ? "day" : `${days} days`}`, () => chart.showLatest((days * 864e5) / chart.feed.step));
      made.days = days;
      return made;
    });
    button(left, "All", "Show the whole history (key F)", () => chart.showAll());
    button(left, "Latest", "Back to the newest candle (double-click, or key End)", () => chart.showLatest());
    this.keys = element(this.el, "span", "tk-keys");
    this.note = element(this.el, "span", "tk-note");
    this.#zones();
    const right = element(this.el, "span", "tk-scales");
    this.scales = SCALE_BUTTONS.map(([kind, text, title]) => {
      const made = button(right, text, title, () => chart.arrange({ scale: chart.arrangement.scale === kind ? "linear" : kind }));
      made.kind = kind;
      return made;
    });
    this.auto = button(right, "Auto", "The price axis fits what is in view; drag the axis to set it by hand", () => chart.fit());
  }

  // UTC and where the browser is come first.
  #zones() {
    this.zone = element(this.el, "select", "tk-zone");
    this.zone.title = "Time zone";
    this.zone.setAttribute("aria-label", "Time zone");
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const known = Intl.supportedValuesOf?.("timeZone") ?? [];
    const names = [...new Set(["UTC", here, ...known])].filter((name) => name && zoneOf(name).name === name);
    for (const name of names) element(this.zone, "option", "", name.replaceAll("_", " ")).value = name;
    this.zone.addEventListener("change", () => this.view.chart.arrange({ timezone: this.zone.value }), { signal: this.signal });
  }

  // What the marks on the time axis mean, and how many there are; a click goes from one to the one before it.
  #keys() {
    const { chart, colors, ratio } = this.view;
    const { found } = chart.feed;
    if (this.keyed === found && this.dressed === colors) return;
    this.keyed = found;
    this.dressed = colors;
    this.keys.replaceChildren();
    for (const [kind, text, title] of found.keys) {
      const button = element(this.keys, "button", "tk-button tk-key");
      button.type = "button";
      button.title = `${title}${kind === "stale" ? "" : " (click: show the one before)"}`;
      const canvas = element(button, "canvas", "tk-key-mark");
      canvas.width = 14 * ratio;
      canvas.height = STRIP_HEIGHT * ratio;
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      paintKey(context, kind, 14, STRIP_HEIGHT, colors);
      element(button, "span", "tk-key-text", text);
      button.addEventListener("click", () => {
        const row = found.previous(kind, chart.selected ?? Math.ceil(chart.range.high));
        if (row === undefined) chart.showLatest();
        else chart.go(Math.min(row, chart.feed.length - 1));
      }, { signal: this.signal });
    }
  }

  tell() {
    const { chart } = this.view;
    const { feed, arrangement } = chart;
    this.#keys();
    for (const span of this.spans) {
      const hidden = (span.days * 864e5) / feed.step < 20;
      if (span.hidden !== hidden) span.hidden = hidden;
    }
    const perBucket = 2 ** chart.window.level;
    const parts = [feed.share < 1 ? `History ${Math.floor(100 * feed.share)}%…` : "", perBucket > 1 ? `${perBucket} candles a bar` : ""];
    say(this.note, parts.filter(Boolean).join(" · "));
    for (const button of this.scales) press(button, arrangement.scale === button.kind);
    press(this.auto, chart.linked.panes.every((pane) => !pane.manual));
    const { name } = chart.zone;
    if (this.zoned !== name) {
      this.zoned = name;
      if (![...this.zone.options].some((option) => option.value === name)) element(this.zone, "option", "", name).value = name;
      this.zone.value = name;
    }
    const daily = feed.step >= DAY;
    if (this.zone.disabled !== daily) {
      this.zone.disabled = daily;
      this.zone.title = daily ? "Candles of a day are days of UTC" : "Time zone";
    }
  }
}

function press(button, pressed) {
  if (button.pressed === pressed) return;
  button.pressed = pressed;
  button.setAttribute("aria-pressed", String(pressed));
}
