// A message that something went wrong. Text is only ever set as text.
export default {
  render({ model, el }) {
    el.classList.add("tk-toast-place");
    const toast = document.createElement("div");
    toast.className = "tk-toast";
    toast.setAttribute("role", "alert");
    const words = document.createElement("div");
    const title = document.createElement("b");
    const text = document.createElement("p");
    words.append(title, text);
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.title = "Close";
    close.setAttribute("aria-label", "Close this message");
    close.addEventListener("click", () => toast.classList.remove("tk-shown"));
    toast.append(words, close);
    el.append(toast);
    const show = () => {
      const { number, title: head, text: body, kind } = model.get("message");
      toast.classList.toggle("tk-shown", Boolean(number));
      toast.classList.toggle("tk-told", kind === "note");
      title.textContent = head ?? "";
      text.textContent = body ?? "";
    };
    model.on("change:message", show);
    show();
  },
};
