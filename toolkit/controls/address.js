// The address of the page says what is on it, and a page that is opened with such an address shows that. In JupyterLab the
// address belongs to others and stays as it is.

export default {
  render({ model, el }) {
    el.style.display = "none";
    if (!document.body.dataset.voila) return undefined;
    let own = ""; // what was written here, and is no wish of anybody
    const open = () => {
      const text = location.hash.slice(1);
      if (text && text !== own) model.send({ type: "open", text });
      else if (!text) model.send({ type: "none" });
    };
    const write = () => {
      own = model.get("link");
      if (own) history.replaceState(null, "", `${location.pathname}${location.search}#${own}`);
    };
    model.on("change:link", write);
    addEventListener("hashchange", open);
    open();
    return () => {
      model.off("change:link", write);
      removeEventListener("hashchange", open);
    };
  },
};
