"""The widget that stands for a chart's JavaScript."""

from pathlib import Path

import anywidget
import traitlets

from toolkit.chart.bundle import script


class Controller(anywidget.AnyWidget):
    """The browser's side of a chart; see `toolkit/chart/js/controller.js`."""

    _esm = script()
    _css = Path(__file__).with_name("chart.css").read_text(encoding="utf-8")

    key = traitlets.Unicode().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    loading = traitlets.Unicode().tag(sync=True)
    seen = traitlets.Dict().tag(sync=True)
    renderer = traitlets.Unicode("canvas").tag(sync=True)
    arrangement = traitlets.Dict().tag(sync=True)
    goal = traitlets.Dict().tag(sync=True)  # the range that Python last asked for
    watching = traitlets.Bool().tag(sync=True)  # whether Python wants to know the row under the pointer
    group = traitlets.Unicode().tag(sync=True)
