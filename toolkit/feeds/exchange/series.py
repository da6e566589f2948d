"""One series as an exchange gives it: which candle comes next, whatever order the frames come in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from toolkit.candles.contract import step_of
from toolkit.feeds.exchange.frames import Kline, Values

__all__ = ["REMEMBERED", "Correction", "Hole", "Series", "Step"]

REMEMBERED = 100
"""Closed candles whose values are remembered, to notice when the exchange changes one."""


class Hole(NamedTuple):
    """Candles that the exchange does not have."""

    first: int
    """Open time of the first, ms."""
    last: int
    """Open time of the last, ms."""


class Correction(NamedTuple):
    """A candle that the exchange tells otherwise than when it closed."""

    open_time: int
    values: Values
    """As it tells it now; what was told first stays."""
    before: Values


class Step(NamedTuple):
    """What came of a frame or of REST rows."""

    klines: tuple[Kline, ...] = ()
    """To be handed on, in order: each closed candle once, the forming one whenever it has changed."""
    holes: tuple[Hole, ...] = ()
    corrections: tuple[Correction, ...] = ()


_NOTHING = Step()


class Series:
    """Puts candles in order: none twice, none left out unmentioned, and no closed one changed.

    A candle that comes before one that is missing waits; `missing_from` says what has to be asked for, and
    `fill` takes the answer.
    """

    def __init__(self, symbol: str, timeframe: str) -> None:
        self.symbol = symbol
        self.timeframe = timeframe
        self.step = step_of(timeframe)
        self.last: int | None = None
        """Open time of the last candle that is closed and known; None before the first."""
        self.forming: Kline | None = None
        """The candle after that, as far as it is known."""
        self._held: dict[int, Kline] = {}
        self._told: OrderedDict[int, Values] = OrderedDict()
        self._corrected: dict[int, Values] = {}

    @property
    def missing_from(self) -> int | None:
        """Open time of the candle that comes next; None where no candle is known yet."""
        return None if self.last is None else self.last + self.step

    @property
    def waiting(self) -> bool:
        """Whether later candles wait for one that is missing."""
        return bool(self._held)

    def remember(self, told: Iterable[tuple[int, Values]]) -> None:
        """Closed candles that were handed on before, oldest first."""
        for open_time, values in told:
            self._tell(open_time, values)

    def take(self, kline: Kline) -> Step:
        """Go on by one frame."""
        if self.last is None or kline.open_time > self.last + self.step:
            held = self._held.get(kline.open_time)
            if held is None or kline.newer(held):
                self._held[kline.open_time] = kline
            return _NOTHING
        if kline.open_time <= self.last:
            return self._compare(kline)
        taken = self._next(kline)
        return Step((*taken, *self._released()) if taken and kline.closed else taken)

    def fill(self, rows: Iterable[Kline], now: int, patience: int) -> Step:
        """Go on by rows of REST, sorted by time.

        Where a row lies beyond the next candle, the exchange does not have those between; that is believed
        `patience` ms after they should have closed, by its clock `now`.
        """
        klines: list[Kline] = []
        holes: list[Hole] = []
        corrections: list[Correction] = []
        found, self._held = self._held, {}
        for row in rows:
            if row.open_time not in found or row.newer(found[row.open_time]):
                found[row.open_time] = row
        for open_time, kline in sorted(found.items()):
            if self.last is None:
                self.last = open_time - self.step
            after = self.last + self.step
            if open_time > after and now >= open_time + patience:
                holes.append(Hole(after, open_time - self.step))
                self.last, self.forming = open_time - self.step, None
            step = self.take(kline)
            klines.extend(step.klines)
            corrections.extend(step.corrections)
        return Step(tuple(klines), tuple(holes), tuple(corrections))

    def _next(self, kline: Kline) -> tuple[Kline, ...]:
        """The candle that is due."""
        if kline.closed:
            self.last, self.forming = kline.open_time, None
            self._tell(kline.open_time, kline.values)
            return (kline,)
        if self.forming is not None and not kline.newer(self.forming):
            return ()
        self.forming = kline
        return (kline,)

    def _released(self) -> tuple[Kline, ...]:
        """Those that waited for what has come."""
        assert self.last is not None
        found: list[Kline] = []
        while (kline := self._held.pop(self.last + self.step, None)) is not None:
            found.extend(self._next(kline))
            if not kline.closed:
                break
        return tuple(found)

    def _compare(self, kline: Kline) -> Step:
        """A candle that is closed already: a frame that comes late or twice, or a correction."""
        told = self._told.get(kline.open_time)
        if not kline.closed or told is None or told == kline.values:
            return _NOTHING
        if self._corrected.get(kline.open_time) == kline.values:
            return _NOTHING
        self._corrected[kline.open_time] = kline.values
        return Step(corrections=(Correction(kline.open_time, kline.values, told),))

    def _tell(self, open_time: int, values: Values) -> None:
        self._told[open_time] = values
        if len(self._told) > REMEMBERED:
            gone, _ = self._told.popitem(last=False)
            self._corrected.pop(gone, None)
