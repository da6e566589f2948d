// Things that are kept under names: choose one to have it back, keep what is there now, rename, delete. Text is only ever
// set as text.

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

export default {
  render({ model, el }) {
    el.classList.add("tk-saved");
    const word = model.get("word");
    const row = element(el, "div", "tk-saved-row");
    const select = element(row, "select", "tk-pick");
    select.setAttribute("aria-label", `Saved ${word}s`);
    const button = (text, title, act) => {
      const made = element(row, "button", "tk-quiet", text);
      made.type = "button";
      made.title = title;
      made.addEventListener("click", act);
      return made;
    };
    const form = element(el, "form", "tk-saved-form");
    form.hidden = true;
    const field = element(form, "input");
    field.type = "text";
    field.maxLength = 60;
    field.required = true;
    const ok = element(form, "button", "tk-primary", "Save");
    ok.type = "submit";
    const never = element(form, "button", "tk-quiet", "Cancel");
    never.type = "button";
    const note = element(el, "div", "tk-saved-note");
    note.setAttribute("role", "status");
    let doing = "save";
    const ask = (action, text, value) => {
      doing = action;
      form.hidden = false;
      ok.textContent = text;
      field.value = value;
      field.placeholder = `Name of the ${word}`;
      field.setAttribute("aria-label", `Name of the ${word}`);
      field.focus();
      field.select();
    };
    const chosen = () => model.get("chosen");
    button("Save…", `Keep what is there now as a ${word}`, () => ask("save", "Save", chosen()));
    const rename = button("Rename…", `Give the ${word} another name`, () => ask("rename", "Rename", chosen()));
    const remove = button("Delete", `Delete the ${word}`, () => model.send({ type: "delete", name: chosen() }));
    never.addEventListener("click", () => (form.hidden = true));
    form.addEventListener("keydown", (event) => event.key === "Escape" && (form.hidden = true));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      model.send({ type: doing, name: doing === "rename" ? chosen() : field.value, new: field.value });
      form.hidden = true;
    });
    select.addEventListener("change", () => select.value && model.send({ type: "apply", name: select.value }));
    const draw = () => {
      const names = model.get("names");
      select.replaceChildren();
      element(select, "option", "", names.length ? `${word[0].toUpperCase()}${word.slice(1)}s` : `No ${word} saved`).value = "";
      for (const name of names) element(select, "option", "", name).value = name;
      select.disabled = !names.length;
      select.value = names.includes(chosen()) ? chosen() : "";
      rename.hidden = remove.hidden = !select.value;
      note.textContent = model.get("note");
    };
    model.on("change:names change:chosen change:note msg:custom", draw);
    draw();
    return () => model.off("change:names change:chosen change:note msg:custom", draw);
  },
};
