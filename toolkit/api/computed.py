"""One series of candles with all its indicators and signals, computed on the full history."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from toolkit.candles import PRICE_COLUMNS, CandleError
from toolkit.feeds.exchange import Kept
from toolkit.loader import KLineDataLoader
from toolkit.pipeline import IndicatorPipeline
from toolkit.signals import Signals
from toolkit.sources.base import SourceError

__all__ = ["Computed", "DataKey", "Frames", "Key", "compute"]

DataKey = tuple[Any, ...]
"""Which candles: source, revision, whether they are synthetic, and the last open time."""

_numbers = itertools.count(1)


class Key(NamedTuple):
    """What a computed frame is of."""

    symbol: str
    timeframe: str
    pipeline: int
    """The number of the pipeline (:attr:`toolkit.api.service.Service.pipeline`)."""


class Computed:
    """Candles, indicators and signals of one series and one pipeline. Not to be changed."""

    def __init__(self, klines: pd.DataFrame, pipeline: IndicatorPipeline) -> None:
        run = pipeline.stream(timeframe=None)
        outputs = run.feed(klines)
        frame = klines.copy(deep=False)
        for name in outputs.columns:
            frame[name] = outputs[name]
        self.number = next(_numbers)
        """Another for every computation."""
        self.frame = frame
        """As `pipeline.calculate` gives it."""
        self.pipeline = pipeline
        self.signals: dict[str, Signals] = run.new_signals
        self.labels = {label: pipeline.columns(label) for label in pipeline.indicators}
        """Label → output → column."""
        self.key: Key | None = None
        """Under which the service holds it."""
        self.kept: dict[str, Any] = {}
        """What is made of it once, by those who write it."""
        self.kept_version: tuple[DataKey | None, int] | None = None
        """Of which stored candles and which ones that an exchange gave since, where there are such."""
        self._run = run

    @functools.cached_property
    def data_key(self) -> DataKey:
        """Which candles they are."""
        return data_key_of(self.frame)

    @functools.cached_property
    def state(self) -> Mapping[str, Any]:
        """What a stream goes on from, after the last candle."""
        return self._run.state

    @functools.cached_property
    def times(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Open times, `datetime64[ms]` in UTC."""
        return self.frame.index.to_numpy(dtype="datetime64[ms]")

    @functools.cached_property
    def values(self) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """Prices, volume and the indicators' columns, float64."""
        drawn = [column for columns in self.labels.values() for column in columns.values()]
        return {name: np.ascontiguousarray(self.frame[name].to_numpy()) for name in (*PRICE_COLUMNS, *drawn)}

    @functools.cached_property
    def size(self) -> int:
        """Bytes that it takes, about."""
        signals = sum(
            len(found) * 8 * (6 + len(found.metadata)) for found in self.signals.values() if len(found)
        )
        return int(self.frame.memory_usage(deep=False).sum()) + signals


def compute(
    symbol: str,
    timeframe: str,
    pipeline: IndicatorPipeline,
    source: str | os.PathLike[str] | None,
    held: Computed | None,
    kept: Kept | None = None,
) -> Computed:
    """`held`, where the candles are still those it was made of, else a new one: of the stored ones, and of
    those of an exchange that are `kept` since. For a thread: it reads files.

    Raises:
        CandleError, SourceError: the candles cannot be had.
        PipelineError: they do not suit one of the indicators.
    """
    version = 0 if kept is None else kept.version(symbol, timeframe)
    if kept is not None and version:
        made_of = _stored(symbol, timeframe, source), version
        if held is None or held.kept_version != made_of:
            held = Computed(kept.load(symbol, timeframe), pipeline)
            held.kept_version = made_of
        return held
    if held is not None and held.kept_version is None:
        last = KLineDataLoader.load_klines(symbol, timeframe, last=1, source=source)
        if data_key_of(last) == held.data_key:
            return held
    return Computed(KLineDataLoader.load_klines(symbol, timeframe, source=source), pipeline)


def _stored(symbol: str, timeframe: str, source: str | os.PathLike[str] | None) -> DataKey | None:
    """Which candles are stored; None where none can be had, for those of the exchange are there."""
    try:
        return data_key_of(KLineDataLoader.load_klines(symbol, timeframe, last=1, source=source))
    except (SourceError, CandleError):
        return None


def data_key_of(frame: pd.DataFrame) -> DataKey:
    """What tells these candles from those of another version."""
    attrs = frame.attrs
    return attrs["source"], attrs["revision"], attrs["synthetic"], frame.index[-1], attrs["report"].fetched


class Frames:
    """The frames computed last, up to so many bytes; the newest stays in any case."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: OrderedDict[Key, Computed] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> Computed | None:
        with self._lock:
            found = self._frames.get(key)
            if found is not None:
                self._frames.move_to_end(key)
            return found

    def put(self, key: Key, computed: Computed) -> None:
        with self._lock:
            self._forget(key)
            self._frames[key] = computed
            self._bytes += computed.size
            while self._bytes > self._limit and len(self._frames) > 1:
                self._forget(next(iter(self._frames)))

    def __iter__(self) -> Any:
        with self._lock:
            return iter(list(self._frames.items()))

    def _forget(self, key: Key) -> None:
        if (found := self._frames.pop(key, None)) is not None:
            self._bytes -= found.size
