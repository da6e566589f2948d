// The small column of tools beside the panes: drawing, measuring, a second symbol, pictures and data to keep.

const TOOLS = [
  ["cursor", "Move and look (Escape)"],
  ["level", "Draw a level: click on a price"],
  ["line", "Draw a trend line: drag, or click twice"],
  ["measure", "Measure bars, percent and time: drag (or drag with Shift)"],
];

class Rail {
  constructor(view, el, signal) {
    const { chart } = view;
    this.view = view;
    this.signal = signal;
    this.el = element(el, "div", "tk-rail");
    this.el.setAttribute("role", "toolbar");
    this.el.setAttribute("aria-label", "Chart tools");
    this.tools = TOOLS.map(([mode, title]) => {
      const button = iconButton(this.el, mode, title, () => (mode === "cursor" ? chart.tools.cancel() : chart.tools.use(mode)), signal);
      button.mode = mode;
      return button;
    });
    this.remove = iconButton(this.el, "remove", "Delete the chosen drawing (Delete)", () => chart.tools.removeChosen(), signal);
    element(this.el, "hr", "tk-rail-line");
    this.compare = this.#opener("compare", "Compare with another symbol");
    this.fit = iconButton(this.el, "fit", "Fit: newest candles, all axes automatic (double-click)", () => {
      chart.fit();
      chart.showLatest();
    }, signal);
    this.save = this.#opener("save", "Save what is seen");
    this.menu = element(el, "div", "tk-menu");
    this.menu.setAttribute("role", "menu");
    this.menu.hidden = true;
    document.addEventListener("pointerdown", (event) => {
      if (!this.menu.contains(event.target) && !event.target.closest?.(".tk-opener")) this.close();
    }, { signal, capture: true });
    el.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.menu.hidden) {
        event.stopPropagation();
        const { opener } = this;
        this.close();
        opener?.focus();
      }
    }, { signal, capture: true });
  }

  #opener(name, title) {
    const button = iconButton(this.el, name, title, () => (this.opener === button ? this.close() : this.#open(button)), this.signal);
    button.classList.add("tk-opener");
    button.setAttribute("aria-haspopup", "menu");
    return button;
  }

  close() {
    this.menu.hidden = true;
    this.opener = null;
  }

  #open(button) {
    this.close();
    this.opener = button;
    this.menu.replaceChildren();
    if (button === this.save) this.#saving();
    else this.#comparing();
    this.menu.hidden = false;
    const room = this.view.plot.height + AXIS_HEIGHT - this.menu.offsetHeight - 8;
    this.menu.style.top = `${Math.max(4, Math.min(room, button.offsetTop - 4))}px`;
    this.menu.querySelector("button, select")?.focus();
  }

  #item(text, title, action) {
    const item = element(this.menu, "button", "tk-button tk-menu-item", text);
    item.type = "button";
    item.title = title;
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => {
      this.close();
      action();
    }, { signal: this.signal });
  }

  #saving() {
    const { view } = this;
    this.#item("Picture (PNG)", "What is seen, twice as fine as the screen", () => savePNG(view));
    this.#item("Drawing (SVG)", "What is seen, to be scaled without loss", () => saveSVG(view));
    this.#item("Data (CSV)", "The candles in view and each indicator's values", () => saveCSV(view));
  }

  #comparing() {
    const { chart } = this.view;
    const { compare, offers = [], about } = chart.spec;
    if (compare) this.#item(`Remove ${compare.title}`, "Show this symbol alone", () => chart.model.send({ type: "compare", symbol: null }));
    const picker = element(this.menu, "select", "tk-menu-select");
    picker.setAttribute("aria-label", "Symbol to compare with");
    element(picker, "option", "", "Compare with…").value = "";
    for (const symbol of offers) if (symbol !== about.symbol) element(picker, "option", "", symbol).value = symbol;
    picker.addEventListener("change", () => {
      if (!picker.value) return;
      chart.model.send({ type: "compare", symbol: picker.value });
      this.close();
    }, { signal: this.signal });
  }

  rebuild() {
    const { offers = [], compare } = this.view.chart.spec ?? {};
    this.compare.hidden = !offers.length && !compare;
  }

  tell() {
    const { tools } = this.view.chart;
    for (const button of this.tools) press(button, button.mode === tools.mode);
    const none = !tools.chosen;
    if (this.remove.disabled !== none) this.remove.disabled = none;
  }
}
