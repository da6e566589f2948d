"""The WebSocket route `/ws/chart`: reads a client's messages and answers them.

``/ws/chart?symbol=BTCUSDT&timeframe=1h`` follows a series as it is stored or as its feed brings it; with
``&replay=5`` stored candles are played at five a second instead (``start=``, ``end=``: which ones;
``forming=true``: they also form, where candles of a smaller timeframe tell how).
``limit=`` is how many candles a snapshot has (0 to 5,000, default 100). Without a symbol the connection
follows nothing until it subscribes. ``after=`` is for who comes back: the last ``sequence`` it saw.

Every message is a JSON object with a ``number`` (1, 2, 3 … on this connection) and a ``type``:

============================  ============================================================================
``snapshot``                  comes first, and again whenever what came before no longer holds; ``reason``
                              says why: ``subscribed``, ``configured`` (the indicators are others now),
                              ``data`` (the stored candles are), ``rewound`` (a replay was), ``missed``
                              (what came after ``after`` is no longer kept). ``history`` has the last
                              candles and the indicators' values, as ``/api/klines`` has them
``resumed``                   instead of the snapshot, where ``after`` is known: ``missed`` lists an update
                              for each candle that closed since then, and for the one that forms now
``update``                    a candle came, or the answer to ``update``
``end``                       a replay or feed has no more candles
``pong`` ``configured``       answers to the actions below, with the ``id`` that came with the action
``subscribed``
``unsubscribed`` ``replay``
``error``                     ``detail`` says what is wrong; nothing was changed, and the connection stays
============================  ============================================================================

Chart messages (``snapshot`` and ``update``) carry ``latest_candle`` (``open_time open high low close volume
closed``), ``indicators`` (its values by indicator), ``signals`` (those that became known with it), ``stream
symbol timeframe``, ``origin`` (``live``, ``replay``, ``stored``), ``replay`` and ``synthetic`` (true or
false), ``event_number`` (the feed's own count) and ``sequence`` (the stream's, which counts changes of the
configuration, too). Both are the same for everybody. A connection's ``number`` says whether a message was
lost on the way; with ``sequence`` a client that was cut off goes on where it was.

A client sends JSON objects with an ``action``, and an ``id`` of its choice where it wants one back:

============================  ============================================================================
``ping``
``update``                    the latest candle of every followed stream, or of one (``symbol timeframe``)
``configure``                 ``config`` as the body of ``POST /api/indicators/configure``
``subscribe``                 ``symbol timeframe``, and ``limit after replay forming start end`` as there
``unsubscribe``               all, or those of ``symbol timeframe``; ``replay``: only replays, or none
``replay``                    ``command``: ``play`` (``speed``), ``pause``, ``step`` (``candles``) or
                              ``seek`` (``to``)
============================  ============================================================================

It is closed with 1001 when the service ends, 1008 when the address names nothing that can be followed, 1009
for a message of more than a megabyte, and 1013 when the client reads too slowly or there are too many. Of a
candle that forms, a client that is a little slow gets the newest state only; every closed one it gets.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from toolkit.api import bodies
from toolkit.api.connection import Connection
from toolkit.api.hub import Hub, TooMany
from toolkit.api.queries import MAX_LIMIT
from toolkit.api.routes import configured, problem
from toolkit.api.streams import Stream, message
from toolkit.feeds import MAX_SPEED, MIN_SPEED, Replay

__all__ = ["SNAPSHOT", "router"]

SNAPSHOT = 100
"""Candles in a snapshot where no limit is given."""

_ID_LENGTH = 64
_FOLLOWED = {"symbol", "timeframe", "limit", "after", "replay", "forming", "start", "end"}
_log = logging.getLogger(__name__)

router = APIRouter()


class BadMessage(ValueError):
    """A client's message that cannot be carried out; the text says what is wrong with it."""


@router.websocket("/ws/chart")
async def chart(socket: WebSocket) -> None:
    """Follow a series: a snapshot, and then every change."""
    hub: Hub = socket.app.state.hub
    await socket.accept()
    connection = Connection(socket, hub.limits.queue)
    try:
        hub.connect(connection)
    except TooMany as error:
        await socket.send_text(f'{{"number":1,{message("error", detail=str(error))}')
        await socket.close(1013, str(error)[:100])
        return
    writer = asyncio.create_task(connection.write())
    session = _Session(hub, connection)
    try:
        if await session.begin(socket):
            while True:
                received = await socket.receive()
                if received["type"] == "websocket.disconnect":
                    break
                await session.handle(received)
    except WebSocketDisconnect:
        pass
    except asyncio.CancelledError:
        if not connection.closed:  # the server's doing, not `Connection.close`
            raise
    finally:
        connection.end()
        hub.disconnect(connection)
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


