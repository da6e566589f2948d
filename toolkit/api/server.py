"""The app in uvicorn: what a connection may take before the app sees anything of it, and how it all ends."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["config", "listen", "listen_unix", "serve"]

HEAD_BYTES = 32_768
"""Most bytes of a request line and headers."""

HEAD_SECONDS = 10.0
"""Time for them to arrive, from the connection's first moment or the request's first byte."""

MESSAGE_BYTES = 65_536
"""Most bytes of one WebSocket message; a larger one ends the connection with 1009."""

STALL_SECONDS = 20.0
"""A client that takes nothing of what waits for it is dropped after that. Only closing would wait for it."""

IDLE_SECONDS = 30
"""How long a connection without a request is kept."""

PING_SECONDS = 20.0
"""WebSocket pings go out that often, and a client that does not answer for that long is dropped."""

STOP_SECONDS = 5
"""How long requests that are being answered may go on after the service was asked to end."""


def config(app: ASGIApp, *, root_path: str = "") -> uvicorn.Config:
    """uvicorn's configuration for the service.

    Forwarded headers are not believed: everything the guard looks at is what was really sent. No message is
    compressed: it would take each client some 60 kB of memory, and time of the one loop.
    """
    return uvicorn.Config(
        app,
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        root_path=root_path,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def serve(app: ASGIApp, sockets: list[socket.socket], *, root_path: str = "") -> None:
    """Serve an app on sockets that listen, until SIGTERM or Ctrl-C.

    WebSockets are then closed with 1012, requests that are being answered get five seconds, and the app's
    lifespan ends.
    """
    uvicorn.Server(config(app, root_path=root_path)).run(sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on a host's addresses, before anything slow is done.

    Args:
        host: name or address; `localhost` can be two addresses.
        port: 1 to 65535, or 0 for one that is free.

    Raises:
        OSError: it is in use, or no address of this machine; the message says which.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(f"host: there is no address for {host!r} ({error.strerror})") from error
    sockets: list[socket.socket] = []
    try:
        for family, kind, number, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, number)
            sockets.append(listener)
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if port and _answers(family, address):
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            # The same port on every address.
            listener.bind((address[0], sockets[0].getsockname()[1], *address[2:]))
            listener.listen(2048)
            listener.setblocking(False)
    except OSError:
        for listener in sockets:
            listener.close()
        raise
    return sockets


def _answers(family: int, address: tuple[Any, ...]) -> bool:
    """Whether something listens there. Some systems let a second one listen too."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(address) == 0


def listen_unix(path: Path) -> list[socket.socket]:
    """A socket in the file system, for a proxy of the same user.

    Raises:
        OSError: something that is no socket is there, or the folder cannot be written.
    """
    if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(f"uds: {str(path)!r} is there already, and no socket")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(2048)
    listener.setblocking(False)
    return [listener]


class _Stall:
    """Drops a connection whose other end does not read."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._stalled = self.loop.call_later(STALL_SECONDS, self._drop)

    def resume_writing(self) -> None:
        self._goes_on()
        super().resume_writing()  # type: ignore[misc]

    def connection_lost(self, exc: Exception | None) -> None:
        self._goes_on()
        super().connection_lost(exc)  # type: ignore[misc]

    def _goes_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _drop(self) -> None:
        self._stalled = None
        self.transport.abort()


class SocketProtocol(_Stall, WebSocketsSansIOProtocol):
    """uvicorn's protocol for WebSockets, which drops a client that takes nothing."""


class HttpProtocol(_Stall, HttpToolsProtocol):
    """uvicorn's protocol for HTTP, with bounds on size and time of what comes before the body.

    The parser takes headers without end, and a connection that never finishes its first request would be kept
    for ever.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head = 0
        self._reading_head = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._reading_head:
            self._head += len(data)
            if self._deadline is None:  # a further request on the same connection
                self._await_head()
        super().data_received(data)
        # What came after the head was counted along: only a head that is still not there can be too large.
        if self._reading_head and self._head > HEAD_BYTES and not self.transport.is_closing():
            self._end(431, f"headers: more than {HEAD_BYTES} bytes, which is the limit")

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._head = 0
        self._reading_head = True

    def send_400_response(self, msg: str) -> None:
        self._end(400, msg)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _head_is_there(self) -> None:
        self._reading_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            if self._head:
                self._end(408, f"headers: not there after {HEAD_SECONDS:g} seconds")
            else:
                self.transport.close()

    def _end(self, status: int, detail: str) -> None:
        body = orjson.dumps({"detail": detail})
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.close()
