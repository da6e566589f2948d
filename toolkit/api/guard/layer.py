"""The ASGI middleware that holds a policy."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

from toolkit.api.guard.policy import PORTS, Policy, split_host, split_origin
from toolkit.api.guard.refusal import Refusal, answer, deny, read_away, replay
from toolkit.api.guard.request import SUBPROTOCOL, TOKEN_SUBPROTOCOL, Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

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
        request = Request(scope)
        extra = self._response_headers(request)
        refusal = self._refusal(request)
        if refusal is None and scope["method"] == "OPTIONS" and request.preflight:
            # A preflight carries no token: it asks whether one may be sent.
            await answer(send, 204, None, extra + _PREFLIGHT)
            return
        refusal = refusal or self._without_token(request)
        if refusal is None and self.requests >= self.limits.requests:
            refusal = Refusal(429, f"{self.requests} requests are being answered; try again", _RETRY)
        if refusal is not None:
            await self._refuse(request, refusal, extra, receive, send)
            return
        self.requests += 1
        try:
            if request.has_body:
                body = await self._body(request, receive)
                if isinstance(body, Refusal):
                    await self._refuse(request, body, extra, receive, send)
                    return
                if body is None:
                    return  # whoever sent it has gone
                receive = replay(body, receive)

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message.get("headers", ()), *extra]
                await send(message)

            await self.app(scope, receive, send_with_headers)
        finally:
            self.requests -= 1

    async def _refuse(
        self,
        request: Request,
        refusal: Refusal,
        extra: list[tuple[bytes, bytes]],
        receive: Receive,
        send: Send,
    ) -> None:
        # Answered while the caller still writes, and then closed, the answer can be lost on its way: a proxy,
        # for one, then says that the connection broke.
        if request.has_body and refusal.status != 408:
            await read_away(receive)
        await answer(send, refusal.status, refusal.detail, extra + refusal.headers)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        refusal = self._refusal(request) or self._without_token(request)
        if refusal is None and self.sockets >= self.limits.sockets:
            refusal = Refusal(429, f"{self.sockets} WebSockets are open, as many as may be", _RETRY)
        if refusal is not None:
            await deny(scope, receive, send, refusal)
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

    def _refusal(self, request: Request) -> Refusal | None:
        """What holds for whoever calls: sizes, host and origin."""
        limits = self.limits
        if request.header_bytes > limits.headers or request.header_count > limits.header_count:
            return Refusal(
                431,
                f"headers: {request.header_count} of {request.header_bytes} bytes;"
                f" allowed are {limits.header_count} of {limits.headers}",
            )
        if len(request.query) > limits.query:
            return Refusal(414, f"query: {len(request.query)} bytes; allowed are {limits.query}")
        if len(request.hosts) != 1:
            return Refusal(400, f"Host: {len(request.hosts)} such headers; one is needed")
        host = split_host(request.hosts[0])
        if host is None:
            return Refusal(400, f"Host: {_shown(request.hosts[0])} is not a name or address with a port")
        if host[0] not in self.hosts and "*" not in self.hosts and host[0] != request.own_address:
            return Refusal(
                403,
                f"Host: {_shown(request.hosts[0])} is not a name of this service;"
                " localhost is, and whichever were named when it was started",
            )
        if len(request.origins) > 1:
            return Refusal(400, "Origin: more than one such header")
        if request.origins and not self._may_call(request.origins[0], host):
            return Refusal(
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

    def _without_token(self, request: Request) -> Refusal | None:
        if self.token is None or request.is_public:
            return None
        shown = request.token()
        if shown is None:
            way = (
                f"subprotocols {SUBPROTOCOL!r} and '{TOKEN_SUBPROTOCOL}…'"
                if request.is_websocket
                else "header 'Authorization: Bearer …'"
            )
            return Refusal(401, f"a token is needed: {way}", _BEARER)
        # Both are bytes, and how long this takes says nothing of where they differ.
        if not hmac.compare_digest(shown, self.token):
            return Refusal(401, "the token is not the right one", _BEARER)
        return None

    async def _body(self, request: Request, receive: Receive) -> bytes | Refusal | None:
        """The whole body, a refusal of it, or None when the connection ended before it was there."""
        limit = self.limits.body
        too_large = Refusal(413, f"body: more than {limit} bytes, which is the limit", _CLOSE)
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
            return Refusal(408, f"body: not there after {seconds:g} seconds", _CLOSE)

    def _response_headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        """Headers that every response gets: for pages of named origins, those that let them read it."""
        headers = [*_PROTECTION]
        if self.origins:
            headers.append((b"vary", b"Origin"))
            if len(request.origins) == 1 and request.origins[0] in self.origins:
                headers.append((b"access-control-allow-origin", request.origins[0].encode()))
        return headers


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
