"""Candles as they happen with the values and signals of a pipeline, for plain Python."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.candles import TIMEFRAMES, is_synthetic
from toolkit.candles.contract import length_of
from toolkit.feeds.base import Event, Feed, FeedError, Origin
from toolkit.pipeline import IndicatorPipeline, PipelineRun
from toolkit.signals import IndicatorSignal, Signals

if TYPE_CHECKING:
    from toolkit.feeds.exchange import Exchange, Notice

__all__ = ["Live", "LiveEvent", "live"]


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """A candle as far as it is known, and what the pipeline makes of it."""

    symbol: str
    timeframe: str
    open_time: pd.Timestamp
    candle: Mapping[str, float]
    """`open high low close volume` and the exchange's other columns."""
    closed: bool
    """False: the candle still forms; its values may change, and it has no signals."""
    values: Mapping[str, float]
    """By column, as in the frame of `pipeline.calculate`: the same bits once the candle has closed."""
    signals: Mapping[str, list[IndicatorSignal]]
    """By label, those that became known with the close of this candle; each is in one event only."""
    origin: Origin
    synthetic: bool
    """The candles are made up."""
    number: int
    """The feed's own count."""
    follows: bool = True
    """False: it does not go on from the event before; the values were computed anew from the history."""
    notices: tuple[Notice, ...] = ()
    """What was noticed of the exchange or the series since the event before: breaks, gaps, corrections."""


class Live:
    """An asynchronous iterator of `LiveEvent`; see `live`. For one reader."""

    def __init__(self, feed: Feed, pipeline: IndicatorPipeline, exchange: Exchange | None, own: bool) -> None:
        self.feed = feed
        self.pipeline = pipeline
        self._exchange = exchange
        self._own = own
        self._run: PipelineRun | None = None
        self._last: pd.Timestamp | None = None
        self._synthetic = False
        self._notices: list[Notice] = []
        self._latest: tuple[dict[str, float], dict[str, list[IndicatorSignal]]] = {}, {}

    def frame(self) -> pd.DataFrame:
        """The closed candles up to the last event with the pipeline's columns, and in `attrs["report"]` what
        is to be known of them. Computed anew, from files: for a moment that allows it, or a thread.
        """
        return self.pipeline.calculate(self.feed.history())

    def status(self) -> dict[str, Any] | None:
        """How the exchange is (`Exchange.status`); None where the feed is another."""
        return None if self._exchange is None else self._exchange.status()

    async def close(self) -> None:
        """End the feed, and the connection where it is its own. Leaving the loop does it, too, within
        `contextlib.aclosing` at once.
        """
        await self.feed.close()
        if self._exchange is not None and self._own:
            await self._exchange.close()

    async def __aiter__(self) -> AsyncIterator[LiveEvent]:
        """The events; ends with the feed. `FeedError`, `PipelineError` where it cannot go on."""
        stop = None if self._exchange is None else self._exchange.listen(self._note)
        try:
            await asyncio.to_thread(self._begin)
            async for event in self.feed:
                if (made := await self._made(event)) is not None:
                    yield made
        finally:
            if stop is not None:
                stop()
            await self.close()

    async def _made(self, event: Event) -> LiveEvent | None:
        opened = event.candle["open_time"]
        if not event.follows:
            await asyncio.to_thread(self._begin)
        assert self._run is not None
        signals: dict[str, list[IndicatorSignal]] = {}
        if self._last is not None and opened <= self._last:
            if event.follows or not event.closed or opened < self._last:
                return None  # the history has it, and it was told
            values, signals = self._latest
        elif event.closed:
            values = self._run.update(event.candle)
            found = self._run.new_signals
            signals = {label: list(some) for label, some in found.items() if len(some)}
            self._last = opened
        else:
            values = self._run.peek(event.candle)
        notices, self._notices = tuple(self._notices), []
        candle = {name: value for name, value in event.candle.items() if name != "open_time"}
        return LiveEvent(
            event.symbol,
            event.timeframe,
            opened,
            candle,
            event.closed,
            values,
            signals,
            event.origin,
            self._synthetic,
            event.number,
            event.follows,
            notices,
        )

    def _begin(self) -> None:
        """Compute on the history."""
        history = self.feed.history()
        run = self.pipeline.stream(timeframe=self.feed.timeframe)
        self._latest = {}, {}
        self._last = None
        if len(history):
            columns = run.feed(history)
            self._last = history.index[-1]
            drawn = [
                name for label in self.pipeline.indicators for name in self.pipeline.columns(label).values()
            ]
            values = {name: float(columns[name].iloc[-1]) for name in drawn}
            found = {label: _at(some, self._last) for label, some in run.new_signals.items()}
            self._latest = values, {label: some for label, some in found.items() if some}
        self._synthetic = is_synthetic(history)
        self._run = run

    def _note(self, notice: Notice) -> None:
        if notice.symbol in ("", self.feed.symbol) and notice.timeframe in ("", self.feed.timeframe):
            self._notices.append(notice)


