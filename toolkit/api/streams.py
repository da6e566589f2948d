"""Streams: each series computed candle by candle once, its messages encoded once, for however many clients.

A message is JSON without its opening brace: each connection puts its own number in front.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

import orjson
import pandas as pd

from toolkit.api import encode, rows
from toolkit.api.computed import Computed
from toolkit.api.service import Service
from toolkit.candles import PRICE_COLUMNS, TIMEFRAMES
from toolkit.feeds import Event, Feed, FeedError
from toolkit.pipeline import IndicatorPipeline, PipelineError, PipelineRun
from toolkit.signals import Signals

__all__ = ["KEPT_MISSED", "KEPT_ROWS", "Stream", "Subscriber", "message"]

KEPT_ROWS = 5_000
"""Candles that a stream keeps for snapshots."""

KEPT_MISSED = 256
"""Closed candles that a stream keeps for clients that come back."""

_log = logging.getLogger(__name__)


class Subscriber(Protocol):
    """Whoever follows a stream."""

    def offer(self, body: str, stream: str = "", forming: bool = False) -> None:
        """Take a message without waiting; of a stream's candle that still forms, only the newest need be kept
        and only for as long as nothing else of that stream comes.
        """
        ...

    async def room(self) -> None:
        """Wait until it can take more."""
        ...


def message(kind: str, **content: Any) -> str:
    """A message of this type, without its opening brace."""
    return rows.dumps({"type": kind, **content})[1:].decode()


class Stream:
    """One series as it stands now: its indicators' memory, its last candles, and who follows it.

    Without a feed it shows the stored candles, and changes when those or the configuration do; with one it
    goes on from the feed's history, candle by candle, with the values of a calculation over the whole.
    Nobody is waited for, except where the stream is `patient`: a replay that one client has to itself.
    """

    def __init__(
        self,
        service: Service,
        name: str,
        symbol: str,
        timeframe: str,
        feed: Feed | None,
        *,
        patient: bool = False,
    ) -> None:
        self.name = name
        self.symbol = symbol
        self.timeframe = timeframe
        self.feed = feed
        self.subscribers: dict[Subscriber, int] = {}
        """Each with the number of candles it wants in a snapshot."""
        self.awaited = 0
        """How many are about to follow."""
        self.ended = False
        self.on_demand = False
        """The feed is read only for as long as somebody follows."""
        self._patient = patient
        self._service = service
        self._lock = asyncio.Lock()
        self._pipeline: IndicatorPipeline | None = None
        self._computed = 0
        self._run: PipelineRun | None = None
        self._rows: _Rows | None = None
        self._chart: dict[str, Any] = {}
        self._event_number: int | None = None
        self._error: str | None = None
        self._snapshots: dict[int, str] = {}
        # Counts on from the clock, so that a number of an earlier stream of this name is none of these.
        self._sequence = self._resumable = int(time.time() * 1_000) * 1_000
        self._missed: deque[tuple[int, str]] = deque(maxlen=KEPT_MISSED)

    # -- for those who follow

    async def subscribe(self, subscriber: Subscriber, limit: int, after: int | None = None) -> None:
        """Send a snapshot with the last `limit` candles, or what was missed since the `sequence` that was
        seen last, where that is still known; and then whatever comes.
        """
        self.awaited += 1
        try:
            async with self._lock:
                await self._make_current()
                self._check()
                self.subscribers[subscriber] = limit
                if after is not None and self._resumable <= after <= self._sequence:
                    subscriber.offer(self._since(after), self.name)
                else:
                    reason = "subscribed" if after is None else "missed"
                    subscriber.offer(self._snapshot(limit, reason), self.name)
                if self.ended:
                    subscriber.offer(self._end(), self.name)
        finally:
            self.awaited -= 1

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Send nothing more; nothing happens where it does not follow."""
        self.subscribers.pop(subscriber, None)

    async def update(self) -> dict[str, Any]:
        """The latest candle, its indicators and its signals."""
        async with self._lock:
            await self._make_current()
            self._check()
            return self._chart

    async def refresh(self) -> None:
        """Follow a change of the configuration or of the stored candles, if there was one."""
        async with self._lock:
            try:
                await self._make_current()
            except Exception as error:  # noqa: BLE001
                # A source that cannot be used for a while: what is known stays.
                _log.warning("%s: %s", self.name, error)

    async def follow(self) -> None:
        """Read the feed to its end. Where it fails the stored candles stay, and whoever follows is told."""
        assert self.feed is not None
        await self.refresh()
        try:
            async for event in self.feed:
                await self.apply(event)
                if self._patient:
                    for subscriber in list(self.subscribers):
                        await subscriber.room()
        except FeedError as error:
            _log.warning("%s: %s", self.name, error)
            self._offer(message("error", stream=self.name, detail=str(error)))
            self.feed, self._run, self._error = None, None, None
            await self.refresh()
            return
        self.ended = True
        self._offer(self._end())

    async def apply(self, event: Event) -> None:
        """Go on by one event of the feed, and tell whoever follows."""
        async with self._lock:
            if not event.follows:
                self._run = None
            await self._make_current(rewound=not event.follows)
            if self._run is None or self._rows is None:
                return
            opened = event.candle["open_time"]
            if self._rows.last is not None and opened <= self._rows.last:
                return  # in the history already, from which everything was just computed anew
            try:
                values = self._run.update(event.candle) if event.closed else self._run.peek(event.candle)
            except PipelineError as error:  # it was fed to none; the next one may do
                self._offer(message("error", stream=self.name, detail=str(error)))
                return
            signals = self._run.new_signals if event.closed else {}
            self._event_number = event.number
            candle = {name: event.candle[name] for name in PRICE_COLUMNS}
            if event.closed:
                self._rows.add(opened, {**candle, **values})
            self._sequence += 1
            self._show(opened, candle, event.closed, values, signals)
            body = message("update", **self._chart)
            if event.closed:
                if len(self._missed) == KEPT_MISSED:
                    self._resumable = self._missed[0][0]
                self._missed.append((self._sequence, body))
            self._offer(body, not event.closed)

    # -- within the lock

    async def _make_current(self, *, rewound: bool = False) -> None:
        """Compute everything anew where configuration, stored candles or the feed's place have changed."""
        _, pipeline = self._service.pipeline
        same = self._run is not None or self._error is not None
        if self.feed is not None and same and pipeline is self._pipeline:
            return
        try:
            if self.feed is None:
                computed = await self._service.series(self.symbol, self.timeframe)
                pipeline = computed.pipeline
                if same and computed.number == self._computed:
                    return
            else:
                history = await self._service.loaded(self.feed.history)
                computed = await self._service.in_thread(Computed, history, pipeline)
        except PipelineError as error:
            if str(error) != self._error:
                self._pipeline, self._computed, self._run, self._error = pipeline, 0, None, str(error)
                self._offer(message("error", stream=self.name, detail=self._error))
            return
        changed = self._pipeline not in (None, pipeline)
        again = rewound and self.feed is not None and self.feed.origin == "replay"
        reason = "rewound" if again else "configured" if changed else "data"
        self._pipeline, self._computed, self._error = pipeline, computed.number, None
        self._rows = _Rows(computed)
        timeframe = self.timeframe if self.timeframe in TIMEFRAMES else None
        self._run = pipeline.stream(computed.state, timeframe=timeframe)
        self._sequence += 1  # from what came before, nobody can go on
        self._resumable = self._sequence
        self._missed.clear()
        self._chart = self._head()
        self._snapshots = {}
        if len(computed.frame):
            last = len(computed.frame) - 1
            opened = computed.frame.index[last]
            found = {label: _at(signals, opened) for label, signals in computed.signals.items()}
            values = {name: float(column[last]) for name, column in computed.values.items()}
            self._show(opened, {name: values[name] for name in PRICE_COLUMNS}, True, values, found)
        for subscriber, limit in list(self.subscribers.items()):
            subscriber.offer(self._snapshot(limit, reason), self.name)

    def _check(self) -> None:
        if self._error is not None:
            raise PipelineError(self._error)

    def _head(self) -> dict[str, Any]:
        assert self._rows is not None
        origin = "stored" if self.feed is None else self.feed.origin
        return {
            "stream": self.name,
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "origin": origin,
            "replay": origin == "replay",
            "synthetic": self._rows.origin["synthetic"],
            "event_number": self._event_number,
            "sequence": self._sequence,
            "latest_candle": None,
            "indicators": {},
            "signals": {},
        }

    def _show(
        self,
        opened: pd.Timestamp,
        candle: Mapping[str, float],
        closed: bool,
        values: Mapping[str, float],
        signals: Mapping[str, Signals],
    ) -> None:
        """What the latest candle is from now on."""
        assert self._pipeline is not None
        self._snapshots = {}
        self._chart = {
            **self._head(),
            "latest_candle": {"open_time": encode.iso(opened), **candle, "closed": closed},
            "indicators": {
                label: {output: values[column] for output, column in self._pipeline.columns(label).items()}
                for label in self._pipeline.indicators
            },
            "signals": {label: encode.signal_rows(found) for label, found in signals.items() if len(found)},
        }

    def _snapshot(self, limit: int, reason: str) -> str:
        """The chart message with the last candles; encoded once for all who want as many."""
        assert self._rows is not None
        assert self._pipeline is not None
        body = self._snapshots.get(limit)
        if body is None:
            body = message("snapshot", **self._chart, history=self._rows.history(limit, self._pipeline))
            self._snapshots[limit] = body
        return f'"reason":"{reason}",{body}'

    def _since(self, after: int) -> str:
        """What was missed since a sequence: each candle that closed, and the one that forms now."""
        missed = [body for sequence, body in self._missed if sequence > after]
        if self._sequence > max(after, self._missed[-1][0] if self._missed else 0):
            missed.append(message("update", **self._chart))
        listed = ",".join("{" + body for body in missed)
        head = message("resumed", stream=self.name, sequence=self._sequence)
        return f'{head[:-1]},"missed":[{listed}]}}'

    def _end(self) -> str:
        named = ("stream", "symbol", "timeframe", "origin", "replay", "synthetic")
        return message("end", **{name: self._chart.get(name) for name in named})

    def _offer(self, body: str, forming: bool = False) -> None:
        for subscriber in list(self.subscribers):
            subscriber.offer(body, self.name, forming)


