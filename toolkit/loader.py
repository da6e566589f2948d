"""Loading checked candles, from wherever they are."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import pandas as pd

from toolkit import settings
from toolkit.candles import (
    SYMBOLS,
    TIMEFRAMES,
    CandleError,
    check_last,
    check_range,
    find_symbol,
    find_timeframe,
    is_synthetic,
    normalize,
    select,
    validate,
)
from toolkit.candles.normalize import IN_FUTURE
from toolkit.candles.select import Moment
from toolkit.sources.base import Source, SourceError, Stored
from toolkit.sources.folder import FolderSource
from toolkit.sources.hub import HubSource, is_commit
from toolkit.sources.kept import place, read_kept, write_kept
from toolkit.sources.memory import Kept
from toolkit.sources.sample import SampleSource

__all__ = ["KLineDataLoader", "LoadError", "StaleDataWarning", "SyntheticDataWarning"]

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")
_KEPT_BYTES = 96 * 2**20
_WORKERS = 4


class SyntheticDataWarning(UserWarning):
    """Real candles could not be had: these are made up."""


class StaleDataWarning(UserWarning):
    """Newer candles were asked for and could not be had: these are those of an earlier time."""


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
    * the path of a folder in the dataset's layout (``klines/BTCUSDT/BTC_1h.parquet``, or ``.feather``,
      ``.csv``, ``.csv.gz``, or Binance's own archives);
    * ``"sample"``: a synthetic market, the same everywhere, marked as such;
    * ``"auto"``: what was downloaded before, else the hub, else the sample with a
      :class:`SyntheticDataWarning`;

    and where it is not given, what the settings say (``TOOLKIT_SOURCE``; by default ``"auto"``).

    Checked candles of the hub and of folders are kept under ``settings.folder("candles")``, under checksums:
    the next process reads them from there for as long as the origin's file is the same.
    """

    @classmethod
    def load_klines(
        cls,
        symbol: str,
        timeframe: str,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        last: int | None = None,
        source: str | os.PathLike[str] | None = None,
        revision: str | None = None,
        refresh: bool = False,
    ) -> pd.DataFrame:
        """Candles of one pair that open in ``[start, end)``.

        Args:
            symbol: such as ``"BTCUSDT"``; ``"btc"`` and ``"BTC/USDT"`` mean the same.
            timeframe: ``"15m"``, ``"1h"`` or ``"1d"``.
            start: first moment that belongs to it: an ISO 8601 text, date, datetime or Timestamp, in UTC
                where it has no time zone. None: from the first candle.
            end: first moment that no longer belongs to it. None: to the last candle.
            last: of those only the last so many; None: all.
            source: see the class.
            revision: which version it must be, as ``attrs["revision"]`` said when it was loaded before: a
                commit of the hub, which is read; of other sources what is there now must be of it.
            refresh: ask the hub whether there is something newer than what was downloaded before. Where it
                cannot be asked, what is there comes with a :class:`StaleDataWarning`;
                ``report.fetched`` says since when it is known.

        Raises:
            CandleError: an argument is wrong, no candle lies in the range, or the stored table is
                unusable.
            SourceError: the candles cannot be had from the source, or are of another ``revision``.
        """
        wanted = [find_symbol(symbol)]
        timeframe = find_timeframe(timeframe)
        loaded, failures = _load(wanted, timeframe, _Range.of(start, end, last), source, refresh, revision)
        for error in failures.values():
            raise error
        frame = loaded[wanted[0]]
        found = frame.attrs.get("revision")
        if revision is not None and found != revision:
            raise SourceError(
                f"load_klines: revision={revision!r}: {wanted[0]} {timeframe} of {frame.attrs['source']!r} is"
                f" of revision {found!r} now; its numbers can differ"
            )
        return frame

    @classmethod
    def load_multiple(
        cls,
        symbols: Iterable[str],
        timeframe: str,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        last: int | None = None,
        source: str | os.PathLike[str] | None = None,
        refresh: bool = False,
    ) -> dict[str, pd.DataFrame]:
        """Candles of several pairs, ``{symbol: frame}``, in the order of ``symbols``.

        With ``"auto"`` all come from the hub or all from the sample, never some from each.

        Raises:
            CandleError: ``timeframe``, ``start``, ``end`` or ``last`` is wrong, or ``symbols`` is empty or
                one text.
            LoadError: some symbols failed; it names every one of them.
        """
        if isinstance(symbols, str):
            raise CandleError(f"symbols: {symbols!r} is one text; give a list such as [{symbols!r}]")
        asked = list(symbols)
        if not asked:
            raise CandleError("symbols: is empty; give at least one, such as ['BTCUSDT']")
        timeframe = find_timeframe(timeframe)
        part = _Range.of(start, end, last)
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
        loaded, failed = _load(wanted, timeframe, part, source, refresh)
        if failed:
            raise LoadError(failed, len(wanted))
        return {symbol: loaded[symbol] for symbol in wanted}

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, symbol: str, timeframe: str) -> pd.DataFrame:
        """Candles of a table of your own, with the same checks and the same report; ``frame`` stays as it is.

        Understood is whatever :func:`toolkit.candles.normalize` understands: any letter case and order of
        columns, the time as column or index, as number, datetime or text, numbers as texts.

        Args:
            frame: one row a candle.
            symbol: what it is of. The 38 pairs are known as in :meth:`load_klines`; others are taken as
                they are written.
            timeframe: how long a candle is: whole minutes, hours, days or weeks, such as ``"4h"``.

        Raises:
            CandleError: ``symbol`` or ``timeframe`` is none, a column is missing, the rows are of another
                timeframe, or no row is a usable candle.
        """
        if not isinstance(symbol, str) or not symbol.strip():
            raise CandleError(f"from_frame: symbol {symbol!r} is not a text such as 'BTCUSDT'")
        if not isinstance(frame, pd.DataFrame):
            raise CandleError(f"from_frame: frame is a {type(frame).__name__}, not a DataFrame")
        try:
            symbol = find_symbol(symbol)
        except CandleError:
            symbol = symbol.strip()
        return normalize(
            frame, symbol=symbol, timeframe=timeframe, source="frame", synthetic=is_synthetic(frame)
        )

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


