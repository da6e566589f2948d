"""Candles of Binance as they happen: one connection for all series, and nothing lost when it breaks.

Needs the extra `api` (`pip install "system-v4[api]"`).
"""

from toolkit.feeds.exchange.exchange import Exchange
from toolkit.feeds.exchange.feed import ExchangeFeed
from toolkit.feeds.exchange.history import Kept
from toolkit.feeds.exchange.notices import Notice
from toolkit.feeds.exchange.venue import INTERVALS, VENUES, Venue, venue_of

__all__ = ["INTERVALS", "VENUES", "Exchange", "ExchangeFeed", "Kept", "Notice", "Venue", "venue_of"]
