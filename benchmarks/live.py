"""Live candles: 114 series at once, ten updates a second each, from an exchange's frame to a pushed message.

    python benchmarks/live.py            five rounds of a minute, then ten minutes of memory
    python benchmarks/live.py --quick    three rounds of a few seconds

Three processes on this machine: a stand-in for the exchange, which sends kline frames with the moment of
sending as their volume; the service with its three default indicators; and one client that follows all series
over one WebSocket and only notes when something came. The latency is from the moment a frame was sent to the
moment the client has the message made of it, on one clock: feed, order, indicators, JSON and push.

Beside it, in turn, a bare relay of the `websockets` package, which hands each frame on as it is: what any
Python process between an exchange and a client takes at least. The exchange's candles are 60 times as fast
as real ones, so that candles close and are stored all the time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import multiprocessing
import os
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np

UPDATES = 10  # a second, of each series
SLOTS = 10  # in which those of a tenth of a second are sent
FASTER = 60
STEPS = {"15m": 900_000, "1h": 3_600_000, "1d": 86_400_000}
START = 1_735_689_600_000


# -- the exchange


def exchange(listening: socket.socket) -> None:
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.datastructures import Headers
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Request, Response

    logging.disable(logging.WARNING)  # asyncio's, of clients that go in the middle of a message
    begun = time.monotonic()

    def now() -> int:
        return START + int((time.monotonic() - begun) * 1_000 * FASTER)

    def prices(opened: int, step: int) -> tuple[float, float, float, float]:
        turn = opened // step
        low = 1_000.0 + turn * 7 % 101
        return low + 1, low + 5, low, low + 1 + turn * 3 % 4

    def event(symbol: str, timeframe: str, opened: int, closed: bool) -> str:
        step = STEPS[timeframe]
        o, h, low, c = prices(opened, step)
        k = (
            f'"t":{opened},"T":{opened + step - 1},"s":"{symbol}","i":"{timeframe}","f":100,"L":200,'
            f'"o":"{o:.8f}","c":"{c:.8f}","h":"{h:.8f}","l":"{low:.8f}","v":"{time.monotonic():.6f}","n":100,'
            f'"x":{"true" if closed else "false"},"q":"1.00000000","V":"0.50000000","Q":"0.50000000","B":"0"'
        )
        name = f"{symbol.lower()}@kline_{timeframe}"
        return f'{{"stream":"{name}","data":{{"e":"kline","E":{now()},"s":"{symbol}","k":{{{k}}}}}}}'

    async def stream(connection: ServerConnection) -> None:
        streams: dict[str, int] = {}

        def add(names: list[str]) -> None:
            for name in names:
                step = STEPS[name.partition("@kline_")[2]]
                streams.setdefault(name, now() // step * step)

        async def commands() -> None:
            with contextlib.suppress(ConnectionClosed):
                async for text in connection:
                    asked = json.loads(text)
                    if asked["method"] == "SUBSCRIBE":
                        add(asked["params"])
                    else:
                        for name in asked["params"]:
                            streams.pop(name, None)

        assert connection.request is not None
        add(urllib.parse.parse_qs(connection.request.path.partition("?")[2])["streams"][0].split("/"))
        reader = asyncio.create_task(commands())
        due, slot = time.monotonic(), 0
        try:
            while True:
                for name in [*streams][slot::SLOTS]:
                    symbol, _, timeframe = name.partition("@kline_")
                    symbol, step, before = symbol.upper(), STEPS[timeframe], streams.get(name, 0)
                    opened = now() // step * step
                    if opened > before:
                        await connection.send(event(symbol, timeframe, before, True))
                        streams[name] = opened
                    await connection.send(event(symbol, timeframe, opened, False))
                slot = (slot + 1) % SLOTS
                due = max(due + 1 / UPDATES / SLOTS, time.monotonic() - 0.1)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        except ConnectionClosed:
            pass
        finally:
            reader.cancel()

    def rest(connection: ServerConnection, request: Request) -> Response | None:
        parts = urllib.parse.urlsplit(request.path)
        if not parts.path.startswith("/api/"):
            return None
        query = dict(urllib.parse.parse_qsl(parts.query))
        content: Any = {"serverTime": now()}
        if parts.path.endswith("klines"):
            step, limit = STEPS[query["interval"]], int(query["limit"])
            last = now() // step * step
            first = int(query.get("startTime", last - (limit - 1) * step))
            content = []
            for opened in range(first, last + 1, step)[:limit]:
                texts = [f"{price:.8f}" for price in prices(opened, step)]
                content.append([opened, *texts, "1.0", opened + step - 1, "1.0", 100, "0.5", "0.5", "0"])
        body = json.dumps(content).encode()
        headers = Headers({"Content-Length": str(len(body))})
        return Response(200, HTTPStatus.OK.phrase, headers, body)

    async def main() -> None:
        async with serve(stream, sock=listening, process_request=rest, compression=None, ping_interval=None):
            await asyncio.get_running_loop().create_future()

    asyncio.run(main())


# -- the two that push


def service(listening: socket.socket, upstream: int) -> None:
    from toolkit import settings
    from toolkit.api import create_app
    from toolkit.api.hub import Limits
    from toolkit.api.server import run
    from toolkit.feeds.exchange import Exchange, Venue

    logging.disable(logging.WARNING)  # made-up years, no stored candles: all as it should be here
    store, folder = Path(os.environ["TOOLKIT_BENCHMARK_STORE"]), settings.folder
    settings.folder = lambda name: store if name == "live" else folder(name)  # not among a user's candles
    venue = Venue("stand-in", f"ws://127.0.0.1:{upstream}", f"http://127.0.0.1:{upstream}", 10**9)
    # One client follows all: more than a service allows by default. A series ends with its last client.
    limits = Limits(subscriptions=200, queue=4_096, linger=0.0)
    # An empty folder: nothing is stored yet.
    app = create_app(source=store, live=Exchange(venue, source=store), limits=limits)
    # The client below only notes when something came: it answers no pings.
    run(app, [listening], log_level="error", ws_ping_interval=None)


def relay(listening: socket.socket, upstream: int) -> None:
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    logging.disable(logging.WARNING)

    async def client(connection: ServerConnection) -> None:
        streams = "/".join(f"{symbol.lower()}@kline_{timeframe}" for symbol, timeframe in series())
        address = f"ws://127.0.0.1:{upstream}/stream?streams={streams}"
        with contextlib.suppress(ConnectionClosed):
            async with connect(address, compression=None, proxy=None, max_size=None) as source:
                async for text in source:
                    await connection.send(text)

    async def main() -> None:
        async with serve(client, sock=listening, compression=None, ping_interval=None):
            await asyncio.get_running_loop().create_future()

    asyncio.run(main())


def series() -> list[tuple[str, str]]:
    from toolkit.candles import SYMBOLS

    return [(symbol, timeframe) for symbol in SYMBOLS for timeframe in STEPS]


# -- the client


class Client(asyncio.Protocol):
    """Notes what came and when; what is in it is looked at once all is over."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.parts: list[tuple[float, bytes]] = []
        self.keep = True
        self.open = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.open.set()
        if self.keep:
            self.parts.append((time.monotonic(), data))

    def send(self, content: dict[str, Any]) -> None:
        payload = json.dumps(content).encode()
        assert self.transport is not None
        assert len(payload) < 126
        self.transport.write(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)  # masked with zeros

    def messages(self) -> list[tuple[float, dict[str, Any]]]:
        """Each text with the moment at which its last byte was there."""
        data = b"".join(part for _, part in self.parts)
        ends = np.cumsum([len(part) for _, part in self.parts])
        place = data.index(b"\r\n\r\n") + 4
        found = []
        while place + 2 <= len(data):
            opcode, size, place = data[place] & 15, data[place + 1] & 127, place + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size, place = int.from_bytes(data[place : place + width]), place + width
            payload, place = data[place : place + size], place + size
            if opcode == 1 and len(payload) == size:
                found.append((self.parts[int(np.searchsorted(ends, place))][0], json.loads(payload)))
        return found


