// The head of an indicator's card: its switch, and what shows when the pointer is on it: its timeframe, its place, a second
// one like it. Text is only ever set as text.

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

export default {
  render({ model, el }) {
    el.classList.add("tk-switch");
    const label = element(el, "label");
    const name = element(label, "span", "", model.get("label"));
    name.title = model.get("summary");
    const tools = element(el, "span", "tk-card-tools");
    const input = document.createElement("input");
    input.type = "checkbox";
    input.setAttribute("role", "switch");
    input.title = "Show on the chart";
    input.setAttribute("aria-label", `${model.get("label")}: show on the chart`);
    label.append(input);
    const button = (sign, title, action) => {
      const made = element(tools, "button", "", sign);
      made.type = "button";
      made.title = title;
      made.setAttribute("aria-label", `${model.get("label")}: ${title.toLowerCase()}`);
      made.addEventListener("click", () => model.send({ type: "action", action }));
      return made;
    };
    const frames = model.get("timeframes");
    let frame = null;
    if (frames.length) {
      frame = element(tools, "select");
      frame.title = "Candles that it is calculated on";
      frame.setAttribute("aria-label", `${model.get("label")}: candles that it is calculated on`);
      element(frame, "option", "", "chart's").value = "";
      for (const one of frames) element(frame, "option", "", one).value = one;
      frame.addEventListener("change", () => model.send({ type: "timeframe", timeframe: frame.value || null }));
    }
    button("↑", "Move up", "up");
    button("↓", "Move down", "down");
    button("+", "Add another one like it", "duplicate");
    if (model.get("further")) button("×", "Remove", "remove");
    input.addEventListener("change", () => {
      model.set("value", input.checked);
      model.save_changes();
    });
    const draw = () => {
      input.checked = model.get("value");
      if (frame) frame.value = model.get("timeframe");
      el.classList.toggle("tk-larger", Boolean(model.get("timeframe")));
    };
    model.on("change:value change:timeframe msg:custom", draw);
    draw();
    return () => model.off("change:value change:timeframe msg:custom", draw);
  },
};
