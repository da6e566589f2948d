"""The hub: which streams there are, and which connections."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.api.connection import Connection
from toolkit.api.service import Service
from toolkit.api.streams import Stream
from toolkit.candles import EXTRA_COLUMNS, PRICE_COLUMNS, find_symbol, find_timeframe
from toolkit.candles.select import Moment
from toolkit.feeds import Feed, Replay
from toolkit.feeds.replay import replay_forming

if TYPE_CHECKING:
    from toolkit.feeds.exchange import Exchange

__all__ = ["Hub", "Limits", "TooMany"]

_CANDLE_COLUMNS = (*PRICE_COLUMNS, *EXTRA_COLUMNS, "synthetic")
_log = logging.getLogger(__name__)


class TooMany(Exception):
    """A limit of the service is reached; the message says which."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one service carries at most."""

    connections: int = 2_000
    """Open WebSockets."""
    subscriptions: int = 16
    """Streams that one of them follows."""
    replays: int = 32
    """Replays that run at the same time: each has an indicators' memory and a clock of its own."""
    queue: int = 64
    """Messages that wait for one slow reader before it is dropped."""
    message_bytes: int = 64 * 2**10
    """Size of a message from a client."""
    linger: float = 300.0
    """Seconds for which a series of an exchange is followed on after its last client: it may come back."""


