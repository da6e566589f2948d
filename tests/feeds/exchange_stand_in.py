"""A stand-in for Binance: its frames and REST pages, of a made-up market, with whatever can go wrong.

What it sends is laid out as the exchange documents it (web-socket-streams.md and rest-api.md). Its market is
seeded: every candle is the same in every run, and is known in advance (`Market.closed`).
"""

import asyncio
import contextlib
import json
import random
import urllib.parse
from collections import Counter, deque
from http import HTTPStatus

import numpy as np
from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response
from websockets.protocol import State

from toolkit.candles.contract import step_of
from toolkit.feeds.exchange import Exchange, Venue

START = 1_735_689_600_000  # 2025-01-01
TRADES = 15  # moves within a candle


class Market:
    """Candles of any series, each computed from its own seed."""

    def __init__(self, seed=0):
        self._seed = seed
        self._paths = {}
        self.gone = set()
        """`(symbol, open_time)` of candles that the exchange does not have."""
        self.changed = {}
        """`(symbol, open_time)` of candles that REST tells otherwise: factor of the close."""

    def _path(self, symbol, timeframe, open_time):
        """Prices and amounts of a candle's trades."""
        key = symbol, timeframe, open_time
        if key not in self._paths:
            number = sum(map(ord, symbol)) * 7 + step_of(timeframe) // 1000
            random = np.random.default_rng([self._seed, number, open_time // 1000])
            level = 1_000.0 * (1 + 0.1 * np.sin(open_time / step_of(timeframe) / 9.0))
            prices = np.round(level * np.exp(np.cumsum(random.normal(0, 0.004, TRADES))), 2)
            amounts = np.round(np.abs(random.normal(3, 2, TRADES)) + 0.001, 3)
            self._paths[key] = prices, amounts
        return self._paths[key]

    def values(self, symbol, timeframe, open_time, until=None):
        """`o h l c v q n V Q` as texts and a number, as of `until` (ms); default: of the closed candle."""
        prices, amounts = self._path(symbol, timeframe, open_time)
        step = step_of(timeframe)
        share = 1.0 if until is None else min(1.0, (until - open_time) / step)
        count = max(1, int(share * TRADES))
        prices, amounts = prices[:count], amounts[:count]
        volume, quote = amounts.sum(), (amounts * prices).sum()
        numbers = (prices[0], prices.max(), prices.min(), prices[-1], volume, quote)
        o, h, low, c, v, q = (f"{number:.8f}" for number in numbers)
        return o, h, low, c, v, q, count * 3, f"{volume / 2:.8f}", f"{quote / 2:.8f}"

    def closed(self, symbol, timeframe, open_time):
        """The nine floats of a closed candle."""
        return tuple(float(value) for value in self.values(symbol, timeframe, open_time))

    def event(self, symbol, timeframe, open_time, now, closed):
        o, h, low, c, v, q, n, V, Q = self.values(symbol, timeframe, open_time, None if closed else now)
        step = step_of(timeframe)
        k = {"t": open_time, "T": open_time + step - 1, "s": symbol, "i": timeframe, "f": 100, "L": n + 99}
        k |= {"o": o, "c": c, "h": h, "l": low, "v": v, "n": n, "x": closed, "q": q, "V": V, "Q": Q, "B": "0"}
        return {"e": "kline", "E": now, "s": symbol, "k": k}

    def row(self, symbol, timeframe, open_time, now):
        step = step_of(timeframe)
        until = None if open_time + step <= now else now
        o, h, low, c, v, q, n, V, Q = self.values(symbol, timeframe, open_time, until)
        if (factor := self.changed.get((symbol, open_time))) is not None:
            c = f"{float(c) * factor:.8f}"
            h, low = f"{max(float(h), float(c)):.8f}", f"{min(float(low), float(c)):.8f}"
        return [open_time, o, h, low, c, v, open_time + step - 1, q, n, V, Q, "0"]


class StandIn:
    """The exchange, from `await start()` to `await stop()`; it may be started again, on the same port.

    `faults` are `(time, what)` in ms of its clock, sorted: `drop`, `silence` (nothing more on a connection),
    `duplicate`, `reorder` (the next two batches change places), `lose_close` (the next closed candle is not
    told), `shutdown`, `nonsense`.
    """

    def __init__(self, market=None, *, now, every=30.0, faults=(), weight=6_000, ssl=None, name="stand-in"):
        self.market = Market() if market is None else market
        self.now = now
        self.every = every
        self.faults = deque(faults)
        self.refusals = deque()
        """`(status, seconds of Retry-After or None)` for the next requests."""
        self.pairs = {"BTCUSDT": "TRADING", "ETHUSDT": "TRADING", "SOLUSDT": "TRADING"}
        self.first = START - 3_000 * 900_000
        self.mute = False
        """REST answers, but no frame is sent."""
        self.blind = False
        """Frames are sent, but REST is out of order."""
        self.used_weight = 0
        self.requests = []
        """`(time, path, query)` of every REST request."""
        self.commands = []
        self.counts = Counter()
        self.ended = {}
        """Pair → ms from which it is traded no longer."""
        self._weight = weight
        self._ssl = ssl
        self._name = name
        self._server = None
        self._port = 0

    @property
    def venue(self):
        s = "s" if self._ssl else ""
        address = f"127.0.0.1:{self._port}"
        return Venue(self._name, f"ws{s}://{address}", f"http{s}://{address}", self._weight)

    async def start(self):
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self._port,
            process_request=self._request,
            ping_interval=None,
            compression=None,
            close_timeout=0.1,
            ssl=self._ssl,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        for connection in [*self._server.connections]:
            connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_):
        await self.stop()

    # -- frames

    async def _serve(self, socket):
        self.counts["connections"] += 1
        named = urllib.parse.parse_qs(urllib.parse.urlsplit(socket.request.path).query)["streams"][0]
        streams = dict.fromkeys(named.split("/"))
        reader = asyncio.create_task(self._commands(socket, streams))
        told = {}
        held, silent, swap, lose = [], False, 0, False
        try:
            while socket.state is State.OPEN:
                now = self.now()
                batch = []
                for stream in streams:
                    symbol, _, timeframe = stream.partition("@kline_")
                    symbol = symbol.upper()
                    if symbol not in self.pairs or now >= self.ended.get(symbol, now + 1):
                        continue
                    step = step_of(timeframe)
                    opened = now // step * step
                    last = told.get(stream)
                    if last is not None and last < opened:
                        if lose:
                            lose = False
                        elif (symbol, last) not in self.market.gone:
                            batch.append((stream, self.market.event(symbol, timeframe, last, now, True)))
                    told[stream] = opened
                    if (symbol, opened) not in self.market.gone:
                        batch.append((stream, self.market.event(symbol, timeframe, opened, now, False)))
                while self.faults and self.faults[0][0] <= now:
                    _, fault = self.faults.popleft()
                    self.counts[fault] += 1
                    if fault == "drop":
                        socket.transport.abort()
                    elif fault == "silence":
                        silent = True
                    elif fault == "duplicate":
                        batch = [frame for frame in batch for _ in range(2)]
                    elif fault == "reorder":
                        swap = 2
                    elif fault == "lose_close":
                        lose = True
                    elif fault == "nonsense":
                        for text in (
                            '{"e":',
                            "[]",
                            '{"stream":"x","data":{"e":"kline","s":"BTCUSDT","k":{}}}',
                        ):
                            await socket.send(text)
                    else:
                        await socket.send(json.dumps({"e": "serverShutdown", "E": now}))
                        await asyncio.sleep(5)
                        await socket.close()
                if swap:
                    swap -= 1
                    held = batch + held  # the later ones first
                    batch = []
                if not swap:
                    batch, held = held + batch, []
                    if not silent and not self.mute:
                        for stream, event in batch:
                            await socket.send(json.dumps({"stream": stream, "data": event}))
                            self.counts["frames"] += 1
                await asyncio.sleep(self.every)
        except ConnectionClosed:
            pass
        finally:
            reader.cancel()

    async def _commands(self, socket, streams):
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                asked = json.loads(text)
                self.commands.append((self.now(), asked))
                for name in asked["params"]:
                    if asked["method"] == "SUBSCRIBE":
                        streams[name] = None
                    else:
                        streams.pop(name, None)
                await socket.send(json.dumps({"result": None, "id": asked["id"]}))

    # -- REST

    def _request(self, connection, request):
        parts = urllib.parse.urlsplit(request.path)
        if not parts.path.startswith("/api/"):
            return None
        query = dict(urllib.parse.parse_qsl(parts.query))
        self.requests.append((self.now(), parts.path, query))
        if self.blind:
            return _answer(503, {"code": -1008, "msg": "Server is currently overloaded"})
        if self.refusals:
            status, seconds = self.refusals.popleft()
            text = {429: "Too many requests", 418: "Way too many requests; IP banned"}.get(status, "?")
            after = {} if seconds is None else {"Retry-After": str(seconds)}
            return _answer(status, {"code": -1003, "msg": text}, **after)
        weight = {"X-MBX-USED-WEIGHT-1M": str(self.used_weight)}
        if parts.path == "/api/v3/time":
            return _answer(200, {"serverTime": self.now()}, **weight)
        if query["symbol"] not in self.pairs:
            return _answer(400, {"code": -1121, "msg": "Invalid symbol."}, **weight)
        if parts.path == "/api/v3/exchangeInfo":
            status = self.pairs[query["symbol"]]
            return _answer(200, {"symbols": [{"symbol": query["symbol"], "status": status}]}, **weight)
        return _answer(200, self._rows(query), **weight)

    def _rows(self, query):
        symbol, timeframe, limit = query["symbol"], query["interval"], int(query["limit"])
        step, now = step_of(timeframe), self.now()
        end = min(now, self.ended.get(symbol, now) - 1)
        last = end // step * step
        first = max(self.first, -(-int(query.get("startTime", last - (limit - 1) * step)) // step) * step)
        opens = [time for time in range(first, last + 1, step) if (symbol, time) not in self.market.gone]
        return [self.market.row(symbol, timeframe, time, now) for time in opens[:limit]]


class World:
    """A stand-in, and exchanges that follow it by the same clock."""

    def __init__(self, **options):
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.now = lambda: START + round((loop.time() - began) * 1_000)
        self.stand_in = StandIn(now=self.now, **options)
        self.ahead = 0.0
        """Seconds that this machine's clock is ahead."""

    def exchange(self, **options):
        return Exchange(
            self.stand_in.venue,
            source="sample",
            clock=lambda: self.now() / 1_000 + self.ahead,
            random=random.Random(5),
            **options,
        )

    async def until(self, millis):
        await asyncio.sleep(max(0.0, (millis - self.now()) / 1_000))


@contextlib.asynccontextmanager
async def world(**options):
    made = World(**options)
    async with made.stand_in:
        yield made


def _answer(status, content, **headers):
    body = json.dumps(content).encode()
    names = Headers({"Content-Type": "application/json;charset=UTF-8", "Content-Length": str(len(body))})
    for name, value in headers.items():
        names[name] = value
    return Response(status, HTTPStatus(status).phrase, names, body)
