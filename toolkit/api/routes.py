"""The REST routes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.routing import APIRoute

from toolkit import __version__
from toolkit.api import arrow, bodies, encode, models, queries, rows
from toolkit.api.computed import Computed
from toolkit.api.schema import CONFIGURE_SCHEMA
from toolkit.api.service import Answer, Service
from toolkit.candles import CandleError
from toolkit.feeds import FeedError
from toolkit.indicators import IndicatorRegistry
from toolkit.loader import KLineDataLoader
from toolkit.pipeline import PipelineError
from toolkit.sources.base import NotStored, SourceError

__all__ = ["configured", "problem", "repeated", "root", "router"]

_ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": models.ErrorResponse, "description": "there are no such candles"},
    409: {"model": models.ErrorResponse, "description": "an enabled indicator cannot use these candles"},
    422: {"model": models.ErrorResponse, "description": "a parameter is not allowed"},
    503: {"model": models.ErrorResponse, "description": "the source cannot be used now"},
}


class RepeatedRoute(APIRoute):
    """Answers a query that was answered before with the same bytes, for as long as they hold.

    Its functions take the request and read the query by themselves: FastAPI has nothing to prepare for them.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def repeated(request: Request) -> Response:
            kept = service_of(request).answer(_name_of(request))
            if kept is not None:
                return _response(kept)
            response: Response = await self.endpoint(request)
            return response

        return repeated


router = APIRouter(prefix="/api")
repeated = APIRouter(prefix="/api", route_class=RepeatedRoute)


def service_of(request: Request) -> Service:
    """The app's service."""
    service: Service = request.app.state.service
    return service


def _name_of(request: Request) -> tuple[str, bytes]:
    """Under which an answer is kept; the route's path is the same behind every proxy."""
    return request.scope["route"].path, request.scope["query_string"]


def _response(answer: Answer) -> Response:
    return Response(answer.body, media_type=answer.media_type)


def problem(error: Exception) -> tuple[int, str] | None:
    """HTTP status and text for an error that the request or the source is to blame for; else None."""
    text = str(error)
    if isinstance(error, NotStored):
        return 404, text
    if isinstance(error, SourceError):
        return 503, text
    if isinstance(error, PipelineError):
        return 409, text
    if isinstance(error, FeedError):
        return 422, text
    # CandleError, ConfigurationError, ParameterError, UnknownIndicatorError
    if isinstance(error, (ValueError, KeyError)) and type(error).__module__.startswith("toolkit."):
        return 422, text
    return None


@contextmanager
def problems() -> Iterator[None]:
    """Errors of the toolkit as answers."""
    try:
        yield
    except Exception as error:
        found = problem(error)
        if found is None:
            raise
        raise HTTPException(*found) from error


_WRITERS = {"json": encode.klines_json, "columns": encode.klines_columns, "arrow": arrow.arrow}


def _nothing(computed: Computed, start: str | None, end: str | None) -> NoReturn:
    report = computed.frame.attrs["report"]
    between = f"[{start or 'the first'}, {end or 'the last'})"
    raise HTTPException(
        404,
        f"{report.symbol} {report.timeframe}: no candle opens in {between};"
        f" there are candles from {encode.iso(report.first)} to {encode.iso(report.last)}",
    )


async def root() -> models.RootResponse:
    """What this is."""
    return models.RootResponse(name="System V4", version=__version__, status="ok")


@router.get("/health", tags=["service"])
async def health(request: Request) -> models.HealthResponse:
    """Whether it runs, and how old the newest loaded candle is. Answers at once, whatever is being loaded."""
    service = service_of(request)
    newest = service.newest
    closed = None if newest is None else newest.attrs["report"].closed
    age = None if newest is None else newest.attrs["report"].age().total_seconds()
    hub = request.app.state.hub
    return models.HealthResponse(
        status="ok",
        version=__version__,
        source=service.source,
        synthetic=None if newest is None else newest.attrs["synthetic"],
        last_closed=None if closed is None else closed.to_pydatetime(),
        data_age_seconds=age,
        connections=hub.connections,
        streams=hub.streams,
        live=None if hub.exchange is None else models.LiveStatus(**hub.exchange.status()),
    )


@router.get("/symbols", tags=["market"])
async def symbols() -> models.SymbolsResponse:
    """The pairs there are."""
    found = KLineDataLoader.get_supported_symbols()
    return models.SymbolsResponse(symbols=found, count=len(found))


@router.get("/timeframes", tags=["market"])
async def timeframes() -> models.TimeframesResponse:
    """The timeframes there are, shortest first."""
    return models.TimeframesResponse(timeframes=KLineDataLoader.get_supported_timeframes())


@router.get("/indicators", tags=["indicators"], response_model=models.IndicatorsResponse)
async def indicators(request: Request) -> Response:
    """Every indicator with its parameters, their defaults and bounds, and which are on."""
    body = {
        "indicators": IndicatorRegistry.list_indicators(),
        "enabled": service_of(request).configuration.get_enabled_indicators(),
    }
    return Response(rows.dumps(body), media_type=encode.JSON)


