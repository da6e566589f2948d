"""How a request is refused, and a body taken that is not let through."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

__all__ = ["Refusal", "answer", "deny", "read_away", "replay"]

_MOST_READ_AWAY = 16 * 2**20
_SECONDS_TO_READ_AWAY = 2.0


@dataclass(frozen=True)
class Refusal:
    status: int
    detail: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def replay(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives a body that was already read, then what comes after it."""
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


async def read_away(receive: Receive) -> None:
    """Take what is left of a body, as far as it is of a bearable size and comes soon."""
    left = _MOST_READ_AWAY
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS_TO_READ_AWAY):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])


async def answer(send: Send, status: int, detail: str | None, headers: list[tuple[bytes, bytes]]) -> None:
    body = b"" if detail is None else orjson.dumps({"detail": detail})
    if body:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def deny(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
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
