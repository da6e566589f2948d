// Why (no) signal: every rule at one candle, with the numbers that it compared. Text is only ever set as text.

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function numberText(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  return size >= 1000 ? value.toLocaleString("en-US", { maximumFractionDigits: 2 }) : String(Number(value.toPrecision(5)));
}

const WORDS = { "fired": "Signal", "not met": "Not met", "held already": "No entry", "undefined": "No value", "first": "No candle before", "waiting": "Waits" };

export default {
  render({ model, el }) {
    el.classList.add("tk-why");
    const head = element(el, "div", "tk-why-head");
    const when = element(head, "b");
    const where = element(head, "span");
    const body = element(el, "div", "tk-why-body");
    const draw = () => {
      const { time, place, groups } = model.get("content");
      when.textContent = time ?? "";
      where.textContent = place ?? "";
      body.replaceChildren();
      if (!groups?.length) element(body, "p", "tk-empty", time ? "No indicator with rules is switched on." : "No candles are loaded.");
      for (const group of groups ?? []) {
        const section = element(body, "section");
        const title = element(section, "h4", "", group.title);
        if (group.candle) element(title, "span", "", group.candle);
        for (const rule of group.rules) {
          const line = element(section, "div", `tk-why-rule${rule.outcome === "fired" ? " tk-fired" : ""}`);
          const first = element(line, "div", "tk-why-line");
          element(first, "b", `tk-kind ${{ BUY: "tk-buy", SELL: "tk-sell" }[rule.type] ?? "tk-other"}`, rule.type.replaceAll("_", " "));
          element(first, "span", "tk-why-text", rule.text);
          element(first, "span", "tk-why-outcome", WORDS[rule.outcome] ?? rule.outcome);
          const numbers = element(line, "dl");
          for (const [name, value, title] of [
            ["now", rule.value, `${rule.left} at this candle`],
            ["before", rule.previous, `${rule.left} at the candle before`],
            ["limit", rule.threshold, `${rule.right} at this candle`],
            ["away", rule.distance, `How far ${rule.left} is from where the rule begins to hold`],
          ]) {
            const cell = element(numbers, "div");
            cell.title = title;
            element(cell, "dt", "", name);
            element(cell, "dd", "", numberText(value));
          }
          element(line, "p", "", rule.reason);
        }
      }
    };
    // the kernel explains only while somebody can read it
    const seen = new IntersectionObserver(([entry]) => {
      if (model.get("seen") === entry.isIntersecting) return;
      model.set("seen", entry.isIntersecting);
      model.save_changes();
    });
    seen.observe(el);
    model.on("change:content", draw);
    draw();
    return () => {
      seen.disconnect();
      model.off("change:content", draw);
    };
  },
};
