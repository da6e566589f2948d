// The panes one above the other: their order, heights and folding, as arranged; the borders that are dragged, and each
// pane's small buttons.

const FOLDED_HEIGHT = 24;

// Panes in the order arranged; those that were never arranged come behind, as they were described.
export function orderOf(keys, arranged) {
  const placed = arranged.map(({ key }) => key).filter((key) => keys.includes(key));
  return [...placed, ...keys.filter((key) => !placed.includes(key))];
}

// An arrangement of panes with some of it changed: what is known of panes that are not here now is kept.
export function rearranged(arranged, order, changes) {
  const held = new Map(arranged.map((pane) => [pane.key, pane]));
  const here = order.map((key) => ({ key, height: null, folded: false, ...held.get(key), ...changes[key] }));
  return [...here, ...arranged.filter(({ key }) => !order.includes(key))];
}

class Stack {
  constructor(view, el, signal) {
    this.view = view;
    this.signal = signal;
    this.layer = element(el, "div", "tk-stack");
    this.heights = null; // by key, while a border is dragged
  }

  get #arranged() {
    return this.view.chart.arrangement.panes ?? [];
  }

  get order() {
    return orderOf(this.view.panes.map(({ pane }) => pane.key), this.#arranged);
  }

  rebuild() {
    this.layer.replaceChildren();
    for (const entry of this.view.panes) {
      const { key } = entry.pane;
      entry.border = element(this.layer, "div", "tk-border");
      entry.border.title = "Drag to resize, double-click for the usual heights";
      this.#drag(entry);
      entry.bar = element(this.layer, "div", "tk-pane-bar");
      entry.buttons = {
        up: iconButton(entry.bar, "up", `Move the pane ${key} up`, () => this.move(key, -1), this.signal),
        down: iconButton(entry.bar, "down", `Move the pane ${key} down`, () => this.move(key, 1), this.signal),
      };
      if (!entry.pane.candles) {
        const title = `Fold or unfold the pane ${key}`;
        entry.buttons.fold = iconButton(entry.bar, "fold", title, () => this.#arrange({ [key]: { folded: !entry.folded } }), this.signal);
      }
    }
  }

  #arrange(changes, order = this.order) {
    this.view.chart.arrange({ panes: rearranged(this.#arranged, order, changes) });
  }

  move(key, step) {
    const order = this.order;
    const from = order.indexOf(key);
    const to = from + step;
    if (to < 0 || to >= order.length) return;
    [order[from], order[to]] = [order[to], order[from]];
    this.#arrange({}, order);
  }

  // Sets what bqplot's figures take of the height. Only what changed is written: every write is a layout.
  arrange(figures) {
    const held = new Map(this.#arranged.map((pane) => [pane.key, pane]));
    const order = this.order;
    this.view.panes.forEach((entry, i) => {
      const { key, share, least } = entry.pane;
      const { height, folded } = { height: null, folded: false, ...held.get(key) };
      entry.folded = folded && !entry.pane.candles;
      const weight = this.heights?.[key] ?? height ?? share * 100;
      // where there is no room for all, a pane that was made higher by hand stays so
      const lowest = this.view.scrolls && (this.heights?.[key] ?? height) ? Math.max(least, weight) : least;
      const wanted = entry.folded ? `0 0 ${FOLDED_HEIGHT}px|${FOLDED_HEIGHT}px|${order.indexOf(key)}` : `${weight} 1 0px|${Math.round(lowest)}px|${order.indexOf(key)}`;
      const figure = figures[i];
      if (!figure || (entry.arranged === wanted && entry.figure === figure)) return;
      const [flex, minimum, place] = wanted.split("|");
      Object.assign(figure.style, { flex, minHeight: minimum, order: place });
      if (entry.arranged !== undefined && !this.view.chart.canvas) window.dispatchEvent(new Event("resize")); // bqplot draws
      entry.arranged = wanted;
      entry.figure = figure;
    });
  }

  // Puts borders and buttons where the panes are.
  place() {
    const { panes, plot } = this.view;
    const order = this.order;
    for (const entry of panes) {
      const at = order.indexOf(entry.pane.key);
      const inside = entry.top > -4 && entry.top < plot.height - 4;
      const border = at > 0 && inside ? `translateY(${Math.round(entry.top) - 4}px)` : "";
      if (entry.borderAt !== border) {
        entry.borderAt = border;
        entry.border.style.transform = border;
        entry.border.hidden = !border;
      }
      const bar = inside ? `translateY(${Math.round(entry.top) + 2}px)` : "";
      if (entry.barAt !== bar) {
        entry.barAt = bar;
        entry.bar.style.transform = bar;
        entry.bar.hidden = !bar;
      }
      const { up, down, fold } = entry.buttons;
      up.disabled = at === 0;
      down.disabled = at === order.length - 1;
      if (fold && fold.folded !== entry.folded) {
        fold.folded = entry.folded;
        fold.firstChild.remove();
        icon(fold, entry.folded ? "unfold" : "fold");
      }
      entry.bar.classList.toggle("tk-folded", Boolean(entry.folded));
    }
  }

  // Shows the buttons of the pane under the pointer.
  point(entry) {
    if (this.pointed === entry) return;
    this.pointed?.bar?.classList.remove("tk-shown");
    entry?.bar?.classList.add("tk-shown");
    this.pointed = entry;
  }

  #drag(lower) {
    const { border } = lower;
    const { signal } = this;
    const upper = () => {
      const open = this.order.map((key) => this.view.panes.find(({ pane }) => pane.key === key));
      return open.slice(0, open.indexOf(lower)).filter((entry) => !entry.folded).at(-1);
    };
    border.addEventListener("pointerdown", (event) => {
      const above = upper();
      if (event.button !== 0 || !above || lower.folded) return;
      border.setPointerCapture(event.pointerId);
      const heights = Object.fromEntries(this.view.panes.map(({ pane, height, folded }) => [pane.key, folded ? pane.share * 100 : height]));
      const start = { y: event.clientY, above: above.height, below: lower.height };
      const scrolls = this.view.scrolls;
      this.moving = (at) => {
        const room = start.above + start.below;
        const { least } = above.pane;
        const tall = scrolls ? Math.max(least, start.above + at - start.y) : Math.max(least, Math.min(room - lower.pane.least, start.above + at - start.y));
        this.heights = { ...heights, [above.pane.key]: tall, ...(scrolls ? {} : { [lower.pane.key]: room - tall }) };
        this.view.chart.request();
      };
    }, { signal });
    border.addEventListener("pointermove", (event) => this.moving?.(event.clientY), { signal });
    const drop = () => {
      if (!this.moving) return;
      this.moving = null;
      const heights = this.heights;
      this.heights = null;
      if (heights) this.#arrange(Object.fromEntries(Object.entries(heights).map(([key, height]) => [key, { height: Math.round(height) }])));
    };
    border.addEventListener("pointerup", drop, { signal });
    border.addEventListener("pointercancel", drop, { signal });
    border.addEventListener("dblclick", () => {
      this.#arrange(Object.fromEntries(this.order.map((key) => [key, { height: null }])));
    }, { signal });
  }
}
