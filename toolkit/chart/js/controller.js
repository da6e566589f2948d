// What anywidget calls: one `Chart` for a widget, one `View` for each place where it is shown.

// What is on the screen, in numbers: for tests and benchmarks.
function inspected(chart) {
  const { feed, linked, window } = chart;
  return {
    frames: chart.frames,
    spent: chart.spent,
    epoch: feed.epoch,
    forming: feed.columns.forming,
    badge: feed.badge,
    candles: feed.length,
    complete: feed.complete,
    range: chart.range && { ...chart.range },
    level: window?.level,
    drawn: chart.inView ? chart.inView[1] - chart.inView[0] : 0,
    selected: chart.selected,
    strip: window && Object.fromEntries(Object.entries(window.strip).map(([kind, marks]) => [kind, marks.length])),
    versions: Object.fromEntries([...feed.columns].map(([name, column]) => [name, column.version])),
    canvas: linked.panes.every((pane) => pane.marks.every((mark) => !mark.own.length)),
    arrangement: chart.arrangement,
    panes: linked.panes.map((pane) => ({
      key: pane.key,
      bounds: pane.bounds && { ...pane.bounds },
      manual: Boolean(pane.manual),
      marks: pane.marks.map((mark) => ({ kind: mark.kind, role: mark.role, column: mark.column, by: mark.by, group: mark.group, points: mark.shape?.x.length ?? 0 })),
    })),
  };
}

export default {
  initialize({ model }) {
    const key = model.get("key");
    const chart = new Chart(model);
    CHARTS.set(key, chart);
    return () => {
      chart.close();
      if (CHARTS.get(key) === chart) CHARTS.delete(key);
    };
  },
  render({ model, el }) {
    const view = new View(CHARTS.get(model.get("key")), el, model);
    return () => view.remove();
  },
};
