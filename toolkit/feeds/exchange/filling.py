"""Asking REST for what the connection did not bring: the past, what was missed, closes that were not told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random as randomness
from collections.abc import Callable, Collection

from toolkit import settings
from toolkit.feeds.exchange import history
from toolkit.feeds.exchange.clock import ExchangeClock
from toolkit.feeds.exchange.feed import ExchangeFeed
from toolkit.feeds.exchange.frames import BadKline, Kline, of_row
from toolkit.feeds.exchange.rest import PAGE, Rejected, Rest, RestError, UnknownPair
from toolkit.feeds.exchange.series import REMEMBERED, Series, Step
from toolkit.feeds.exchange.store import MemoryStore, SeriesStore, Store, StoredSeries, read_series
from toolkit.feeds.exchange.venue import Venue

__all__ = ["Filling", "Followed"]

_GRACE = 3_000
"""Ms after its close for which a candle's last frame is waited for before it is asked for."""
_SETTLED = 1_500
"""Ms after its close from which a row of REST is taken to be final."""
_PATIENCE = 60_000
"""Ms for which the exchange may have a later candle before it is believed to have none between."""
_AGAIN, _LONGEST_AGAIN = 2.0, 300.0
_COMPARED = 3
"""Closed candles that are asked for once more, to notice a correction."""
_AT_ONCE = 4
_HALTED_AFTER = 4
"""Answers without the candle that is due, after which is asked whether the pair is traded at all."""


class Followed:
    """A series that somebody follows."""

    def __init__(self, symbol: str, timeframe: str, source: str | os.PathLike[str] | None) -> None:
        self.series = Series(symbol, timeframe)
        self.source = source
        self.feeds: set[ExchangeFeed] = set()
        self.store: Store | None = None
        self.prepared = False
        self.ready = False
        """Whether everything up to now is known; then what happens is handed on."""
        self.halted = False
        self.attempts = 0
        self.not_before = 0.0

    @property
    def name(self) -> str:
        """`BTCUSDT 1h`."""
        return f"{self.series.symbol} {self.series.timeframe}"

    def close(self) -> None:
        """Close the store."""
        if self.store is not None:
            self.store.close()