class _Range(NamedTuple):
    """The part that is asked for."""

    start: pd.Timestamp | None
    end: pd.Timestamp | None
    last: int | None

    @classmethod
    def of(cls, start: Moment | None, end: Moment | None, last: int | None) -> Self:
        return cls(*check_range(start, end), check_last(last))


class _Found(NamedTuple):
    """Checked candles, at least those of the part."""

    frame: pd.DataFrame
    stored: Stored
    kept: bool
    """They are kept for the next call, and must not be handed out themselves."""

    def cut(self, part: _Range) -> pd.DataFrame:
        return select(self.frame, *part, fetched=self.stored.fetched, given=not self.kept)


def _load(
    symbols: list[str],
    timeframe: str,
    part: _Range,
    source: str | os.PathLike[str] | None,
    refresh: bool,
    revision: str | None = None,
) -> tuple[_Loaded, _Failures]:
    """The frames of the symbols that could be loaded, and why the others could not."""
    name = settings.source(source)
    commit = revision if revision is not None and is_commit(revision) else None
    if name == "auto":
        hub, sample = HubSource(revision=commit), SampleSource()
        found, failures = _each(symbols, lambda symbol: _find(hub, symbol, timeframe, part, refresh))
        if failures:
            reasons = "; ".join(dict.fromkeys(str(error) for error in failures.values()))
            _warn(
                f"SYNTHETIC sample candles instead of real ones for {', '.join(symbols)}: {reasons}"
                " (source='sample' asks for them without this warning)",
                SyntheticDataWarning,
            )
            found, failures = _each(symbols, lambda symbol: _find(sample, symbol, timeframe, part, refresh))
    else:
        origin: Source = (
            HubSource(revision=commit)
            if name == "hub"
            else SampleSource()
            if name == "sample"
            else FolderSource(name)
        )
        found, failures = _each(symbols, lambda symbol: _find(origin, symbol, timeframe, part, refresh))
    for text in dict.fromkeys(one.stored.warning for one in found.values() if one.stored.warning):
        _warn(text, StaleDataWarning)
    loaded, empty = _each(list(found), lambda symbol: found[symbol].cut(part))
    return loaded, failures | empty


def _warn(text: str, kind: type[UserWarning]) -> None:
    # The caller of load_klines or load_multiple is four frames up.
    warnings.warn(text, kind, stacklevel=4)


def _each(symbols: list[str], load: Callable[[str], _Result]) -> tuple[dict[str, _Result], _Failures]:
    """``load`` of every symbol, several at a time."""

    def attempt(symbol: str) -> _Result | Exception:
        try:
            return load(symbol)
        except (SourceError, CandleError) as error:
            return error

    if len(symbols) == 1:
        results = [attempt(symbols[0])]
    else:
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            results = list(pool.map(attempt, symbols))
    loaded: dict[str, _Result] = {}
    failures: _Failures = {}
    for symbol, result in zip(symbols, results, strict=True):
        if isinstance(result, Exception):
            failures[symbol] = result
        else:
            loaded[symbol] = result
    return loaded, failures


def _find(source: Source, symbol: str, timeframe: str, part: _Range, refresh: bool) -> _Found:
    """Candles from memory, from what is kept on disk, or from the source, in this order."""
    stored = source.find(symbol, timeframe, refresh=refresh)
    key = (source.name, symbol, timeframe, stored.identity)
    frame = _kept.get(key)
    if frame is not None:
        return _Found(frame, stored, kept=True)
    path = _place(source, symbol, timeframe) if stored.kept else None
    if path is not None:
        # Not kept in memory: to copy it from there takes as long as to read it.
        frame = read_kept(path, stored.identity, start=part.start, end=part.end, last=part.last)
        if frame is not None:
            return _Found(frame, stored, kept=False)
    raw = stored.read()
    frame = normalize(
        raw.table,
        symbol=symbol,
        timeframe=timeframe,
        source=source.name,
        revision=raw.revision,
        now=stored.now,
        written=stored.written,
        synthetic=stored.synthetic,
    )
    # What opens in the future may be right tomorrow.
    if path is not None and not any(bad.reason == IN_FUTURE for bad in frame.attrs["report"].quarantined):
        try:
            write_kept(path, frame, stored.identity)
        except OSError as error:
            _log.warning("checked candles of %s %s are not kept: %s", symbol, timeframe, error)
        else:
            return _Found(frame, stored, kept=False)
    _kept.put(key, frame)
    return _Found(frame, stored, kept=True)


def _place(source: Source, symbol: str, timeframe: str) -> Path | None:
    try:
        return place(settings.folder("candles"), source.name, symbol, timeframe)
    except settings.SettingsError as error:
        _log.warning("checked candles are not kept: %s", error)
        return None


_kept = Kept(_KEPT_BYTES)
