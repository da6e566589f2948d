"""Stored candles and those that an exchange gave since, as one frame without a seam."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit import settings
from toolkit.candles import EXTRA_COLUMNS, PRICE_COLUMNS, SYMBOLS, TIMEFRAMES, CandleError
from toolkit.candles.contract import step_of
from toolkit.candles.holes import find_gaps, find_stretches
from toolkit.candles.normalize import normalize
from toolkit.candles.report import Corrected, Seam
from toolkit.candles.select import select
from toolkit.candles.times import timestamp, to_index, to_millis
from toolkit.feeds.exchange.store import StoredSeries, read_series
from toolkit.loader import KLineDataLoader, StaleDataWarning, SyntheticDataWarning
from toolkit.sources.base import SourceError

__all__ = ["Before", "Kept", "before", "join", "place"]

_COLUMNS = (*PRICE_COLUMNS, *EXTRA_COLUMNS)


class Before:
    """Stored candles of a series, from before the exchange's; perhaps none, and then `why` says so."""

    def __init__(self, frame: pd.DataFrame | None, why: str = "") -> None:
        self.frame = frame
        self.why = why

    @property
    def last(self) -> int | None:
        """Open time of the last, ms."""
        return None if self.frame is None else to_millis(self.frame.index[-1])


def place(venue: str, symbol: str, timeframe: str) -> Path:
    """The file of a series in the local store.

    Raises:
        SettingsError: the store's folder cannot be made.
    """
    return settings.folder("live") / venue / f"{symbol}_{timeframe}.log"


def before(symbol: str, timeframe: str, source: str | os.PathLike[str] | None) -> Before:
    """What the loader has of a series. Synthetic candles are not taken: an exchange's cannot follow them."""
    if symbol not in SYMBOLS or timeframe not in TIMEFRAMES:
        return Before(None, f"there are no stored candles of {symbol} {timeframe}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntheticDataWarning)  # they are not used
            warnings.simplefilter("ignore", StaleDataWarning)  # what is missing comes from the exchange
            frame = KLineDataLoader.load_klines(symbol, timeframe, source=source)
    except (SourceError, CandleError) as error:
        return Before(None, f"stored candles cannot be had: {error}")
    if frame.attrs["synthetic"]:
        return Before(None, "the stored candles are a synthetic sample, and are not used")
    return Before(frame)


class Kept:
    """The candles of an exchange that are kept on disk, for readers that do not follow it themselves."""

    def __init__(self, venue: str, source: str | os.PathLike[str] | None) -> None:
        self.venue = venue
        self.source = source

    def version(self, symbol: str, timeframe: str) -> int:
        """Another number whenever there are other ones; 0: there are none."""
        try:
            return place(self.venue, symbol, timeframe).stat().st_size
        except (OSError, settings.SettingsError):
            return 0

    def load(self, symbol: str, timeframe: str) -> pd.DataFrame:
        """Stored candles and the exchange's, as `join` gives them. For a thread: it reads files."""
        live = read_series(place(self.venue, symbol, timeframe))
        stored = before(symbol, timeframe, self.source)
        return join(stored, live, symbol=symbol, timeframe=timeframe, venue=self.venue, until=None)


def join(
    stored: Before, live: StoredSeries, *, symbol: str, timeframe: str, venue: str, until: int | None
) -> pd.DataFrame:
    """Stored candles and the exchange's in one row, each open time once; only those that open before
    `until` (ms). Where both have one, the exchange's own holds: it was seen as it closed, and does not change
    when the stored ones are fetched anew.

    The report is about all of it, with a seam wherever the origin changes. Empty, without a report, where
    there is no candle.
    """
    head = stored.frame
    if head is not None and until is not None and to_millis(head.index[-1]) >= until:
        head = select(head, end=timestamp(until)) if to_millis(head.index[0]) < until else None
    candles = {time: values for time, values in live.candles.items() if until is None or time < until}
    tail = _frame(candles, symbol, timeframe, venue) if candles else None
    if head is not None and tail is not None:
        frame = _joined(head, tail)
    elif head is not None:
        frame = head
    elif tail is not None:
        frame = tail
    else:
        return _nothing(symbol, timeframe, venue)
    report = frame.attrs["report"]
    corrected = {
        one.open_time: Corrected(timestamp(one.open_time), one.before[3], one.values[3])
        for one in live.corrections
        if one.open_time in candles
    }
    fetched = report.fetched if tail is None else pd.Timestamp.now("UTC").floor("ms").as_unit("ms")
    report = replace(report, corrected=tuple(corrected.values()), fetched=fetched)
    frame.attrs = frame.attrs | {"report": report}
    return frame


def _joined(head: pd.DataFrame, tail: pd.DataFrame) -> pd.DataFrame:
    old, new = head.attrs["report"], tail.attrs["report"]
    step = step_of(old.timeframe)
    stored, live = (pd.DatetimeIndex(part.index).asi8 for part in (head, tail))
    kept = ~np.isin(stored, live)
    millis = np.concatenate((stored[kept], live))
    order = np.argsort(millis, kind="stable")
    millis = millis[order]
    origin = np.r_[np.zeros(int(kept.sum()), dtype=bool), np.ones(len(live), dtype=bool)][order]
    data: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}
    for name in (name for name in _COLUMNS if name in head.columns or name in tail.columns):
        parts = [
            part[name].to_numpy() if name in part.columns else np.full(len(part), np.nan)
            for part in (head, tail)
        ]
        data[name] = np.concatenate((parts[0][kept], parts[1]))[order]
    frame = pd.DataFrame(data, index=to_index(millis), copy=False)
    names = head.attrs["source"], tail.attrs["source"]
    changes = (np.flatnonzero(origin[1:] != origin[:-1]) + 1).tolist()
    report = replace(
        old,
        rows=old.rows - int((~kept).sum()) + new.rows,
        candles=len(frame),
        first=frame.index[0],
        last=frame.index[-1],
        gaps=find_gaps(millis, step),
        duplicated=old.duplicated + new.duplicated,
        quarantined=old.quarantined + new.quarantined,
        zero_volume=int((data["volume"] == 0).sum()),
        zero_volume_stretches=find_stretches(millis, data["volume"], step),
        missing_columns=tuple(
            name for name in EXTRA_COLUMNS if name not in data or bool(np.isnan(data[name]).all())
        ),
        seams=tuple(
            Seam(frame.index[row], names[int(origin[row - 1])], names[int(origin[row])]) for row in changes
        ),
    )
    frame.attrs = head.attrs | {"source": " + ".join(names), "report": report}
    return frame


def _frame(candles: dict[int, Any], symbol: str, timeframe: str, venue: str) -> pd.DataFrame:
    """Candles of the store as a checked frame."""
    millis = np.fromiter(candles, dtype=np.int64, count=len(candles))
    values = np.array([*candles.values()], dtype=np.float64)
    raw = pd.DataFrame(values, index=to_index(millis), columns=list(_COLUMNS))
    end = timestamp(int(millis[-1]) + step_of(timeframe))  # what is stored was closed
    return normalize(raw, symbol=symbol, timeframe=timeframe, source=venue, now=end)


def _nothing(symbol: str, timeframe: str, venue: str) -> pd.DataFrame:
    frame = pd.DataFrame(
        np.empty((0, len(_COLUMNS))), index=to_index(np.empty(0, dtype=np.int64)), columns=list(_COLUMNS)
    )
    frame.attrs = {
        "symbol": symbol,
        "timeframe": timeframe,
        "source": venue,
        "revision": None,
        "synthetic": False,
    }
    return frame
