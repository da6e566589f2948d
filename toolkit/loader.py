"""Loading checked candles, from wherever they are."""

from __future__ import annotations

import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import pandas as pd

from toolkit import settings
from toolkit.candles import (
    SYMBOLS,
    TIMEFRAMES,
    CandleError,
    check_range,
    find_symbol,
    find_timeframe,
    normalize,
    select,
    validate,
)
from toolkit.candles.select import Moment
from toolkit.sources.base import Source, SourceError
from toolkit.sources.folder import FolderSource
from toolkit.sources.hub import HubSource
from toolkit.sources.sample import SampleSource

__all__ = ["KLineDataLoader", "LoadError", "SyntheticDataWarning"]

_KEPT_BYTES = 96 * 2**20
_WORKERS = 4


class SyntheticDataWarning(UserWarning):
    """Real candles could not be had: these are made up."""


class LoadError(SourceError, ValueError):
    """Some of several symbols could not be loaded."""

    def __init__(self, failures: Mapping[str, Exception], asked: int) -> None:
        self._asked = asked
        self.failures = dict(failures)
        """Why, for each symbol that failed."""
        lines = (f"  {symbol}: {error}" for symbol, error in self.failures.items())
        super().__init__("\n".join((f"{len(self.failures)} of {asked} symbols could not be loaded:", *lines)))

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, Exception], int]]:
        return type(self), (self.failures, self._asked)


class KLineDataLoader:
    """Loads candles (k-lines) of the 38 pairs in 15m, 1h and 1d.

    Every frame keeps the contract of :mod:`toolkit.candles`: it was checked once, and
    ``frame.attrs["report"]`` says what was found. Frames belong to the caller: changing one changes
    neither another one nor what is kept for the next call.

    ``source`` is one of

    * ``"hub"``: the dataset on the Hugging Face hub, downloaded once and verified;
    * the path of a folder in the dataset's layout (``klines/BTCUSDT/BTC_1h.parquet``);
    * ``"sample"``: a synthetic market, the same everywhere, marked as such;
    * ``"auto"``: what was downloaded before, else the hub, else the sample with a
      :class:`SyntheticDataWarning`;

    and where it is not given, what the settings say (``TOOLKIT_SOURCE``; by default ``"auto"``).
    """

    @classmethod
    def load_klines(
        cls,
        symbol: str,
        timeframe: str,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        source: str | os.PathLike[str] | None = None,
    ) -> pd.DataFrame:
        """Candles of one pair that open in ``[start, end)``.

        Args:
            symbol: such as ``"BTCUSDT"``; ``"btc"`` and ``"BTC/USDT"`` mean the same.
            timeframe: ``"15m"``, ``"1h"`` or ``"1d"``.
            start: first moment that belongs to it: an ISO 8601 text, date, datetime or Timestamp, in UTC
                where it has no time zone. None: from the first candle.
            end: first moment that no longer belongs to it. None: to the last candle.
            source: see the class.

        Raises:
            CandleError: an argument is wrong, no candle lies in the range, or the stored table is
                unusable.
            SourceError: the candles cannot be had from the source.
        """
        wanted = [find_symbol(symbol)]
        timeframe = find_timeframe(timeframe)
        check_range(start, end)
        loaded, failures = _load(wanted, timeframe, start, end, source)
        for error in failures.values():
            raise error
        return loaded[wanted[0]]

    @classmethod
    def load_multiple(
        cls,
        symbols: Iterable[str],
        timeframe: str,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        source: str | os.PathLike[str] | None = None,
    ) -> dict[str, pd.DataFrame]:
        """Candles of several pairs, ``{symbol: frame}``, in the order of ``symbols``.

        With ``"auto"`` all come from the hub or all from the sample, never some from each.

        Raises:
            CandleError: ``timeframe``, ``start`` or ``end`` is wrong, or ``symbols`` is empty or one text.
            LoadError: some symbols failed; it names every one of them.
        """
        if isinstance(symbols, str):
            raise CandleError(f"symbols: {symbols!r} is one text; give a list such as [{symbols!r}]")
        asked = list(symbols)
        if not asked:
            raise CandleError("symbols: is empty; give at least one, such as ['BTCUSDT']")
        timeframe = find_timeframe(timeframe)
        check_range(start, end)
        failures: dict[str, Exception] = {}
        wanted: list[str] = []
        for symbol in asked:
            try:
                wanted.append(find_symbol(symbol))
            except CandleError as error:
                failures[str(symbol)] = error
        if failures:
            raise LoadError(failures, len(asked))
        wanted = list(dict.fromkeys(wanted))
        loaded, failed = _load(wanted, timeframe, start, end, source)
        if failed:
            raise LoadError(failed, len(wanted))
        return {symbol: loaded[symbol] for symbol in wanted}

    @classmethod
    def get_supported_symbols(cls) -> list[str]:
        """The 38 pairs, sorted."""
        return list(SYMBOLS)

    @classmethod
    def get_supported_timeframes(cls) -> list[str]:
        """The timeframes, shortest first."""
        return list(TIMEFRAMES)

    @classmethod
    def validate_data(cls, frame: pd.DataFrame) -> tuple[bool, list[str]]:
        """Whether ``frame`` keeps the candle contract, and in which ways it does not.

        Every loaded frame does. Gaps are no issue; they are in the report. Never raises.
        """
        return validate(frame)


