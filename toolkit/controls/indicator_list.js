// The indicators that are off, by family, each with a switch. Text is only ever set as text.

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

export default {
  render({ model, el }) {
    el.classList.add("tk-off-list");
    const list = element(el, "div", "tk-rows");
    const count = element(el, "div", "tk-rows-count");
    count.setAttribute("role", "status");
    const pending = new Set(); // switched on, and not yet answered

    const row = (parent, { name, summary }) => {
      const label = element(parent, "label", "tk-card tk-off tk-row");
      label.title = summary;
      const text = element(label, "span", "tk-row-text");
      element(text, "span", "tk-row-name", name);
      element(text, "span", "tk-row-summary", summary);
      const input = element(label, "input");
      input.type = "checkbox";
      input.setAttribute("role", "switch");
      input.setAttribute("aria-label", `Show ${name} on the chart`);
      input.dataset.name = name;
      input.checked = pending.has(name);
      label.classList.toggle("tk-busy", pending.has(name));
      input.addEventListener("change", () => {
        input.checked = true; // what is on its way is not called back
        if (pending.has(name)) return;
        pending.add(name);
        label.classList.add("tk-busy");
        model.send({ type: "switch", name });
      });
    };

    const draw = () => {
      const focused = list.contains(document.activeElement) ? document.activeElement.dataset.name : null;
      const before = [...list.querySelectorAll("input")].map((input) => input.dataset.name);
      const enabled = new Set(model.get("enabled"));
      const words = model.get("query").toLowerCase().split(/\s+/).filter(Boolean);
      const matching = model.get("entries").filter(({ find }) => words.every((word) => find.includes(word)));
      const shown = matching.filter(({ name }) => !enabled.has(name));
      const families = [...new Set(shown.map(({ family }) => family))];
      list.replaceChildren();
      for (const family of families) {
        const group = element(list, "div", "tk-family");
        group.setAttribute("role", "group");
        group.setAttribute("aria-label", `${family} indicators`);
        element(group, "h4", "", family);
        for (const entry of shown) if (entry.family === family) row(group, entry);
      }
      count.textContent = matching.length ? (words.length ? `${matching.length} of ${model.get("entries").length} indicators` : "") : "No indicator of that name or family.";
      if (focused === null) return;
      // who works with the keyboard goes on where the row was
      const next = [focused, ...before.slice(before.indexOf(focused) + 1), ...before.slice(0, before.indexOf(focused)).reverse()];
      const inputs = new Map([...list.querySelectorAll("input")].map((input) => [input.dataset.name, input]));
      inputs.get(next.find((name) => inputs.has(name)))?.focus({ preventScroll: true });
    };

    const done = (message) => {
      if (message.type !== "done") return;
      pending.delete(message.name);
      draw();
    };
    model.on("change:entries change:enabled change:query", draw);
    model.on("msg:custom", done);
    draw();
    return () => {
      model.off("change:entries change:enabled change:query", draw);
      model.off("msg:custom", done);
    };
  },
};
