"""Stored candles played as if they happened now, at a chosen speed, and marked as a replay."""

from __future__ import annotations

import asyncio
import math
import numbers
import os
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from toolkit.candles import (
    TIMEFRAMES,
    CandleError,
    CandleReport,
    check_range,
    is_synthetic,
    length_of,
    select,
)
from toolkit.candles.select import Moment
from toolkit.feeds.base import Event, Origin
from toolkit.feeds.forming import Forming
from toolkit.loader import KLineDataLoader
from toolkit.sources.base import SourceError

__all__ = ["MAX_SPEED", "MIN_SPEED", "Replay", "ReplayError", "replay_forming"]

MIN_SPEED, MAX_SPEED = 0.01, 1_000.0
"""Candles a second that a replay for strangers may be asked for."""

_MADE_UP_FOR = 0.25
"""Seconds of delay that are caught up with."""

LEAD = 500
"""Where no start is given, the replay begins so many candles before the end."""


class ReplayError(ValueError):
    """A replay cannot be as it was asked for; the message says what is allowed."""


class Replay:
    """The candles of a frame one after the other: an asynchronous iterator of `Event`.

    The candles before `start` are `history`: indicators are warmed up with them, so that each value is the
    one that a calculation over the whole frame gives. With `smaller`, a candle is also seen while it forms:
    events with `closed=False` after each smaller candle but the last (see `Forming`), then the candle as it
    is stored. Where the smaller candles do not tell how a candle came about, only the closed one comes, and
    `forming_text` says how often that is so. Without `smaller`, every candle is closed when it comes.
    `play`, `pause`, `step` and `seek` may be called at any time, from the event loop's thread.

    Args:
        klines: checked candles, as the loader gives them. They are not copied and must not change.
        speed: candles a second, above zero; `math.inf`: as fast as they are read.
        start: first open time that is played; default: the last 500 candles.
        end: first open time that is no longer played; default: to the last.
        paused: wait for `play` or `step` before the first candle.
        smaller: checked candles of the same market and a smaller timeframe; they must not change either.
        clock: seconds that go by, for tests.

    Raises:
        ReplayError: `speed` is not above zero, or there is no candle to play.
        CandleError: `start` or `end` is no time, or they are not in this order, or `smaller` does not go
            with `klines`.
    """

    origin: Origin = "replay"

    def __init__(
        self,
        klines: pd.DataFrame,
        *,
        speed: float = 1.0,
        start: Moment | None = None,
        end: Moment | None = None,
        paused: bool = False,
        smaller: pd.DataFrame | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        first, after = check_range(start, end)
        self.symbol: str = klines.attrs["symbol"]
        self.timeframe: str = klines.attrs["timeframe"]
        self.synthetic = is_synthetic(klines)
        self.forming = None if smaller is None else Forming(klines, smaller)
        self._klines = klines
        self._length = length_of(self.timeframe)
        self._names = [name for name in klines.columns if klines[name].dtype.kind == "f"]
        self._columns = [klines[name].to_numpy() for name in self._names]
        self._last = len(klines) if after is None else int(klines.index.searchsorted(after))
        self._first = max(0, self._last - LEAD) if first is None else int(klines.index.searchsorted(first))
        if self._first >= self._last:
            raise ReplayError(
                f"replay: {self.symbol} {self.timeframe} has no candle in"
                f" [{first or 'the first'}, {after or 'the last'}); there are candles from"
                f" {klines.index[0]} to {klines.index[-1]}"
            )
        self._speed = self.check_speed(speed)
        self._clock = clock
        self._position = self._first
        self._part = 0  # how often the next candle was seen while it forms
        self._number = 0
        self._steps = 0
        self._paused = paused
        self._follows = True
        self._closed = False
        self._due = -math.inf
        self._changed = asyncio.Event()

    @property
    def speed(self) -> float:
        """Candles a second; can be set at any time (`ReplayError` where it cannot be that)."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._speed = self.check_speed(speed)
        self._wake()

    @property
    def paused(self) -> bool:
        """Whether it waits for `play` or `step`."""
        return self._paused

    @property
    def position(self) -> pd.Timestamp | None:
        """Open time of the next candle; None at the end."""
        return self._klines.index[self._position] if self._position < self._last else None

    @property
    def remaining(self) -> int:
        """Candles that are still to come."""
        return self._last - self._position

    @property
    def moment(self) -> pd.Timestamp:
        """The time that the replay has reached: all that was known then has come, and nothing else."""
        times: list[pd.Timestamp] = self._klines.index[
            max(0, self._position - 1) : self._position + 1
        ].tolist()
        if self._part and self.forming is not None:
            return times[-1] + self._part * self.forming.length
        return times[0] + self._length if self._position else times[0]

    @property
    def forming_text(self) -> str:
        """Which candles of this replay are seen while they form, and which are not and why."""
        if self.forming is None:
            return "No forming candles: there are no candles of a smaller timeframe"
        return self.forming.text(self._first, self._last)

    def history(self) -> pd.DataFrame:
        """The candles before the next one. Their report tells of these only, not of what is still to come."""
        known = self._klines.iloc[: self._position]
        report = self._klines.attrs.get("report")
        if not isinstance(report, CandleReport):
            return known
        if not self._position:
            known.attrs = {name: value for name, value in known.attrs.items() if name != "report"}
            return known
        part = select(self._klines, end=self._klines.index[self._position - 1] + self._length, given=True)
        # as of the replay's own time they are the newest there are
        part.attrs["report"] = replace(part.attrs["report"], fetched=None, unsorted=0)
        return part

    def play(self, speed: float | None = None) -> None:
        """Go on, at another speed where one is given (`ReplayError` where it cannot be)."""
        if speed is not None:
            self.speed = speed
        self._paused = False
        self._steps = 0
        self._wake()

    def pause(self) -> None:
        """No further candle until `play` or `step`."""
        self._paused = True
        self._steps = 0
        self._wake()

    def step(self, candles: int = 1) -> None:
        """Pause, and let so many candles come at once, each closed."""
        if not isinstance(candles, numbers.Integral) or isinstance(candles, bool) or candles < 1:
            raise ReplayError(f"replay: step={candles!r} is not allowed: it must be a whole number from 1")
        self._paused = True
        self._steps = int(candles)
        self._wake()

    def seek(self, moment: Moment) -> None:
        """Go on from the first candle that opens at `moment` or later, forwards or back.

        Raises:
            ReplayError: there is none.
            CandleError: it is no time.
        """
        wanted, _ = check_range(moment, None)
        if wanted is None:
            raise CandleError("replay: seek needs a time")
        position = int(self._klines.index.searchsorted(wanted))
        if position >= self._last:
            raise ReplayError(
                f"replay: seek={moment!r} is not allowed: the last candle opens at"
                f" {self._klines.index[self._last - 1]}"
            )
        if position != self._position or self._part:
            self._position, self._part = position, 0
            self._follows = False
        self._wake()

    @staticmethod
    def check_speed(speed: float) -> float:
        """A speed that a replay can have. Raises `ReplayError` where it cannot."""
        if not isinstance(speed, numbers.Real) or isinstance(speed, bool) or not speed > 0:
            raise ReplayError(
                f"replay: speed={speed!r} is not allowed: it must be a number of candles a second"
            )
        return float(speed)

    async def close(self) -> None:
        """End it, also where something waits for the next candle."""
        self._closed = True
        self._wake()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (turn := await self._turn()) is not None:
            row = self._position
            closed = turn == "candle" or self._part == self._parts()
            if closed:
                self._position, self._part = row + 1, 0
            else:
                self._part += 1
            candle: dict[str, Any] = {"open_time": self._klines.index[row]}
            for name, column in zip(self._names, self._columns, strict=True):
                candle[name] = float(column[row]) if closed else math.nan
            if not closed and self.forming is not None:
                candle |= self.forming.candle(row, self._part)
            self._number += 1
            follows, self._follows = self._follows, True
            yield Event(self.symbol, self.timeframe, candle, closed, self._number, self.origin, follows)

    def _parts(self) -> int:
        """How often the next candle is seen before it closes."""
        return 0 if self.forming is None else self.forming.steps(self._position)

    async def _turn(self) -> Literal["candle", "part"] | None:
        """Wait until something is due: a whole candle, where a step was asked for, or what comes next. None
        at the end.
        """
        await asyncio.sleep(0)  # a replay that is late already must not take the loop for itself
        while not self._closed and self._position < self._last:
            if self._paused:
                if self._steps:
                    self._steps -= 1
                    return "candle"
                wait = None
            else:
                now = self._now()
                wait = self._due - now
                if wait <= 0:
                    # From the moment it was due, so that delays do not add up; but what was slept through
                    # (a laptop's lid) is not made up for.
                    step = 1.0 / (self._speed * (self._parts() + 1))
                    late = -wait > max(step, _MADE_UP_FOR)
                    self._due = (now if late else self._due) + step
                    return "part"
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue
        return None

    def _now(self) -> float:
        return asyncio.get_running_loop().time() if self._clock is None else self._clock()

    def _wake(self) -> None:
        self._due = -math.inf
        self._changed.set()


def replay_forming(klines: pd.DataFrame, source: str | os.PathLike[str] | None, **options: Any) -> Replay:
    """A replay whose candles also form, where `source` has candles of a smaller timeframe that tell how.

    Of those timeframes the largest is taken. `options`: as for `Replay`. For a thread: it reads files.
    Raises as `Replay` does.
    """
    replay = Replay(klines, **options)
    timeframe = klines.attrs["timeframe"]
    shorter = [name for name in TIMEFRAMES if length_of(name) < length_of(timeframe)]
    for name in sorted(shorter, key=length_of, reverse=True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said when the candles themselves were loaded
                smaller = KLineDataLoader.load_klines(klines.attrs["symbol"], name, source=source)
            found = Replay(klines, smaller=smaller, **options)
        except (CandleError, SourceError, OSError, ValueError):
            continue
        if not found.forming_text.startswith("No forming"):
            return found
        replay = found if replay.forming is None else replay
    return replay
