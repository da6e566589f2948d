"""The service under load, from a second process on this machine.

    python benchmarks/service.py            requests, 1,000 WebSocket clients, a soak of ten minutes
    python benchmarks/service.py --quick    fewer clients and seconds, no soak

Requests: `/api/klines` with 500 candles and three indicators beside the trivial endpoint `/` of the same app,
in turn, so that a busy machine slows both; a ratio of 0.6 means six answers in the time of ten trivial ones.
`again` is answered from bytes that were kept; for `afresh` each request is another, and its body written anew
(from rows that were turned into text once, as for all who ask for the newest candles).
WebSockets: every client follows one series whose feed gives a candle a second; one of them never reads. The
latency is from the moment the feed gave the candle to the moment a client has it, on one clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pandas as pd

from toolkit.api.listen import listen

KLINES = "/api/klines?symbol=BTCUSDT&timeframe=1h"
STALLED = 1  # clients that never read


# -- the service, in a process of its own: the pushes come from a feed, as an exchange's would


class Ticks:
    """A feed that gives a candle each second, its volume the time at which it was given."""

    symbol, timeframe, origin = "ETHUSDT", "1d", "live"

    def __init__(self, frame: pd.DataFrame, seconds: float) -> None:
        self._frame = frame
        self._seconds = seconds
        self._ended = False

    def history(self) -> pd.DataFrame:
        return self._frame

    async def __aiter__(self) -> AsyncIterator[Any]:
        from toolkit.feeds import Event

        after = self._frame.index[-1] + pd.Timedelta("1D")
        price = float(self._frame["close"].iloc[-1])
        number = 0
        while not self._ended:
            await asyncio.sleep(self._seconds)
            number += 1
            candle = {"open_time": after, "open": price, "high": price, "low": price, "close": price}
            given = {**candle, "volume": time.monotonic()}
            yield Event(self.symbol, self.timeframe, given, False, number, self.origin)

    async def close(self) -> None:
        self._ended = True


def serve(listening: socket.socket) -> None:
    from toolkit import KLineDataLoader
    from toolkit.api import create_app
    from toolkit.api.server import run

    frame = KLineDataLoader.load_klines(Ticks.symbol, Ticks.timeframe, source="sample")
    run(create_app(source="sample", feeds=[Ticks(frame, 1.0)]), [listening], log_level="error")


# -- the load


class Caller:
    """One connection that asks as fast as it is answered; raw, or a client library would be measured."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, path: str) -> int:
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received = self._socket.recv(2**20)
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        left = length - len(body)
        while left > 0:
            left -= len(self._socket.recv(2**20))
        return length

    def rate(self, paths: list[str], seconds: float) -> float:
        """Answers a second, of paths asked in turn."""
        count, end, start = 0, time.perf_counter() + seconds, time.perf_counter()
        while time.perf_counter() < end:
            for path in paths[count % len(paths) :][:20]:
                self.ask(path)
                count += 1
        return count / (time.perf_counter() - start)


def requests(port: int, rounds: int, seconds: float) -> None:
    caller = Caller(port)
    size = caller.ask(f"{KLINES}&limit=500")
    # Another start long before the first candle means the same, but nothing that was kept fits.
    afresh = [f"{KLINES}&limit=500&start=2020-01-01T00:{n // 60:02}:{n % 60:02}Z" for n in range(3600)]
    kinds = {"trivial (/)": ["/"], "again, from kept bytes": [f"{KLINES}&limit=500"], "afresh": afresh}
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    place = 0
    for turn in range(rounds + 1):
        for name, paths in kinds.items():
            if name == "afresh":  # none of them twice
                place = (place + 1) % 8
                paths = paths[place * 450 : (place + 1) * 450]
                count, start = 0, time.perf_counter()
                while count < len(paths) and time.perf_counter() - start < seconds:
                    caller.ask(paths[count].replace("2020", str(2000 + turn % 20)))
                    count += 1
                rate = count / (time.perf_counter() - start)
            else:
                rate = caller.rate(paths, seconds)
            if turn:
                rates[name].append(rate)
    print(f"\nRequests, one connection; /api/klines of 500 candles and 3 indicators is {size / 1000:,.0f} kB")
    trivial = rates["trivial (/)"]
    for name, found in rates.items():
        line = f"  {name:<28}{statistics.median(found):>9,.0f} a second"
        if found is not trivial:
            ratios = sorted(a / b for a, b in zip(found, trivial, strict=True))
            low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
            line += f"   {statistics.median(ratios):.2f} of trivial   ({low:.2f} to {high:.2f})"
        print(line)


