"""Binance's candles as it sends them: WebSocket frames and rows of REST pages."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from toolkit.candles.contract import origin_of

__all__ = ["BadKline", "Kline", "Values", "message_of", "of_event", "of_row", "stream_name"]

Values = tuple[float, ...]
"""`open high low close volume`, and the exchange's other columns in the order of `EXTRA_COLUMNS`."""


class BadKline(ValueError):
    """A candle that cannot be true, or a frame that cannot be read; the message says why."""


class Kline(NamedTuple):
    """A candle as the exchange knew it at `event_time`; all times in ms since 1970 UTC."""

    symbol: str
    timeframe: str
    open_time: int
    event_time: int
    closed: bool
    values: Values

    def newer(self, other: Kline) -> bool:
        """Whether it says more about the same candle than `other`: closed, or of a later moment."""
        if self.closed != other.closed:
            return self.closed
        # Two of one moment: the one after more trades.
        return (self.event_time, self.values[6], self.values[4]) > (
            other.event_time,
            other.values[6],
            other.values[4],
        )


def stream_name(symbol: str, timeframe: str) -> str:
    """`btcusdt@kline_1h`."""
    return f"{symbol.lower()}@kline_{timeframe}"


def message_of(text: str | bytes) -> dict[str, Any]:
    """The event in a frame, out of the wrapping of combined streams; answers to commands as they are.

    Raises:
        BadKline: it is no JSON object.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadKline(f"a frame is no JSON: {str(text)[:80]!r}") from error
    if not isinstance(content, dict):
        raise BadKline(f"a frame is no object: {str(text)[:80]!r}")
    event: dict[str, Any] = content
    for wrapping in ("data", "event"):
        if isinstance(event.get(wrapping), dict):
            event = event[wrapping]
    return event


def of_event(event: dict[str, Any], step: int) -> Kline:
    """The candle of a kline event of a series whose candles are `step` ms long.

    Raises:
        BadKline: a field is missing, or the candle cannot be true.
    """
    try:
        k = event["k"]
        values = tuple(float(k[name]) for name in ("o", "h", "l", "c", "v", "q", "n", "V", "Q"))
        open_time, closed = k["t"], k["x"]
        if type(open_time) is not int or type(closed) is not bool or type(event["E"]) is not int:
            raise BadKline("a frame's times are not whole numbers of milliseconds")
        found = Kline(k["s"], k["i"], open_time, event["E"], closed, values)
    except (KeyError, TypeError, ValueError) as error:
        raise BadKline(f"a frame cannot be read: {type(error).__name__}: {error}") from error
    _check(values, open_time, step)
    if closed and found.event_time < open_time + step - 1:
        raise BadKline(f"the candle of {open_time} says at {found.event_time} that it is closed")
    return found


def of_row(row: Sequence[Any], symbol: str, timeframe: str, step: int, now: int) -> Kline:
    """The candle of a REST row, read when the exchange's clock showed `now`: closed where its time is over.

    Raises:
        BadKline: a field is missing, or the candle cannot be true.
    """
    try:
        open_time = row[0]
        values = tuple(float(row[place]) for place in (1, 2, 3, 4, 5, 7, 8, 9, 10))
        if type(open_time) is not int:
            raise BadKline("a row's time is not a whole number of milliseconds")
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise BadKline(f"a row cannot be read: {type(error).__name__}: {error}") from error
    _check(values, open_time, step)
    return Kline(symbol, timeframe, open_time, now, open_time + step <= now, values)


def _check(values: Values, open_time: int, step: int) -> None:
    open_, high, low, close, volume = values[:5]
    if not (0.0 < low <= open_ <= high < math.inf and low <= close <= high and 0.0 <= volume < math.inf):
        raise BadKline(f"open {open_}, high {high}, low {low}, close {close}, volume {volume} cannot be")
    if not all(0.0 <= value < math.inf for value in values[5:]):
        raise BadKline(f"volumes and trades {values[5:]} cannot be")
    if (open_time - origin_of(step)) % step:
        raise BadKline(f"open time {open_time} is not on the grid of {step} ms")
