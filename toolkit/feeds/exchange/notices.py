"""What a user should know of an exchange and its series: said once, kept, and logged."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

__all__ = ["Notice", "Notices"]

_KEPT = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the exchange or one of its series that a user should know."""

    kind: str
    """`connection`, `silence`, `shutdown`, `rest`, `clock`, `gap`, `correction`, `invalid`, `pair`, `store`
    or `history`."""
    text: str
    time: pd.Timestamp
    """When, by this machine's clock, in UTC."""
    symbol: str = ""
    """Of which series; empty: of all."""
    timeframe: str = ""
    number: int = 0
    """1, 2, 3 … within the exchange."""


class Notices:
    """The last 200 notices of one exchange, and who wants to hear of new ones."""

    def __init__(self, venue: str, wall: Callable[[], float]) -> None:
        self._venue = venue
        self._wall = wall
        self._kept: deque[Notice] = deque(maxlen=_KEPT)
        self._count = 0
        self._listeners: list[Callable[[Notice], None]] = []

    def __iter__(self) -> Iterator[Notice]:
        return iter([*self._kept])

    def listen(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call with every notice from now on; what it gives back ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def add(self, kind: str, text: str, symbol: str = "", timeframe: str = "") -> None:
        """Keep, log and tell something."""
        self._count += 1
        now = pd.Timestamp(int(self._wall() * 1_000), unit="ms", tz="UTC").as_unit("ms")
        notice = Notice(kind, text, now, symbol, timeframe, self._count)
        self._kept.append(notice)
        _log.warning("%s: %s", " ".join(filter(None, (self._venue, symbol, timeframe))), text)
        for listener in [*self._listeners]:
            listener(notice)
