"""One exchange: one connection for all series that somebody follows, and what was missed through REST."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random as randomness
import re
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal

from toolkit import settings
from toolkit.candles import SYMBOLS, find_symbol
from toolkit.candles.times import timestamp
from toolkit.feeds.base import FeedError
from toolkit.feeds.exchange import history
from toolkit.feeds.exchange.clock import ExchangeClock
from toolkit.feeds.exchange.feed import ExchangeFeed
from toolkit.feeds.exchange.filling import Filling, Followed
from toolkit.feeds.exchange.frames import BadKline, message_of, of_event, stream_name
from toolkit.feeds.exchange.notices import Notice, Notices
from toolkit.feeds.exchange.rest import Rest
from toolkit.feeds.exchange.series import Step
from toolkit.feeds.exchange.socket import Upstream
from toolkit.feeds.exchange.store import MemoryStore, StoredSeries
from toolkit.feeds.exchange.venue import INTERVALS, Venue, venue_of

__all__ = ["Exchange", "Notice"]

_log = logging.getLogger(__name__)


class Exchange:
    """Follows any number of series of one exchange over one connection.

    The connection is made when the first feed is read, made anew whenever it breaks (with growing waits and
    jitter), and ends with the last feed. What was missed meanwhile is fetched through REST; closed candles
    are kept under `settings.folder("live")`, so that a restart fetches only what is missing. All methods are
    for one event loop's thread; only a feed's `history` is for another.

    Args:
        venue: `"binance"` or `"binance-us"`, or a `Venue`; default: what the settings say.
        source: where the stored candles before the exchange's come from, as for `KLineDataLoader`.
        first_candles: how many are fetched where none are stored, 1 to 1,000.
        clock: this machine's time in seconds since 1970, for tests.
        random: for the jitter of waits, for tests.

    Raises:
        FeedError: an argument is not allowed.
    """

    def __init__(
        self,
        venue: str | Venue | None = None,
        *,
        source: str | os.PathLike[str] | None = None,
        first_candles: int = 1_000,
        clock: Callable[[], float] = time.time,
        random: randomness.Random | None = None,
    ) -> None:
        if type(first_candles) is not int or not 1 <= first_candles <= 1_000:
            raise FeedError(
                f"Exchange: first_candles={first_candles!r} is not allowed: it must be a whole number from"
                " 1 to 1000"
            )
        self.venue = venue_of(venue)
        self.source = source
        self._clock = ExchangeClock(clock)
        self._followed: dict[tuple[str, str], Followed] = {}
        self._notices = Notices(self.venue.name, clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._rest = Rest(self.venue)
        chance = randomness.Random() if random is None else random
        self._filling = Filling(
            self.venue,
            self._rest,
            self._clock,
            followed=lambda: self._followed.values(),
            deliver=self._deliver,
            notice=self._note,
            random=chance,
            first=first_candles,
        )
        self._upstream = Upstream(
            self.venue,
            wanted=lambda: [stream_name(*key) for key in self._followed],
            take=self._take,
            connected=lambda: self._filling.wake(connected=True),
            noticed=lambda kind, text: self._note(kind, text, None),
            random=chance,
        )

    def feed(self, symbol: str, timeframe: str) -> ExchangeFeed:
        """A feed of one series; nothing happens before it is read.

        Args:
            symbol: as the exchange writes it (`"BTCUSDT"`), or one of the 38 pairs in any of their forms.
            timeframe: one of the exchange's: 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 1w.

        Raises:
            FeedError: one is not allowed. Whether the exchange knows the pair is found out when the feed is
                read.
        """
        if not isinstance(timeframe, str) or timeframe.lower() not in INTERVALS:
            raise FeedError(
                f"live: timeframe={timeframe!r} is not allowed; it must be one of {', '.join(INTERVALS)}"
            )
        if not isinstance(symbol, str) or not re.fullmatch(
            r"[A-Za-z0-9]{1,24}([/_:. -][A-Za-z0-9]{1,24})?", symbol
        ):
            raise FeedError(f"live: symbol={symbol!r} is not a text such as 'BTCUSDT'")
        name = re.sub(r"[^A-Z0-9]", "", symbol.upper())
        if f"{name}USDT" in SYMBOLS:
            name = find_symbol(symbol)
        return ExchangeFeed(self, name, timeframe.lower(), self.source)

    @property
    def notices(self) -> list[Notice]:
        """What happened that a user should know, the last 200, oldest first."""
        return list(self._notices)

    def listen(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call with every notice from now on; what it gives back ends that."""
        return self._notices.listen(listener)

    def status(self) -> dict[str, Any]:
        """How it is, as JSON values: `state` (`off`, `connecting`, `connected`, `waiting`), `error` and what
        else helps.
        """
        up, now = self._upstream, self._loop_time()

        def since(moment: float | None) -> float | None:
            return None if moment is None or now is None else round(now - moment, 3)

        after = since(up.next_attempt)
        skew = self._clock.skew if now is not None and self._clock.known else None
        return {
            "venue": self.venue.name,
            "state": up.state,
            "error": up.error or self._filling.error or None,
            "series": len(self._followed),
            "ready": sum(one.ready for one in self._followed.values()),
            "halted": sorted(one.name for one in self._followed.values() if one.halted),
            "connections": up.connections,
            "frame_age_seconds": since(up.last_frame),
            "next_attempt_seconds": None if after is None else max(0.0, -after),
            "rest_waits_seconds": None if now is None else round(self._rest.waiting, 3),
            "clock_skew_seconds": None if skew is None else round(skew, 3),
        }

    async def close(self) -> None:
        """End every feed and the connection; more than once is allowed."""
        for one in [*self._followed.values()]:
            for feed in [*one.feeds]:
                await feed.close()
                await self.leave(feed)
        await self._stop()

    # -- for its feeds

    def open(self, feed: ExchangeFeed) -> None:
        """A feed is being read from now on.

        Raises:
            FeedError: a connection carries no more series.
        """
        key = feed.symbol, feed.timeframe
        one = self._followed.get(key)
        if one is None:
            if len(self._followed) >= self.venue.streams:
                raise FeedError(
                    f"{self.venue.name}: a connection carries at most {self.venue.streams} series"
                )
            one = self._followed[key] = Followed(*key, feed.source)
            self._upstream.change()
            self._filling.wake()
        one.feeds.add(feed)
        if one.ready:
            feed.begin(one.series.last, one.series.forming)
        if not self._tasks:
            self._tasks = [self._task(self._filling.run()), self._task(self._upstream.run())]

    async def leave(self, feed: ExchangeFeed) -> None:
        """A feed is read no longer."""
        key = feed.symbol, feed.timeframe
        one = self._followed.get(key)
        if one is None or feed not in one.feeds:
            return
        one.feeds.discard(feed)
        if not one.feeds:
            del self._followed[key]
            one.close()
            self._upstream.change()
        if not self._followed:
            await self._stop()

    def path_of(self, feed: ExchangeFeed) -> Path | None:
        """Where the candles of a feed are kept; None where they cannot be."""
        with contextlib.suppress(settings.SettingsError):
            return history.place(self.venue.name, feed.symbol, feed.timeframe)
        return None

    def memory(self, feed: ExchangeFeed) -> StoredSeries | None:
        """What came since the feed began, where it cannot be kept on disk."""
        one = self._followed.get((feed.symbol, feed.timeframe))
        store = None if one is None else one.store
        return store.stored if isinstance(store, MemoryStore) else None

    # -- what comes

    def _take(self, text: str | bytes) -> bool:
        """A frame; whether it brought a candle."""
        try:
            event = message_of(text)
            kind = event.get("e")
            if kind == "serverShutdown":
                self._note("shutdown", "the exchange ends this connection; connecting anew", None)
                self._upstream.leave()
                return False
            if kind != "kline":
                if "code" in event or "error" in event:
                    self._note("invalid", f"the exchange refused a command: {event}", None)
                return False
            key = event.get("s"), (event.get("k") or {}).get("i")
            one = self._followed.get(key)  # type: ignore[arg-type]
            if one is None:  # unsubscribed a moment ago
                return False
            kline = of_event(event, one.series.step)
        except (BadKline, AttributeError, TypeError) as error:
            self._note("invalid", f"a frame is left out: {error}", None)
            return False
        self._clock.seen(kline.event_time)
        step = one.series.take(kline)
        if step.klines or step.corrections:
            self._deliver(one, step)
        if one.series.waiting or kline.closed:
            self._filling.wake()
        return True

    def _deliver(self, one: Followed, step: Step) -> None:
        """Keep what is final, say what is odd, and hand on what is next."""
        for correction in step.corrections:
            self._keep(one, "correction", correction)
            before, now = correction.before[:5], correction.values[:5]
            self._note(
                "correction",
                f"the candle of {timestamp(correction.open_time)} was changed after its close: open, high,"
                f" low, close and volume were {before} and are {now} now; what was told first is kept",
                one,
            )
        for hole in step.holes:
            self._keep(one, "hole", hole)
            first, last = timestamp(hole.first), timestamp(hole.last)
            count = (hole.last - hole.first) // one.series.step + 1
            self._note("gap", f"the exchange has no candle from {first} to {last} ({count} missing)", one)
        for kline in step.klines:
            if kline.closed:
                self._keep(one, "candle", kline.open_time, kline.values)
            if one.ready:
                for feed in one.feeds:
                    feed.offer(kline)

    def _keep(self, one: Followed, what: Literal["candle", "hole", "correction"], *content: Any) -> None:
        if one.store is None:
            return
        try:
            getattr(one.store, what)(*content)
        except OSError as error:
            self._note(
                "store", f"a candle cannot be kept now, and is tried again with the next: {error}", one
            )

    # -- what goes on by itself

    def _note(self, kind: str, text: str, one: Followed | None) -> None:
        symbol, timeframe = ("", "") if one is None else (one.series.symbol, one.series.timeframe)
        self._notices.add(kind, text, symbol, timeframe)

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What never ends has ended: by an error of our own, which must not look like a quiet market."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        _log.error("following %s ended", self.venue.name, exc_info=error)
        failure = FeedError(f"{self.venue.name}: following it failed ({type(error).__name__}: {error})")
        failure.__cause__ = error
        for one in self._followed.values():
            for feed in [*one.feeds]:
                feed.fail(failure)

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self._tasks:  # nobody came meanwhile
            await self._rest.close()

    @staticmethod
    def _loop_time() -> float | None:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return None
