"""The feeds that a dashboard can follow: a replay of what it shows, and what the settings name."""

import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

from toolkit import settings
from toolkit.candles import TIMEFRAMES, CandleError, length_of
from toolkit.controls.state import Dashboard
from toolkit.feeds import Feed, Replay
from toolkit.loader import KLineDataLoader
from toolkit.sources.base import SourceError

LiveFeed = Callable[[str, str], Feed]
"""Makes the feed of a symbol and a timeframe: `LiveBar(state, live=exchange.feed)`."""


def exchange_feeds(state: Dashboard, noticed: Callable[[Any], None]) -> LiveFeed | None:
    """The feeds of the exchange that the setting `live` names, or None. The connection is made when the first
    feed is read; `noticed` is called with what happens to it.
    """
    if settings.live() == "off":
        return None
    exchange: Any = None

    def feed(symbol: str, timeframe: str) -> Feed:
        nonlocal exchange
        if exchange is None:
            from toolkit.feeds.exchange import Exchange  # needs the extra `api`

            exchange = Exchange(source=state.source)
            exchange.listen(noticed)
        made: Feed = exchange.feed(symbol, timeframe)
        return made

    return feed


def replay_of(state: Dashboard, klines: pd.DataFrame, start: Any, speed: float) -> Replay:
    """A paused replay, with the candles of the next smaller timeframe that tell how these came about."""
    replay = Replay(klines, start=start, speed=speed, paused=True)
    timeframe = klines.attrs["timeframe"]
    shorter = [name for name in TIMEFRAMES if length_of(name) < length_of(timeframe)]
    for name in sorted(shorter, key=length_of, reverse=True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said when the candles themselves were loaded
                smaller = KLineDataLoader.load_klines(klines.attrs["symbol"], name, source=state.source)
            found = Replay(klines, start=start, speed=speed, paused=True, smaller=smaller)
        except (CandleError, SourceError, OSError, ValueError):
            continue
        if not found.forming_text.startswith("No forming"):
            return found
        replay = found if replay.forming is None else replay
    return replay
