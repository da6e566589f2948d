"""The exchange's clock, by which candles are closed or not, whatever this machine's says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["SKEW", "ExchangeClock"]

SKEW = 2.0
"""Seconds by which this machine's clock may differ before it is said."""

_ABSURD = 60_000
"""A frame that is so many ms ahead of the clock does not set it."""


class ExchangeClock:
    """Told by the exchange (`set`, `seen`), and kept between by the loop's clock, which nobody sets."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._at: tuple[int, float] | None = None
        self._told: float | None = None

    @property
    def known(self) -> bool:
        """Whether the exchange has told the time."""
        return self._at is not None

    def now(self) -> int:
        """Ms since 1970 UTC, at most the exchange's own time; only where it is `known`."""
        assert self._at is not None
        millis, since = self._at
        return millis + int((asyncio.get_running_loop().time() - since) * 1_000)

    def set(self, millis: int) -> None:
        """The exchange's answer to what time it is."""
        self._at = millis, asyncio.get_running_loop().time()

    def seen(self, millis: int) -> None:
        """The time on a frame: it is that late at least."""
        if self._at is None or 0 < millis - self.now() < _ABSURD:
            self.set(millis)

    @property
    def skew(self) -> float | None:
        """Seconds that this machine's clock is ahead of the exchange's (negative: behind), where known."""
        return None if self._at is None else self._wall() - self.now() / 1_000

    def complaint(self) -> str | None:
        """What to say of a skew that is too large and was not said yet."""
        skew = self.skew
        if skew is None or abs(skew) <= SKEW:
            self._told = None
            return None
        if self._told is not None and abs(skew - self._told) <= SKEW:
            return None
        self._told = skew
        where = "ahead of" if skew > 0 else "behind"
        return (
            f"this machine's clock is {abs(skew):,.1f} s {where} the exchange's, by which candles are closed;"
            " set it"
        )
