"""Candles on their way into an indicator: checked, never repaired."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit import candles
from toolkit.kernels import Array, compiled


class Chunk:
    """Checked candles of a frame: input arrays of `length`, and their opening times in UTC where they have
    some.
    """

    __slots__ = ("_frame", "inputs", "length", "times")

    def __init__(
        self,
        inputs: dict[str, Array],
        length: int,
        times: pd.DatetimeIndex | None,
        frame: pd.DataFrame | None = None,
    ) -> None:
        self.inputs = inputs
        self.length = length
        self.times = times
        self._frame = frame

    def timeframe(self) -> pd.Timedelta | None:
        """Length of a candle, where the frame knows it."""
        if self.times is None or self._frame is None:
            return None
        return candles.timeframe_of(self._frame)

    @property
    def last(self) -> pd.Timestamp | None:
        """The last opening time."""
        return self.times[-1] if self.times is not None and self.length else None


class Candle(NamedTuple):
    """One checked candle: inputs in the indicator's order, and the opening time in UTC where it has one."""

    inputs: list[float]
    open_time: pd.Timestamp | None


SOURCES: dict[str, tuple[str, ...]] = {
    "close": ("close",),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "hl2": ("high", "low"),
    "hlc3": ("high", "low", "close"),
    "ohlc4": ("open", "high", "low", "close"),
    "hlcc4": ("high", "low", "close", "close"),
}
"""What the series that a parameter `source` may name are the mean of."""


