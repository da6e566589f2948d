"""What a feed is: an asynchronous iterator of candles of one series."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import pandas as pd

__all__ = ["Event", "Feed", "FeedError", "Origin"]

Origin = Literal["live", "replay", "stored"]
"""Where an event comes from: an exchange now, stored candles played as if they happened, or a store."""


class FeedError(Exception):
    """A feed cannot begin or go on; the message says why and what can be done."""


@dataclass(frozen=True, slots=True)
class Event:
    """One candle, as far as it is known now."""

    symbol: str
    timeframe: str
    candle: Mapping[str, Any]
    """`open_time` (a UTC `Timestamp`) and the columns of a candle frame as floats, as `PipelineRun.update`
    takes them."""
    closed: bool
    """False: the candle still forms, and another event with the same `open_time` follows."""
    number: int
    """1, 2, 3 … within the feed, so that a lost event shows."""
    origin: Origin
    follows: bool = True
    """False: it does not go on from the event before (the feed was rewound, or has lost some). What was
    computed candle by candle must be computed anew, from the feed's `history`."""


class Feed(Protocol):
    """Candles of one series as they happen.

    An exchange's feed is one more class with these members. Whoever reads it computes on `history` first,
    and then goes on candle by candle with the events.
    """

    symbol: str
    timeframe: str
    origin: Origin

    def history(self) -> pd.DataFrame:
        """Checked, closed candles up to the next event; may be empty. Called again after an event that does
        not follow. For a thread: it may read files."""
        ...

    def __aiter__(self) -> AsyncIterator[Event]:
        """The events; ends when the feed has no more, and raises `FeedError` where it cannot go on."""
        ...

    async def close(self) -> None:
        """End the feed and what it holds open; more than once is allowed."""
        ...
