"""The feed of one series of an exchange: history from the disk, then what happens."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.candles import EXTRA_COLUMNS, PRICE_COLUMNS
from toolkit.candles.contract import step_of
from toolkit.candles.times import timestamp, to_millis
from toolkit.feeds.base import Event, FeedError, Origin
from toolkit.feeds.exchange import history
from toolkit.feeds.exchange.frames import Kline
from toolkit.feeds.exchange.store import StoredSeries, read_series

if TYPE_CHECKING:
    from toolkit.feeds.exchange.exchange import Exchange

__all__ = ["ExchangeFeed"]

_COLUMNS = (*PRICE_COLUMNS, *EXTRA_COLUMNS)


class ExchangeFeed:
    """Candles of one series as the exchange tells them; a `Feed`.

    `history()` has the stored candles, and after them the exchange's that were kept. What is missing up to
    now is fetched when the events begin; where that was anything, the first event does not follow, and
    `history()` has it. From then on every closed candle comes once and in order, whatever happens to the
    connection; the forming one comes when it has changed, and a reader that is slow gets its newest state.
    """

    origin: Origin = "live"

    def __init__(
        self, exchange: Exchange, symbol: str, timeframe: str, source: str | os.PathLike[str] | None
    ) -> None:
        self.symbol = symbol
        self.timeframe = timeframe
        self.source = source
        self._exchange = exchange
        self._step = step_of(timeframe)
        self._inbox: deque[tuple[Kline, bool]] = deque()
        self._filled = asyncio.Event()
        self._given: set[int | None] = set()
        """Open times of the last candles of the histories that were given before it began."""
        self._until: int | None = None
        """Open time of the first candle that the events given so far do not tell closed."""
        self._follows = True
        self._number = 0
        self._error: FeedError | None = None
        self._closed = False
        self._time = (0, timestamp(0))

    def history(self) -> pd.DataFrame:
        """Stored candles and the exchange's, closed, checked, up to the last event that was read; `attrs` has
        the report, with the seam between them. Empty where there are none. For a thread: it reads files.
        """
        stored = history.before(self.symbol, self.timeframe, self.source)
        venue = self._exchange.venue.name
        frame = history.join(
            stored,
            self._exchange.memory(self) or self._read(),
            symbol=self.symbol,
            timeframe=self.timeframe,
            venue=venue,
            until=self._until,
        )
        if self._until is None:
            self._given.add(to_millis(frame.index[-1]) if len(frame) else None)
        return frame

    def _read(self) -> StoredSeries:
        path = self._exchange.path_of(self)
        return StoredSeries({}) if path is None else read_series(path)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events; `FeedError` where the exchange does not know the pair."""
        if self._closed:
            return
        self._exchange.open(self)
        try:
            while True:
                while not self._inbox:
                    if self._error is not None:
                        raise self._error
                    if self._closed:
                        return
                    self._filled.clear()
                    await self._filled.wait()
                kline, follows = self._inbox.popleft()
                self._number += 1
                yield self._event(kline, follows)
                await asyncio.sleep(0)  # many that come at once must not take the loop for themselves
        finally:
            await self._exchange.leave(self)

    async def close(self) -> None:
        """End it; the connection to the exchange ends with its last feed."""
        self._closed = True
        self._inbox.clear()
        self._filled.set()

    # -- for the exchange

    def begin(self, last: int | None, forming: Kline | None) -> None:
        """Everything up to the candle that opens at `last` is known and kept."""
        self._follows = self._given == {last}
        if forming is not None:
            self.offer(forming)

    def offer(self, kline: Kline) -> None:
        """Take a candle that is the next one or its newest state."""
        if self._closed:
            return
        if not self._follows and kline.closed:
            # What does not follow is computed anew from the history, in which this one is not yet.
            self._put(kline._replace(closed=False), False)
        follows, self._follows = self._follows, True
        self._put(kline, follows)

    def fail(self, error: FeedError) -> None:
        """End it with an error, after what was offered."""
        self._error = error
        self._filled.set()

    def _put(self, kline: Kline, follows: bool) -> None:
        if self._inbox and not self._inbox[-1][0].closed:
            # Its newer state: what did not follow still does not.
            before, followed = self._inbox[-1]
            if followed or (before.open_time == kline.open_time and not kline.closed):
                self._inbox.pop()
                follows = follows and followed
        self._inbox.append((kline, follows))
        self._filled.set()

    def _event(self, kline: Kline, follows: bool) -> Event:
        self._until = kline.open_time + (self._step if kline.closed else 0)
        if self._time[0] != kline.open_time:
            self._time = kline.open_time, timestamp(kline.open_time)
        candle = dict(zip(_COLUMNS, kline.values, strict=True))
        return Event(
            self.symbol,
            self.timeframe,
            {"open_time": self._time[1], **candle},
            kline.closed,
            self._number,
            self.origin,
            follows,
        )
