// Alerts: a form, the alerts there are, and what fired. Text is only ever set as text.

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function panel({ model, el }) {
  el.classList.add("tk-alerts");
  const form = element(el, "form", "tk-alert-form");
  element(form, "h4", "tk-alert-series");
  const field = (name, tag) => {
    const label = element(form, "label", "tk-alert-field");
    element(label, "span", "", name);
    return element(label, tag, "tk-alert-input");
  };
  const on = field("When", "select");
  const rule = field("says", "select");
  const level = field("price", "input");
  level.type = "number";
  level.step = "any";
  const to = field("also tell", "input");
  to.placeholder = "https://… or desktop (optional)";
  to.title = "Besides this page: the address of a webhook, or the word desktop; several with spaces between";
  const add = element(form, "button", "tk-alert-button", "Add alert");
  add.type = "submit";
  const list = element(el, "div", "tk-alert-list");
  const head = element(el, "div", "tk-alert-head");
  element(head, "h4", "", "Fired");
  const clear = element(head, "button", "tk-alert-button tk-alert-small", "Clear");
  clear.type = "button";
  clear.title = "Forget what fired";
  clear.addEventListener("click", () => model.send({ action: "clear" }));
  const fired = element(el, "div", "tk-alert-fired");
  fired.setAttribute("role", "log");
  fired.setAttribute("aria-label", "Alerts that fired, newest first");

  const options = (select, names) => {
    const chosen = select.value;
    if ([...select.options].map((one) => one.value).join("\n") === names.join("\n")) return;
    select.replaceChildren();
    for (const name of names) element(select, "option", "", name.replaceAll("_", " ")).value = name;
    if (names.includes(chosen)) select.value = chosen;
  };
  const PRICE = "Close";
  const rules = () => {
    const { rules: known, levels } = model.get("content");
    options(rule, on.value === PRICE ? levels : (known[on.value] ?? []));
    level.parentElement.hidden = on.value !== PRICE;
    level.required = on.value === PRICE;
  };
  on.addEventListener("change", rules);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sent = to.value;
    model.send({ action: "add", indicator: on.value, rule: rule.value, level: Number(level.value), to: to.value.trim() });
  });
  let sent = "";
  const done = (message) => {
    if (message.type === "done" && message.action === "add" && to.value === sent) to.value = "";
  };

  const show = () => {
    const { series, rules: known, alerts, fired: found } = model.get("content");
    if (!known) return;
    form.firstChild.textContent = `New alert on ${series}`;
    options(on, [PRICE, ...Object.keys(known)]);
    rules();
    list.replaceChildren();
    if (!alerts.length) element(list, "p", "tk-empty", "No alerts yet. They fire at the close of a candle, in a replay or live.");
    for (const alert of alerts) {
      const row = element(list, "div", "tk-alert");
      const words = element(row, "div", "tk-alert-words");
      element(words, "b", "", alert.series);
      element(words, "span", "", ` ${alert.text}`);
      element(words, "div", "tk-alert-to", `tells ${alert.to}`);
      const remove = element(row, "button", "tk-alert-button tk-alert-small", "×");
      remove.type = "button";
      remove.title = `Delete the alert ${alert.series} ${alert.text}`;
      remove.setAttribute("aria-label", remove.title);
      remove.addEventListener("click", () => model.send({ action: "remove", id: alert.id }));
    }
    fired.replaceChildren();
    clear.hidden = !found.length;
    if (!found.length) element(fired, "p", "tk-empty", "Nothing has fired.");
    for (const one of found) {
      const row = element(fired, "div", "tk-alert-hit");
      const line = element(row, "div", "");
      for (const mark of one.marks) element(line, "span", `tk-alert-mark tk-alert-${mark.toLowerCase()}`, mark);
      element(line, "span", "tk-alert-time", one.time);
      element(line, "b", "", ` ${one.series}`);
      element(row, "div", "tk-alert-text", `${one.text} · close ${one.close.toLocaleString("en-US", { maximumSignificantDigits: 8 })}`);
      if (one.told.length) element(row, "div", one.failed ? "tk-alert-to tk-alert-failed" : "tk-alert-to", one.told.join("; "));
    }
  };
  model.on("change:content", show);
  model.on("msg:custom", done);
  show();
  return () => {
    model.off("change:content", show);
    model.off("msg:custom", done);
  };
}

export default { render: panel };