_Loaded = dict[str, pd.DataFrame]
_Failures = dict[str, Exception]


def _load(
    symbols: list[str],
    timeframe: str,
    start: Moment | None,
    end: Moment | None,
    source: str | os.PathLike[str] | None,
) -> tuple[_Loaded, _Failures]:
    """The frames of the symbols that could be loaded, and why the others could not."""
    name = settings.source(source)

    def cut(frames: _Loaded) -> tuple[_Loaded, _Failures]:
        return _each(list(frames), lambda symbol: select(frames[symbol], start, end))

    if name != "auto":
        origin: Source = (
            HubSource() if name == "hub" else SampleSource() if name == "sample" else FolderSource(name)
        )
        whole, failures = _each(symbols, lambda symbol: _whole(origin, symbol, timeframe))
        loaded, empty = cut(whole)
        return loaded, failures | empty
    hub, sample = HubSource(), SampleSource()
    whole, failures = _each(symbols, lambda symbol: _whole(hub, symbol, timeframe))
    if failures:
        reasons = "; ".join(dict.fromkeys(str(error) for error in failures.values()))
        # The caller of load_klines or load_multiple is three frames up.
        warnings.warn(
            f"SYNTHETIC sample candles instead of real ones for {', '.join(symbols)}: {reasons}"
            " (source='sample' asks for them without this warning)",
            SyntheticDataWarning,
            stacklevel=3,
        )
        whole, failures = _each(symbols, lambda symbol: _whole(sample, symbol, timeframe))
    loaded, empty = cut(whole)
    return loaded, failures | empty


def _each(symbols: list[str], load: Callable[[str], pd.DataFrame]) -> tuple[_Loaded, _Failures]:
    """``load`` of every symbol, several at a time."""

    def attempt(symbol: str) -> pd.DataFrame | Exception:
        try:
            return load(symbol)
        except (SourceError, CandleError) as error:
            return error

    if len(symbols) == 1:
        results = [attempt(symbols[0])]
    else:
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            results = list(pool.map(attempt, symbols))
    loaded: _Loaded = {}
    failures: _Failures = {}
    for symbol, result in zip(symbols, results, strict=True):
        if isinstance(result, Exception):
            failures[symbol] = result
        else:
            loaded[symbol] = result
    return loaded, failures


def _whole(source: Source, symbol: str, timeframe: str) -> pd.DataFrame:
    """All checked candles; not to be handed out, for it may be kept."""
    stored = source.find(symbol, timeframe)
    key = (source.name, symbol, timeframe, stored.identity)
    kept = _kept.get(key)
    if kept is not None:
        return kept
    raw = stored.read()
    frame = normalize(
        raw.table,
        symbol=symbol,
        timeframe=timeframe,
        source=source.name,
        revision=raw.revision,
        now=stored.now,
        synthetic=stored.synthetic,
    )
    _kept.put(key, frame)
    return frame


class _Kept:
    """The frames used last, up to so many bytes; for threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: OrderedDict[Hashable, pd.DataFrame] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> pd.DataFrame | None:
        with self._lock:
            frame = self._frames.get(key)
            if frame is not None:
                self._frames.move_to_end(key)
            return frame

    def put(self, key: Hashable, frame: pd.DataFrame) -> None:
        with self._lock:
            self._forget(key)
            self._frames[key] = frame
            self._bytes += _size(frame)
            while self._bytes > self._limit and len(self._frames) > 1:
                self._forget(next(iter(self._frames)))

    def clear(self) -> None:
        with self._lock:
            self._frames.clear()
            self._bytes = 0

    def _forget(self, key: Hashable) -> None:
        frame = self._frames.pop(key, None)
        if frame is not None:
            self._bytes -= _size(frame)


def _size(frame: pd.DataFrame) -> int:
    return int(frame.memory_usage(deep=False).sum())


_kept = _Kept(_KEPT_BYTES)
