"""The one WebSocket to the exchange: connected for as long as somebody wants a stream, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random as randomness
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from toolkit.feeds.exchange.rest import certificate
from toolkit.feeds.exchange.venue import Venue

__all__ = ["Upstream"]

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
_APART = 1.0
"""Seconds between two attempts at least: the exchange takes 300 in five minutes."""
_IN_ADDRESS = 100
"""Streams that are named in the address; further ones are subscribed to over the connection."""
_IN_MESSAGE = 200
_SILENCE, _LONGEST_SILENCE = 60.0, 960.0
"""Seconds without a frame after which the connection is made anew; longer each time, for a pair that is
hardly traded is silent as well."""
_BUSY = 100
"""Frames of one connection after which silence is unusual again."""
_PING = 20.0


class Upstream:
    """Calls `take` with every frame, and `connected` after each connection was made.

    Args:
        venue: where to.
        wanted: the streams that are wanted now.
        take: gets each frame; True where it brought a candle.
        connected: called when a connection is there; what came before it has been missed.
        shut_down: whether the frame taken last said that the exchange is about to end the connection.
        random: for the jitter of waits.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        wanted: Callable[[], list[str]],
        take: Callable[[str | bytes], bool],
        connected: Callable[[], None],
        noticed: Callable[[str, str], None],
        random: randomness.Random,
    ) -> None:
        self.state = "off"
        """`off`, `connecting`, `connected` or `waiting` (for the next attempt)."""
        self.error = ""
        """Why there is no connection."""
        self.connections = 0
        """How often one was made."""
        self.failures = 0
        """Attempts since the last frame."""
        self.next_attempt: float | None = None
        """When, by the loop's clock, while waiting."""
        self.last_frame: float | None = None
        """When the last frame came, by the loop's clock."""
        self._venue = venue
        self._wanted = wanted
        self._take = take
        self._connected = connected
        self._noticed = noticed
        self._random = random
        self._socket: ClientConnection | None = None
        self._subscribed: set[str] = set()
        self._changed = asyncio.Event()
        self._silence = _SILENCE
        self._ids = 0
        self._leaving = False
        self._told = ""

    def change(self) -> None:
        """Other streams are wanted than before."""
        self._changed.set()

    def leave(self) -> None:
        """The exchange is about to end this connection: make another one."""
        self._leaving = True
        if self._socket is not None:
            self._socket.transport.abort()

    async def run(self) -> None:
        """Connect again and again, until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self.state, self.next_attempt = "connecting", None
                begun = loop.time()
                await self._once()
                told, self._leaving = self._leaving, False
                self.failures += 1
                longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(self.failures - 1, 10))
                # Many who were cut off together do not come back together.
                wait = 0.0 if told else longest * self._random.uniform(0.5, 1.0)
                self.next_attempt = max(loop.time() + wait, begun + _APART)
                self.state = "waiting"
                await asyncio.sleep(self.next_attempt - loop.time())
        finally:
            self.state = "off"

    async def _once(self) -> None:
        """One connection, to its end; `error` says why it ended."""
        wanted = self._wanted()
        named = wanted[:_IN_ADDRESS]
        address = f"{self._venue.stream}/stream?streams={'/'.join(named)}"
        try:
            async with connect(
                address,
                open_timeout=10,
                close_timeout=1,
                ping_interval=_PING,
                ping_timeout=_PING,
                max_size=2**20,
                compression=None,
                # A proxy of the system has no way to this machine's own addresses.
                proxy=None if self._venue.local() else True,
                user_agent_header=None,
            ) as socket:
                self._socket, self._subscribed = socket, set(named)
                self.connections += 1
                self.state, self.error, self._told = "connected", "", ""
                self.last_frame = asyncio.get_running_loop().time()
                self._changed.set()
                self._connected()
                helpers = [
                    asyncio.ensure_future(self._subscribe(socket)),
                    asyncio.ensure_future(self._watch()),
                ]
                try:
                    await self._read(socket)
                finally:
                    for helper in helpers:
                        helper.cancel()
                    await asyncio.gather(*helpers, return_exceptions=True)
            self._ended("the exchange closed the connection")
        except ConnectionClosed as error:
            self._ended(f"the connection broke ({error})")
        except InvalidStatus as error:
            self._ended(f"the exchange refused the connection (HTTP {error.response.status_code})")
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            refused = certificate(error)
            self._ended(refused or f"cannot be reached ({error or type(error).__name__})")
        finally:
            self._socket = None

    async def _read(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        frames = 0
        async for text in socket:
            self.last_frame = loop.time()
            if self._take(text):
                self.failures = 0
                frames += 1
                if frames == _BUSY:
                    self._silence = _SILENCE

    def _ended(self, why: str) -> None:
        self.error = f"{self._venue.stream}: {why}"
        if not self._leaving and self.error != self._told:  # each attempt would say the same
            self._told = self.error
            self._noticed("connection", self.error)

    async def _watch(self) -> None:
        """End the connection where nothing comes any more."""
        loop = asyncio.get_running_loop()
        while True:
            last = self.last_frame
            assert last is not None
            await asyncio.sleep(max(0.0, last + self._silence - loop.time()))
            if self.last_frame == last:
                self._noticed("silence", f"nothing came for {self._silence:.0f} s; connecting anew")
                self._silence = min(self._silence * 2, _LONGEST_SILENCE)
                self.leave()
                return

    async def _subscribe(self, socket: ClientConnection) -> None:
        """Subscribe to what is wanted and not had, and the other way round, in few messages."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._changed.wait()
                self._changed.clear()
                wanted = set(self._wanted())
                for method, names in (
                    ("SUBSCRIBE", sorted(wanted - self._subscribed)),
                    ("UNSUBSCRIBE", sorted(self._subscribed - wanted)),
                ):
                    for at in range(0, len(names), _IN_MESSAGE):
                        self._ids += 1
                        asked: dict[str, Any] = {"method": method, "params": names[at : at + _IN_MESSAGE]}
                        await socket.send(json.dumps(asked | {"id": self._ids}))
                        await asyncio.sleep(1.0 / self._venue.messages)
                self._subscribed = wanted
