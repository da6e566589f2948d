// The tools at the right of the top bar: how many charts, what they share, the screener, and the light. It also tells which
// chart was clicked. Text is only ever set as text.

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

function icon(parent, rectangles) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 12");
  svg.setAttribute("width", "16");
  svg.setAttribute("height", "12");
  svg.setAttribute("aria-hidden", "true");
  for (const [x, y, width, height] of rectangles) {
    const one = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x, y, width, height, rx: 1 })) one.setAttribute(name, value);
    svg.append(one);
  }
  parent.append(svg);
}

const KEPT = "system-v4.theme"; // of this browser

export default {
  render({ model, el }) {
    el.classList.add("tk-tools");
    const group = (label) => {
      const made = element(el, "div", "tk-choice");
      made.setAttribute("role", "group");
      made.setAttribute("aria-label", label);
      return made;
    };
    const button = (parent, title, act, text) => {
      const made = element(parent, "button", "", text);
      made.type = "button";
      made.title = title;
      made.setAttribute("aria-label", title);
      made.addEventListener("click", act);
      return made;
    };
    const set = (name, value) => {
      model.set(name, value);
      model.save_changes();
    };

    const charts = group("Charts");
    const shapes = { 1: [[0.5, 0.5, 15, 11]], 2: [[0.5, 0.5, 7, 11], [8.5, 0.5, 7, 11]], 4: [[0.5, 0.5, 7, 5], [8.5, 0.5, 7, 5], [0.5, 6.5, 7, 5], [8.5, 6.5, 7, 5]] };
    const numbers = Object.entries(shapes).map(([number, shape]) => {
      const made = button(charts, number === "1" ? "One chart" : `${number} charts`, () => set("wanted", Number(number)));
      icon(made, shape);
      return [Number(number), made];
    });
    const links = group("All charts share");
    const shared = ["symbol", "timeframe"].map((name) => [
      name,
      button(links, `All charts show the same ${name}`, () => {
        const now = model.get("linked");
        set("linked", now.includes(name) ? now.filter((one) => one !== name) : [...now, name]);
      }, `= ${name}`),
    ]);
    const screener = button(group("Screener"), "All pairs on all timeframes", () => set("screener", !model.get("screener")), "Screener");

    // ---- the light
    let page = null; // known once it is on a page
    const system = matchMedia("(prefers-color-scheme: light)");
    const inVoila = Boolean(document.body.dataset.voila);
    let theme = "auto";
    try {
      theme = localStorage.getItem(KEPT) ?? "auto";
    } catch { /* a browser that keeps nothing */ }
    const light = button(group("Light"), "", () => {
      theme = isLight() ? "dark" : "light";
      try {
        localStorage.setItem(KEPT, theme);
      } catch { /* a browser that keeps nothing */ }
      dress();
    });
    function isLight() {
      if (theme === "light" || theme === "dark") return theme === "light";
      return inVoila ? system.matches : document.body.dataset.jpThemeLight === "true";
    }
    function dress() {
      page?.classList.toggle("tk-light", isLight());
      if (inVoila) document.documentElement.classList.toggle("tk-light-page", isLight());
      light.textContent = isLight() ? "☾" : "☀";
      light.title = isLight() ? "Dark" : "Light";
      light.setAttribute("aria-label", isLight() ? "Make the page dark" : "Make the page light");
    }
    const around = new MutationObserver(dress);
    around.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    system.addEventListener("change", dress);

    // ---- which chart
    const pick = (event) => {
      const chart = event.target.closest?.(".tk-charts > .tk-chart");
      if (!chart || !page?.contains(chart)) return;
      const place = [...chart.parentElement.children].indexOf(chart);
      if (place !== model.get("active")) set("active", place);
    };
    const placed = new ResizeObserver(() => {
      page = el.closest(".tk-page");
      if (!page) return;
      placed.disconnect();
      page.addEventListener("pointerdown", pick, true);
      dress();
    });
    placed.observe(el);

    const draw = () => {
      for (const [number, made] of numbers) made.setAttribute("aria-pressed", String(number === model.get("charts")));
      for (const [name, made] of shared) made.setAttribute("aria-pressed", String(model.get("linked").includes(name)));
      links.hidden = model.get("charts") < 2;
      screener.setAttribute("aria-pressed", String(model.get("screener")));
      charts.classList.toggle("tk-busy", model.get("wanted") !== model.get("charts"));
    };
    const events = "change:charts change:wanted change:linked change:screener";
    model.on(events, draw);
    dress();
    draw();
    return () => {
      model.off(events, draw);
      around.disconnect();
      placed.disconnect();
      system.removeEventListener("change", dress);
      page?.removeEventListener("pointerdown", pick, true);
    };
  },
};
