"""A dashboard that follows a feed: candles go through the pipeline once, and are drawn as they come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.candles import PRICE_COLUMNS
from toolkit.controls.grown import grown
from toolkit.feeds import Event, Feed, Replay
from toolkit.pipeline import PipelineRun
from toolkit.signals import Signals, concatenate

if TYPE_CHECKING:
    from toolkit.controls.state import Dashboard

DRAWN_AFTER = 0.05  # seconds between two messages to the browser, however many candles come
TOLD_AFTER = 0.5  # and between two new frames for the texts that tell about all candles
NEAR = 3_000  # a step of so many candles, forwards or back, draws only what came or went


class Following:
    """Shows on a dashboard what a feed brings.

    Closed candles go through `PipelineRun.update`, which costs the same however many there were; the one that
    forms is only peeked at. Values and signals are those of a calculation over all candles known then. What
    was drawn never changes after its candle closed.

    `apply` takes one event; `run` reads the feed to its end. For the event loop's thread.

    Args:
        state: the dashboard. For a replay its candles must be those of the feed's `history`; those of
            another feed are shown by `run`, and whatever was shown before has nothing to do with them.
        feed: where the candles come from.
        badge: what is written over the chart; asked again whenever something is drawn.
        told: called after something was drawn.
        watch: called with every event, after it was applied.
    """

    def __init__(
        self,
        state: Dashboard,
        feed: Feed,
        *,
        badge: Callable[[], str],
        told: Callable[[], None] = lambda: None,
        watch: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self.feed = feed
        self._state = state
        self._badge, self._told, self._watch = badge, told, watch
        self._joined = isinstance(feed, Replay)  # whether the candles shown are the feed's
        self._run: PipelineRun | None = None
        self._names: dict[str, dict[str, str]] = {}
        self._candles: list[Mapping[str, Any]] = []  # closed, not in the frame that is shown yet
        self._waiting: list[tuple[Mapping[str, Any], Mapping[str, float]]] = []  # closed, not drawn yet
        self._forming: tuple[Mapping[str, Any], Mapping[str, float]] | None = None
        self._signals: dict[str, list[Signals]] = {}
        self._drawn = self._published = -np.inf
        self._later: dict[str, asyncio.TimerHandle] = {}

    @property
    def rows(self) -> int:
        """How many closed candles there are by now."""
        klines = self._state.klines
        return (0 if klines is None else len(klines)) + len(self._candles)

    async def run(self) -> None:
        """Read the feed to its end, or until `close`."""
        if not self._joined:
            self._state.loading = f"Following {self.feed.symbol} {self.feed.timeframe}…"
            history = await asyncio.to_thread(self.feed.history)
            if len(history):
                self._restart(history)
        async for event in self.feed:
            if not event.follows:
                if isinstance(self.feed, Replay):
                    history = self.feed.history()
                else:
                    history = await asyncio.to_thread(self.feed.history)
                self._go_on_from(history, event)
            self.apply(event)
        self.flush()
        self.publish()

    def apply(self, event: Event) -> None:
        """Go on by one event. Raises `PipelineError` where the candle does not suit an indicator."""
        candle = event.candle
        last = self._last_open
        if not self._joined:  # there was no history, so that the first candle to close is the first one
            if event.closed:
                self._restart(grown(None, [candle], self.feed))
                self._watch(event)
            return
        if last is not None and candle["open_time"] <= last:
            return  # in the history already
        run = self._running()
        if event.closed:
            self._waiting.append((candle, run.update(candle)))
            self._candles.append(candle)
            self._forming = None
            for label, found in run.new_signals.items():
                if len(found):
                    self._signals.setdefault(label, []).append(found)
        else:
            self._forming = candle, run.peek(candle)
        self._watch(event)
        self._soon("draw", self._drawn + DRAWN_AFTER, self.flush)

    def flush(self) -> None:
        """Draw what has come since the last time, in one message."""
        self._not_later("draw")
        rows = self._waiting + ([self._forming] if self._forming is not None else [])
        signals, self._signals = self._signals, {}
        if not rows:
            return
        self._waiting = []
        self._drawn = time.monotonic()
        candles, values = self._columns(rows)
        for display in self._state.displays:
            display.badge = self._badge()
            display.extend(candles, values, forming=self._forming is not None)
        if signals:
            self._state.add_signals({label: concatenate(found) for label, found in signals.items()})
        self._told()
        if self._candles:
            self._soon("publish", self._published + TOLD_AFTER, self.publish)

    def publish(self) -> None:
        """Bring the dashboard's frame, and all that is told about it, up to the last closed candle."""
        self._not_later("publish")
        if self._candles:
            self._published = time.monotonic()
            if isinstance(self.feed, Replay):
                klines = self.feed.history()
            else:
                klines = grown(self._state.klines, self._candles, self.feed)
            self._candles = []
            self._state.grow(klines)
            for display in self._state.displays:
                display.mark(klines)
        self._state.moment = self.feed.moment if isinstance(self.feed, Replay) else None

    def settle(self) -> None:
        """Draw and publish all there is, before something is calculated on the frame."""
        self.flush()
        if self._candles:
            self.publish()

    def resume(self) -> None:
        """Other indicators are drawn now: go on with those, and show them at the candle that forms."""
        self._run = None
        if self._forming is not None:
            self._forming = self._forming[0], self._running().peek(self._forming[0])
            self._drawn = -np.inf
            self.flush()

    def move(self, klines: pd.DataFrame) -> None:
        """Show other candles of the same series, known up to another moment: `klines` is the history then."""
        self.settle()
        now, wanted = self.rows, len(klines)
        self._forming = None
        if now < wanted <= now + NEAR and self._state.klines is not None:
            run = self._running()
            chunk = klines.iloc[now:]
            outputs = run.feed(chunk)
            self._state.grow(klines)
            candles = {name: chunk[name].to_numpy() for name in PRICE_COLUMNS}
            candles["time"] = pd.DatetimeIndex(chunk.index).as_unit("ms").asi8.astype(np.float64)
            for display in self._state.displays:
                display.badge = self._badge()
                display.extend(candles, self._by_label({str(n): outputs[n].to_numpy() for n in outputs}))
                display.mark(klines)
            self._state.add_signals(run.new_signals)
        elif now - NEAR <= wanted <= now:
            self._run = None
            self._state.grow(klines)
            for display in self._state.displays:
                display.badge = self._badge()
                display.rewind(wanted)
                display.mark(klines)
            self._state.cut_signals(wanted)
        else:
            self._restart(klines)
        self.publish()
        self._told()

    def close(self) -> None:
        """Draw nothing more."""
        if not self._joined:
            self._state.loading = ""
        for name in list(self._later):
            self._not_later(name)

    # ----

    @property
    def _last_open(self) -> pd.Timestamp | None:
        """The open time of the last closed candle."""
        if self._candles:
            return pd.Timestamp(self._candles[-1]["open_time"])
        klines = self._state.klines
        return None if klines is None or not len(klines) else klines.index[-1]

    def _go_on_from(self, history: pd.DataFrame, event: Event) -> None:
        """After an event that does not follow: show the history anew, unless it is what is shown."""
        before = history[: event.candle["open_time"]]
        if event.closed and len(before) and before.index[-1] == event.candle["open_time"]:
            before = before.iloc[:-1]
        last = None if not len(before) else before.index[-1]
        if not len(before) or (self._joined and (len(before), last) == (self.rows, self._last_open)):
            return
        self.settle()
        self._restart(history if len(before) == len(history) else before)

    def _restart(self, klines: pd.DataFrame) -> None:
        self._waiting, self._candles, self._signals = [], [], {}
        self._forming, self._run = None, None
        if not self._joined:
            self._joined, self._state.loading = True, ""
        for display in self._state.displays:
            display.badge = self._badge()
        self._state.show_part(klines)

    def _running(self) -> PipelineRun:
        """The indicators' memory after all closed candles."""
        if self._run is None:
            self.settle()
            assert self._state.klines is not None
            pipeline = self._state.drawn_pipeline()
            self._names = {label: pipeline.columns(label) for label in pipeline.indicators}
            self._run = pipeline.stream(timeframe=self.feed.timeframe)
            self._run.feed(self._state.klines)
        return self._run

    def _columns(
        self, rows: list[tuple[Mapping[str, Any], Mapping[str, float]]]
    ) -> tuple[dict[str, npt.NDArray[np.float64]], dict[str, dict[str, npt.NDArray[np.float64]]]]:
        """Candles and values, row by row, as a chart takes them."""
        candles = {name: np.array([candle[name] for candle, _ in rows], np.float64) for name in PRICE_COLUMNS}
        candles["time"] = np.array([candle["open_time"].timestamp() * 1000 for candle, _ in rows])
        return candles, self._by_label(
            {name: np.array([values[name] for _, values in rows], np.float64) for name in rows[0][1]}
        )

    def _by_label(self, values: Mapping[str, Any]) -> dict[str, dict[str, npt.NDArray[np.float64]]]:
        return {
            label: {output: values[column] for output, column in columns.items()}
            for label, columns in self._names.items()
        }

    def _soon(self, name: str, due: float, action: Callable[[], None]) -> None:
        """Do it when it is due, once; at once where no event loop runs."""
        if name in self._later:
            return
        wait = due - time.monotonic()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            wait = 0.0
        if wait <= 0:
            action()
        else:
            self._later[name] = loop.call_later(
                wait, self._state.reported("The feed cannot be drawn", action)
            )

    def _not_later(self, name: str) -> None:
        if (handle := self._later.pop(name, None)) is not None:
            handle.cancel()
