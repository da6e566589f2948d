"""What a chart tells its browser: candles, columns, signals, and what is being waited for."""

from collections.abc import Mapping
from typing import Any

from toolkit.chart import found, wire
from toolkit.chart.controller import Controller
from toolkit.chart.looking import Looking
from toolkit.signals import Signals

FIRST_ROWS = 3000  # candles that are sent with the page; the browser asks for the others


class Telling(Looking):
    """The messages of a chart. `Chart` decides when they are sent."""

    def __init__(self, columns: wire.Columns, controller: Controller, children: list[Any]) -> None:
        self._signals: Mapping[str, Signals] = {}
        self._found = found.Found({}, [])
        self._badge = ""
        super().__init__(columns, controller, children)

    @property
    def loading(self) -> str:
        """What is being waited for; shown over the chart unless empty."""
        return str(self._controller.loading)

    @loading.setter
    def loading(self, text: str) -> None:
        self._controller.loading = text

    @property
    def badge(self) -> str:
        """A text over the chart that says what these candles are, such as a replay and its time."""
        return self._badge

    @badge.setter
    def badge(self, text: str) -> None:
        if text != self._badge:
            self._badge = text
            self._controller.send({"type": "badge", "text": text})

    def _tell(self, kind: str, content: dict[str, Any], buffers: list[Any]) -> None:
        self._controller.send({"type": kind, "epoch": self._columns.epoch, **content}, buffers)

    def _send_all(self) -> None:
        length = self._columns.length
        start = max(0, length - FIRST_ROWS)
        listed, data = self._columns.rows(list(self._columns.held), start, length)
        about = {"length": length, "step": self._columns.step, "forming": self._columns.forming}
        self._tell("reset", {**about, "columns": listed, "from": start}, data)
        self._send_found()

    def _send_found(self) -> None:
        self._tell("found", self._found.content, [array.data for array in self._found.arrays])

    def _tick(self, start: int) -> None:
        """Tell the rows from `start` on, which are the last ones."""
        length = self._columns.length
        listed, data = self._columns.rows(list(self._columns.held), start, length)
        about = {"from": start, "length": length, "forming": self._columns.forming}
        self._tell("tick", {**about, "columns": listed}, data)

    def _patch(self, names: list[str], shifts: list[int]) -> None:
        """Send what is in view of changed columns; the browser asks for the rest when no more changes
        come. `shifts`: how many candles later than they are known they are drawn.
        """
        seen = self._controller.seen
        if seen and seen["epoch"] == self._columns.epoch:
            level, start, end = int(seen["level"]), int(seen["from"]), int(seen["to"])
        else:
            level, start, end = 0, max(0, self._columns.length - FIRST_ROWS), self._columns.length
        size = 1 << level
        start = max(0, start - -(-max([0, *shifts]) // size))
        end = min(-(-self._columns.length // size), end + -(-max([0, *(-n for n in shifts)]) // size))
        listed, data = [], []
        for name in names:
            column = self._columns.held[name]
            listed.append((name, column.version))
            data += [part.data for part in wire.buckets(column.values, level, start, end)]
        self._tell("patch", {"columns": listed, "level": level, "from": start}, data)

    def _send_signals(self, more: Mapping[str, Signals] | None = None) -> None:
        """Send all signals, or those that come after the ones that were sent."""
        rules, columns = wire.signal_columns(self._signals if more is None else more)
        self._tell("signals", {"more": more is not None, "rules": rules}, [column.data for column in columns])