def _at(signals: Signals, opened: pd.Timestamp) -> Signals:
    """The signals of one candle."""
    low = int(signals.timestamp.searchsorted(opened))
    high = int(signals.timestamp.searchsorted(opened, side="right"))
    return signals[low:high]


class _Rows:
    """The last candles of a stream with their indicators: those of the history, and those that came since."""

    def __init__(self, computed: Computed) -> None:
        attrs = computed.frame.attrs
        self.origin = {name: attrs.get(name) for name in ("source", "revision", "synthetic")}
        self.last: pd.Timestamp | None = computed.frame.index[-1] if len(computed.frame) else None
        # Copies: a slice would keep the whole history.
        self._times = computed.times[-KEPT_ROWS:].copy()
        self._values = {name: column[-KEPT_ROWS:].copy() for name, column in computed.values.items()}
        self._since: deque[tuple[pd.Timestamp, dict[str, float]]] = deque(maxlen=KEPT_ROWS)

    def add(self, opened: pd.Timestamp, values: dict[str, float]) -> None:
        """A closed candle."""
        self.last = opened
        self._since.append((opened, values))

    def history(self, limit: int, pipeline: IndicatorPipeline) -> dict[str, Any]:
        """The last `limit` candles, as in the answer of `/api/klines`."""
        since = list(self._since)[-limit:] if limit else []
        before = max(0, len(self._times) - (limit - len(since)))
        times = rows.texts(self._times[before:])
        times += [orjson.dumps(encode.iso(opened)) for opened, _ in since]

        def texts(column: str) -> list[bytes]:
            values = rows.texts(self._values[column][before:])
            return values + [rows.dumps(row[column]) for _, row in since]

        prices = {name: texts(name) for name in PRICE_COLUMNS}
        return {
            **self.origin,
            "data_points": len(times),
            "klines": orjson.Fragment(rows.objects({"open_time": times, **prices})),
            "indicators": {
                label: orjson.Fragment(
                    rows.objects(
                        {
                            "open_time": times,
                            **{output: texts(column) for output, column in pipeline.columns(label).items()},
                        }
                    )
                )
                for label in pipeline.indicators
            },
        }
