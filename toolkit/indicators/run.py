"""Running an indicator: over a whole frame, in chunks, candle by candle, all through the same kernel and
rules.
"""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit import candles, rules
from toolkit.kernels import Array
from toolkit.signals import Signals

if TYPE_CHECKING:
    from toolkit.indicators.base import Indicator

STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Checked candles, ready to be fed: input arrays of `length`, their times, and the timeframe where
    known.
    """

    inputs: dict[str, Array]
    index: pd.Index | pd.Timestamp | None
    length: int
    timeframe: pd.Timedelta | None

    def times(self) -> pd.DatetimeIndex:
        """Opening times in UTC and milliseconds, as in the candle contract; NaT where they are not known."""
        if isinstance(self.index, pd.DatetimeIndex):
            return self.index.as_unit("ms")
        known = self.index if isinstance(self.index, pd.Timestamp) else pd.NaT
        return pd.DatetimeIndex([known] * self.length, tz="UTC").as_unit("ms")

    @property
    def last(self) -> pd.Timestamp | None:
        """The last opening time."""
        if isinstance(self.index, pd.DatetimeIndex):
            return self.index[-1] if self.length else None
        return self.index if isinstance(self.index, pd.Timestamp) else None


class Run:
    """One indicator on one series of candles. However the candles come, the values are the same bits.

    `feed(frame)` takes a chunk of any length, `update(candle)` one closed candle, `peek(candle)` a forming
    one; `new_signals` are those of the last `feed` or `update`. `state` is JSON-able and goes on in another
    process as `indicator.stream(state=...)`. Memory and time per candle are constant. `timeframe` ("1h") is
    needed only to say when a signal became known, and only where candles come without a frame that knows
    it.
    """

    def __init__(
        self,
        indicator: "Indicator",
        state: Mapping[str, Any] | str | None = None,
        *,
        timeframe: str | None = None,
    ) -> None:
        self.indicator = indicator
        self._memory = np.zeros(indicator.state_size)
        self._rule_memory = np.zeros(rules.RULE_MEMORY * len(indicator.rules))
        self._seen = 0
        self._last: pd.Timestamp | None = None
        self._timeframe: pd.Timedelta | None = None
        if timeframe is not None:
            if timeframe not in candles.TIMEFRAMES:
                allowed = ", ".join(candles.TIMEFRAMES)
                raise ValueError(
                    f"{self._who}: timeframe={timeframe!r} is not allowed: it must be one of {allowed}"
                )
            self._timeframe = candles.TIMEFRAMES[timeframe]
        self._rule_texts = tuple((rule.signal_type, indicator.rule_text(rule)) for rule in indicator.rules)
        self._compared = tuple(dict.fromkeys(name for rule in indicator.rules for name in rule.names))
        self._nothing = self._signals([], {}, pd.DatetimeIndex([], tz="UTC").as_unit("ms"))
        self.new_signals = self._nothing
        if state is not None:
            self._restore(state)

    @property
    def _who(self) -> str:
        return type(self.indicator).__name__

    def feed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Outputs for a chunk of closed candles that follow those already fed, on the index of `frame`."""
        return pd.DataFrame(self.commit(self.prepare(frame)), index=frame.index, copy=False)

    def update(self, candle: Mapping[str, Any]) -> dict[str, float]:
        """Outputs for one closed candle, a mapping of column names and, where it is known, `open_time`."""
        return {name: float(column[0]) for name, column in self.commit(self.prepare_candle(candle)).items()}

    def peek(self, candle: Mapping[str, Any]) -> dict[str, float]:
        """Outputs if `candle` closed now. Nothing is committed, and no signal comes of a candle that still
        forms.
        """
        columns = self._compute(self._memory.copy(), self.prepare_candle(candle))
        return {name: float(column[0]) for name, column in self._outputs(columns).items()}

    def prepare(self, frame: pd.DataFrame) -> "Chunk":
        """Check a chunk without feeding it; what passes here can be committed."""
        inputs = {name: _input(self._who, frame, name) for name in self.indicator.inputs}
        index = self._check_index(frame.index)
        timeframe = self._timeframe
        if timeframe is None and isinstance(index, pd.DatetimeIndex):
            timeframe = candles.timeframe_of(frame)
        return Chunk(inputs, index, len(frame), timeframe)

    def prepare_candle(self, candle: Mapping[str, Any]) -> "Chunk":
        """Check one candle without feeding it."""
        inputs = {name: _number(self._who, candle, name) for name in self.indicator.inputs}
        time = _time(self._who, candle)
        if time is not None and self._last is not None and time <= self._last:
            raise ValueError(
                f"{self._who}: open_time={time} is not after the last candle that was fed ({self._last})"
            )
        return Chunk(inputs, time, 1, self._timeframe)

    def commit(self, chunk: "Chunk") -> dict[str, Array]:
        """Feed what was prepared; the outputs by name."""
        columns = self._compute(self._memory, chunk)
        columns.update(chunk.inputs)
        found = rules.find(self.indicator.rules, columns, self.indicator.params, self._rule_memory)
        self._timeframe = chunk.timeframe
        if any(len(position) for position, _ in found):
            self.new_signals = self._signals(found, columns, chunk.times())
        else:
            self.new_signals = self._nothing
        self._seen += chunk.length
        if (last := chunk.last) is not None:
            self._last = last
        return self._outputs(columns)

    def _compute(self, memory: Array, chunk: "Chunk") -> dict[str, Array]:
        indicator = self.indicator
        names = (*(output.name for output in indicator.outputs), *indicator.internals)
        columns = {name: np.empty(chunk.length) for name in names}
        if chunk.length:
            available: dict[str, Any] = {"state": memory, **chunk.inputs, **indicator.params, **columns}
            indicator.kernel(*(available[name] for name in indicator.kernel_arguments))
        return columns

    def _outputs(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        return {output.name: columns[output.name] for output in self.indicator.outputs}

    def _signals(
        self, found: Sequence[tuple[Any, Any]], columns: Mapping[str, Array], times: pd.DatetimeIndex
    ) -> Signals:
        """Signals of a chunk, oldest first; at one candle in the order of the rules."""
        position = np.concatenate([p for p, _ in found]) if found else np.empty(0, np.int64)
        rule = (
            np.repeat(np.arange(len(found)), [len(p) for p, _ in found]) if found else np.empty(0, np.int64)
        )
        order = np.argsort(position, kind="stable")
        position, rule = position[order], rule[order]
        confidence = np.concatenate([c for _, c in found])[order] if found else np.empty(0)
        value = np.empty(len(position))
        metadata = {name: np.full(len(position), np.nan) for name in self._compared}
        parameters = self.indicator.params
        for code in range(len(found)):
            rows = np.flatnonzero(rule == code)
            for name in self.indicator.rules[code].names:
                metadata[name][rows] = columns[name][position[rows]] if name in columns else parameters[name]
            value[rows] = metadata[self.indicator.rules[code].condition.left][rows]
        timestamp = times[position]
        length = pd.Timedelta("NaT") if self._timeframe is None else self._timeframe
        known_at = pd.DatetimeIndex(timestamp + length.as_unit("ms"))
        return Signals(
            self.indicator.name,
            self._rule_texts,
            rule,
            position + self._seen,
            timestamp,
            known_at,
            value,
            confidence,
            metadata,
        )

    def _check_index(self, index: pd.Index) -> pd.Index:
        """Sorted, unique, after what was fed before; times without a zone are UTC, as in the candle
        contract.
        """
        if isinstance(index, pd.DatetimeIndex):
            index = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
        if not (index.is_monotonic_increasing and index.is_unique):
            raise ValueError(
                f"{self._who}: the candles are not sorted by time without duplicates; sort them first"
            )
        if (
            isinstance(index, pd.DatetimeIndex)
            and len(index)
            and self._last is not None
            and index[0] <= self._last
        ):
            raise ValueError(
                f"{self._who}: the chunk begins at {index[0]}, "
                f"not after the last candle that was fed ({self._last})"
            )
        return index

    @property
    def state(self) -> dict[str, Any]:
        """All that the run remembers, JSON-able. Memory is base64 of little-endian floats: the same bits.

        A checksum tells a state that was damaged or edited from one that can go on.
        """
        state = {
            "version": STATE_VERSION,
            "indicator": self.indicator.name,
            "params": self.indicator.params,
            "seen": self._seen,
            "last_open_time": None if self._last is None else str(self._last),
            "timeframe_seconds": None if self._timeframe is None else self._timeframe.total_seconds(),
            "memory": _encode(self._memory),
            "rule_memory": _encode(self._rule_memory),
        }
        return {**state, "checksum": _checksum(state)}

    def _restore(self, state: Mapping[str, Any] | str) -> None:
        try:
            given = json.loads(state) if isinstance(state, str) else dict(state)
            expected = {
                "version": STATE_VERSION,
                "indicator": self.indicator.name,
                "params": self.indicator.params,
            }
            for key, value in expected.items():
                if given[key] != value:
                    raise ValueError(f"it is of {key} {given[key]!r}, not {value!r}")
            if given.pop("checksum") != _checksum(given):
                raise ValueError("it was changed since it was saved (its checksum differs)")
            memory, rule_memory = _decode(given["memory"]), _decode(given["rule_memory"])
            if len(memory) != len(self._memory) or len(rule_memory) != len(self._rule_memory):
                raise ValueError("its memory is of another size")
            last, seconds, seen = given["last_open_time"], given["timeframe_seconds"], given["seen"]
            self._last = None if last is None else pd.Timestamp(last)
            self._timeframe = None if seconds is None else pd.Timedelta(seconds=seconds)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{self._who}: this state can't be used: {error}") from error
        self._memory, self._rule_memory, self._seen = memory, rule_memory, seen


def _checksum(state: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]


def _encode(values: Array) -> str:
    return base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")


def _decode(text: str) -> Array:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(np.float64)


def _input(who: str, frame: pd.DataFrame, name: str) -> Array:
    """A column of finite float64; what is not is an error, for nothing downstream repairs data."""
    if name not in frame.columns:
        raise ValueError(
            f"{who}: the candles have no column {name!r}; they have: {', '.join(map(str, frame.columns))}"
        )
    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        raise ValueError(f"{who}: column {name!r} holds {column.dtype}, not numbers")
    values = np.ascontiguousarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    bad = ~np.isfinite(values)
    if bad.any():
        where = frame.index[int(bad.argmax())]
        raise ValueError(
            f"{who}: column {name!r} has {int(bad.sum())} values that are not finite, the first at {where}"
        )
    return values


def _number(who: str, candle: Mapping[str, Any], name: str) -> Array:
    if name not in candle:
        raise ValueError(f"{who}: the candle has no {name!r}; it has: {', '.join(map(str, candle))}")
    try:
        value = float(candle[name])
    except (TypeError, ValueError):
        value = math.nan
    if isinstance(candle[name], (str, bool)) or not math.isfinite(value):
        raise ValueError(
            f"{who}: {name}={candle[name]!r} is not allowed in a candle: it must be a finite number"
        )
    return np.array([value])


def _time(who: str, candle: Mapping[str, Any]) -> pd.Timestamp | None:
    given = candle.get("open_time")
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