def live(
    symbol: str | None = None,
    timeframe: str | None = None,
    pipeline: IndicatorPipeline | None = None,
    *,
    feed: Feed | None = None,
    exchange: Exchange | None = None,
    venue: str | None = None,
    source: str | os.PathLike[str] | None = None,
) -> Live:
    """Follow a series: ``async for event in live("BTCUSDT", "1h", pipeline)``.

    The pipeline is computed on the stored candles and on what the exchange has since then, and goes on candle
    by candle at constant cost, with the values of a calculation over the whole. Signals come once, with the
    close of their candle. Whatever happens to the connection, closed candles come once each and in order; the
    events' `notices` say what was noticed.

    Args:
        symbol: such as `"BTCUSDT"`.
        timeframe: such as `"1h"`.
        pipeline: what to compute; default: nothing, only the candles.
        feed: any feed, such as a `Replay`, instead of an exchange's; then without `symbol` and `timeframe`.
        exchange: an `Exchange` that others use, too: one connection for all. It is not closed.
        venue: `"binance"` or `"binance-us"`; default: the setting `live`, else `"binance"`.
        source: of the stored candles, as for `KLineDataLoader`.

    Raises:
        FeedError: an argument is not allowed, or what the exchange needs is not installed.
    """
    pipeline = IndicatorPipeline() if pipeline is None else pipeline
    if not isinstance(pipeline, IndicatorPipeline):
        raise FeedError(f"live: pipeline={pipeline!r} must be an IndicatorPipeline")
    if feed is not None:
        if (symbol, timeframe, exchange, venue, source) != (None,) * 5:
            raise FeedError("live: a feed has its own symbol, timeframe and origin; give it alone")
        length_of(feed.timeframe)
        return Live(feed, pipeline, None, False)
    if symbol is None or timeframe is None:
        raise FeedError(
            f"live: symbol={symbol!r}, timeframe={timeframe!r}: both are needed, such as 'BTCUSDT' and one of"
            f" {', '.join(TIMEFRAMES)}"
        )
    own = exchange is None
    if exchange is None:
        try:
            from toolkit.feeds.exchange import Exchange
        except ModuleNotFoundError as error:
            raise FeedError(
                f'live: {error.name} is not installed; an exchange needs pip install "system-v4[api]"'
            ) from error
        exchange = Exchange(venue, source=source)
    elif venue is not None or source is not None:
        raise FeedError("live: an exchange has its own venue and source; give it alone")
    return Live(exchange.feed(symbol, timeframe), pipeline, exchange, own)


def _at(signals: Signals, opened: pd.Timestamp) -> list[IndicatorSignal]:
    """The signals of one candle."""
    low = int(signals.timestamp.searchsorted(opened))
    return list(signals[low : int(signals.timestamp.searchsorted(opened, side="right"))])
