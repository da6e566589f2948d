"""Candles on their way into an indicator: checked, never repaired."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from toolkit import candles
from toolkit.kernels import Array


class Chunk:
    """Checked candles of a frame: input arrays of `length`, and their opening times in UTC where they have
    some.
    """

    __slots__ = ("_frame", "inputs", "length", "times")

    def __init__(
        self, inputs: dict[str, Array], length: int, times: pd.DatetimeIndex | None, frame: pd.DataFrame
    ) -> None:
        self.inputs = inputs
        self.length = length
        self.times = times
        self._frame = frame

    def timeframe(self) -> pd.Timedelta | None:
        """Length of a candle, where the frame knows it."""
        return None if self.times is None else candles.timeframe_of(self._frame)

    @property
    def last(self) -> pd.Timestamp | None:
        """The last opening time."""
        return self.times[-1] if self.times is not None and self.length else None


class Candle(NamedTuple):
    """One checked candle: inputs in the indicator's order, and the opening time in UTC where it has one."""

    inputs: list[float]
    open_time: pd.Timestamp | None


def read_frame(who: str, inputs: Sequence[str], frame: pd.DataFrame, after: pd.Timestamp | None) -> Chunk:
    """The chunk that `frame` is; `ValueError` in the name of `who` for candles that can't be used.

    They must have the columns `inputs`, finite numbers, and times that rise and lie after `after`. Times
    without a zone are UTC, as in the candle contract.
    """
    columns = {name: _column(who, frame, name) for name in inputs}
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        rising = index.is_monotonic_increasing and index.is_unique
        times = None
    else:
        rising = bool((index.asi8[1:] > index.asi8[:-1]).all()) and not index.hasnans
        times = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
    if not rising:
        raise ValueError(f"{who}: the candles are not sorted by time without duplicates; sort them first")
    if times is not None and len(times) and after is not None and times[0] <= after:
        raise ValueError(
            f"{who}: the chunk begins at {times[0]}, not after the last candle that was fed ({after})"
        )
    return Chunk(columns, len(frame), times, frame)


def read_candle(
    who: str, inputs: Sequence[str], candle: Mapping[str, Any], after: pd.Timestamp | None
) -> Candle:
    """The candle in a mapping; `ValueError` in the name of `who` where it can't be used."""
    values = [_number(who, candle, name) for name in inputs]
    time = _time(who, candle)
    if time is not None and after is not None and time <= after:
        raise ValueError(f"{who}: open_time={time} is not after the last candle that was fed ({after})")
    return Candle(values, time)


def _column(who: str, frame: pd.DataFrame, name: str) -> Array:
    if name not in frame.columns:
        raise ValueError(
            f"{who}: the candles have no column {name!r}; they have: {', '.join(map(str, frame.columns))}"
        )
    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        raise ValueError(f"{who}: column {name!r} holds {column.dtype}, not numbers")
    values = np.ascontiguousarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    finite = np.isfinite(values)
    if not finite.all():
        where = frame.index[int(finite.argmin())]
        count = len(values) - int(finite.sum())
        raise ValueError(
            f"{who}: column {name!r} has {count} values that are not finite, the first at {where}"
        )
    return values


def _number(who: str, candle: Mapping[str, Any], name: str) -> float:
    if name not in candle:
        raise ValueError(f"{who}: the candle has no {name!r}; it has: {', '.join(map(str, candle))}")
    given = candle[name]
    try:
        value = math.nan if isinstance(given, (str, bool)) else float(given)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{who}: {name}={given!r} is not allowed in a candle: it must be a finite number")
    return value


def _time(who: str, candle: Mapping[str, Any]) -> pd.Timestamp | None:
    given = candle.get("open_time")
    if type(given) is pd.Timestamp and given.tzinfo is dt.UTC:  # as the loader's frames have it
        return given
    if given is None:
        return None
    if isinstance(given, (int, float)):
        raise ValueError(
            f"{who}: open_time={given!r} is a bare number; give a time (a Timestamp, datetime or ISO text)"
        )
    time = pd.Timestamp(given)
    if pd.isna(time):
        raise ValueError(f"{who}: open_time={given!r} is not a time")
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
