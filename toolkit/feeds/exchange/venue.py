"""Where an exchange's public candles are to be had, and what it allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from toolkit import settings
from toolkit.feeds.base import FeedError

__all__ = ["INTERVALS", "VENUES", "Venue", "venue_of"]

INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w")
"""Timeframes of the exchange's candles that open on the grid of this package's."""


@dataclass(frozen=True, slots=True)
class Venue:
    """An exchange that speaks Binance's protocol."""

    name: str
    """In reports, in `attrs["source"]`, and the folder of its candles in the local store."""
    stream: str
    """Address of the WebSocket, without a path."""
    rest: str
    """Address of the REST service, without a path."""
    weight: int
    """Request weight that an address may use in a minute; a page of candles weighs 2."""
    streams: int = 1_024
    """Streams of one connection."""
    messages: float = 4.0
    """Messages to it a second; it cuts off whoever sends more than five, pings and pongs counted."""

    def local(self) -> bool:
        """Whether it is on this machine, where a proxy of the system has no way to."""
        return urlsplit(self.stream).hostname in ("localhost", "127.0.0.1", "::1")


VENUES: dict[str, Venue] = {
    venue.name: venue
    for venue in (
        Venue("binance", "wss://data-stream.binance.vision", "https://data-api.binance.vision", 6_000),
        Venue("binance-us", "wss://stream.binance.us:9443", "https://api.binance.us", 1_200),
    )
}
"""International Binance's addresses for market data only, and those of Binance US."""


def venue_of(value: str | Venue | None = None) -> Venue:
    """The venue of a name, or that of the settings (`binance` where they say `off`), with the addresses that
    the settings give instead of its own.

    Raises:
        FeedError: there is no venue of that name.
        SettingsError: a setting cannot be.
    """
    if isinstance(value, Venue):
        return value
    name = settings.live() if value is None else value
    if value is None and name == "off":
        name = "binance"
    if name not in VENUES:
        raise FeedError(f"live: venue={value!r} is not known; allowed are {', '.join(VENUES)}")
    venue = VENUES[name]
    stream, rest = settings.live_stream(), settings.live_rest()
    return replace(venue, stream=stream or venue.stream, rest=rest or venue.rest)
