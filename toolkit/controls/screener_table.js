// A table of pairs: a column's name sorts by it, undefined values last whichever way. Text is only ever set as text.

const SPARK = { width: 96, height: 22 };

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

export function numberText(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return value.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

// The order of the rows by one column; `up` is 1 or -1.
export function sorted(rows, column, up) {
  const order = rows.map((_, i) => i);
  const empty = (value) => value === null || value === "";
  return order.sort((a, b) => {
    const [one, other] = [rows[a][column], rows[b][column]];
    if (empty(one) || empty(other)) return empty(one) - empty(other) || a - b;
    const apart = typeof one === "number" ? one - other : one < other ? -1 : one > other ? 1 : 0;
    return up * apart || a - b;
  });
}

function spark(cell, values) {
  const canvas = element(cell, "canvas", "tk-spark");
  const ratio = window.devicePixelRatio || 1;
  canvas.width = SPARK.width * ratio;
  canvas.height = SPARK.height * ratio;
  if (values.length < 2) return;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const rising = values[values.length - 1] >= values[0];
  context.strokeStyle = rising ? "#1b8f85" : "#e0524f";
  context.lineWidth = 1.4;
  context.beginPath();
  values.forEach((value, i) => {
    context.lineTo(2 + (i * (SPARK.width - 4)) / (values.length - 1), 3 + ((high - value) * (SPARK.height - 6)) / (high - low || 1));
  });
  context.stroke();
  canvas.title = `${numberText(values[0])} to ${numberText(values[values.length - 1])}, lowest ${numberText(low)}, highest ${numberText(high)}`;
}

class Table {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.by = { column: 0, up: 1 };
    this.changed = () => this.draw();
    model.on("change:content", this.changed);
    el.classList.add("tk-screener");
    this.draw();
  }

  draw() {
    const { columns, rows, curves, synthetic, failures, failed } = this.model.get("content");
    this.el.replaceChildren();
    if (synthetic) element(this.el, "div", "tk-screener-banner", "SYNTHETIC SAMPLE DATA – not a real market");
    const frame = element(this.el, "div", "tk-screener-frame");
    const table = element(frame, "table");
    const head = element(element(table, "thead"), "tr");
    columns.forEach(({ name, kind }, i) => {
      const cell = element(head, "th", `tk-${kind}`);
      const button = element(cell, "button", "", name);
      button.type = "button";
      button.title = `Sort by ${name}`;
      const here = this.by.column === i;
      cell.setAttribute("aria-sort", here ? (this.by.up > 0 ? "ascending" : "descending") : "none");
      element(button, "span", "tk-arrow", here ? (this.by.up > 0 ? " ▲" : " ▼") : "");
      button.addEventListener("click", () => this.sort(i, kind));
      if (i === 0) element(head, "th", "", "recent closes");
    });
    const body = element(table, "tbody");
    for (const i of sorted(rows, this.by.column, this.by.up)) {
      const line = element(body, "tr");
      line.setAttribute("aria-selected", String(this.model.get("selected") === rows[i][0]));
      rows[i].forEach((value, k) => {
        const { name, kind } = columns[k];
        const cell = element(line, "td", `tk-${kind}`, typeof value === "number" || value === null ? numberText(value) : value);
        if (kind === "change" && value !== null) {
          cell.textContent = `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}%`;
          cell.classList.add(value < 0 ? "tk-falls" : "tk-rises");
        }
        if (name.endsWith(" signal")) {
          cell.textContent = value.replaceAll("_", " ");
          cell.classList.add({ BUY: "tk-rises", SELL: "tk-falls" }[value] ?? "tk-other");
        }
        if (k === 0) spark(element(line, "td"), curves[i]);
      });
      line.addEventListener("click", () => {
        this.model.set("selected", rows[i][0]);
        this.model.save_changes();
        for (const other of body.children) other.setAttribute("aria-selected", String(other === line));
      });
    }
    if (failed) element(this.el, "p", "tk-screener-failed", `${failed} pairs could not be loaded. ${failures.join("; ")}${failed > failures.length ? "; …" : ""}`);
  }

  // Numbers begin with the greatest, names with the first.
  sort(column, kind) {
    const up = this.by.column === column ? -this.by.up : kind === "text" ? 1 : -1;
    this.by = { column, up };
    const { scrollLeft, scrollTop } = this.el.querySelector(".tk-screener-frame");
    this.draw();
    this.el.querySelector(".tk-screener-frame").scrollTo(scrollLeft, scrollTop);
  }
}

export default {
  render({ model, el }) {
    const table = new Table(model, el);
    return () => model.off("change:content", table.changed);
  },
};
