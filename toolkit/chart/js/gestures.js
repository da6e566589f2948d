// What pointer, wheel, touch and keys do. On the panes they move and zoom, or work with a tool; on an axis they stretch it.

export function listen(surface, chart, view, signal) {
  const pointers = new Map(); // those that are down: where each is now
  let drag = null; // what they do: { move(point), end?(point) }
  const at = (event) => {
    const box = surface.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const on = (name, action, options = {}) => surface.addEventListener(name, action, { signal, ...options });
  const begin = (one) => {
    drag = one;
    surface.classList.toggle("tk-dragging", Boolean(one?.grabs));
  };

  on("wheel", (event) => {
    if (!chart.range) return;
    event.preventDefault();
    const { low, high } = chart.range;
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (at(event).x > view.plot.width) {
      view.scrollBy(event.deltaY * unit); // over the axis: other panes
      return;
    }
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const moved = ((event.deltaX || event.deltaY) * unit * (high - low)) / view.plot.width;
      chart.show(low + moved, high + moved);
    } else {
      const anchor = view.toX(at(event).x);
      const factor = Math.exp(Math.max(-1, Math.min(1, event.deltaY * unit * 0.0016)));
      chart.show(anchor - (anchor - low) * factor, anchor + (high - anchor) * factor, anchor);
    }
  }, { passive: false });

  on("pointerdown", (event) => {
    if (event.button !== 0 || !chart.range) return;
    surface.setPointerCapture(event.pointerId);
    surface.focus({ preventScroll: true });
    const point = at(event);
    pointers.set(event.pointerId, point);
    if (pointers.size === 2) begin(pinch(chart, view, pointers));
    else if (pointers.size > 2) begin(null);
    else if (point.x > view.plot.width) begin(stretchPrices(chart, view, point));
    else if (point.y > view.plot.height) begin(stretchTimes(chart, view, point));
    else if (chart.tools.down(view, point, event)) begin({ move: (to) => chart.tools.move(view, to), end: (to) => chart.tools.up(view, to) });
    else begin(pan(chart, view, point));
  });

  on("pointermove", (event) => {
    const point = at(event);
    if (pointers.has(event.pointerId)) {
      pointers.set(event.pointerId, point);
      drag?.move(point);
    } else if (!drag) {
      chart.tools.move(view, point); // the second end of a line, between two clicks
    }
    if (event.pointerType === "touch" && (drag?.moved || pointers.size > 1)) view.point(null);
    else view.point(point);
    shape(surface, view, point, chart);
  });

  const drop = (event) => {
    const point = at(event);
    if (!pointers.delete(event.pointerId)) return;
    if (pointers.size === 1 && drag?.pinches) {
      begin(pan(chart, view, [...pointers.values()][0])); // the finger that stays goes on panning
      return;
    }
    if (pointers.size) return;
    drag?.end?.(point);
    chart.keepRanges();
    if (event.pointerType === "touch" && !drag?.moved) view.point(point); // a tap: the crosshair stays there
    begin(null);
  };
  on("pointerup", drop);
  on("pointercancel", drop);
  on("pointerleave", (event) => event.pointerType !== "touch" && view.point(null));
  on("dblclick", (event) => {
    const point = at(event);
    if (point.x > view.plot.width) chart.fit(view.entryAt(point.y)?.pane);
    else if (chart.tools.mode === "cursor" && !chart.tools.chosen) {
      chart.fit();
      chart.showLatest();
    }
  });
  on("keydown", (event) => keyed(event, chart, view));
}

// The pointer's shape says what a press would do.
function shape(surface, view, { x, y }, chart) {
  const { width, height } = view.plot;
  const cursor = x > width ? (y < height ? "ns-resize" : "") : y > height ? "ew-resize" : chart.tools.cursorAt(view, { x, y });
  if (surface.shaped !== cursor) surface.style.cursor = surface.shaped = cursor;
}

// The candles follow the pointer; with an axis set by hand, up and down as well.
function pan(chart, view, from) {
  const { low, high } = chart.range;
  const pane = view.entryAt(from.y)?.pane;
  const height = view.entryAt(from.y)?.height;
  const held = pane?.manual;
  return {
    grabs: true,
    move(point) {
      if (Math.hypot(point.x - from.x, point.y - from.y) > 3) this.moved = true;
      const moved = ((from.x - point.x) * (high - low)) / view.plot.width;
      if (held) {
        const risen = ((point.y - from.y) / height) * (held.high - held.low);
        pane.dragged = { low: held.low + risen, high: held.high + risen, map: pane.map };
      }
      chart.show(low + moved, high + moved);
    },
  };
}

// Two fingers: what is under each of them stays there.
function pinch(chart, view, pointers) {
  const across = () => {
    const [one, other] = [...pointers.values()];
    return { middle: (one.x + other.x) / 2, apart: Math.max(20, Math.hypot(one.x - other.x, one.y - other.y)) };
  };
  const start = across();
  const { low, high } = chart.range;
  const anchor = view.toX(start.middle);
  return {
    pinches: true,
    moved: true,
    move() {
      const { middle, apart } = across();
      const span = ((high - low) * start.apart) / apart;
      const from = anchor - (middle / view.plot.width) * span;
      chart.show(from, from + span, anchor);
    },
  };
}

// Dragging the price axis sets its ends by hand, about its middle.
function stretchPrices(chart, view, from) {
  const entry = view.entryAt(from.y);
  if (!entry?.pane.bounds || entry.folded) return null;
  const { pane, height } = entry;
  const { low, high } = pane.bounds;
  return {
    move(point) {
      const moved = point.y - from.y;
      if (!pane.manual && Math.abs(moved) < 2) return;
      const half = ((high - low) / 2) * Math.exp(Math.max(-4, Math.min(4, (moved / height) * 2.5)));
      pane.dragged = { low: (low + high) / 2 - half, high: (low + high) / 2 + half, map: pane.map };
      chart.request();
    },
  };
}

// Dragging the time axis zooms about the right edge.
function stretchTimes(chart, view, from) {
  const { low, high } = chart.range;
  return {
    move(point) {
      chart.show(high - (high - low) * Math.exp(((from.x - point.x) / view.plot.width) * 3), high, high);
    },
  };
}

function keyed(event, chart, view) {
  if (!chart.range || event.ctrlKey || event.metaKey || event.altKey) return;
  const { low, high } = chart.range;
  const span = high - low;
  const zoom = (factor) => chart.show(high - span * factor, high, high);
  const move = (share) => chart.show(low + span * share, high + span * share);
  const actions = {
    ArrowLeft: () => move(-0.1),
    ArrowRight: () => move(0.1),
    ArrowUp: () => zoom(0.8),
    ArrowDown: () => zoom(1.25),
    "+": () => zoom(0.8),
    "=": () => zoom(0.8),
    "-": () => zoom(1.25),
    Home: () => chart.show(-0.5, span - 0.5),
    End: () => chart.showLatest(),
    PageDown: () => view.scrollBy(120),
    PageUp: () => view.scrollBy(-120),
    f: () => chart.showAll(),
    Delete: () => chart.tools.removeChosen(),
    Backspace: () => chart.tools.removeChosen(),
    Escape: () => chart.tools.cancel() || chart.highlight(null),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation(); // JupyterLab has keys of its own
  action();
}
