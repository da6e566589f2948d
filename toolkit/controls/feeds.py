"""The live feeds that a dashboard can follow: what the settings name."""

from collections.abc import Callable
from typing import Any

from toolkit import settings
from toolkit.controls.state import Dashboard
from toolkit.feeds import Feed

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