def mean_of(parts: Sequence[float]) -> float:
    """The mean of a few prices."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total / len(parts)


def mean_of_arrays(parts: Sequence[Array], out: Array | None = None) -> Array:
    """The mean of a few prices at each place, in one pass and with the same bits as `mean_of`; of one array,
    that array itself. `out`, where it is given, is filled. The arrays are of one length.
    """
    if len(parts) == 1:
        return parts[0]
    out = np.empty(len(parts[0])) if out is None else out
    if len(parts) == 2:
        _mean_of_two(parts[0], parts[1], out)
    elif len(parts) == 3:
        _mean_of_three(parts[0], parts[1], parts[2], out)
    else:
        _mean_of_four(parts[0], parts[1], parts[2], parts[3], out)
    return out


@compiled
def _mean_of_two(a: Array, b: Array, out: Array) -> None:
    for i in range(len(out)):
        out[i] = (a[i] + b[i]) / 2.0


@compiled
def _mean_of_three(a: Array, b: Array, c: Array, out: Array) -> None:
    for i in range(len(out)):
        out[i] = (a[i] + b[i] + c[i]) / 3.0


@compiled
def _mean_of_four(a: Array, b: Array, c: Array, d: Array, out: Array) -> None:
    for i in range(len(out)):
        out[i] = (a[i] + b[i] + c[i] + d[i]) / 4.0


class Inputs:
    """What an indicator reads of its candles, by the names of its kernel's inputs."""

    __slots__ = ("_columns", "_read", "means", "who")

    def __init__(self, who: str, names: Sequence[str], params: Mapping[str, Any]) -> None:
        self.who = who
        self._columns = {name: SOURCES[params["source"]] if name == "price" else (name,) for name in names}
        self._read = tuple(dict.fromkeys(column for columns in self._columns.values() for column in columns))
        # The inputs that are the mean of several columns.
        self.means = tuple(name for name, columns in self._columns.items() if len(columns) > 1)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the kernel's inputs."""
        return tuple(self._columns)

    def of_frame(self, frame: pd.DataFrame, after: pd.Timestamp | None) -> Chunk:
        """The chunk that `frame` is; `ValueError` for candles that can't be used.

        They must have the columns that are needed, finite numbers, and times that rise and lie after
        `after`. Times without a zone are UTC, as in the candle contract.
        """
        times = self._times(frame)
        if times is not None and len(times) and after is not None and times[0] <= after:
            raise ValueError(
                f"{self.who}: the chunk begins at {times[0]}, "
                f"not after the last candle that was fed ({after})"
            )
        inputs: dict[str, Array] = {}
        read: dict[str, Array] = {}
        for name, columns in self._columns.items():
            if name == "open_time":
                if times is None:
                    raise ValueError(
                        f"{self.who}: the candles need a DatetimeIndex of opening times, "
                        f"not {type(frame.index).__name__}"
                    )
                inputs[name] = times.as_unit("ms").asi8.astype(np.float64)
            else:
                for column in columns:
                    if column not in read:
                        read[column] = _column(self.who, frame, column)
                inputs[name] = mean_of_arrays([read[column] for column in columns])
        return Chunk(inputs, len(frame), times, frame)

    def _times(self, frame: pd.DataFrame) -> pd.DatetimeIndex | None:
        index = frame.index
        if not isinstance(index, pd.DatetimeIndex):
            rising = index.is_monotonic_increasing and index.is_unique
            times = None
        else:  # pandas remembers both for as long as the index lives
            rising = index.is_monotonic_increasing and index.is_unique and not index.hasnans
            times = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
        if not rising:
            raise ValueError(
                f"{self.who}: the candles are not sorted by time without duplicates; sort them first"
            )
        return times

    def of_candle(self, candle: Mapping[str, Any], after: pd.Timestamp | None) -> Candle:
        """The candle in a mapping; `ValueError` where it can't be used."""
        time = _time(self.who, candle)
        if time is not None and after is not None and time <= after:
            raise ValueError(
                f"{self.who}: open_time={time} is not after the last candle that was fed ({after})"
            )
        values = []
        for name, columns in self._columns.items():
            if name == "open_time":
                if time is None:
                    raise ValueError(f"{self.who}: the candle has no 'open_time', which is needed here")
                values.append(float(time.as_unit("ms").value // 10**6))
            else:
                values.append(mean_of([_number(self.who, candle, column) for column in columns]))
        return Candle(values, time)

    def of_arrays(self, candles: Mapping[str, Array]) -> tuple[dict[str, Array], int]:
        """Checked arrays of one length, and that length; `ValueError` for those that can't be used."""
        read, length = self.columns_of(candles)
        return self.part_of(read, slice(None)), length

    def columns_of(self, candles: Mapping[str, Array], checked: bool = False) -> tuple[dict[str, Array], int]:
        """The columns that are read, checked, and their length; `ValueError` for those that can't be used.

        Whether the numbers are finite is not looked at where they are `checked` already.
        """
        read: dict[str, Array] = {}
        length = -1
        for column in self._read:
            values = candles.get(column)
            if values is None:
                raise ValueError(
                    f"{self.who}: there is no array {column!r}; there are: {', '.join(map(str, candles))}"
                )
            read[column] = values = _array(self.who, column, values, checked)
            if len(values) != length >= 0:
                lengths = {name: len(candles[name]) for name in self._read if name in candles}
                raise ValueError(f"{self.who}: the arrays are of different lengths: {lengths}")
            length = len(values)
        return read, length

    def part_of(
        self, read: Mapping[str, Array], part: slice, out: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """The inputs of a part of these columns; `out` has arrays for those that are means, by name."""
        return {
            name: mean_of_arrays([read[column][part] for column in columns], (out or {}).get(name))
            for name, columns in self._columns.items()
        }


@compiled
def finite(bits: npt.NDArray[np.int64]) -> bool:
    """Whether no float of these bits is infinite or NaN: those have all bits of their exponent set."""
    worst = 0
    for i in range(len(bits)):
        worst = max(worst, bits[i] & 0x7FF0000000000000)
    return worst != 0x7FF0000000000000


def _array(who: str, name: str, values: Array, checked: bool) -> Array:
    if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.ndim != 1:
        raise ValueError(f"{who}: {name!r} must be a one-dimensional array of float64")
    if not values.flags.c_contiguous:
        values = np.ascontiguousarray(values)
    if not checked and not finite(values.view(np.int64)):
        raise ValueError(f"{who}: {name!r} has values that are not finite")
    return values


def _column(who: str, frame: pd.DataFrame, name: str) -> Array:
    if name not in frame.columns:
        raise ValueError(
            f"{who}: the candles have no column {name!r}; they have: {', '.join(map(str, frame.columns))}"
        )
    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        raise ValueError(f"{who}: column {name!r} holds {column.dtype}, not numbers")
    values = np.ascontiguousarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if not finite(values.view(np.int64)):
        good = np.isfinite(values)
        where = frame.index[int(good.argmin())]
        count = len(values) - int(good.sum())
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
