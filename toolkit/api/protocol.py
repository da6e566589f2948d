"""What a connection may take before the app sees anything of it, and how long it may take nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

__all__ = ["HEAD_BYTES", "HEAD_SECONDS", "STALL_SECONDS", "HttpProtocol", "Stalls"]

HEAD_BYTES = 32_768
"""Most bytes of a request line and headers."""

HEAD_SECONDS = 10.0
"""Time for them to arrive, from the connection's first moment or the request's first byte."""

STALL_SECONDS = 20.0
"""A client that takes nothing of what waits for it is dropped after that. Only closing would wait for it."""


class Stalls:
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


class HttpProtocol(Stalls, HttpToolsProtocol):
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
