"""Why (no) signal: every rule at the candle under the crosshair, or at the last one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from toolkit.controls.data import moment
from toolkit.controls.state import Dashboard


class WhyPanel(anywidget.AnyWidget):
    """For each rule of the active chart's indicators: its text, what it compared at the candle under the
    crosshair and at the one before, its limit, how far from firing it was, and why it fired or did not.

    Nothing is calculated, and the chart tells nothing, while the panel cannot be seen.
    """

    _esm = Path(__file__).with_name("why_panel.js").read_text(encoding="utf-8")

    content = traitlets.Dict().tag(sync=True)
    seen = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self._state = state
        self._row: int | None = None
        self._end: Callable[[], None] | None = None
        state.observe(state.reported("The rules could not be explained", self._other_candles), "klines")
        state.observe(state.reported("The rules could not be explained", self._show), "signals")
        self.observe(state.reported("The rules could not be explained", self._watch), "seen")

    def _watch(self, _: object = None) -> None:
        """Have the active chart tell where the pointer rests, while somebody looks."""
        if self._end is not None:
            self._end()
            self._end = None
        view = self._state.slot.viewport
        if self.seen and view is not None:
            self._end = view.watch_pointer(
                self._state.reported("The rules could not be explained", self._point)
            )
        self._show()

    def _other_candles(self, _: object) -> None:
        self._row = None
        self._watch()

    def _point(self, row: int | None) -> None:
        self._row = row
        self._show()

    def _show(self, _: object = None) -> None:
        if not self.seen:
            return
        state, klines = self._state, self._state.klines
        if klines is None or not len(klines):
            self.content = {}
            return
        row = self._row if self._row is not None and self._row < len(klines) else None
        groups: dict[str, dict[str, Any]] = {}
        for one in state.explain(row):
            timeframe = state.slot.pipeline.timeframes.get(one.label)
            candle = f"candle of {moment(one.open_time)}" if timeframe and one.open_time is not None else ""
            group = groups.setdefault(one.label, {"title": one.label, "candle": candle, "rules": []})
            told = one.to_dict()
            group["rules"].append(
                {
                    "type": one.signal_type,
                    **{name: told[name] for name in ("text", "outcome", "reason", "left", "right")},
                    **{name: told[name] for name in ("value", "previous", "threshold", "distance")},
                }
            )
        self.content = {
            "time": f"{moment(klines.index[len(klines) - 1 if row is None else row])} UTC",
            "place": "the last candle" if row is None else "under the crosshair",
            "groups": list(groups.values()),
        }
