"""Candles as they happen, one after the other: from stored ones replayed, or from an exchange."""

from toolkit.feeds.base import Event, Feed, FeedError, Origin
from toolkit.feeds.forming import Forming
from toolkit.feeds.live import Live, LiveEvent, live
from toolkit.feeds.replay import MAX_SPEED, MIN_SPEED, Replay, ReplayError

__all__ = [
    "MAX_SPEED",
    "MIN_SPEED",
    "Event",
    "Feed",
    "FeedError",
    "Forming",
    "Live",
    "LiveEvent",
    "Origin",
    "Replay",
    "ReplayError",
    "live",
]
