// A table that draws only the rows in view: columns come from the kernel, newest first. Text is only ever set as text.

const ROW = 28;
const SPARE = 8;
const DAY = 864e5;
const TIMES = { "": "All time", view: "In view", 1: "Last day", 7: "Last week", 30: "Last month", 365: "Last year" };
const two = (number) => String(number).padStart(2, "0");

function timeText(time) {
  const d = new Date(time);
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
}

function valueText(value) {
  if (value !== value) return "–";
  const size = Math.abs(value);
  return size >= 1000 ? value.toLocaleString("en-US", { maximumFractionDigits: 1, minimumFractionDigits: 1 }) : String(Number(value.toPrecision(4)));
}

function numbers(buffer, Type) {
  const bytes = buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return new Type(bytes.slice().buffer);
}

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

class Table {
  constructor(model, el) {
    this.model = model;
    this.columns = null;
    this.shown = [];
    el.classList.add("tk-signals");
    const head = element(el, "div", "tk-signals-head");
    element(head, "h4", "", "Signals");
    this.count = element(head, "span", "tk-count");
    this.byLabel = this.#filter(head, "Indicator");
    this.byType = this.#filter(head, "Type");
    this.#options(this.byLabel, "All indicators", []);
    this.#options(this.byType, "All types", []);
    this.byTime = this.#filter(head, "Span of time");
    for (const [value, text] of Object.entries(TIMES).sort(([a], [b]) => (a === "" ? -1 : b === "" ? 1 : a === "view" ? -1 : b === "view" ? 1 : a - b))) {
      element(this.byTime, "option", "", text).value = value;
    }
    this.byTime.value = "";
    this.byTime.addEventListener("change", () => {
      model.set("in_view", this.byTime.value === "view"); // what is in view is told only to whom it matters
      model.save_changes();
    });
    model.on("change:view change:newest", () => this.columns && this.byTime.value && this.sift());
    this.list = element(el, "div", "tk-signals-list");
    this.list.tabIndex = 0;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Signals, newest first");
    this.space = element(this.list, "div", "tk-signals-space");
    this.empty = element(this.list, "p", "tk-empty", "");
    this.list.addEventListener("scroll", () => this.draw());
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest(".tk-signal");
      if (row) this.pick(Number(row.dataset.row));
    });
    this.list.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !this.shown.length) return;
      event.preventDefault();
      event.stopPropagation();
      const now = this.shown.indexOf(this.picked);
      const next = Math.max(0, Math.min(this.shown.length - 1, now + step));
      this.list.scrollTop = Math.max(next * ROW + ROW - this.list.clientHeight, Math.min(this.list.scrollTop, next * ROW));
      this.pick(this.shown[next]);
    });
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.list);
    model.on("msg:custom", (message, buffers) => message.type === "signals" && this.take(message, buffers));
    model.send({ type: "ready" });
  }

  #filter(parent, name) {
    const select = element(parent, "select", "tk-filter");
    select.setAttribute("aria-label", `Show only one ${name.toLowerCase()}`);
    select.title = `Show only one ${name.toLowerCase()}`;
    select.addEventListener("change", () => this.sift());
    return select;
  }

  #options(select, first, names) {
    const chosen = select.value;
    select.replaceChildren();
    element(select, "option", "", first).value = "";
    names.forEach((name, code) => {
      element(select, "option", "", name.replaceAll("_", " ")).value = name;
    });
    select.value = names.includes(chosen) ? chosen : "";
  }

  take(message, buffers) {
    const [time, value, confidence, position, label, type] = buffers;
    const before = this.columns;
    this.columns = {
      time: numbers(time, Float64Array), value: numbers(value, Float64Array), confidence: numbers(confidence, Float32Array),
      position: numbers(position, Int32Array), label: numbers(label, Uint8Array), type: numbers(type, Uint8Array),
    };
    this.labels = message.labels;
    this.types = message.types;
    if (message.more && before) {
      this.#before(before);
      return;
    }
    this.picked = null;
    this.#options(this.byLabel, "All indicators", message.labels);
    this.#options(this.byType, "All types", message.types);
    this.sift();
  }

  // What came is newer than all there was: it goes on top, and whoever reads further down stays there.
  #before(columns) {
    const come = this.columns.time.length;
    for (const [name, values] of Object.entries(this.columns)) {
      const all = new values.constructor(come + columns[name].length);
      all.set(values);
      all.set(columns[name], come);
      this.columns[name] = all;
    }
    if (this.picked !== null) this.picked += come;
    const [shown, place] = [this.shown.length, this.list.scrollTop];
    this.sift();
    if (place > 0) {
      this.list.scrollTop = place + (this.shown.length - shown) * ROW;
      this.draw();
    }
  }

  // The first and the last moment that are wanted; the last day and so on end with the newest candle.
  #span() {
    const chosen = this.byTime.value;
    if (chosen === "view") return this.model.get("view").length ? this.model.get("view") : [-Infinity, Infinity];
    return chosen ? [this.model.get("newest") - Number(chosen) * DAY, Infinity] : [-Infinity, Infinity];
  }

  sift() {
    const { label, type, time } = this.columns;
    const [first, last] = this.#span();
    const wantedLabel = this.labels.indexOf(this.byLabel.value);
    const wantedType = this.types.indexOf(this.byType.value);
    this.shown = [];
    for (let i = 0; i < label.length; i++) {
      if ((wantedLabel < 0 || label[i] === wantedLabel) && (wantedType < 0 || type[i] === wantedType) && time[i] >= first && time[i] <= last) this.shown.push(i);
    }
    this.count.textContent = this.shown.length.toLocaleString("en-US");
    this.empty.textContent = this.shown.length ? "" : this.labels.length ? "No signals." : "No indicator is switched on.";
    this.list.scrollTop = 0;
    this.draw();
  }

  draw() {
    if (!this.columns) return;
    this.space.style.height = `${this.shown.length * ROW}px`;
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - SPARE);
    const end = Math.min(this.shown.length, Math.ceil((this.list.scrollTop + this.list.clientHeight) / ROW) + SPARE);
    this.space.replaceChildren();
    for (let i = first; i < end; i++) this.#row(this.shown[i], i);
  }

  #row(signal, place) {
    const { time, value, confidence, label, type } = this.columns;
    const kind = this.types[type[signal]];
    const row = element(this.space, "div", "tk-signal");
    row.style.top = `${place * ROW}px`;
    row.dataset.row = signal;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(signal === this.picked));
    element(row, "span", "tk-time", timeText(time[signal]));
    element(row, "span", `tk-kind ${{ BUY: "tk-buy", SELL: "tk-sell" }[kind] ?? "tk-other"}`, kind.replaceAll("_", " "));
    element(row, "span", "tk-label", this.labels[label[signal]]).title = this.labels[label[signal]];
    const number = element(row, "span", "tk-number", valueText(value[signal]));
    const bar = element(number, "span", "tk-confidence");
    number.title = `Confidence ${confidence[signal].toFixed(2)}: how decisive the move was, not a probability`;
    element(bar, "i").style.width = `${Math.round(confidence[signal] * 100)}%`;
  }

  pick(signal) {
    this.picked = signal;
    this.draw();
    // the number makes every click a change, the same signal twice included
    this.clicks = (this.clicks ?? 0) + 1;
    this.model.set("selected", { position: this.columns.position[signal], click: this.clicks });
    this.model.save_changes();
  }
}

export default {
  render({ model, el }) {
    const table = new Table(model, el);
    return () => table.observer.disconnect();
  },
};