async def connected(port: int, path: str) -> Client:
    loop = asyncio.get_running_loop()
    for _ in range(600):
        with contextlib.suppress(OSError):
            _, client = await loop.create_connection(Client, "127.0.0.1", port)
            break
        await asyncio.sleep(0.1)
    assert client.transport is not None
    client.transport.write(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    await client.open.wait()
    return client


async def of_service(port: int) -> Client:
    client = await connected(port, "/ws/chart")
    for symbol, timeframe in series():
        client.send({"action": "subscribe", "symbol": symbol, "timeframe": timeframe, "limit": 0})
        await asyncio.sleep(0.02)
    ready = 0
    while ready < len(series()):
        await asyncio.sleep(1)
        ready = await asyncio.to_thread(_ready, port)
        assert client.transport is not None
        assert not client.transport.is_closing(), "the service closed the connection"
    return client


def _ready(port: int) -> int:
    """Of how many series the service knows everything up to now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=30) as answer:
        return int(json.load(answer)["live"]["ready"])


async def of_relay(port: int) -> Client:
    return await connected(port, "/")


def sent(message: dict[str, Any]) -> tuple[str, float] | None:
    """Of which series a message is, and when its frame was sent."""
    if message.get("type") == "update":
        return message["stream"], message["latest_candle"]["volume"]
    if "data" in message:
        return message["stream"], float(message["data"]["k"]["v"])
    return None


async def measured(
    follow: Callable[[int], Any], port: int, settle: float, seconds: float
) -> tuple[list[float], int, float]:
    """Latencies in ms, how many series they are of, and messages a second."""
    client = await follow(port)
    await asyncio.sleep(settle)
    begun = time.monotonic()
    await asyncio.sleep(seconds)
    client.transport.abort()
    found, names = [], set()
    for came, message in client.messages():
        told = sent(message)
        if told is not None and told[1] >= begun:
            found.append((came - told[1]) * 1_000)
            names.add(told[0])
    return found, len(names), len(found) / seconds


async def latencies(ports: dict[str, int], rounds: int, settle: float, seconds: float) -> None:
    follows = {"service": of_service, "relay": of_relay}
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in follows}
    everything: dict[str, list[float]] = {name: [] for name in follows}
    rates: dict[str, list[float]] = {name: [] for name in follows}
    for _ in range(rounds):
        for name, follow in follows.items():
            found, of, rate = await measured(follow, ports[name], settle, seconds)
            if of != len(series()):
                print(f"  {name}: updates of {of} series only")
            p50, p99 = np.percentile(found, [50, 99])
            figures[name].append((p50, p99))
            everything[name] += found
            rates[name].append(rate)
            await asyncio.sleep(1)
    turns = f"{rounds} rounds of {seconds:.0f} s, in turn"
    print(f"\n{len(series())} series, {UPDATES} frames a second each; {turns}")
    for name, found in everything.items():
        p50, p99, worst = np.percentile(found, [50, 99, 100])
        line = f"  {name:<9}{statistics.mean(rates[name]):>7,.0f} messages a second"
        print(f"{line}   p50 {p50:,.2f} ms   p99 {p99:,.2f} ms   longest {worst:,.0f} ms")
    for place, what in enumerate(("p50", "p99")):
        ratios = sorted(
            ours[place] / theirs[place]
            for ours, theirs in zip(figures["service"], figures["relay"], strict=True)
        )
        print(
            f"  {what}: the service takes {statistics.median(ratios):.2f} times as long as the relay"
            f" ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


async def soak(port: int, pid: int, seconds: float) -> None:
    print(f"\nMemory of the service over {seconds / 60:.1f} minutes, all series followed, MB")
    client = await of_service(port)
    await asyncio.sleep(15)
    client.keep = False
    client.parts.clear()
    begun, seen, used = time.monotonic(), [], cpu(pid)
    while time.monotonic() < begun + seconds:
        await asyncio.sleep(seconds / 20)
        seen.append(memory(pid) / 1e6)
        print(f"  {time.monotonic() - begun:>5.0f} s  {seen[-1]:,.1f}", flush=True)
    half = len(seen) // 2
    print(f"  second half over first: {statistics.mean(seen[half:]) - statistics.mean(seen[:half]):+.1f} MB")
    print(f"  processor: {(cpu(pid) - used) / (time.monotonic() - begun):.0%} of one")
    assert client.transport is not None
    client.transport.abort()


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout) * 1024


def cpu(pid: int) -> float:
    """Seconds of processor that a process has used."""
    shown = subprocess.run(
        ["ps", "-o", "cputimes=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return float(shown.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as store:
        processes, ports = {}, {}
        context = multiprocessing.get_context("spawn")
        os.environ["TOOLKIT_BENCHMARK_STORE"] = store
        for name, serve in (("exchange", exchange), ("service", service), ("relay", relay)):
            listening = socket.create_server(("127.0.0.1", 0), backlog=64)
            ports[name] = listening.getsockname()[1]
            arguments = (listening,) if name == "exchange" else (listening, ports["exchange"])
            processes[name] = context.Process(target=serve, args=arguments, daemon=True)
            processes[name].start()
            listening.close()
        try:
            rounds, settle, seconds = (3, 2, 5) if options.quick else (5, 5, 60)
            asyncio.run(latencies(ports, rounds, settle, seconds))
            if length := options.soak or (0 if options.quick else 600):
                asyncio.run(soak(ports["service"], processes["service"].pid or 0, length))
        finally:
            for process in processes.values():
                process.terminate()
                process.join(20)
                if process.is_alive():
                    process.kill()


if __name__ == "__main__":
    main()