class Hub:
    """All streams and connections of one app. For the event loop's thread."""

    def __init__(
        self,
        service: Service,
        *,
        feeds: Iterable[Feed] = (),
        exchange: Exchange | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.service = service
        self.exchange = exchange
        """Whose candles come in for whatever series is followed; None: none do."""
        self.limits = Limits() if limits is None else limits
        self._feeds = list(feeds)
        self._streams: dict[str, Stream] = {}
        self._replays: set[Stream] = set()
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closed = False
        service.observe(self._configured)

    @property
    def connections(self) -> int:
        """Open WebSockets."""
        return len(self._connections)

    @property
    def streams(self) -> int:
        """Streams that somebody follows or that a feed fills."""
        return len(self._streams) + len(self._replays)

    # -- life

    def start(self) -> None:
        """Begin to read the feeds; within the event loop."""
        self._closed = False
        self._loop = asyncio.get_running_loop()
        for feed in self._feeds:
            self.attach(feed)

    def attach(self, feed: Feed) -> None:
        """Read a feed to its end: whoever follows its series gets its candles."""
        name = _name(feed.symbol, feed.timeframe)
        if name in self._streams and self._streams[name].feed is not None:
            raise ValueError(f"hub: {name} has a feed already")
        stream = Stream(self.service, name, feed.symbol, feed.timeframe, feed)
        old = self._streams.get(name)
        self._streams[name] = stream
        if old is not None:
            for subscriber, limit in old.subscribers.items():
                stream.subscribers[subscriber] = limit
                if isinstance(subscriber, Connection):
                    subscriber.streams[name] = stream
        self._spawn(self._follow(stream))

    async def close(self) -> None:
        """Close every connection (1001) and end every feed."""
        self._closed = True
        farewell = "the service is shutting down"
        await asyncio.gather(*(one.close(1001, farewell) for one in [*self._connections]))
        feeds = [stream.feed for stream in (*self._streams.values(), *self._replays) if stream.feed]
        for feed in feeds:
            await feed.close()
        for timer in self._leaving.values():
            timer.cancel()
        self._leaving.clear()
        if self.exchange is not None:
            await self.exchange.close()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._watching = None
        self._streams.clear()
        self._replays.clear()

    # -- connections

    def connect(self, connection: Connection) -> None:
        """Count a connection in.

        Raises:
            TooMany: there are as many as there may be, or the service is shutting down.
        """
        if self._closed:
            raise TooMany("the service is shutting down")
        if len(self._connections) >= self.limits.connections:
            raise TooMany(
                f"there are {self.limits.connections} connections, and no more are taken; try later"
            )
        self._loop = asyncio.get_running_loop()
        self._connections.add(connection)

    def disconnect(self, connection: Connection) -> None:
        """Forget a connection and all that it followed."""
        self._connections.discard(connection)
        for stream in [*connection.streams.values()]:
            self.unsubscribe(connection, stream)

    async def subscribe(
        self,
        connection: Connection,
        symbol: str,
        timeframe: str,
        limit: int,
        *,
        replay: float | None = None,
        forming: bool = False,
        start: Moment | None = None,
        end: Moment | None = None,
        after: int | None = None,
    ) -> Stream:
        """Let a connection follow a series as it is stored or comes in, or a replay of its own (`forming`: of
        candles that also form). `after` is the `sequence` that it saw last: it then gets what it missed.

        Raises:
            TooMany: it follows as many as it may, or too many replays run.
            CandleError, ReplayError, SourceError, PipelineError: there is no such series.
        """
        symbol, timeframe = find_symbol(symbol), find_timeframe(timeframe)
        name = _name(symbol, timeframe, replay=replay is not None)
        if name not in connection.streams and len(connection.streams) >= self.limits.subscriptions:
            most = self.limits.subscriptions
            raise TooMany(f"a connection follows at most {most} streams; unsubscribe first")
        if replay is None:
            stream = self._streams.get(name)
            if stream is None:
                stream = self._streams[name] = self._stream(name, symbol, timeframe)
            if (timer := self._leaving.pop(name, None)) is not None:
                timer.cancel()
        else:
            feed = await self._replay(symbol, timeframe, forming, speed=replay, start=start, end=end)
            if len(self._replays) >= self.limits.replays and name not in connection.streams:
                raise TooMany(f"there are {self.limits.replays} replays, and no more are started; try later")
            if (old := connection.streams.get(name)) is not None:
                self.unsubscribe(connection, old)
            stream = Stream(self.service, name, symbol, timeframe, feed, patient=True)
            self._replays.add(stream)
        connection.streams[name] = stream
        try:
            await stream.subscribe(connection, limit, after)
        except BaseException:
            self.unsubscribe(connection, stream)
            raise
        if connection.closed:  # it went while the series was loaded
            self.unsubscribe(connection, stream)
        elif replay is not None:
            self._spawn(self._follow(stream))
        elif stream.feed is None:
            self._watch()
        return stream

    async def _replay(self, symbol: str, timeframe: str, forming: bool, **options: Any) -> Replay:
        frame = (await self.service.series(symbol, timeframe)).frame
        klines = frame[[name for name in _CANDLE_COLUMNS if name in frame.columns]]
        if not forming:
            return Replay(klines, **options)
        make = functools.partial(replay_forming, klines, self.service.source, **options)
        return await self.service.in_thread(make)

    def unsubscribe(self, connection: Connection, stream: Stream) -> None:
        """Let it follow no longer; a stream that nobody follows ends."""
        connection.streams.pop(stream.name, None)
        stream.unsubscribe(connection)
        if stream.subscribers or stream.awaited:
            return
        if stream in self._replays:
            self._replays.discard(stream)
            if stream.feed is not None:
                self._spawn(stream.feed.close())
        elif self._streams.get(stream.name) is not stream:
            return
        elif stream.feed is None:
            del self._streams[stream.name]
        elif stream.on_demand and self._loop is not None and not self._closed:
            end = self._loop.call_later(self.limits.linger, self._leave, stream)
            self._leaving[stream.name] = end

    def _stream(self, name: str, symbol: str, timeframe: str) -> Stream:
        """A series as the exchange tells it, where there is one, else as it is stored."""
        feed = None if self.exchange is None else self.exchange.feed(symbol, timeframe)
        stream = Stream(self.service, name, symbol, timeframe, feed)
        if feed is not None:
            stream.on_demand = True
            self._spawn(self._follow(stream))
        return stream

    def _leave(self, stream: Stream) -> None:
        """Nobody came back to a series of the exchange."""
        self._leaving.pop(stream.name, None)
        if not stream.subscribers and not stream.awaited and self._streams.get(stream.name) is stream:
            del self._streams[stream.name]
            if stream.feed is not None:
                self._spawn(stream.feed.close())

    # -- what goes on by itself

    async def _follow(self, stream: Stream) -> None:
        try:
            await stream.follow()
        except Exception:  # noqa: BLE001
            # One feed must not end the others; its candles stop, and the log says why.
            _log.exception("the feed of %s ended", stream.name)
        if stream.feed is None and stream in self._streams.values():
            self._watch()  # it failed: from now on the series is as it is stored
            if not stream.subscribers and not stream.awaited:
                del self._streams[stream.name]

    def _configured(self) -> None:
        """The configuration was changed, in whichever thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._refresh_all)

    def _refresh_all(self) -> None:
        for stream in (*self._streams.values(), *self._replays):
            self._spawn(stream.refresh())

    def _watch(self) -> None:
        """Look again and again whether stored candles that somebody follows have changed."""
        if self._watching is None or self._watching.done():
            self._watching = self._spawn(self._look())

    async def _look(self) -> None:
        while stored := [stream for stream in self._streams.values() if stream.feed is None]:
            await asyncio.sleep(self.service.recheck_seconds)
            for stream in stored:
                await stream.refresh()

    def _spawn(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(_run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _run(work: Awaitable[Any]) -> Any:
    return await work


def _name(symbol: str, timeframe: str, *, replay: bool = False) -> str:
    return f"{symbol}@{timeframe}{'@replay' if replay else ''}"
