"""Who may call the service, and how much may be sent: one layer in front of HTTP and WebSocket alike.

A service on one's own machine is within reach of every page that one's browser opens. So a request must name
this service as its host (else a foreign name could be pointed here), must come from a page of the service
itself or of an origin that was named, must carry the token where there is one, and must be of a bounded size.
What is refused gets `{"detail": ...}` with a status of 4xx; so does a WebSocket, before it is accepted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from toolkit.api.policy import PORTS, Limits, Policy, split_host, split_origin

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PUBLIC", "SUBPROTOCOL", "TOKEN_SUBPROTOCOL", "Guard", "install"]

SUBPROTOCOL = "toolkit"
TOKEN_SUBPROTOCOL = "toolkit.token."
"""A browser can give a WebSocket no header, but it can offer subprotocols, which unlike an address end up in
no log or history: `new WebSocket(url, ["toolkit", "toolkit.token." + token])`. `toolkit` is then chosen."""

PUBLIC = ("/docs", "/redoc", "/openapi.json")
"""Paths that need no token, nor what lies below them: a browser sends none with a page. They hold no data."""


def install(
    app: FastAPI,
    *,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    token: str | None = None,
    request_limits: Limits | None = None,
) -> None:
    """Put the guard in front of an app. Called last, so that it stands before every other middleware.

    Args:
        app: the app.
        hosts, origins, token, request_limits: see :class:`~toolkit.api.policy.Policy`.

    Raises:
        GuardError: one of them cannot be.
    """
    policy = Policy(hosts, origins, token, request_limits or Limits())
    app.add_middleware(Guard, policy=policy)
    if policy.token is not None:
        _document_token(app)


class Guard:
    """ASGI middleware that holds a :class:`Policy`."""

    def __init__(self, app: ASGIApp, policy: Policy) -> None:
        self.app = app
        self.policy = policy
        self.limits = policy.limits
        self.hosts = frozenset(policy.hosts)
        self.origins = frozenset(policy.origins)
        self.token = policy.token.encode() if policy.token is not None else None
        self.requests = 0
        self.sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _Request(scope)
        extra = self._response_headers(request)
        refusal = self._refusal(request)
        if refusal is None and scope["method"] == "OPTIONS" and request.preflight:
            # A preflight carries no token: it asks whether one may be sent.
            await _answer(send, 204, None, extra + _PREFLIGHT)
            return
        refusal = refusal or self._without_token(request)
        if refusal is None and self.requests >= self.limits.requests:
            refusal = _Refusal(429, f"{self.requests} requests are being answered; try again", _RETRY)
        if refusal is not None:
            await self._refuse(request, refusal, extra, receive, send)
            return
        self.requests += 1
        try:
            if request.has_body:
                body = await self._body(request, receive)
                if isinstance(body, _Refusal):
                    await self._refuse(request, body, extra, receive, send)
                    return
                if body is None:
                    return  # whoever sent it has gone
                receive = _replay(body, receive)

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message.get("headers", ()), *extra]
                await send(message)

            await self.app(scope, receive, send_with_headers)
        finally:
            self.requests -= 1

    async def _refuse(
        self,
        request: _Request,
        refusal: _Refusal,
        extra: list[tuple[bytes, bytes]],
        receive: Receive,
        send: Send,
    ) -> None:
        # Answered while the caller still writes, and then closed, the answer can be lost on its way: a proxy,
        # for one, then says that the connection broke.
        if request.has_body and refusal.status != 408:
            await _read_away(receive)
        await _answer(send, refusal.status, refusal.detail, extra + refusal.headers)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _Request(scope)
        refusal = self._refusal(request) or self._without_token(request)
        if refusal is None and self.sockets >= self.limits.sockets:
            refusal = _Refusal(429, f"{self.sockets} WebSockets are open, as many as may be", _RETRY)
        if refusal is not None:
            await _deny(scope, receive, send, refusal)
            return

        async def send_with_subprotocol(message: Message) -> None:
            # A browser that offered subprotocols and is given none drops the connection.
            if message["type"] == "websocket.accept" and SUBPROTOCOL in scope.get("subprotocols", ()):
                message.setdefault("subprotocol", None)
                message["subprotocol"] = message["subprotocol"] or SUBPROTOCOL
            await send(message)

        self.sockets += 1
        try:
            await self.app(scope, receive, send_with_subprotocol)
        finally:
            self.sockets -= 1

    def _refusal(self, request: _Request) -> _Refusal | None:
        """What holds for whoever calls: sizes, host and origin."""
        limits = self.limits
        if request.header_bytes > limits.headers or request.header_count > limits.header_count:
            return _Refusal(
                431,
                f"headers: {request.header_count} of {request.header_bytes} bytes;"
                f" allowed are {limits.header_count} of {limits.headers}",
            )
        if len(request.query) > limits.query:
            return _Refusal(414, f"query: {len(request.query)} bytes; allowed are {limits.query}")
        if len(request.hosts) != 1:
            return _Refusal(400, f"Host: {len(request.hosts)} such headers; one is needed")
        host = split_host(request.hosts[0])
        if host is None:
            return _Refusal(400, f"Host: {_shown(request.hosts[0])} is not a name or address with a port")
        if host[0] not in self.hosts and "*" not in self.hosts and host[0] != request.own_address:
            return _Refusal(
                403,
                f"Host: {_shown(request.hosts[0])} is not a name of this service;"
                " localhost is, and whichever were named when it was started",
            )
        if len(request.origins) > 1:
            return _Refusal(400, "Origin: more than one such header")
        if request.origins and not self._may_call(request.origins[0], host):
            return _Refusal(
                403,
                f"Origin: {_shown(request.origins[0])} is not an origin that may call this service;"
                " its own is, and whichever were named when it was started",
            )
        return None

    def _may_call(self, origin: str, host: tuple[str, int | None]) -> bool:
        if origin in self.origins:
            return True
        try:
            scheme, name, port = split_origin(origin)
        except ValueError:
            return False
        default = PORTS[scheme]
        return name == host[0] and (port or default) == (host[1] or default)

    def _without_token(self, request: _Request) -> _Refusal | None:
        if self.token is None or request.is_public:
            return None
        shown = request.token()
        if shown is None:
            way = (
                f"subprotocols {SUBPROTOCOL!r} and '{TOKEN_SUBPROTOCOL}…'"
                if request.is_websocket
                else "header 'Authorization: Bearer …'"
            )
            return _Refusal(401, f"a token is needed: {way}", _BEARER)
        # Both are bytes, and how long this takes says nothing of where they differ.
        if not hmac.compare_digest(shown, self.token):
            return _Refusal(401, "the token is not the right one", _BEARER)
        return None

    async def _body(self, request: _Request, receive: Receive) -> bytes | _Refusal | None:
        """The whole body, a refusal of it, or None when the connection ended before it was there."""
        limit = self.limits.body
        too_large = _Refusal(413, f"body: more than {limit} bytes, which is the limit", _CLOSE)
        if request.content_length > limit:
            return too_large
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    part = message.get("body", b"")
                    size += len(part)
                    if size > limit:
                        return too_large
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            seconds = self.limits.body_seconds
            return _Refusal(408, f"body: not there after {seconds:g} seconds", _CLOSE)

    def _response_headers(self, request: _Request) -> list[tuple[bytes, bytes]]:
        """Headers that every response gets: for pages of named origins, those that let them read it."""
        headers = [*_PROTECTION]
        if self.origins:
            headers.append((b"vary", b"Origin"))
            if len(request.origins) == 1 and request.origins[0] in self.origins:
                headers.append((b"access-control-allow-origin", request.origins[0].encode()))
        return headers


@dataclass(frozen=True)
class _Refusal:
    status: int
    detail: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class _Request:
    """What the guard looks at, read off the headers in one pass."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.is_websocket = scope["type"] == "websocket"
        self.query: bytes = scope.get("query_string", b"")
        self.hosts: list[str] = []
        self.origins: list[str] = []
        self.authorization = b""
        self.content_length = 0
        self.has_body = False
        self.preflight = False
        size = 0
        headers = scope["headers"]
        for name, value in headers:
            size += len(name) + len(value)
            if name == b"host":
                self.hosts.append(value.decode("latin-1"))
            elif name == b"origin":
                self.origins.append(value.decode("latin-1"))
            elif name == b"authorization":
                self.authorization = value
            elif name == b"content-length":
                # The server has checked that it is a number; other servers may not have.
                self.content_length = int(value) if value.isdigit() and len(value) < 20 else 2**63
                self.has_body = True
            elif name == b"transfer-encoding":
                self.has_body = True
            elif name == b"access-control-request-method":
                self.preflight = True
        self.header_bytes = size
        self.header_count = len(headers)

    @property
    def own_address(self) -> str | None:
        """The address that was connected to. Where a foreign name leads here, a browser sends that name."""
        server = self.scope.get("server")
        return server[0] if server and server[1] is not None else None

    @property
    def is_public(self) -> bool:
        path = self.scope["path"].removeprefix(self.scope.get("root_path", "").rstrip("/"))
        return any(path == public or path.startswith(f"{public}/") for public in PUBLIC)

    def token(self) -> bytes | None:
        kind, _, value = self.authorization.partition(b" ")
        if kind.lower() == b"bearer" and value.strip():
            return bytes(value.strip())
        for offered in self.scope.get("subprotocols", ()):
            if offered.startswith(TOKEN_SUBPROTOCOL):
                return str(offered.removeprefix(TOKEN_SUBPROTOCOL)).encode()
        return None


