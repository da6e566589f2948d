"""A table of signals, the newest first."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from toolkit.controls.state import Dashboard
from toolkit.signals import Signals, grown


class SignalTable(anywidget.AnyWidget):
    """Every signal of a dashboard, to be filtered by indicator, type and time; a click moves the chart to
    its candle.

    Signals go to the browser in columns (a few hundred kilobytes for tens of thousands), which draws only
    the rows in view.
    """

    _esm = (Path(__file__).parent / "signal_table.js").read_text(encoding="utf-8")

    selected = traitlets.Dict().tag(sync=True)
    newest = traitlets.Float(0.0).tag(sync=True)  # when the last candle opens, in ms
    in_view = traitlets.Bool(False).tag(sync=True)  # whether only the signals in view are wanted
    view: Any = traitlets.List().tag(sync=True)  # first and last moment in view, in ms

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self._state = state
        self._sent: Mapping[str, Signals] = {}
        self.on_msg(self._receive)
        state.observe(lambda change: self._show(change.new), "signals")
        self._end: Callable[[], None] | None = None
        state.observe(lambda _: self._watch(), "klines")
        self.observe(lambda _: self._watch(), "in_view")
        self._watch()
        self.observe(state.reported("The chart could not be moved to the signal", self._picked), "selected")

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        if message.get("type") == "ready":
            self._sent = {}
            self._show(self._state.signals)

    def _watch(self) -> None:
        """Follow what the active chart has in view, while that matters."""
        klines, view = self._state.klines, self._state.slot.viewport
        if klines is not None and len(klines):
            self.newest = klines.index[-1].timestamp() * 1000
        if self._end is not None:
            self._end()
            self._end = None
        if self.in_view and view is not None:
            self._end = view.observe_visible(self._look)
        self._look()

    def _look(self) -> None:
        view = self._state.slot.viewport
        times = view.visible_times if view is not None and self.in_view else None
        self.view = [] if times is None else [time.timestamp() * 1000 for time in times]

    def _picked(self, change: Any) -> None:
        if change["new"]:
            self._state.go_to(int(change["new"]["position"]))

    def _show(self, signals: Mapping[str, Signals]) -> None:
        more = grown(self._sent, signals) if self._sent else None
        self._sent = signals
        if more is not None and not any(map(len, more.values())):
            return
        content, columns = table_columns(signals if more is None else more)
        content |= {"type": "signals", "more": more is not None}
        self.send(content, [column.data for column in columns])


def table_columns(signals: Mapping[str, Signals]) -> tuple[dict[str, Any], list[np.ndarray[Any, Any]]]:
    """Names, and columns with the newest signal first: time (ms), value, confidence, row, label and type (as
    codes).
    """
    labels = list(signals)
    types = sorted({kind for found in signals.values() for kind, _ in found.rules})
    parts: list[tuple[np.ndarray[Any, Any], ...]] = []
    for code, found in enumerate(signals.values()):
        kinds = np.array([types.index(kind) for kind, _ in found.rules], np.uint8)
        parts.append(
            (
                found.timestamp.as_unit("ms").asi8.astype(np.float64),
                found.value,
                found.confidence.astype(np.float32),
                found.position.astype(np.int32),
                np.full(len(found), code, np.uint8),
                kinds[found.rule],
            )
        )
    if not parts:
        parts.append((np.empty(0), np.empty(0), *(np.empty(0, kind) for kind in ("f4", "i4", "u1", "u1"))))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(-joined[3].astype(np.int64), kind="stable")
    return {"labels": labels, "types": types}, [np.ascontiguousarray(column[order]) for column in joined]
