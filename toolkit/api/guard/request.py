"""What a request says of itself, read off its headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

__all__ = ["PUBLIC", "SUBPROTOCOL", "TOKEN_SUBPROTOCOL", "Request"]

SUBPROTOCOL = "toolkit"
TOKEN_SUBPROTOCOL = "toolkit.token."
"""A browser can give a WebSocket no header, but it can offer subprotocols, which unlike an address end up in
no log or history: `new WebSocket(url, ["toolkit", "toolkit.token." + token])`. `toolkit` is then chosen."""

PUBLIC = ("/docs", "/redoc", "/openapi.json")
"""Paths that need no token, nor what lies below them: a browser sends none with a page. They hold no data."""


class Request:
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
