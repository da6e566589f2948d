"""Serving the app with uvicorn, so that sockets are closed cleanly and a stalled reader is let go.

What goes beyond uvicorn's own protocol: a connection can be closed although its client reads nothing, a text
frame that is no UTF-8 gets an error message, and when the server ends clients are told so (1001).
"""

from __future__ import annotations

import contextlib
import gc
import socket as sockets
import sys
import warnings
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request

from toolkit.api.connection import CLOSE_NOW
from toolkit.api.protocol import HttpProtocol, Stalls
from toolkit.loader import SyntheticDataWarning

__all__ = ["MESSAGE_BYTES", "PING_SECONDS", "Server", "WebSocketProtocol", "configuration", "run"]

PING_SECONDS = 20.0
"""The server pings every so often, and lets go who does not answer for as long: half-open connections end."""

MESSAGE_BYTES = 2**20
"""A larger message ends the connection (1009); one above the service's own, lower limit gets an error."""

_LINGER_SECONDS = 5.0
"""How long a client that is let go may take to read why."""


class WebSocketProtocol(Stalls, WebSocketsSansIOProtocol):
    """uvicorn's protocol with `close_now`."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # the handshake was accepted; the app runs a turn of the loop later
            extensions: dict[str, Any] = cast(dict[str, Any], self.scope["extensions"])
            extensions[CLOSE_NOW] = self.close_now

    def close_now(self, code: int, reason: str) -> None:
        """Close without waiting: the close frame goes behind what is written, and after a while nothing more
        is waited for."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        try:
            self.conn.send_close(code, reason[:120])
        except InvalidState:
            self.transport.abort()
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # Also keeps `run_asgi` from closing the transport when the app returns.
        self.close_timer = self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # Who does not answer does not read either: closing alone would wait for that.
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                # As bytes the app refuses it with an error message, and the connection stays.
                self.curr_msg_data_type = "bytes"
        super().send_receive_event_to_app()


class Server(uvicorn.Server):
    """uvicorn's server; before it ends, clients are told (1001)."""

    async def shutdown(self, sockets: list[sockets.socket] | None = None) -> None:
        """See uvicorn; closes the app's WebSockets first."""
        hub = getattr(getattr(self.config.app, "state", None), "hub", None)
        for server in self.servers:
            server.close()
        if hub is not None:
            await hub.close()
        await super().shutdown(sockets)
        # It was asked to end, and has: raised again, as uvicorn does, a SIGTERM would kill the process.
        self._captured_signals.clear()


def run(app: FastAPI, listening: list[sockets.socket] | None = None, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT, on sockets that listen already or on host and port.

    `options` as for `configuration`.
    """
    # Every answer says whether its candles are synthetic, and the service logs it once for each series; the
    # loader's warning would come again whenever it is asked whether there is something newer.
    warnings.filterwarnings("ignore", category=SyntheticDataWarning)
    # Threads that load and compute hand over to the event loop sooner than Python's usual 5 ms.
    sys.setswitchinterval(0.001)
    # What is imported stays: looked through for cycles it would hold all clients up for a fifth of a second.
    gc.collect()
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once all is closed
        Server(configuration(app, **options)).run(listening)


def configuration(app: FastAPI, **options: Any) -> uvicorn.Config:
    """How uvicorn serves the app; `options` (host, port, uds, fd, root_path, log_level …) go before.

    Forwarded headers are not believed: nothing here needs a client's address, and everybody on a machine can
    send them.
    """
    chosen: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 8000,
        "http": HttpProtocol,
        "ws": WebSocketProtocol,
        "ws_max_size": MESSAGE_BYTES,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
        # Messages are small and many: compressing each for each client costs more than it saves.
        "ws_per_message_deflate": False,
        "timeout_graceful_shutdown": 10,
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
    }
    return uvicorn.Config(app, **(chosen | options))