class Follower(asyncio.Protocol):
    """A client that only notes when something came: what is in it is looked at once all is over.

    A WebSocket library takes longer for a thousand clients than the service does: that would be measured.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.parts: list[tuple[float, bytes]] = []
        self.open = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        self.parts.append((time.monotonic(), data))
        if not self.open.done():
            self.open.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(error or ConnectionError("closed"))

    def messages(self) -> list[tuple[float, dict[str, Any]]]:
        """Each message with the moment at which its last byte was there."""
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
                came = self.parts[int(np.searchsorted(ends, place))][0]
                found.append((came, json.loads(payload)))
        return found


HANDSHAKE = (
    b"GET /ws/chart?symbol=ETHUSDT&timeframe=1d&limit=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def follow(port: int) -> Follower:
    """A client that is connected and has its first message."""
    _, follower = await asyncio.get_running_loop().create_connection(Follower, "127.0.0.1", port)
    await follower.open
    return follower


async def stall(port: int) -> asyncio.StreamWriter:
    """A client that opens, and then reads nothing."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(HANDSHAKE)
    writer.transport.pause_reading()
    return writer


async def sockets(port: int, clients: int, seconds: float, pid: int) -> None:
    empty = memory(pid)
    opening = time.perf_counter()
    stalled = [await stall(port) for _ in range(STALLED)]
    followers: list[Follower] = []
    for first in range(0, clients, 50):
        some = range(first, min(clients, first + 50))
        followers += await asyncio.gather(*(follow(port) for _ in some))
    opened = time.perf_counter() - opening
    await asyncio.sleep(3)
    full, begun = memory(pid), time.monotonic()
    await asyncio.sleep(seconds)
    for follower in followers:
        follower.transport.abort()
    for writer in stalled:
        writer.close()
    latencies, counts = [], []
    for follower in followers:
        given = [
            came - told["latest_candle"]["volume"]
            for came, told in follower.messages()
            if told["type"] == "update" and told["latest_candle"]["volume"] > begun
        ]
        latencies += given
        counts.append(len(given))
    found = np.asarray(latencies) * 1000
    p50, p99 = np.percentile(found, [50, 99])
    each = (full - empty) / clients / 1000
    print(f"\nWebSockets: {clients:,} clients, a push each second, {STALLED} that never reads")
    print(f"  opened in {opened:.1f} s; {len(found):,} updates, {min(counts)} to {max(counts)} a client")
    print(f"  latency: p50 {p50:,.1f} ms, p99 {p99:,.1f} ms, longest {found.max():,.1f} ms")
    print(f"  memory: {each:,.1f} kB a client ({empty / 1e6:,.0f} to {full / 1e6:,.0f} MB)")


async def soak(port: int, seconds: float, pid: int) -> None:
    """Clients that come, ask and go, for a long time: the memory must stay where it was."""
    print(f"\nSoak of {seconds / 60:.0f} minutes: memory of the service, MB")
    end = time.monotonic() + seconds
    loop = asyncio.get_running_loop()

    async def come_and_go() -> None:
        while time.monotonic() < end:
            follower = await follow(port)
            await asyncio.sleep(2)
            follower.transport.abort()

    def ask() -> None:
        caller, number = Caller(port), 0
        while time.monotonic() < end:
            caller.ask(f"{KLINES}&limit={1 + number % 500}")
            number += 1
            time.sleep(0.01)

    work = [asyncio.create_task(come_and_go()) for _ in range(20)]
    asking = loop.run_in_executor(None, ask)
    begun, seen = time.monotonic(), []
    while time.monotonic() < end:
        await asyncio.sleep(min(30, seconds / 10))
        seen.append(memory(pid) / 1e6)
        print(f"  {time.monotonic() - begun:>5.0f} s  {seen[-1]:,.0f}", flush=True)
    await asyncio.gather(*work, asking)
    half = len(seen) // 2
    print(f"  second half over first: {statistics.mean(seen[half:]) - statistics.mean(seen[:half]):+.1f} MB")


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--clients", type=int)
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    options = parser.parse_args()
    clients = options.clients or (100 if options.quick else 1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = clients + 200
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))

    [listening] = listen("127.0.0.1", 0)  # as `toolkit serve` does: without its options small answers wait
    port = listening.getsockname()[1]
    service = multiprocessing.get_context("fork").Process(target=serve, args=(listening,), daemon=True)
    service.start()
    listening.close()
    try:
        wait_for(port)
        requests(port, rounds=5 if options.quick else 15, seconds=0.3 if options.quick else 1.0)
        asyncio.run(sockets(port, clients, 5 if options.quick else 30, service.pid or 0))
        if seconds := options.soak or (0 if options.quick else 600):
            asyncio.run(soak(port, seconds, service.pid or 0))
    finally:
        service.terminate()
        service.join(20)
        if service.is_alive():
            service.kill()


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            Caller(port).ask("/api/symbols")
            return
        except (OSError, AssertionError, IndexError):
            time.sleep(0.2)
    sys.exit("the service does not answer")


if __name__ == "__main__":
    os.environ.setdefault("TOOLKIT_SOURCE", "sample")
    main()
