// What is being waited for, with a way out of it, and a banner where the kernel has gone. Voila's page has a banner of its
// own. Text is only ever set as text.

const SHOWN_AFTER = 500; // milliseconds; what is quicker shows nothing

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// What a kernel's state means for who looks at the page; empty where all is well.
export function gone(status, connection, before) {
  if (status === "dead" || status === "terminating") return "The kernel has ended. Run the notebook again to start another.";
  if (status === "restarting" || status === "autorestarting") return "The kernel was restarted. Run the notebook again: this page is of the one before.";
  if (before.startsWith("The kernel")) return before; // a new kernel knows nothing of this page
  return connection === "disconnected" ? "The connection is lost. It comes back by itself when the server does." : "";
}

export default {
  render({ model, el }) {
    el.classList.add("tk-status");
    const banner = element(el, "div", "tk-gone");
    banner.setAttribute("role", "alert");
    banner.hidden = true;
    const pill = element(el, "div", "tk-wait");
    pill.setAttribute("role", "status");
    pill.hidden = true;
    element(pill, "i");
    const text = element(pill, "span");
    const cancel = element(pill, "button", "tk-quiet", "Cancel");
    cancel.type = "button";
    cancel.addEventListener("click", () => model.send({ type: "cancel" }));
    let timer = 0;
    const draw = () => {
      const loading = model.get("loading");
      text.textContent = loading || text.textContent;
      if (!loading) {
        clearTimeout(timer);
        timer = 0;
        pill.hidden = true;
      } else timer ||= setTimeout(() => (pill.hidden = false), SHOWN_AFTER);
      cancel.hidden = !model.get("cancellable");
    };
    model.on("change:loading change:cancellable", draw);
    draw();

    const kernel = document.body.dataset.voila ? null : model.widget_manager?.kernel;
    let said = "";
    const look = () => {
      said = gone(kernel.status, kernel.connectionStatus, said);
      banner.hidden = !said;
      banner.textContent = said;
    };
    kernel?.statusChanged?.connect(look);
    kernel?.connectionStatusChanged?.connect(look);
    return () => {
      clearTimeout(timer);
      model.off("change:loading change:cancellable", draw);
      kernel?.statusChanged?.disconnect(look);
      kernel?.connectionStatusChanged?.disconnect(look);
    };
  },
};
