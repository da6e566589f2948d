// The link to what is on the page, and the code that gives its numbers, to copy. Text is only ever set as text.

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

async function copy(text, area) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    area.focus();
    area.select(); // without the right to the clipboard, it is marked for the keyboard
    document.execCommand("copy");
  }
}

export default {
  render({ model, el }) {
    el.classList.add("tk-share");
    const inVoila = Boolean(document.body.dataset.voila);
    const part = (title, words, rows) => {
      const section = element(el, "section");
      const head = element(section, "div", "tk-share-head");
      element(head, "h4", "", title);
      const button = element(head, "button", "tk-primary", "Copy");
      button.type = "button";
      button.setAttribute("aria-label", `Copy the ${title.toLowerCase()}`);
      element(section, "p", "", words);
      const area = element(section, "textarea");
      area.readOnly = true;
      area.rows = rows;
      area.spellcheck = false;
      area.setAttribute("aria-label", title);
      button.addEventListener("click", async () => {
        await copy(area.value, area);
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 1500);
      });
      return { section, area };
    };
    const link = part("Link", inVoila ? "Shows this page again: candles, what is in view, indicators and layout." : "Add it to the address of a served dashboard, or paste it below in any notebook.", 3);
    const form = element(link.section, "form", "tk-share-open");
    const field = element(form, "input");
    field.type = "text";
    field.placeholder = "Paste a link here";
    field.setAttribute("aria-label", "A link to open");
    const open = element(form, "button", "tk-quiet", "Open");
    open.type = "submit";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value.trim()) model.send({ type: "open", text: field.value });
      field.value = "";
    });
    const code = part("Code", "A cell that gives every number of the active chart, to the last bit, in any kernel.", 12);
    const draw = () => {
      const text = model.get("link");
      link.area.value = text ? (inVoila ? `${location.origin}${location.pathname}${location.search}#${text}` : `#${text}`) : "";
      code.area.value = model.get("code");
    };
    const seen = new IntersectionObserver(([entry]) => {
      if (model.get("seen") === entry.isIntersecting) return;
      model.set("seen", entry.isIntersecting);
      model.save_changes();
    });
    seen.observe(el);
    model.on("change:link change:code", draw);
    draw();
    return () => {
      seen.disconnect();
      model.off("change:link change:code", draw);
    };
  },
};
