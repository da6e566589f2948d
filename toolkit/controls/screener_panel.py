"""Screener and watchlist: the newest of many pairs, worked out in the background."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from toolkit.candles import SYMBOLS, TIMEFRAMES, CandleReport, find_symbol, is_synthetic
from toolkit.candles.summary import ago
from toolkit.controls.state import Dashboard
from toolkit.loader import KLineDataLoader
from toolkit.pipeline import IndicatorPipeline
from toolkit.presets import Folder, PresetError
from toolkit.screener import latest

_HERE = Path(__file__).parent
RECENT = 24  # candles: of the small curve, the change, and how old a signal may be
SENT_AFTER = 0.25  # seconds between two lots of rows
WATCHED_AT_FIRST = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class ScreenerPanel(anywidget.AnyWidget):
    """All pairs on all timeframes: the newest close, its change, the newest signal, and the values of the
    active chart's indicators. Columns sort, words and buttons filter, a click on a row opens it in the chart,
    a star puts it on the watchlist.

    All rows are of the source that the chart's candles are of, so that real and synthetic ones are never side
    by side. Rows come as they are worked out, in a thread, and `cancel` ends that.
    """

    _esm = (_HERE / "screener_panel.js").read_text(encoding="utf-8")

    compact = traitlets.Bool(False).tag(sync=True)
    columns: Any = traitlets.List().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    watched: Any = traitlets.List().tag(sync=True)
    current: Any = traitlets.List().tag(sync=True)
    synthetic = traitlets.Bool(False).tag(sync=True)
    outdated = traitlets.Bool(False).tag(sync=True)
    replaying = traitlets.Bool(False).tag(sync=True)
    seen = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self._state = state
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None
        self._made_of: object = None
        if not state.watched:
            with state.reporting("The watchlist could not be read"):
                state.watched = read_watched()
        self.watched = list(state.watched)
        state.observe(lambda change: self.set_trait("watched", list(change.new)), "watched")
        state.observe(lambda _: self._follow(), ["klines", "signals"])
        state.observe(self._replay, "moment")
        self.observe(lambda _: self._seen(), "seen")
        self.on_msg(state.reported("The screener could not do that", self._receive))
        self._follow()

    # ---- what is asked for

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Symbol and timeframe of each row."""
        own = self._state.timeframe
        frames = [own, *(name for name in TIMEFRAMES if name != own)]  # the chart's own first
        return [(symbol, timeframe) for timeframe in frames for symbol in SYMBOLS]

    def _wish(self) -> object:
        """What the rows depend on."""
        slot = self._state.slot
        source = None if slot.klines is None else slot.klines.attrs.get("source")
        return source, str(slot.pipeline), str(slot.pipeline.timeframes)

    def _follow(self) -> None:
        self.current = [self._state.symbol, self._state.timeframe]
        if self._state.moment is not None:
            return
        self.outdated = bool(self.rows) and self._made_of != self._wish()
        if self.compact and self.seen and self._missing():
            self.run()

    def _missing(self) -> bool:
        return self.outdated or any(pair not in self.rows for pair in self.pairs)

    def _replay(self, change: Any) -> None:
        if (change["old"] is None) != (change["new"] is None) and (self.seen or self.rows):
            self.run()

    def _seen(self) -> None:
        if self.seen and self._missing():
            self.run()

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        kind = message.get("type")
        if kind == "ready":
            self._tell(list(self.rows.values()), fresh=True)
        elif kind == "run":
            self.run()
        elif kind == "cancel":
            self.cancel()
        elif kind == "open":
            self._state.pick(str(message["symbol"]), str(message["timeframe"]))
        elif kind == "watch":
            symbol = find_symbol(str(message["symbol"]))
            watched = [one for one in self._state.watched if one != symbol]
            self._state.watched = watched if symbol in self._state.watched else [*watched, symbol]
            write_watched(self._state.watched)

    # ---- working it out

    def run(self) -> None:
        """Work out all rows anew, in the background. While a replay plays there are none: they would show
        what came after its moment.
        """
        self.cancel()
        klines = self._state.klines
        self.replaying = self._state.moment is not None
        if self.replaying:
            self.rows = {}
            self._tell([], fresh=True)
        if klines is None or self.replaying:
            return
        pipeline, source = self._state.slot.pipeline, klines.attrs.get("source")
        self.rows, self._made_of, self.outdated = {}, self._wish(), False
        self.synthetic = is_synthetic(klines)
        self.columns = [
            column for label in pipeline.indicators for column in pipeline.columns(label).values()
        ]
        self._tell([], fresh=True)
        work = self._work(list(self.pairs), pipeline, str(source), self.synthetic)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(work)
        else:
            self._task = loop.create_task(work)

    def cancel(self) -> None:
        """Stop; the rows that are there stay."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self.progress = {**self.progress, "running": False}

    async def _work(
        self, pairs: list[tuple[str, str]], pipeline: IndicatorPipeline, source: str, synthetic: bool
    ) -> None:
        waiting: list[dict[str, Any]] = []
        sent = time.monotonic()
        for done, pair in enumerate(pairs):
            if done == 0 or time.monotonic() - sent > SENT_AFTER:
                self._tell(waiting)
                waiting, sent = [], time.monotonic()
                self.progress = {
                    "done": done,
                    "total": len(pairs),
                    "text": " ".join(pair),
                    "running": True,
                }
            row = await asyncio.to_thread(screener_row, *pair, pipeline, source, synthetic)
            self.rows[pair] = row
            waiting.append(row)
        self._tell(waiting)
        self._task = None
        self.progress = {"done": len(pairs), "total": len(pairs), "text": "", "running": False}

    def _tell(self, rows: list[dict[str, Any]], *, fresh: bool = False) -> None:
        if rows or fresh:
            self.send({"type": "rows", "rows": rows, "fresh": fresh})


class Watchlist(ScreenerPanel):
    """The pairs with a star, on the chart's timeframe; otherwise as the screener."""

    def __init__(self, state: Dashboard) -> None:
        super().__init__(state)
        self.compact = True
        state.observe(lambda _: self._follow(), "watched")

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Symbol and timeframe of each row."""
        return [(symbol, self._state.timeframe) for symbol in self._state.watched]


def screener_row(
    symbol: str, timeframe: str, pipeline: IndicatorPipeline, source: str, synthetic: bool
) -> dict[str, Any]:
    """The newest of one pair, JSON-able; where it cannot be had, `failed` says why. Candles that are made up
    where the others are not, or the other way round, are left out.
    """
    row: dict[str, Any] = {"symbol": symbol, "timeframe": timeframe}
    try:
        klines = KLineDataLoader.load_klines(symbol, timeframe, source=source)
        if is_synthetic(klines) != synthetic:
            raise ValueError("left out: real and synthetic candles are not mixed")
        found = latest(pipeline, klines, RECENT)
    except Exception as error:  # noqa: BLE001  # said in the row, whatever it is
        return {**row, "failed": f"{error}" or type(error).__name__}
    signals = [
        (found[f"{label} age"], found[f"{label} signal"], label)
        for label in pipeline.indicators
        if found[f"{label} signal"]
    ]
    age, signal, label = min(signals, default=(np.nan, "", ""), key=lambda one: one[0])
    report = klines.attrs.get("report")
    stale = ""
    if isinstance(report, CandleReport) and report.stale():
        stale = f"stale by {ago(report.behind() * TIMEFRAMES[timeframe])}"
    names = [column for one in pipeline.indicators for column in pipeline.columns(one).values()]
    return {
        **row,
        "time": pd.Timestamp(found["time"]).timestamp() * 1000,
        "close": float(found["close"]),
        "change": _number(found["change"]),
        "signal": signal,
        "label": label,
        "age": _number(age),
        "values": [_number(found[name]) for name in names],
        "curve": klines["close"].to_numpy()[-RECENT - 1 :].tolist(),
        "stale": stale,
        "synthetic": bool(found["synthetic"]),
    }


def _number(value: Any) -> float | None:
    return None if value != value else float(value)


def read_watched() -> list[str]:
    """The pairs of the watchlist, as they were kept; a few where none was. Raises `PresetError` where the
    file is damaged.
    """
    folder = Folder("watchlists", 1)
    if "Watchlist" not in folder.names():
        return list(WATCHED_AT_FIRST)
    try:
        return [find_symbol(symbol) for symbol in folder.read("Watchlist")["symbols"]]
    except (ValueError, KeyError, TypeError) as error:
        raise PresetError(f"watchlist: {error}") from error


def write_watched(symbols: Sequence[str]) -> None:
    """Keep the pairs of the watchlist."""
    Folder("watchlists", 1).write("Watchlist", {"symbols": list(symbols)}, replace=True)
