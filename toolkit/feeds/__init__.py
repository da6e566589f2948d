"""Candles as they happen, one after the other: from stored ones replayed, or from an exchange."""

from toolkit.feeds.base import Event, Feed, Origin
from toolkit.feeds.forming import Forming
from toolkit.feeds.replay import MAX_SPEED, MIN_SPEED, Replay, ReplayError

__all__ = ["MAX_SPEED", "MIN_SPEED", "Event", "Feed", "Forming", "Origin", "Replay", "ReplayError"]