_Act = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class _Session:
    """What one client asks for."""

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self._hub = hub
        self._connection = connection
        self._actions: dict[
            str, tuple[set[str], Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]]
        ] = {
            "ping": (set(), self._ping),
            "update": ({"symbol", "timeframe"}, self._update),
            "configure": ({"config"}, self._configure),
            "subscribe": (
                _FOLLOWED,
                self._subscribe,
            ),
            "unsubscribe": ({"symbol", "timeframe", "replay"}, self._unsubscribe),
            "replay": ({"command", "speed", "candles", "to", "symbol", "timeframe"}, self._replay),
        }

    async def begin(self, socket: WebSocket) -> bool:
        """Follow what the address names; without a symbol nothing yet. False where that cannot be."""
        query = dict(socket.query_params)
        unknown = set(query) - _FOLLOWED
        try:
            if len(query) < len(socket.query_params.multi_items()):
                raise BadMessage("query: a parameter is given twice")
            if unknown:
                raise BadMessage(f"query: unknown {', '.join(sorted(map(repr, unknown)))}")
            if query:
                asked: dict[str, Any] = dict(query)
                for name, kind in (("limit", int), ("after", int), ("replay", float)):
                    if name in asked:
                        asked[name] = _number(name, asked[name], kind)
                if asked.get("forming") in ("true", "false"):
                    asked["forming"] = asked["forming"] == "true"
                await self._follow(asked)
        except Exception as error:  # noqa: BLE001 - logged, and told without details
            text = _text_of(error)
            if text is None:
                _log.exception("a connection could not begin")
                text = "the service failed; its log says why"
            self._connection.offer(message("error", detail=text))
            await self._connection.drained()
            await self._connection.close(
                1013 if isinstance(error, TooMany) else 1008, "see the error message"
            )
            return False
        return True

    async def handle(self, received: Mapping[str, Any]) -> None:
        """Carry out one message. Whatever is wrong with it, the connection stays."""
        answer: dict[str, Any] = {}
        try:
            asked = self._read(received)
            if "id" in asked:
                answer["id"] = asked["id"]
            _, act = self._actions[asked["action"]]
            answer |= await act(asked)
        except Exception as error:  # noqa: BLE001 - logged, and told without details
            text = _text_of(error)
            if text is None:
                _log.exception("a message could not be carried out")
                text = "the service failed; its log says why"
            answer |= {"type": "error", "detail": text}
        kind = answer.pop("type")
        self._connection.offer(message(kind, **answer))

    def _read(self, received: Mapping[str, Any]) -> dict[str, Any]:
        data = received.get("text")
        if data is None:
            raise BadMessage("message: binary frames are not understood; send JSON as text, in UTF-8")
        limit = self._hub.limits.message_bytes
        if len(data) > limit or len(data.encode(errors="surrogatepass")) > limit:
            raise BadMessage(f"message: is too large; at most {limit:,} bytes are allowed")
        try:
            asked = bodies.parse(data)
        except bodies.BadJSON as error:
            raise BadMessage(f"message: {error}") from error
        if not isinstance(asked, dict) or not isinstance(asked.get("action"), str):
            allowed = ", ".join(self._actions)
            raise BadMessage(f'message: must be an object with an "action", one of {allowed}')
        name = asked["action"]
        if name not in self._actions:
            near = difflib.get_close_matches(name[:32], self._actions, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"allowed are {', '.join(self._actions)}"
            raise BadMessage(f"action: {name[:32]!r} is not known; {hint}")
        allowed_keys, _ = self._actions[name]
        if unknown := set(asked) - allowed_keys - {"action", "id"}:
            listed = ", ".join(sorted(repr(key[:32]) for key in unknown)[:5])
            raise BadMessage(
                f"{name}: unknown {listed}; allowed are {', '.join(sorted({'id', *allowed_keys}))}"
            )
        identity = asked.get("id", 0)
        if not isinstance(identity, (str, int)) or len(str(identity)) > _ID_LENGTH:
            raise BadMessage(f"id: must be a text or whole number of at most {_ID_LENGTH} characters")
        return asked

    # -- actions: each gives the answer

    async def _ping(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "pong"}

    async def _update(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        streams = self._named(asked)
        # The last one is the answer, and carries the id.
        for stream in streams[:-1]:
            self._connection.offer(message("update", **await stream.update()))
        return {"type": "update", **await streams[-1].update()}

    async def _configure(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if "config" not in asked:
            raise BadMessage('configure: needs "config", as the body of POST /api/indicators/configure')
        return {"type": "configured", **await configured(self._hub.service, asked["config"])}

    async def _subscribe(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        stream = await self._follow(asked)
        return {"type": "subscribed", "stream": stream.name, "streams": list(self._connection.streams)}

    async def _unsubscribe(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        only = asked.get("replay")
        if only is not None and not isinstance(only, bool):
            raise BadMessage("unsubscribe: replay must be true or false")
        gone = [one for one in self._named(asked) if only is None or isinstance(one.feed, Replay) == only]
        for stream in gone:
            self._hub.unsubscribe(self._connection, stream)
        named = [stream.name for stream in gone]
        return {"type": "unsubscribed", "stopped": named, "streams": list(self._connection.streams)}

    async def _replay(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        mine = [one for one in self._named(asked) if one.name.endswith("@replay")]
        if len(mine) != 1 or not isinstance(mine[0].feed, Replay):
            raise BadMessage("replay: name the symbol and timeframe of a replay that this connection follows")
        feed, command = mine[0].feed, asked.get("command")
        takes = {"play": {"speed"}, "pause": set(), "step": {"candles"}, "seek": {"to"}}
        if not isinstance(command, str) or command not in takes:
            raise BadMessage(f"replay: command must be one of {', '.join(takes)}")
        if surplus := {"speed", "candles", "to"} & set(asked) - takes[command]:
            raise BadMessage(f"replay: {command} takes no {', '.join(sorted(surplus))}")
        if command == "play":
            feed.play(_speed(asked["speed"]) if "speed" in asked else None)
        elif command == "pause":
            feed.pause()
        elif command == "step":
            candles = asked.get("candles", 1)
            if isinstance(candles, int) and candles > MAX_LIMIT:
                raise BadMessage(f"replay: candles must be at most {MAX_LIMIT}")
            feed.step(candles)
        else:
            if not isinstance(asked.get("to"), str):
                raise BadMessage('replay: seek needs "to", an ISO 8601 text')
            feed.seek(asked["to"])
        return {
            "type": "replay",
            "stream": mine[0].name,
            "paused": feed.paused,
            "speed": feed.speed,
            "position": None if feed.position is None else feed.position.isoformat().replace("+00:00", "Z"),
            "remaining": feed.remaining,
        }

    # -- helpers

    async def _follow(self, asked: Mapping[str, Any]) -> Stream:
        for name in ("symbol", "timeframe"):
            value = asked.get(name)
            if not isinstance(value, str) or len(value) > 64:
                raise BadMessage(
                    f"{name}: is needed, a text such as {'BTCUSDT' if name == 'symbol' else '1h'!r}"
                )
        limit = asked.get("limit", SNAPSHOT)
        if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= MAX_LIMIT:
            raise BadMessage(f"limit: must be a whole number from 0 to {MAX_LIMIT}")
        after = asked.get("after")
        if after is not None and (type(after) is not int or not 0 <= after < 2**63):
            raise BadMessage("after: must be the sequence of a message, a whole number")
        bounds: dict[str, str | None] = {}
        for name in ("start", "end"):
            value = asked.get(name)
            if value is not None and (not isinstance(value, str) or len(value) > 64):
                raise BadMessage(f"{name}: must be an ISO 8601 text")
            bounds[name] = value
        replay = None if asked.get("replay") is None else _speed(asked["replay"])
        forming = asked.get("forming", False)
        if type(forming) is not bool:
            raise BadMessage("forming: must be true or false")
        if forming and replay is None:
            raise BadMessage("forming is for a replay; what an exchange sends forms anyway")
        if replay is None and any(bounds.values()):
            raise BadMessage("start and end are for a replay; the candles of a range are at /api/klines")
        if replay is not None and after is not None:
            raise BadMessage("after is not for a replay; start it where it ended")
        return await self._hub.subscribe(
            self._connection,
            asked["symbol"],
            asked["timeframe"],
            limit,
            replay=replay,
            forming=forming,
            after=after,
            **bounds,
        )

    def _named(self, asked: Mapping[str, Any]) -> list[Stream]:
        """The streams of this connection that a message means: all, or those of a symbol or timeframe."""
        found = list(self._connection.streams.values())
        for name in ("symbol", "timeframe"):
            wanted = asked.get(name)
            if wanted is None:
                continue
            if not isinstance(wanted, str):
                raise BadMessage(f"{name}: must be a text")
            found = [one for one in found if _same(getattr(one, name), wanted)]
        if not found:
            followed = ", ".join(self._connection.streams) or "nothing; subscribe first"
            raise BadMessage(f"{asked['action']}: no such stream is followed here; followed: {followed}")
        return found


def _same(name: str, wanted: str) -> bool:
    short = "".join(c for c in wanted if c.isalnum()).lower()
    return name.lower() in (short, f"{short}usdt")


def _text_of(error: Exception) -> str | None:
    """What the client is told; None for an error of our own."""
    if isinstance(error, (BadMessage, TooMany)):
        return str(error)
    found = problem(error)
    return None if found is None else found[1]


def _number(name: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        if len(text) > 32:
            raise ValueError
        return kind(text)
    except ValueError:
        raise BadMessage(f"{name}: {text[:32]!r} is not a number") from None


def _speed(value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and MIN_SPEED <= value <= MAX_SPEED:  # NaN is not
        return float(value)
    raise BadMessage(f"replay: speed must be a number of candles a second from {MIN_SPEED} to {MAX_SPEED:g}")
