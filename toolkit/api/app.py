"""The FastAPI app."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from toolkit import __version__, settings
from toolkit.api import chart_socket, docs, errors, guard, models, routes, schema
from toolkit.api.hub import Hub, Limits
from toolkit.api.service import Service
from toolkit.configuration import IndicatorConfiguration
from toolkit.feeds import Feed
from toolkit.feeds.exchange import Exchange, Kept

__all__ = ["create_app"]

_DESCRIPTION = """\
Candles, indicators and signals of the same pipeline that the notebooks show.

Indicators are computed on the full history, then cut: a limit never changes a value. Prices survive the
trip to the last bit; what is not defined is `null`; times are ISO 8601 in UTC. `meta.synthetic` says whether
the candles are made up. Over WebSocket: `/ws/chart?symbol=BTCUSDT&timeframe=1h`.
This is not financial advice.
"""


def create_app(
    configuration: IndicatorConfiguration | None = None,
    *,
    source: str | os.PathLike[str] | None = None,
    configuration_path: str | os.PathLike[str] | None = None,
    feeds: Iterable[Feed] = (),
    live: str | Exchange | None = None,
    limits: Limits | None = None,
    root_path: str = "",
    **guard_options: Any,
) -> FastAPI:
    """The service as an ASGI app. Nothing is global: each app has a configuration and caches of its own.

    Args:
        configuration: which indicators are on; changes reach the service at once, from whichever thread they
            are made. Default: one of its own.
        source: where candles come from, as for `KLineDataLoader`; default: the settings.
        configuration_path: a JSON file that the configuration is restored from, where it exists, and that
            every change made through the service is written to before it takes effect.
        feeds: candles as they happen, read from the start of the service to its end; everybody who follows a
            series over WebSocket gets those of its feed.
        live: the exchange (`"binance"`, `"binance-us"`, or an `Exchange`) that series are followed on while
            somebody does over WebSocket; `"off"`: none. Default: the settings.
        limits: of connections, subscriptions, replays, queues and messages.
        root_path: the path in front of it that a proxy takes off.
        guard_options: for `toolkit.api.guard.install`: hosts, origins, token, request_limits.

    Raises:
        ConfigurationError: the file holds no configuration.
        SettingsError: the source cannot be.
        FeedError: there is no such exchange.
    """
    where = settings.source(source)
    exchange = _exchange(live, where)
    kept = None if exchange is None else Kept(exchange.venue.name, where)
    service = Service(configuration, source=where, configuration_path=configuration_path, kept=kept)
    hub = Hub(service, feeds=feeds, exchange=exchange, limits=limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub.start()
        try:
            yield
        finally:
            await hub.close()
            service.close()

    app = FastAPI(
        title="System V4",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        root_path=root_path,
        docs_url=None,  # these need no network: see `docs`
        redoc_url=None,
    )
    app.state.service = service
    app.state.hub = hub
    app.add_api_route("/", routes.root, response_model=models.RootResponse, tags=["service"])
    # As they are, what is asked most first: included routers are looked through several times a request.
    for router in (routes.repeated, routes.router, chart_socket.router):
        app.router.routes.extend(router.routes)
    schema.install(app)
    docs.install(app)
    errors.install(app)
    guard.install(app, **guard_options)  # last, so that everything else lies behind it
    return app


def _exchange(live: str | Exchange | None, source: str) -> Exchange | None:
    if isinstance(live, str) or live is None:
        name = settings.live() if live is None else live
        return None if name == "off" else Exchange(name, source=source)
    return live