class Filling:
    """Fills what is missing in series, a few at a time, and tries again for as long as it takes."""

    def __init__(
        self,
        venue: Venue,
        rest: Rest,
        clock: ExchangeClock,
        *,
        followed: Callable[[], Collection[Followed]],
        deliver: Callable[[Followed, Step], None],
        notice: Callable[[str, str, Followed | None], None],
        random: randomness.Random,
        first: int,
    ) -> None:
        self.error = ""
        """Why nothing can be asked now."""
        self._venue = venue
        self._rest = rest
        self._clock = clock
        self._followed = followed
        self._deliver = deliver
        self._notice = notice
        self._random = random
        self._first = first
        self._changed = asyncio.Event()
        self._set_clock = True

    def wake(self, *, connected: bool = False) -> None:
        """Something may be missing; after a new connection the exchange's clock is asked for again."""
        self._set_clock |= connected
        self._changed.set()

    async def run(self) -> None:
        """Fill, until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            self._changed.clear()
            try:
                if self._set_clock:
                    self._clock.set(await self._rest.time())
                    self._set_clock = False
                    if (complaint := self._clock.complaint()) is not None:
                        self._notice("clock", complaint, None)
                soonest = self._soonest()
                if not soonest or soonest[0][0] > 0:
                    # Not `wait_for`, which in Python 3.11 may swallow a cancellation.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(soonest[0][0] if soonest else None):
                            await self._changed.wait()
                    continue
                due = [one for wait, one in soonest if wait <= 0][:_AT_ONCE]
                results = await asyncio.gather(*map(self._fill, due), return_exceptions=True)
                for result in results:
                    if isinstance(result, BaseException):
                        raise result
                failures, self.error = 0, ""
            except RestError as error:
                failures += 1
                if str(error) != self.error:
                    self.error = str(error)
                    self._notice("rest", self.error, None)
                longest = min(_LONGEST_AGAIN, _AGAIN * 2.0 ** min(failures - 1, 10))
                until = loop.time() + max(self._rest.waiting, longest * self._random.uniform(0.5, 1.0))
                await asyncio.sleep(until - loop.time())

    def _soonest(self) -> list[tuple[float, Followed]]:
        """Seconds until each series has to be asked for, the first ones first."""
        loop_now, now = asyncio.get_running_loop().time(), self._clock.now()
        found = []
        for one in self._followed():
            wait = one.not_before - loop_now
            missing = one.series.missing_from
            if one.ready and missing is not None:
                wait = max(wait, (missing + one.series.step + _GRACE - now) / 1_000)
            found.append((wait, one))
        return sorted(found, key=lambda pair: pair[0])

    async def _fill(self, one: Followed) -> None:
        """Ask for one page of what is missing."""
        series = one.series
        if not one.prepared:
            await self._prepare(one)
        now = self._clock.now() - _SETTLED
        missing = series.missing_from
        try:
            if missing is None:
                rows = await self._rest.klines(series.symbol, series.timeframe, None, self._first)
            else:
                start = missing - _COMPARED * series.step
                rows = await self._rest.klines(series.symbol, series.timeframe, start, PAGE)
        except UnknownPair as error:
            one.not_before = float("inf")
            self._notice("pair", str(error), one)
            for feed in [*one.feeds]:
                feed.fail(error)
            return
        except Rejected as error:  # this series alone: the others go on
            self._later(one)
            self._notice("rest", str(error), one)
            return
        klines: list[Kline] = []
        for row in rows:
            try:
                klines.append(of_row(row, series.symbol, series.timeframe, series.step, now))
            except BadKline as error:
                self._notice("invalid", f"left out: {error}", one)
        self._deliver(one, series.fill(sorted(klines, key=lambda k: k.open_time), now, _PATIENCE))
        if missing is not None and len(rows) >= PAGE:
            return  # and the next page at once
        await self._settle(one, missing)

    async def _settle(self, one: Followed, missing: int | None) -> None:
        """All that the exchange has is known."""
        series = one.series
        if not one.ready:
            one.ready = True
            for feed in one.feeds:
                feed.begin(series.last, series.forming)
        due = series.missing_from
        if due is not None and due + series.step + _GRACE > self._clock.now():
            one.attempts, one.not_before = 0, 0.0
            self._traded(one, True, "")
            return
        # What should be there is not yet.
        one.attempts = one.attempts if due == missing else 0
        self._later(one)
        if one.attempts >= _HALTED_AFTER and not one.halted:
            status = await self._rest.status(series.symbol)
            self._traded(one, status == "TRADING", status)

    def _later(self, one: Followed) -> None:
        """Ask for it again after a wait that grows."""
        one.attempts += 1
        wait = min(_LONGEST_AGAIN, _AGAIN * 2.0 ** min(one.attempts, 10))
        one.not_before = asyncio.get_running_loop().time() + wait

    def _traded(self, one: Followed, traded: bool, status: str) -> None:
        if one.halted == (not traded):
            return
        one.halted = not traded
        name = self._venue.name
        if traded:
            self._notice("pair", f"{name} trades it again", one)
        else:
            text = f"{name} does not trade it (status {status}): it is halted or was taken off the exchange"
            self._notice("pair", text, one)

    async def _prepare(self, one: Followed) -> None:
        """Where it goes on from: the stored candles and those that were kept before."""
        series = one.series
        before = await asyncio.to_thread(history.before, series.symbol, series.timeframe, one.source)
        if before.why:
            self._notice("history", before.why, one)
        stored = StoredSeries({})
        try:
            path = history.place(self._venue.name, series.symbol, series.timeframe)
            one.store = await asyncio.to_thread(SeriesStore, path)
            stored = await asyncio.to_thread(read_series, path)
            if stored.damaged:
                text = f"{stored.damaged} records of {path} are damaged; their candles are fetched again"
                self._notice("store", text, one)
        except (OSError, settings.SettingsError) as error:
            one.store = MemoryStore()
            self._notice("store", f"candles are not kept: {error}", one)
        first = None if before.last is None else before.last + series.step
        if first is None and stored.candles:
            first = next(iter(stored.candles))
        if first is not None:
            series.last = stored.missing_from(first, series.step) - series.step
        series.remember([*stored.candles.items()][-REMEMBERED:])
        one.prepared = True
