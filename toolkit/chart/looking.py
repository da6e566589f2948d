"""Where a chart looks and how it is arranged: what the user's hand changes, and what Python asks for."""

import contextlib
import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from toolkit.chart import arrangement, wire
from toolkit.chart.controller import Controller


class Looking(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets comes without types
    """A chart's view of its candles. `Chart` adds what is drawn."""

    def __init__(self, columns: wire.Columns, controller: Controller, children: list[Any]) -> None:
        self._columns = columns
        self._controller = controller
        self._goals = 0
        self._watchers: list[Callable[[int | None], None]] = []
        super().__init__([*children, controller])

    @property
    def visible(self) -> tuple[float, float] | None:
        """First and last row in view (fractions of a candle included), or None before anything was shown."""
        seen = self._controller.seen
        if not seen or seen["epoch"] != self._columns.epoch:
            return None
        return float(seen["first"]), float(seen["last"])

    @property
    def visible_times(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Opening times (UTC) of the first and the last candle in view, or None before anything was shown."""
        seen = self.visible
        if seen is None or not self._columns.length:
            return None
        times = self._columns.held["time"].values
        # those whose middle is in view, so that what `show_range` was asked for is told as it was asked
        whole = max(math.ceil(seen[0]), 0), min(math.floor(seen[1]), len(times) - 1)
        first, last = (min(max(row, 0), len(times) - 1) for row in whole)
        return pd.Timestamp(times[first], unit="ms", tz="UTC"), pd.Timestamp(times[last], unit="ms", tz="UTC")

    def observe_visible(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` whenever another range has come into view and rests. Returns a function that
        ends this.
        """
        return self._observe("seen", callback)

    @property
    def arrangement(self) -> dict[str, Any]:
        """How the chart is arranged, as JSON can hold it; a copy. Setting it restores what was kept.

        `scale` ("linear", "log" or "percent"), `timezone` ("UTC" or an IANA name), `theme` ("auto", "dark"
        or "light"), `panes` (a list, from top to bottom, of `{"key", "height", "folded"}`: keys are "price"
        and the indicators' labels, heights are shares; with `"range"`, two values, where the axis was set by
        hand, until other candles are shown), `drawings` (by symbol: lists of `{"id", "kind",
        "pane", "points"}`, points in milliseconds since 1970 and in values) and `compare` (a symbol or
        None). What is missing is as in a new chart; `ValueError` names what is wrong. Panes that are not
        there yet take their place when they come. (`layout` is what ipywidgets calls the CSS of a widget.)
        """
        return copy.deepcopy(self._controller.arrangement)

    @arrangement.setter
    def arrangement(self, arranged: Mapping[str, Any]) -> None:
        self._controller.arrangement = arrangement.checked(arranged)

    def observe_arrangement(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` whenever `arrangement` changed, by hand or by Python. Returns a function that
        ends this.
        """
        return self._observe("arrangement", callback)

    @property
    def group(self) -> str:
        """Charts of one group on a page show the same span of time, and their crosshairs move together;
        an empty name means alone.
        """
        return str(self._controller.group)

    @group.setter
    def group(self, name: str) -> None:
        self._controller.group = name

    def watch_pointer(self, callback: Callable[[int | None], None]) -> Callable[[], None]:
        """Call `callback(row)` with the row of the candle under the crosshair whenever the pointer rests on
        another one, and `callback(None)` when it has left the chart. Returns a function that ends this.
        While nobody watches, the browser says nothing.
        """
        self._watchers.append(callback)
        self._controller.watching = True

        def end() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)
            self._controller.watching = bool(self._watchers)

        return end

    def show_range(self, first: Any, last: Any) -> None:
        """Bring the candles from `first` to `last` into view, both times (anything that pandas reads as
        one; without a time zone: UTC). Times beyond the candles are allowed; the view stays near them.

        Raises `ValueError` where nothing is shown yet, a time cannot be read, or `last` is before `first`.
        """
        low, high = self._row_of("first", first), self._row_of("last", last)
        if high < low:
            raise ValueError(f"Chart.show_range: last={last!r} is not allowed: it is before first={first!r}")
        self._goals += 1
        self._controller.goal = {
            "number": self._goals,
            "epoch": self._columns.epoch,
            "low": low - 0.5,
            "high": high + 0.5,
        }

    def go_to(self, position: int) -> None:
        """Bring a candle (its row) to the middle and mark it. Raises `IndexError` where there is no such
        row.
        """
        if not 0 <= position < self._columns.length:
            raise IndexError(
                f"Chart.go_to: position={position} is not allowed: there are {self._columns.length} candles"
            )
        self._controller.send({"type": "go", "position": int(position)})

    def _observe(self, name: str, callback: Callable[[], None]) -> Callable[[], None]:
        def changed(_: object) -> None:
            callback()

        self._controller.observe(changed, name)
        return lambda: self._controller.unobserve(changed, name)

    def _pointed(self, message: Mapping[str, Any]) -> None:
        """The browser says which row is under the crosshair."""
        row = message["row"]
        if message["epoch"] == self._columns.epoch:
            for callback in list(self._watchers):
                callback(None if row is None else int(row))

    def _row_of(self, name: str, time: Any) -> float:
        """The row at which a time lies: the last candle that opened by then, counted on beyond both ends."""
        if not self._columns.length:
            raise ValueError("Chart.show_range: nothing is shown yet")
        moment: Any = None
        with contextlib.suppress(TypeError, ValueError):
            moment = pd.Timestamp(time)
        if not isinstance(moment, pd.Timestamp):  # pandas' NaT is none
            raise ValueError(f"Chart.show_range: {name}={time!r} is not allowed: it must be a time")
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment
        millis = moment.timestamp() * 1000
        times, step = self._columns.held["time"].values, self._columns.step
        if millis < times[0]:
            return float((millis - times[0]) // step)
        if millis > times[-1]:
            return float(len(times) - 1 + (millis - times[-1]) // step)
        return float(np.searchsorted(times, millis, side="right") - 1)
