"""Times as people and programs write them, read: epochs of any unit, datetimes, ISO texts."""

from __future__ import annotations

from datetime import date
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Times", "read_times", "timestamp", "to_index", "to_millis"]

_NAT = np.iinfo(np.int64).min
_PER_MS = {"us": 1_000, "ns": 1_000_000}
# An epoch's unit is known by its size, row by row (recent Binance files change from ms to us in the middle):
# below these bounds a number is seconds, milliseconds, microseconds. A unit's range begins in 1973 and ends
# in the year 5138, so a time of a real candle fits one of them only.
_SMALLEST, _SECONDS, _MILLIS, _MICROS = 10**8, 10**11, 10**14, 10**17


class Times(NamedTuple):
    """Times of n rows."""

    millis: np.ndarray[Any, np.dtype[np.int64]]
    """Milliseconds since 1970 UTC, rounded down; 0 where unreadable."""
    readable: np.ndarray[Any, np.dtype[np.bool_]]
    exact: np.ndarray[Any, np.dtype[np.bool_]]
    """False where a part of a millisecond was cut off."""


def read_times(values: pd.Series | pd.Index) -> Times:
    """Times from numbers (seconds, ms, us or ns by their size), datetimes, or ISO 8601 texts.

    What has no time zone is taken as UTC. What cannot be read is marked, never guessed.
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        index = pd.DatetimeIndex(values)
        return _from_integers(index.asi8, ~np.asarray(index.isna(), dtype=bool), index.unit)
    if pd.api.types.is_bool_dtype(values.dtype):
        return _unreadable(len(values))
    if pd.api.types.is_integer_dtype(values.dtype) and not values.hasnans:
        return _from_epochs(values.to_numpy(dtype=np.int64))
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _from_floats(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return _from_objects(pd.Series(values).reset_index(drop=True).astype(object))


def _from_objects(values: pd.Series) -> Times:
    if pd.api.types.infer_dtype(values, skipna=True) == "string":
        numbers = pd.to_numeric(values, errors="coerce")
    else:
        real = values.map(lambda value: isinstance(value, Real) and not isinstance(value, bool))
        numbers = pd.to_numeric(values.where(real.to_numpy(dtype=bool), None), errors="coerce")
    if pd.api.types.is_integer_dtype(numbers.dtype):
        found = _from_epochs(numbers.to_numpy(dtype=np.int64))
    else:
        found = _from_floats(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
    rest = ~found.readable & ~(numbers.notna().to_numpy() & (numbers >= 10**8).to_numpy(dtype=bool))
    if rest.any():
        parsed = pd.to_datetime(_texts(values[rest]), utc=True, errors="coerce", format="ISO8601")
        index = pd.DatetimeIndex(parsed)
        other = _from_integers(index.asi8, ~np.asarray(index.isna(), dtype=bool), index.unit)
        for target, part in zip(found, other, strict=True):
            target[rest] = part
    return found


def _texts(values: pd.Series) -> pd.Series:
    """Datetimes and dates as ISO texts, so that one parser reads them all; numbers as nothing."""

    def text(value: object) -> str | None:
        if isinstance(value, str):
            return value.strip()
        # NaT is an instance of datetime, and its isoformat is "NaT": unreadable, as it should be.
        return value.isoformat() if isinstance(value, date) else None

    return values.map(text)


def _from_floats(values: np.ndarray[Any, np.dtype[np.float64]]) -> Times:
    with np.errstate(invalid="ignore"):
        sane = (values >= _SMALLEST) & (values < 2.0**63)
    whole = np.floor(np.where(sane, values, 0.0))
    times = _from_epochs(whole.astype(np.int64))
    return Times(times.millis, times.readable & sane, times.exact & (whole == values))


def _from_epochs(values: np.ndarray[Any, np.dtype[np.int64]]) -> Times:
    readable = values >= _SMALLEST
    millis = np.where(readable, values, 0)
    exact = np.ones(len(values), dtype=bool)
    if not len(values):
        return Times(millis, readable, exact)
    if values.min() >= _SECONDS and values.max() < _MILLIS:
        return Times(millis, readable, exact)
    seconds, micros, nanos = values < _SECONDS, (values >= _MILLIS) & (values < _MICROS), values >= _MICROS
    millis = np.where(seconds, millis * 1_000, millis)
    for rows, per_ms in ((micros, 1_000), (nanos, 1_000_000)):
        if rows.any():
            exact &= ~rows | (values % per_ms == 0)
            millis = np.where(rows, values // per_ms, millis)
    return Times(millis, readable, exact)


def _from_integers(
    values: np.ndarray[Any, np.dtype[np.int64]], readable: np.ndarray[Any, np.dtype[np.bool_]], unit: str
) -> Times:
    """Times from the integers of a DatetimeIndex of the given unit."""
    values = np.where(readable, values, 0)
    if unit in _PER_MS:
        millis = values // _PER_MS[unit]
        return Times(millis, readable, millis * _PER_MS[unit] == values)
    # Seconds reach years of which the milliseconds do not fit: those are no times of candles.
    factor = 1_000 if unit == "s" else 1
    readable = readable & (np.abs(values) < 2**53 // factor)
    return Times(np.where(readable, values, 0) * factor, readable, np.ones(len(values), dtype=bool))


def _unreadable(count: int) -> Times:
    return Times(np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool), np.ones(count, dtype=bool))


def timestamp(millis: int | np.int64) -> pd.Timestamp:
    """The moment of an epoch in ms, as UTC with the index's own resolution."""
    return pd.Timestamp(int(millis), unit="ms", tz="UTC").as_unit("ms")


def to_millis(time: pd.Timestamp) -> int:
    """Whole ms since 1970 UTC, rounded down."""
    return int(time.as_unit("ms", round_ok=True).asm8.astype(np.int64))


def to_index(millis: np.ndarray[Any, np.dtype[np.int64]]) -> pd.DatetimeIndex:
    """Epochs in ms as the index of a candle frame."""
    index = pd.DatetimeIndex(np.array(millis, dtype=np.int64).view("datetime64[ms]"), name="open_time")
    return index.tz_localize("UTC")
