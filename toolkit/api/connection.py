"""One WebSocket: a bounded queue of messages, and who writes them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from toolkit.api.streams import Stream

__all__ = ["CLOSE_NOW", "Connection"]

CLOSE_NOW = "toolkit.close_now"
"""ASGI extension of :mod:`toolkit.api.server`: `close(code, reason)`, past a client that reads nothing."""

_CLOSE_SECONDS = 2.0


class Connection:
    """Messages for one client, numbered from 1 and sent in this order by one task.

    What is offered waits in a queue of a bounded length; of a candle that still forms only the newest state
    waits. A client that does not keep up is dropped (1013) when it is full: whoever offers never waits for
    anybody.
    """

    def __init__(self, socket: WebSocket, queue: int) -> None:
        self.streams: dict[str, Stream] = {}
        """What it follows, by name."""
        self.closed = False
        self._socket = socket
        self._limit = queue
        self._queue: deque[list[str]] = deque()
        self._forming: dict[str, list[str]] = {}
        """By stream, the message in the queue that a newer state of its candle takes the place of."""
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._number = 0
        self._reader = asyncio.current_task()
        self._dropping: asyncio.Task[None] | None = None

    def offer(self, body: str, stream: str = "", forming: bool = False) -> None:
        """Take a message (JSON without its opening brace) without waiting."""
        if self.closed:
            return
        waiting = self._forming.pop(stream, None)
        if forming and waiting:
            waiting[0] = body
            self._forming[stream] = waiting
            return
        if len(self._queue) >= self._limit:
            self.end()
            reason = f"too slow: {self._limit} messages were waiting"
            self._dropping = asyncio.ensure_future(self._close(1013, reason))
            return
        entry = [body]
        self._queue.append(entry)
        if forming:
            self._forming[stream] = entry
        self._filled.set()

    async def room(self) -> None:
        """Wait until half of the queue is free, or the connection ends."""
        while not (self._has_room() or self.closed):
            self._emptied.clear()
            await self._emptied.wait()

    def _has_room(self) -> bool:
        return len(self._queue) <= self._limit // 2

    async def write(self) -> None:
        """Send what is offered until the connection ends."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it went in the middle of a message
            while not self.closed:
                while self._queue:
                    self._number += 1
                    body = self._queue.popleft().pop()  # what is empty is on its way, and not to be changed
                    await self._socket.send_text(f'{{"number":{self._number},{body}')
                    if self._has_room():
                        self._emptied.set()
                self._filled.clear()
                await self._filled.wait()

    async def close(self, code: int, reason: str) -> None:
        """Send nothing more, and close. Returns soon, even where the client reads nothing."""
        if not self.closed:
            self.end()
            await self._close(code, reason)

    def end(self) -> None:
        """Take and send nothing more."""
        self.closed = True
        self._queue.clear()
        self._forming.clear()
        self._filled.set()
        self._emptied.set()

    async def drained(self) -> None:
        """Wait until what was offered so far is sent, for a moment at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                while self._queue and not self.closed:
                    await asyncio.sleep(0.01)

    async def _close(self, code: int, reason: str) -> None:
        at_once = self._socket.scope.get("extensions", {}).get(CLOSE_NOW)
        if at_once is not None:
            at_once(code, reason)
            return
        # Under another server: its `close` waits until the client has read what was written before.
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._socket.close(code, reason)
        except TimeoutError:
            if self._reader is not None and self._reader is not asyncio.current_task():
                self._reader.cancel()
        except (WebSocketDisconnect, RuntimeError):  # closed already
            pass
