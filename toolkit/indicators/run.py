"""Running an indicator over a frame, in chunks or candle by candle, all through the same kernel and rules."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit import candles, rules
from toolkit.indicators.chunk import Candle, Chunk, Inputs
from toolkit.kernels import Array
from toolkit.signals import Signals

if TYPE_CHECKING:
    from toolkit.indicators.base import Indicator

STATE_VERSION = 3
_NO_TIMES = pd.DatetimeIndex([], tz="UTC").as_unit("ms")


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
        self._who = type(indicator).__name__
        self._inputs = Inputs(self._who, indicator.inputs, indicator.params)
        self._memory = np.zeros(indicator.state_size)
        self._rule_memory = np.zeros(rules.RULE_MEMORY * len(indicator.rules))
        self._seen = 0
        self._last: pd.Timestamp | None = None
        self._timeframe: pd.Timedelta | None = None
        if timeframe is not None:
            self._timeframe = candles.length_of(timeframe)
        self._rule_texts = tuple((rule.signal_type, indicator.rule_text(rule)) for rule in indicator.rules)
        self._compared = tuple(dict.fromkeys(name for rule in indicator.rules for name in rule.names))
        self._nothing = self._signals({}, [], _NO_TIMES)
        self.new_signals = self._nothing
        # One candle at a time is computed in place: the same arrays, bound once to kernel and rules.
        self._one = self._columns(1) | {name: np.empty(1) for name in indicator.inputs}
        self._one_arguments = self._arguments(self._one)
        self._one_rules = rules.bind(indicator.rules, self._one, indicator.params, self._rule_memory)
        if state is not None:
            self._restore(state)

    def feed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Outputs for a chunk of closed candles that follow those already fed, on the index of `frame`."""
        return pd.DataFrame(self.commit(self.prepare(frame)), index=frame.index, copy=False)

    def prepare(self, frame: pd.DataFrame) -> Chunk:
        """Check a chunk without feeding it; what passes here can be committed."""
        return self._inputs.of_frame(frame, self._last)

    def values(self, chunk: Chunk, ruled: bool = True) -> dict[str, Array]:
        """Feed what was prepared to the kernel alone, without rules: for a run that ends with this chunk.

        Not `ruled`: what only rules read may be left out.
        """
        columns = self._columns(chunk.length, ruled) | chunk.inputs
        if chunk.length:
            self.indicator.kernel(*self._arguments(columns))
        return columns

    def commit(self, chunk: Chunk) -> dict[str, Array]:
        """Feed what was prepared; the outputs by name."""
        columns = self.values(chunk)
        if self._timeframe is None:
            self._timeframe = chunk.timeframe()
        bound = rules.bind(self.indicator.rules, columns, self.indicator.params, self._rule_memory)
        found = [rules.find(arguments) for arguments in bound]
        self.new_signals = (
            self._signals(columns, found, chunk.times) if any(map(_some, found)) else self._nothing
        )
        self._seen += chunk.length
        if (last := chunk.last) is not None:
            self._last = last
        return self.outputs(columns)

    def outputs(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Only what the indicator puts out."""
        return {output.name: columns[output.name] for output in self.indicator.outputs}

    def update(self, candle: Mapping[str, Any]) -> dict[str, float]:
        """Outputs for one closed candle, a mapping of column names and, where it is known, `open_time`."""
        return self.commit_candle(self.prepare_candle(candle))

    def peek(self, candle: Mapping[str, Any]) -> dict[str, float]:
        """Outputs if `candle` closed now. Nothing is committed, and no signal comes of a candle that still
        forms.
        """
        prepared, before = self.prepare_candle(candle), self._memory.copy()
        try:
            return self._step(prepared)
        finally:
            self._memory[:] = before

    def chunk_of(self, columns: Mapping[str, Array], times: pd.DatetimeIndex) -> Chunk:
        """A chunk of candles that were made of checked ones, from their columns."""
        inputs, length = self._inputs.of_arrays(columns)
        return Chunk(inputs, length, times)

    def peek_several(self, chunk: Chunk) -> dict[str, float]:
        """Outputs for the last of some candles if they all closed now; nothing is committed."""
        before = self._memory.copy()
        try:
            return {name: float(values[-1]) for name, values in self.outputs(self.values(chunk)).items()}
        finally:
            self._memory[:] = before

    @property
    def seen(self) -> int:
        """How many candles were fed."""
        return self._seen

    def prepare_candle(self, candle: Mapping[str, Any]) -> Candle:
        """Check one candle without feeding it."""
        return self._inputs.of_candle(candle, self._last)

    def commit_candle(self, candle: Candle) -> dict[str, float]:
        """Feed the candle that was prepared; the outputs by name."""
        outputs = self._step(candle)
        found = [rules.find(arguments) for arguments in self._one_rules]
        self.new_signals = self._nothing
        if any(map(_some, found)):
            known = pd.NaT if candle.open_time is None else candle.open_time
            self.new_signals = self._signals(self._one, found, pd.DatetimeIndex([known], tz="UTC"))
        self._seen += 1
        if candle.open_time is not None:
            self._last = candle.open_time
        return outputs

    def _step(self, candle: Candle) -> dict[str, float]:
        for name, value in zip(self.indicator.inputs, candle.inputs, strict=True):
            self._one[name][0] = value
        self.indicator.kernel(*self._one_arguments)
        return {output.name: float(self._one[output.name][0]) for output in self.indicator.outputs}

    def _columns(self, length: int, ruled: bool = True) -> dict[str, Array]:
        """Arrays for all that the kernel writes, not filled; without room where it may leave one out."""
        left_out = () if ruled or not self.indicator.internals_optional else self.indicator.internals
        names = [output.name for output in self.indicator.outputs]
        names += [name for name in self.indicator.internals if name not in left_out]
        # One block: the allocator keeps and reuses it, where several large ones cost a page fault a page.
        columns = dict(zip(names, np.empty((len(names), length)), strict=True))
        return columns | dict.fromkeys(left_out, np.empty(0))

    def _arguments(self, columns: Mapping[str, Array]) -> tuple[Any, ...]:
        """What the kernel asks for by name."""
        available = {"state": self._memory, **columns, **self.indicator.kernel_parameters}
        return tuple(available[name] for name in self.indicator.kernel_arguments)

    def _signals(
        self,
        columns: Mapping[str, Array],
        found: Iterable[tuple[npt.NDArray[np.int64], Array]],
        times: pd.DatetimeIndex | None,
    ) -> Signals:
        """Signals of a chunk, oldest first; at one candle in the order of the rules."""
        found = [*found]
        lengths = [len(position) for position, _ in found]
        position = np.concatenate([np.empty(0, np.int64), *(position for position, _ in found)])
        value = np.empty(len(position))
        metadata = {name: np.full(len(position), np.nan) for name in self._compared}
        parameters = self.indicator.params
        end = 0
        for rule, (rows, _) in zip(self.indicator.rules, found, strict=False):
            start, end = end, end + len(rows)
            for name in rule.names:
                metadata[name][start:end] = columns[name][rows] if name in columns else parameters[name]
            value[start:end] = metadata[rule.condition.left][start:end]
        order = np.argsort(position, kind="stable")
        position = position[order]
        if times is None:
            timestamp = pd.DatetimeIndex([pd.NaT] * len(position), tz="UTC").as_unit("ms")
        else:
            timestamp = times[position].as_unit("ms")
        length = pd.Timedelta("NaT") if self._timeframe is None else self._timeframe
        return Signals(
            self.indicator.name,
            self._rule_texts,
            np.repeat(np.arange(len(lengths)), lengths)[order],
            position + self._seen,
            timestamp,
            pd.DatetimeIndex(timestamp + length.as_unit("ms")),
            value[order],
            np.concatenate([np.empty(0), *(confidence for _, confidence in found)])[order],
            {name: column[order] for name, column in metadata.items()},
        )

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
            "memory": encode(self._memory),
            "rule_memory": encode(self._rule_memory),
        }
        return {**state, "checksum": checksum(state)}

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
            if given.pop("checksum") != checksum(given):
                raise ValueError("it was changed since it was saved (its checksum differs)")
            memory, rule_memory = decode(given["memory"]), decode(given["rule_memory"])
            if len(memory) != len(self._memory) or len(rule_memory) != len(self._rule_memory):
                raise ValueError("its memory is of another size")
            last, seconds, seen = given["last_open_time"], given["timeframe_seconds"], given["seen"]
            self._last = None if last is None else pd.Timestamp(last)
            self._timeframe = None if seconds is None else pd.Timedelta(seconds=seconds)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{self._who}: this state can't be used: {error}") from error
        self._memory[:], self._rule_memory[:], self._seen = memory, rule_memory, seen


_PIECE = 50_000  # candles whose temporary columns, of 400 kB each, stay in the cache of the second level


def compute(
    indicator: "Indicator", candles: Mapping[str, Array], out: Mapping[str, Array] | None, checked: bool
) -> dict[str, Array]:
    """See `Indicator.compute`.

    Where the kernel reads or writes columns that nobody asked for, it is run in pieces, which gives the same
    bits: these columns then cost no memory.
    """
    who = type(indicator).__name__
    plan = indicator._plan
    read, length = plan.inputs.columns_of(candles, checked)
    if out is None:
        columns = {name: np.empty(length) for name in plan.outputs}
    else:
        columns = {name: _given(who, out, name, length) for name in plan.outputs}
        for name, given in columns.items():
            if any(np.may_share_memory(given, values) for values in read.values()):
                raise ValueError(f"{who}: out[{name!r}] shares memory with the candles")
    available = {"state": np.zeros(indicator.state_size), **plan.given}
    if not plan.unseen:
        available |= columns
        available |= plan.inputs.part_of(read, slice(None))
        indicator.kernel(*[available[name] for name in indicator.kernel_arguments])
        return columns
    step = min(length, _PIECE)
    scratch = {name: np.empty(step) for name in plan.unseen}
    for start in range(0, length, step or 1):
        part = slice(start, min(start + step, length))
        kept = {name: values[: part.stop - start] for name, values in scratch.items()}
        available |= kept | {name: values[part] for name, values in columns.items()}
        available |= plan.inputs.part_of(read, part, kept)
        indicator.kernel(*[available[name] for name in indicator.kernel_arguments])
    return columns


class Plan:
    """What `compute` asks of an indicator each time, found once."""

    __slots__ = ("given", "inputs", "outputs", "unseen")

    def __init__(self, indicator: "Indicator") -> None:
        self.inputs = Inputs(type(indicator).__name__, indicator.inputs, indicator.params)
        self.outputs = tuple(output.name for output in indicator.outputs)
        # What the kernel takes beside the state, its inputs and outputs.
        self.given: dict[str, Any] = dict(indicator.kernel_parameters)
        # Columns that nobody asked for.
        self.unseen = self.inputs.means
        if indicator.internals_optional:
            self.given |= dict.fromkeys(indicator.internals, np.empty(0))
        else:
            self.unseen += indicator.internals


def _given(who: str, out: Mapping[str, Array], name: str, length: int) -> Array:
    """The array to be filled, if it is fit for that."""
    if name not in out:
        raise ValueError(f"{who}: out has no array {name!r}; it has: {', '.join(map(str, out))}")
    given = out[name]
    if given.shape != (length,) or given.dtype != np.float64 or not given.flags.c_contiguous:
        raise ValueError(
            f"{who}: out[{name!r}] must be a contiguous float64 array of length {length}, "
            f"not {given.dtype} of shape {given.shape}"
        )
    return given


def _some(found: tuple[npt.NDArray[np.int64], Array]) -> bool:
    return len(found[0]) > 0


def checksum(state: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]


def encode(values: Array) -> str:
    return base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")


def decode(text: str) -> Array:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(np.float64)
