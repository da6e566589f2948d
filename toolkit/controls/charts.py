"""Two or four charts side by side, one of which the controls act on."""

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

import ipywidgets

from toolkit.chart import Chart
from toolkit.controls.state import Dashboard


class Charts(ipywidgets.GridBox):  # type: ignore[misc]  # ipywidgets comes without types
    """A `Chart` for every chart of the dashboard. Side by side they show the same span of time, with the
    crosshair at the same time in all of them; a click on one makes it the active one.
    """

    def __init__(self, state: Dashboard, make: Callable[[], Chart] = Chart) -> None:
        self._state = state
        self._make = make
        self.charts: list[Chart] = []
        # no other dashboard's: a notebook whose cells are run again still has the charts of the run before
        self._group = f"dashboard {uuid.uuid4().hex}"
        super().__init__()
        self.add_class("tk-charts")
        state.observe(lambda _: self._follow(), "charts")
        state.observe(lambda _: self._mark(), "active")
        self._follow()

    def _follow(self) -> None:
        slots = self._state.slots
        held = {id(slot): chart for slot, chart in getattr(self, "_pairs", [])}
        pairs: list[tuple[Any, Chart]] = []
        for slot in slots:
            chart = held.pop(id(slot), None)
            if chart is None:
                chart = self._make()
                slot.connect(chart)
                seen = self._state.slot.viewport
                if slot is not self._state.slot and seen is not None and seen.visible_times is not None:
                    with contextlib.suppress(ValueError):  # the other's candles end before its own begin
                        chart.show_range(*seen.visible_times)
            pairs.append((slot, chart))
        self._pairs = pairs
        self.charts = [chart for _, chart in pairs]
        for chart in self.charts:
            chart.group = self._group if len(self.charts) > 1 else ""
        self.children = self.charts
        for chart in held.values():
            for part in chart.children:
                part.close()
            chart.close()
        for number in (1, 2, 3, 4):
            (self.add_class if number == len(slots) else self.remove_class)(f"tk-charts-{number}")
        self._mark()

    def _mark(self) -> None:
        for place, chart in enumerate(self.charts):
            several = len(self.charts) > 1
            (chart.add_class if several and place == self._state.active else chart.remove_class)("tk-active")