def _document_token(app: FastAPI) -> None:
    """Say in the OpenAPI document how the token is given."""
    written = app.openapi

    def openapi() -> dict[str, Any]:
        document = written()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["token"] = {"type": "http", "scheme": "bearer"}
        document["security"] = [{"token": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


_MOST_READ_AWAY = 16 * 2**20
_SECONDS_TO_READ_AWAY = 2.0
_BEARER = [(b"www-authenticate", b"Bearer")]
_CLOSE = [(b"connection", b"close")]
_RETRY = [(b"retry-after", b"1")]
_PROTECTION = [
    (b"x-content-type-options", b"nosniff"),
    (
        b"cross-origin-resource-policy",
        b"same-origin",
    ),  # not to be read as a script or picture of another page
]
_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"Authorization, Content-Type"),
    (b"access-control-max-age", b"600"),
]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


def _replay(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives a body that was already read, then what comes after it."""
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


async def _read_away(receive: Receive) -> None:
    """Take what is left of a body, as far as it is of a bearable size and comes soon."""
    left = _MOST_READ_AWAY
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS_TO_READ_AWAY):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])


async def _answer(send: Send, status: int, detail: str | None, headers: list[tuple[bytes, bytes]]) -> None:
    body = b"" if detail is None else orjson.dumps({"detail": detail})
    if body:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _deny(scope: Scope, receive: Receive, send: Send, refusal: _Refusal) -> None:
    """Refuse a WebSocket that was not accepted yet."""
    await receive()  # websocket.connect
    if "websocket.http.response" in scope.get("extensions", {}):
        body = orjson.dumps({"detail": refusal.detail})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *refusal.headers,
        ]
        start = {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        # At most 123 bytes fit into a close frame.
        reason = refusal.detail.encode()[:120].decode(errors="ignore")
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