@repeated.get(
    "/klines",
    tags=["market"],
    response_model=models.KlinesResponse | models.KlinesColumnsResponse,
    responses={
        200: {
            "description": "candles and indicators, as `format` says",
            "content": {arrow.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        **_ERRORS,
    },
    openapi_extra={"parameters": queries.parameters(queries.KlinesQuery)},
)
async def klines(request: Request) -> Response:
    """Candles, with the values of every indicator that is on.

    Indicators are computed on the full history and then cut: a limit never changes a value. Times are
    ISO 8601 in UTC; what is not defined is null.
    """
    service = service_of(request)
    with problems():
        asked = queries.read(request, queries.KlinesQuery)
        computed = await service.series(asked.symbol, asked.timeframe)
        part = encode.part_of(computed, asked.start, asked.end, asked.limit)
        if not part.rows:
            _nothing(computed, asked.start, asked.end)
        make = _WRITERS[asked.format]
        # A few hundred rows take less time than a thread's wake-up; more would make others wait.
        few = part.rows <= queries.LIMIT and asked.format != "arrow"
        body = make(computed, part) if few else await service.in_thread(make, computed, part)
    return _keep(request, computed, body, arrow.MEDIA_TYPE if asked.format == "arrow" else encode.JSON)


@repeated.get(
    "/signals",
    tags=["signals"],
    response_model=models.SignalsResponse | models.SignalsColumnsResponse,
    responses=_ERRORS,
    openapi_extra={"parameters": queries.parameters(queries.SignalsQuery)},
)
async def signals(request: Request) -> Response:
    """The signals of every indicator that is on, oldest first, found on the full history and then cut."""
    service = service_of(request)
    with problems():
        asked = queries.read(request, queries.SignalsQuery)
        computed = await service.series(asked.symbol, asked.timeframe)
        wanted = None if asked.signal_type is None else [_signal_type(asked.signal_type)]
        part = (asked.start, asked.end, asked.limit, wanted)
        body = await service.in_thread(_signals_body, computed, part, asked.format)
    return _keep(request, computed, body, encode.JSON)


def _signals_body(computed: Computed, asked: tuple[Any, ...], format: str) -> bytes:
    found = encode.signals_of(computed, *asked)
    write = encode.signal_rows if format == "json" else encode.signal_columns
    attrs = computed.frame.attrs
    return rows.dumps(
        {
            "symbol": attrs["symbol"],
            "timeframe": attrs["timeframe"],
            "signals": {label: write(one) for label, one in found.items()},
            "meta": encode.meta_json(computed),
        }
    )


def _signal_type(signal_type: str) -> str:
    """A type of signal that some registered indicator gives, as it is written there."""
    known = dict.fromkeys(
        rule.signal_type
        for name in IndicatorRegistry.names()
        for rule in IndicatorRegistry.get_class(name).rules
    )
    wanted = signal_type.strip().upper()
    if wanted not in known:
        raise CandleError(f"signal_type: {signal_type!r} is not known; allowed are {', '.join(known)}")
    return wanted


def _keep(request: Request, computed: Computed, body: bytes, media_type: str) -> Response:
    assert computed.key is not None  # it comes from the service
    answer = Answer(body, media_type, computed.key, computed.number)
    service_of(request).keep(_name_of(request), answer)
    return _response(answer)


@router.post(
    "/indicators/configure",
    tags=["indicators"],
    response_model=models.ConfigureResponse,
    responses={
        400: {"model": models.ErrorResponse, "description": "the body is no JSON"},
        422: {"model": models.ErrorResponse, "description": "a change is not allowed; none was made"},
        503: {"model": models.ErrorResponse, "description": "they cannot be kept; none was made"},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                encode.JSON: {"schema": {"$ref": f"#/components/schemas/{CONFIGURE_SCHEMA}"}},
            },
        }
    },
)
async def configure(request: Request) -> Response:
    """Switch indicators on or off and change their parameters: all changes or none.

    In effect at once, for every request and every open stream; kept over a restart where the service has a
    configuration file. Parameters that are not named stay as they are.
    """
    try:
        changes = bodies.parse(await request.body())
    except bodies.BadJSON as error:
        raise HTTPException(400, f"the body {error}") from error
    with problems():
        answer = await configured(service_of(request), changes)
    return Response(rows.dumps(answer), media_type=encode.JSON)


async def configured(service: Service, changes: Any) -> dict[str, Any]:
    """Make the changes, over REST and WebSocket alike; the answer.

    Raises:
        ConfigurationError, UnknownIndicatorError, ParameterError: one is not allowed, and none was made.
        SourceError: they cannot be kept.
    """
    try:
        current = await service.configure(changes)
    except OSError as error:
        raise SourceError(
            "configuration: cannot be kept in the service's file"
            f" ({error.strerror or 'it cannot be written'}); nothing was changed"
        ) from error
    count = len(changes)
    return {
        "status": "ok",
        "message": f"{count} {'indicator' if count == 1 else 'indicators'} configured",
        "current_config": current,
    }
