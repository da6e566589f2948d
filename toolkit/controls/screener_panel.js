// The screener, and the watchlist as its narrow form: rows come from the kernel as they are worked out. A column's name sorts
// by it, undefined values last whichever way. Text is only ever set as text.

const SPARK = { width: 84, height: 20 };

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function numberText(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return value.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function spark(cell, values, colors) {
  const canvas = element(cell, "canvas", "tk-spark");
  const ratio = window.devicePixelRatio || 1;
  canvas.width = SPARK.width * ratio;
  canvas.height = SPARK.height * ratio;
  if (values.length < 2) return;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  context.strokeStyle = values.at(-1) >= values[0] ? colors.up : colors.down;
  context.lineWidth = 1.3;
  context.beginPath();
  values.forEach((value, i) => {
    context.lineTo(2 + (i * (SPARK.width - 4)) / (values.length - 1), 3 + ((high - value) * (SPARK.height - 6)) / (high - low || 1));
  });
  context.stroke();
}

class Panel {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.compact = model.get("compact");
    this.rows = new Map();
    this.by = { column: this.compact ? "" : "symbol", up: 1 };
    this.show = { timeframe: "", words: "", signals: false, watched: false };
    el.classList.add("tk-screen");
    el.classList.toggle("tk-compact", this.compact);
    this.#tools();
    this.frame = element(el, "div", "tk-screen-frame");
    const table = element(this.frame, "table");
    this.head = element(element(table, "thead"), "tr");
    this.body = element(table, "tbody");
    this.empty = element(this.frame, "p", "tk-empty");
    this.took = (message) => this.#take(message);
    this.changed = () => this.draw();
    this.moved = () => this.#progress();
    this.themes = new MutationObserver(this.changed);
    model.on("msg:custom", this.took);
    model.on("change:columns change:watched change:current change:synthetic change:outdated change:replaying", this.changed);
    model.on("change:progress", this.moved);
    this.seen = new IntersectionObserver(([entry]) => {
      const page = el.closest(".tk-page");
      if (page) this.themes.observe(page, { attributes: true, attributeFilter: ["class"] });
      if (model.get("seen") === entry.isIntersecting) return;
      model.set("seen", entry.isIntersecting);
      model.save_changes();
    });
    this.seen.observe(el);
    model.send({ type: "ready" });
    this.draw();
    this.#progress();
  }

  remove() {
    this.seen.disconnect();
    this.themes.disconnect();
    this.model.off("msg:custom", this.took);
    this.model.off("change:columns change:watched change:current change:synthetic change:outdated change:replaying", this.changed);
    this.model.off("change:progress", this.moved);
  }

  #tools() {
    const bar = (this.tools = element(this.el, "div", "tk-screen-tools"));
    if (!this.compact) {
      element(bar, "h4", "", "Screener");
      const words = element(bar, "input");
      words.type = "search";
      words.placeholder = "Filter pairs";
      words.setAttribute("aria-label", "Filter pairs");
      words.addEventListener("input", () => this.#sift({ words: words.value.trim().toUpperCase() }));
      const frames = element(bar, "div", "tk-choice");
      frames.setAttribute("role", "group");
      frames.setAttribute("aria-label", "Timeframe");
      for (const name of ["", "15m", "1h", "1d"]) {
        const button = element(frames, "button", "", name || "All");
        button.type = "button";
        button.setAttribute("aria-pressed", String(name === this.show.timeframe));
        button.addEventListener("click", () => {
          for (const other of frames.children) other.setAttribute("aria-pressed", String(other === button));
          this.#sift({ timeframe: name });
        });
      }
      for (const [key, text, title] of [["signals", "With a signal", "Only rows with a signal in the last 24 candles"], ["watched", "★ Watched", "Only pairs on the watchlist"]]) {
        const button = element(bar, "button", "tk-quiet", text);
        button.type = "button";
        button.title = title;
        button.setAttribute("aria-pressed", "false");
        button.addEventListener("click", () => {
          this.#sift({ [key]: !this.show[key] });
          button.setAttribute("aria-pressed", String(this.show[key]));
        });
      }
    }
    this.count = element(bar, "span", "tk-count");
    this.bar = element(bar, "progress");
    this.text = element(bar, "span", "tk-screen-text");
    this.text.setAttribute("role", "status");
    this.act = element(bar, "button", "tk-quiet");
    this.act.type = "button";
    this.act.addEventListener("click", () => this.model.send({ type: this.model.get("progress").running ? "cancel" : "run" }));
  }

  #sift(change) {
    Object.assign(this.show, change);
    this.draw();
  }

  #progress() {
    const { done = 0, total = 0, text = "", running = false } = this.model.get("progress");
    this.bar.max = total || 1;
    this.bar.value = done;
    this.bar.classList.toggle("tk-shown", running);
    this.tools.classList.toggle("tk-idle", !running && !this.model.get("outdated"));
    this.text.textContent = running ? `${done} of ${total}, ${text}` : total && done < total ? `stopped at ${done} of ${total}` : "";
    this.act.textContent = running ? "Cancel" : "Refresh";
    this.act.hidden = this.compact && !running && !this.model.get("outdated");
    this.#words();
  }

  #take({ type, rows, fresh }) {
    if (type !== "rows") return;
    if (fresh) this.rows.clear();
    for (const row of rows) this.rows.set(`${row.symbol} ${row.timeframe}`, row);
    this.draw();
  }

  #columns() {
    const own = this.model.get("columns").map((name, i) => ({ key: `value ${i}`, name, kind: "number", of: (row) => row.values?.[i] ?? null }));
    const symbol = { key: "symbol", name: "Pair", kind: "text", of: (row) => row.symbol };
    const usual = [
      { key: "close", name: "Close", kind: "number", of: (row) => row.close ?? null },
      { key: "change", name: "Change", kind: "change", of: (row) => row.change ?? null },
      { key: "signal", name: "Signal", kind: "signal", of: (row) => row.signal || null },
    ];
    if (this.compact) return [symbol, ...usual];
    return [
      symbol,
      { key: "timeframe", name: "Candles", kind: "text", of: (row) => ({ "15m": 0, "1h": 1, "1d": 2 })[row.timeframe], text: (row) => row.timeframe },
      ...usual,
      { key: "age", name: "Ago", kind: "number", of: (row) => row.age ?? null },
      ...own,
      { key: "stale", name: "Data", kind: "text", of: (row) => row.failed || row.stale || null },
    ];
  }

  #shown() {
    const watched = this.model.get("watched");
    const { timeframe, words, signals } = this.show;
    let rows = [...this.rows.values()].filter(
      (row) => (!timeframe || row.timeframe === timeframe) && row.symbol.includes(words) && (!signals || row.signal) && (!this.show.watched || watched.includes(row.symbol)),
    );
    if (this.compact) rows = watched.flatMap((symbol) => rows.filter((row) => row.symbol === symbol));
    const column = this.#columns().find(({ key }) => key === this.by.column);
    if (!column) return rows;
    const none = (value) => value === null || value === undefined;
    return rows
      .map((row, i) => ({ row, i, value: column.of(row) }))
      .sort((a, b) => {
        if (Boolean(a.row.failed) !== Boolean(b.row.failed)) return a.row.failed ? 1 : -1;
        if (none(a.value) || none(b.value)) return none(a.value) - none(b.value) || a.i - b.i;
        return this.by.up * (a.value < b.value ? -1 : a.value > b.value ? 1 : 0) || a.i - b.i;
      })
      .map(({ row }) => row);
  }

  draw() {
    const columns = this.#columns();
    const style = getComputedStyle(this.el);
    const colors = { up: style.getPropertyValue("--tk-up").trim() || "#26a69a", down: style.getPropertyValue("--tk-down").trim() || "#ef5350" };
    this.head.replaceChildren();
    element(this.head, "th", "tk-star").setAttribute("aria-label", "Watched");
    for (const column of columns) {
      const cell = element(this.head, "th", `tk-of-${column.kind}`);
      const here = this.by.column === column.key;
      cell.setAttribute("aria-sort", here ? (this.by.up > 0 ? "ascending" : "descending") : "none");
      const button = element(cell, "button", "", column.name);
      button.type = "button";
      button.title = `Sort by ${column.name}`;
      element(button, "span", "tk-arrow", here ? (this.by.up > 0 ? "↑" : "↓") : "");
      button.addEventListener("click", () => {
        const first = column.kind === "text" || column.kind === "signal" ? 1 : -1; // numbers begin with the greatest
        this.by = { column: column.key, up: here ? -this.by.up : first };
        this.draw();
      });
      if (column.key === "symbol") element(this.head, "th", "", this.compact ? "" : "Last 24");
    }
    const watched = this.model.get("watched");
    const [symbol, timeframe] = this.model.get("current");
    const shown = this.#shown();
    this.body.replaceChildren();
    for (const row of shown) {
      const line = element(this.body, "tr", row.failed ? "tk-failed" : "");
      line.setAttribute("aria-selected", String(row.symbol === symbol && row.timeframe === timeframe));
      line.tabIndex = 0;
      const star = element(element(line, "td", "tk-star"), "button", "", watched.includes(row.symbol) ? "★" : "☆");
      star.type = "button";
      star.title = watched.includes(row.symbol) ? `Take ${row.symbol} off the watchlist` : `Put ${row.symbol} on the watchlist`;
      star.setAttribute("aria-label", star.title);
      star.addEventListener("click", (event) => {
        event.stopPropagation();
        this.model.send({ type: "watch", symbol: row.symbol });
      });
      for (const column of columns) {
        const value = column.of(row);
        const cell = element(line, "td", `tk-of-${column.kind}`);
        if (column.key === "symbol") {
          element(cell, "b", "", row.symbol);
          if (row.synthetic) element(cell, "span", "tk-made-up", "synthetic").title = "Synthetic sample candles, not a real market";
          if (this.compact && row.stale) element(cell, "span", "tk-stale", "stale").title = row.stale;
          spark(element(line, "td"), row.curve ?? [], colors);
        } else if (column.kind === "change") {
          cell.textContent = value === null ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}%`;
          if (value !== null) cell.classList.add(value < 0 ? "tk-falls" : "tk-rises");
        } else if (column.kind === "signal") {
          if (value) element(cell, "b", `tk-kind ${{ BUY: "tk-buy", SELL: "tk-sell" }[value] ?? "tk-other"}`, value.replaceAll("_", " ")).title = `${row.label}, ${row.age} candles ago`;
          if (value && !this.compact) element(cell, "span", "tk-label", row.label);
        } else if (column.key === "stale") {
          if (value) element(cell, "span", row.failed ? "tk-missing" : "tk-stale", row.failed ? "missing" : row.stale).title = value;
        } else cell.textContent = column.text ? column.text(row) : numberText(value);
      }
      if (row.failed) line.title = row.failed;
      const open = () => !row.failed && this.model.send({ type: "open", symbol: row.symbol, timeframe: row.timeframe });
      line.addEventListener("click", open);
      line.addEventListener("keydown", (event) => event.target === line && event.key === "Enter" && open());
    }
    this.number = shown.length;
    this.#words();
  }

  #words() {
    const { running = false } = this.model.get("progress");
    const bad = [...this.rows.values()].filter((row) => row.failed).length;
    const parts = [`${this.number ?? 0} ${this.number === 1 ? "row" : "rows"}`];
    if (bad) parts.push(`${bad} missing`);
    if (this.model.get("synthetic")) parts.push("SYNTHETIC");
    if (this.model.get("outdated")) parts.push("of other indicators or data: refresh");
    this.count.textContent = this.compact ? parts.slice(1).join(" · ") : parts.join(" · ");
    this.empty.textContent = this.number ? "" : this.model.get("replaying") ? "A replay is playing: other pairs would show what came after its moment." : running ? "Working it out…" : this.rows.size ? "No row like that." : this.compact ? "No pair is watched. Stars in the screener put one here." : "Nothing was worked out yet.";
  }
}

export default {
  render({ model, el }) {
    const panel = new Panel(model, el);
    return () => panel.remove();
  },
};
