// What pointer, wheel and keys do to the range in view. All of it ends in `chart.show(low, high)`.

export function listen(surface, chart, view, signal) {
  let drag = null;
  const at = (event) => {
    const box = surface.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  surface.addEventListener("wheel", (event) => {
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
  }, { passive: false, signal });

  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    surface.focus({ preventScroll: true });
    drag = { from: at(event).x, low: chart.range.low, high: chart.range.high };
    surface.classList.add("tk-dragging");
  }, { signal });

  surface.addEventListener("pointermove", (event) => {
    const point = at(event);
    if (drag) {
      const moved = ((drag.from - point.x) * (drag.high - drag.low)) / view.plot.width;
      chart.show(drag.low + moved, drag.high + moved);
    }
    view.point(point);
  }, { signal });

  const drop = () => {
    drag = null;
    surface.classList.remove("tk-dragging");
  };
  surface.addEventListener("pointerup", drop, { signal });
  surface.addEventListener("pointercancel", drop, { signal });
  surface.addEventListener("pointerleave", () => view.point(null), { signal });
  surface.addEventListener("dblclick", () => chart.showLatest(), { signal });

  surface.addEventListener("keydown", (event) => {
    const { low, high } = chart.range;
    const span = high - low;
    const zoom = (factor) => chart.show(high - span * factor, high);
    const actions = {
      ArrowLeft: () => chart.show(low - span * 0.1, high - span * 0.1),
      ArrowRight: () => chart.show(low + span * 0.1, high + span * 0.1),
      ArrowUp: () => zoom(0.8),
      ArrowDown: () => zoom(1.25),
      "+": () => zoom(0.8),
      "-": () => zoom(1.25),
      Home: () => chart.show(-0.5, span - 0.5),
      End: () => chart.showLatest(),
      PageDown: () => view.scrollBy(120),
      PageUp: () => view.scrollBy(-120),
      f: () => chart.showAll(),
      Escape: () => chart.highlight(null),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab has keys of its own
    action();
  }, { signal });
}
