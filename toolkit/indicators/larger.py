"""An indicator on a larger timeframe than its candles': each sees only the last larger one that closed.

A larger candle is made as `toolkit.candles.resample` makes it: a candle in which nothing was traded takes no
part, unless nothing was traded in all of them; one of which the beginning lies before the first candle is
left out. It is seen from the last candle within it on, at whose close it closes too; where that one is
missing, from the next candle there is.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit import candles
from toolkit.candles.contract import PRICE_COLUMNS, origin_of
from toolkit.indicators.chunk import Candle, Chunk, Inputs
from toolkit.indicators.run import STATE_VERSION, Run, checksum, decode, encode
from toolkit.kernels import Array, compiled
from toolkit.signals import Signals

if TYPE_CHECKING:
    from toolkit.indicators.base import Indicator

_MEMORY = 10
_MILLISECOND = pd.Timedelta(1, "ms")


@compiled
def _join(
    memory: Array,
    time: Array,
    open_: Array,
    high: Array,
    low: Array,
    close: Array,
    volume: Array,
    step: float,
    short: float,
    origin: float,
    joined: Array,
    rows: npt.NDArray[np.int64],
) -> int:
    """Write the larger candles that close (columns of `joined`: time, open, high, low, close, volume) and the
    row from which each is seen; return how many.

    Memory: whether a candle was seen, the larger candle's opening time, whether it is whole so far, whether
    it was written already, whether anything was traded in it, its open, high, low, close and volume.
    """
    seen, opened, whole, written, traded = (
        memory[0] != 0.0,
        memory[1],
        memory[2] != 0.0,
        memory[3] != 0.0,
        memory[4] != 0.0,
    )
    first, top, bottom, last, total = memory[5], memory[6], memory[7], memory[8], memory[9]
    count = 0
    for i in range(len(time)):
        start = math.floor((time[i] - origin) / step) * step + origin
        if not seen or start != opened:
            if seen and whole and not written:  # its last candle is missing
                joined[0, count], joined[1, count], joined[2, count] = opened, first, top
                joined[3, count], joined[4, count], joined[5, count] = bottom, last, total
                rows[count] = i
                count += 1
            whole = seen or time[i] == start
            seen, opened, written, traded = True, start, False, False
            first = top = bottom = last = close[i]
            total = 0.0
        if volume[i] > 0.0:
            if traded:
                top = max(top, high[i])
                bottom = min(bottom, low[i])
            else:
                first, top, bottom = open_[i], high[i], low[i]
                traded = True
            last = close[i]
            total += volume[i]
        elif not traded:
            first = top = bottom = last = close[i]
        if whole and time[i] + short >= opened + step:
            joined[0, count], joined[1, count], joined[2, count] = opened, first, top
            joined[3, count], joined[4, count], joined[5, count] = bottom, last, total
            rows[count] = i
            count += 1
            written = True
    memory[0], memory[1], memory[2], memory[3], memory[4] = seen, opened, whole, written, traded
    memory[5], memory[6], memory[7], memory[8], memory[9] = first, top, bottom, last, total
    return count


class LargerRun:
    """One indicator on the larger candles of one series; otherwise as `toolkit.indicators.run.Run`.

    `timeframe` is the larger one; `base` that of the candles, needed where they come one by one. `seen` says
    for each candle of the last `feed` or `update` which larger candle its values are of, and when that one
    became known.
    """

    def __init__(
        self,
        indicator: "Indicator",
        timeframe: str,
        state: Mapping[str, Any] | None = None,
        *,
        base: str | None = None,
    ) -> None:
        self.indicator = indicator
        self._who = f"{type(indicator).__name__} on {timeframe}"
        if unknown := set(indicator.columns) - set(PRICE_COLUMNS):
            raise ValueError(f"{self._who}: {', '.join(sorted(unknown))} can't be had of larger candles")
        self._length = candles.length_of(timeframe)
        self._step = float(self._length // _MILLISECOND)
        self._short = 0.0
        if base is not None:
            self._know(candles.length_of(base))
        self._timeframe = timeframe
        self._inputs = Inputs(self._who, ("open_time", *PRICE_COLUMNS), {})
        self._memory = np.zeros(_MEMORY)
        self._held = {output.name: math.nan for output in indicator.outputs}
        self._held_times = (math.nan, math.nan)
        self._seen = 0
        self._last: pd.Timestamp | None = None
        self._run = Run(indicator, None if state is None else state.get("run"), timeframe=timeframe)
        self.new_signals = self._run.new_signals
        self._times = np.empty((2, 0))
        if state is not None:
            self._restore(state)

    def _know(self, short: pd.Timedelta) -> None:
        if self._length < short or self._length % short != pd.Timedelta(0):
            raise ValueError(f"{self._who}: it is no multiple of the candles' own timeframe ({short})")
        self._short = float(short // _MILLISECOND)

    @property
    def seen(self) -> dict[str, pd.DatetimeIndex]:
        """`open_time` and `known_at` of the larger candle that each candle fed last sees; NaT where none."""
        return {
            name: pd.DatetimeIndex(_times(values))
            for name, values in zip(("open_time", "known_at"), self._times, strict=True)
        }

    def prepare(self, frame: pd.DataFrame) -> Chunk:
        """Check a chunk without feeding it."""
        chunk = self._inputs.of_frame(frame, self._last)
        if not self._short:
            length = chunk.timeframe()
            if length is None:
                raise ValueError(
                    f"{self._who}: one candle does not say how long it is; stream(timeframe='15m') does"
                )
            self._know(length)
        return chunk

    def prepare_candle(self, candle: Mapping[str, Any]) -> Candle:
        """Check one candle without feeding it."""
        if not self._short:
            raise ValueError(
                f"{self._who}: it must be known how long the candles are: stream(timeframe='15m'), say"
            )
        return self._inputs.of_candle(candle, self._last)

    def feed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Outputs for a chunk of closed candles, on the index of `frame`."""
        return pd.DataFrame(self.commit(self.prepare(frame)), index=frame.index, copy=False)

    def update(self, candle: Mapping[str, Any]) -> dict[str, float]:
        """Outputs for one closed candle, which must have its `open_time`."""
        return self.commit_candle(self.prepare_candle(candle))

    def peek(self, candle: Mapping[str, Any]) -> dict[str, float]:
        """Outputs if `candle` closed now; nothing is committed."""
        prepared = self.prepare_candle(candle)
        joined, _ = self._joined(
            {n: np.array([v]) for n, v in zip(self._inputs.names, prepared.inputs, strict=True)},
            self._memory.copy(),
        )
        return self._run.peek_several(self._chunk(joined)) if joined.shape[1] else dict(self._held)

    def commit_candle(self, candle: Candle) -> dict[str, float]:
        """Feed the candle that was prepared."""
        inputs = {n: np.array([v]) for n, v in zip(self._inputs.names, candle.inputs, strict=True)}
        times = None if candle.open_time is None else pd.DatetimeIndex([candle.open_time])
        outputs = self.commit(Chunk(inputs, 1, times))
        return {name: float(values[0]) for name, values in outputs.items()}

    def commit(self, chunk: Chunk) -> dict[str, Array]:
        """Feed what was prepared; the outputs by name, a value a candle."""
        joined, rows = self._joined(chunk.inputs, self._memory)
        inner = self._run.commit(self._chunk(joined))
        # from its row on, a candle sees the larger one, until the next
        lengths = np.diff(np.r_[0, rows, chunk.length])
        outputs = {
            name: np.repeat(np.r_[self._held[name], values], lengths) for name, values in inner.items()
        }
        known = chunk.inputs["open_time"][rows] + self._short
        self._times = np.repeat(
            np.column_stack([self._held_times, np.stack([joined[0], known])]), lengths, axis=1
        )
        self.new_signals = _seen_from(self._run.new_signals, len(rows), self._run, rows + self._seen, known)
        if len(rows):
            self._held = {name: float(values[-1]) for name, values in inner.items()}
            self._held_times = (float(joined[0, -1]), float(known[-1]))
        self._seen += chunk.length
        if (last := chunk.last) is not None:
            self._last = last
        return outputs

    values = commit

    def larger_candles(self, chunk: Chunk) -> tuple[dict[str, Array], npt.NDArray[np.int64], Array]:
        """What rules read on the larger candles of a chunk, the row from which each is seen, and when each
        opened (ms); for a run that ends with this chunk.
        """
        joined, rows = self._joined(chunk.inputs, self._memory)
        return self._run.values(self._chunk(joined)), rows, joined[0]

    def outputs(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Only what the indicator puts out."""
        return dict(columns)

    def _joined(self, inputs: Mapping[str, Array], memory: Array) -> tuple[Array, npt.NDArray[np.int64]]:
        length = len(inputs["open_time"])
        joined, rows = np.empty((6, length + 1)), np.empty(length + 1, np.int64)
        time, open_, high, low, close, volume = inputs.values()
        how = (self._step, self._short, float(origin_of(int(self._step))))
        count = _join(memory, time, open_, high, low, close, volume, *how, joined, rows)
        return joined[:, :count], rows[:count]

    def _chunk(self, joined: Array) -> Chunk:
        columns = dict(zip(("open_time", *PRICE_COLUMNS), map(np.ascontiguousarray, joined), strict=True))
        return self._run.chunk_of(columns, _times(columns["open_time"]))

    @property
    def state(self) -> dict[str, Any]:
        """All that the run remembers, JSON-able, under a checksum."""
        state = {
            "version": STATE_VERSION,
            "timeframe": self._timeframe,
            "short": self._short,
            "memory": encode(self._memory),
            "held": encode(np.array([*self._held.values(), *self._held_times])),
            "seen": self._seen,
            "last_open_time": None if self._last is None else str(self._last),
            "run": self._run.state,
        }
        return {**state, "checksum": checksum(state)}

    def _restore(self, state: Mapping[str, Any]) -> None:
        try:
            given = dict(state)
            if given["version"] != STATE_VERSION or given["timeframe"] != self._timeframe:
                raise ValueError(f"it is of timeframe {given['timeframe']!r}, not {self._timeframe!r}")
            if given.pop("checksum") != checksum(given):
                raise ValueError("it was changed since it was saved (its checksum differs)")
            if self._short and given["short"] and self._short != given["short"]:
                raise ValueError("it is of candles of another timeframe")
            held = decode(given["held"])
            self._memory[:], self._seen = decode(given["memory"]), given["seen"]
            self._short = given["short"] or self._short
            self._held = dict(zip(self._held, held.tolist(), strict=False))
            self._held_times = (float(held[-2]), float(held[-1]))
            last = given["last_open_time"]
            self._last = None if last is None else pd.Timestamp(last)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{self._who}: this state can't be used: {error}") from error


def _times(millis: Array) -> pd.DatetimeIndex:
    """Times of milliseconds since 1970, NaT for NaN."""
    missing = np.isnan(millis)
    whole = np.where(missing, 0, millis).astype(np.int64).view("datetime64[ms]")
    whole[missing] = np.datetime64("NaT")
    return pd.DatetimeIndex(whole).tz_localize("UTC")


def _seen_from(signals: Signals, count: int, run: Run, rows: npt.NDArray[np.int64], known: Array) -> Signals:
    """The signals of the larger candles, at the rows from which these are seen, known at their close."""
    place = signals.position - (run.seen - count)
    return signals.moved(rows[place], _times(known[place]))
