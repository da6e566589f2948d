"""What one app knows: its configuration and what was computed with it. Two apps share nothing."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pandas as pd

from toolkit import settings
from toolkit.api.computed import Computed, Frames, Key, compute
from toolkit.candles import find_symbol, find_timeframe
from toolkit.configuration import ConfigurationError, IndicatorConfiguration
from toolkit.feeds.exchange import Kept
from toolkit.pipeline import IndicatorPipeline

__all__ = ["Answer", "Service"]

RECHECK_SECONDS = 5.0
"""How long stored candles are taken to be the same before the source is asked whether they still are."""

_THREADS = {"loading": 2, "work": 2}
_REMEMBERED = 1_000
"""Pipelines that are known by their number (for one that was forgotten everything is computed anew), and
answers that are known to have been given."""
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """An encoded body, and what it was made of."""

    body: bytes
    media_type: str
    key: Key
    number: int
    """Of the computed frame."""


class Service:
    """Configuration, computed frames and encoded answers of one app.

    All methods are for the event loop's thread; what takes time happens in threads of its own. The
    configuration may be changed from any thread.
    """

    def __init__(
        self,
        configuration: IndicatorConfiguration | None = None,
        *,
        source: str | os.PathLike[str] | None = None,
        configuration_path: str | os.PathLike[str] | None = None,
        frame_bytes: int = 256 * 2**20,
        answer_bytes: int = 64 * 2**20,
        recheck_seconds: float = RECHECK_SECONDS,
        kept: Kept | None = None,
    ) -> None:
        self.source = settings.source(source)
        self.configuration = IndicatorConfiguration() if configuration is None else configuration
        self.configuration_path = None if configuration_path is None else Path(configuration_path).absolute()
        if self.configuration_path is not None and self.configuration_path.exists():
            restored = IndicatorConfiguration.load(self.configuration_path)
            self.configuration.update(restored.to_dict())
        self.recheck_seconds = recheck_seconds
        self._kept = kept
        self._frames = Frames(frame_bytes)
        self._checked: dict[Key, float] = {}
        self._answers = _Answers(answer_bytes)
        self._flights: _Flights[Computed] = _Flights()
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._numbers: dict[Hashable, int] = {}
        self._count = itertools.count(1)
        self._current: tuple[int, IndicatorPipeline] | None = None
        self._configuring = asyncio.Lock()
        self._observers: list[Callable[[], None]] = []
        self._stop_observing = self.configuration.observe(self._changed)

    # -- configuration

    @property
    def pipeline(self) -> tuple[int, IndicatorPipeline]:
        """The pipeline of the indicators that are on, and a number that is the same for equal ones."""
        current = self._current
        if current is None:
            pipeline = self.configuration.pipeline()
            identity = (*pipeline.indicators.items(), *pipeline.timeframes.items())
            if identity not in self._numbers:
                if len(self._numbers) >= _REMEMBERED:
                    self._numbers.clear()
                    self._checked.clear()
                self._numbers[identity] = next(self._count)
            current = self._numbers[identity], pipeline
            self._current = current
        return current

    def observe(self, observer: Callable[[], None]) -> None:
        """Call after every change of the configuration, in the thread that made it."""
        self._observers.append(observer)

    def _changed(self, configuration: IndicatorConfiguration) -> None:
        self._current = None
        for observer in list(self._observers):
            observer()

    async def configure(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Make changes, all or none of them, kept in the file where there is one; the configuration after.

        Raises:
            ConfigurationError, UnknownIndicatorError, ParameterError: a change is not allowed.
            OSError: it cannot be kept. In each case nothing has changed.
        """
        _check_names(changes)
        async with self._configuring:
            wanted = IndicatorConfiguration.from_dict(self.configuration.to_dict())
            wanted.update(changes)
            if self.configuration_path is not None:
                await self.in_thread(_save, wanted, self.configuration_path)
            self.configuration.update(changes)
            return self.configuration.to_dict()

    # -- series

    async def series(self, symbol: str, timeframe: str) -> Computed:
        """The series with all indicators that are on. Many who ask at once wait for one computation.

        Raises:
            CandleError, SourceError: the candles cannot be had.
            PipelineError: they do not suit one of the indicators.
        """
        number, pipeline = self.pipeline
        key = Key(find_symbol(symbol), find_timeframe(timeframe), number)
        held = self._frames.get(key)
        if held is not None and self._fresh(key):
            return held
        return await self._flights.join(key, lambda: self._compute(key, pipeline, held))

    async def _compute(self, key: Key, pipeline: IndicatorPipeline, held: Computed | None) -> Computed:
        work = (compute, key.symbol, key.timeframe, pipeline, self.source, held, self._kept)
        found = await self._run_in("loading", *work)
        self._checked[key] = time.monotonic()
        if found is not held:
            found.key = key
            self._frames.put(key, found)
            if found.frame.attrs["synthetic"] and self.source == "auto":
                _log.warning(
                    "%s %s: SYNTHETIC sample candles instead of real ones", key.symbol, key.timeframe
                )
        return found

    def _fresh(self, key: Key) -> bool:
        return time.monotonic() - self._checked.get(key, -1e9) < self.recheck_seconds

    def answer(self, name: Hashable) -> Answer | None:
        """The encoded answer that was kept under this name, if what it was made of still holds."""
        kept = self._answers.get(name)
        if kept is None or kept.key.pipeline != self.pipeline[0] or not self._fresh(kept.key):
            return None
        current = self._frames.get(kept.key)
        return kept if current is not None and current.number == kept.number else None

    def keep(self, name: Hashable, answer: Answer) -> None:
        """Keep an encoded answer for whoever asks the same, from the second time on that it is given."""
        self._answers.put(name, answer)

    @property
    def newest(self) -> pd.DataFrame | None:
        """Of the frames that are held the one whose last candle closed last."""
        frames = [computed.frame for _, computed in self._frames]
        return max(frames, key=lambda frame: frame.attrs["report"].closed, default=None)

    # -- threads

    async def in_thread(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """The result of a function that takes a moment."""
        return await self._run_in("work", function, *arguments)

    async def loaded(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """The result of a function that reads files or waits for a network."""
        return await self._run_in("loading", function, *arguments)

    async def _run_in(self, pool: str, function: Callable[..., _Result], *arguments: Any) -> _Result:
        # Loading may wait for a network: in threads of its own it holds up nothing else.
        if pool not in self._pools:
            self._pools[pool] = ThreadPoolExecutor(_THREADS[pool], thread_name_prefix=f"system-v4-{pool}")
        return await asyncio.get_running_loop().run_in_executor(self._pools[pool], function, *arguments)

    def close(self) -> None:
        """End the threads, once what they do is done. The service can be used again."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        self._pools.clear()


def _check_names(changes: Mapping[str, Any]) -> None:
    for name, change in changes.items() if isinstance(changes, Mapping) else ():
        if isinstance(change, Mapping) and {"indicator", "timeframe"} & set(change):
            raise ConfigurationError(
                f"{name}: the service has each indicator once, on the timeframe of its candles;"
                " allowed are 'enabled' and 'params'"
            )


def _save(configuration: IndicatorConfiguration, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    configuration.save(path)


class _Flights(Generic[_Result]):
    """One task for all who want the same at the same time."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[_Result]] = {}

    async def join(self, key: Hashable, begin: Callable[[], Awaitable[_Result]]) -> _Result:
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.ensure_future(_run(begin()))
            task.add_done_callback(lambda done: self._landed(key, done))
        # Who gives up waiting does not end it for the others.
        return await asyncio.shield(task)

    def _landed(self, key: Hashable, task: asyncio.Task[_Result]) -> None:
        self._tasks.pop(key, None)
        if not task.cancelled():
            task.exception()  # looked at, even where nobody waits any more


async def _run(awaitable: Awaitable[_Result]) -> _Result:
    return await awaitable


class _Answers:
    """The answers used last, up to so many bytes. One that is given for the first time is not kept: most are
    asked for once, and fresh memory for each of them takes longer than to write it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._bytes = 0
        self._given: OrderedDict[int, None] = OrderedDict()

    def get(self, name: Hashable) -> Answer | None:
        found = self._answers.get(name)
        if found is not None:
            self._answers.move_to_end(name)
        return found

    def put(self, name: Hashable, answer: Answer) -> None:
        if len(answer.body) > self._limit // 8 or self._first(name):
            return
        if (old := self._answers.pop(name, None)) is not None:
            self._bytes -= len(old.body)
        self._answers[name] = answer
        self._bytes += len(answer.body)
        while self._bytes > self._limit:
            _, gone = self._answers.popitem(last=False)
            self._bytes -= len(gone.body)

    def _first(self, name: Hashable) -> bool:
        known = hash(name)
        if known in self._given:
            return False
        self._given[known] = None
        if len(self._given) > _REMEMBERED:
            self._given.popitem(last=False)
        return True
