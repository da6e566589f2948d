// Where the candles come from and what was found in them: rows of names and values, and lists of places on the chart, each
// of which a click moves the chart to. The kernel sends a bounded number of them. Text is only ever set as text.

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

class Panel {
  constructor(model, el) {
    this.model = model;
    this.el = element(el, "div", "tk-data");
    this.open = new Set(); // lists that are unfolded stay so when other candles come
    this.changed = () => this.draw();
    model.on("change:content", this.changed);
    this.draw();
  }

  draw() {
    this.el.replaceChildren();
    for (const section of this.model.get("content").sections ?? []) {
      element(this.el, "h4", "", section.title);
      for (const text of section.paragraphs ?? []) element(this.el, "p", "", text);
      for (const row of section.rows ?? []) this.#row(row);
    }
  }

  #row({ name, value, warn, title, list, more, fold }) {
    const fact = element(this.el, "div", warn ? "tk-fact tk-warn" : "tk-fact");
    if (title) fact.title = title;
    element(fact, "span", "", name);
    element(fact, "b", "", value);
    if (!list?.length) return;
    const details = element(this.el, "details");
    details.open = this.open.has(name);
    details.addEventListener("toggle", () => (details.open ? this.open.add(name) : this.open.delete(name)));
    element(details, "summary", "", fold);
    const items = element(details, "ul");
    for (const { text, position } of list) {
      const item = element(items, "li", position === null ? "tk-unplaced" : "");
      if (position === null) {
        item.textContent = text;
        continue;
      }
      const button = element(item, "button", "tk-place", text);
      button.type = "button";
      button.title = "Show on the chart";
      button.addEventListener("click", () => this.#pick(position));
    }
    if (more) element(items, "li", "tk-unplaced", more);
  }

  #pick(position) {
    // the number makes every click a change, the same place twice included
    this.clicks = (this.clicks ?? 0) + 1;
    this.model.set("selected", { position, click: this.clicks });
    this.model.save_changes();
  }
}

export default {
  render({ model, el }) {
    const panel = new Panel(model, el);
    return () => model.off("change:content", panel.changed);
  },
};
