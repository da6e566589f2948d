"""The service under load, from a second process on this machine.

    python benchmarks/service.py            requests, 1,000 WebSocket clients, a soak of ten minutes
    python benchmarks/service.py --quick    fewer clients and seconds, no soak

Requests: `/api/klines` with 500 candles and three indicators beside the trivial endpoint `/` of the same app,
in turn, so that a busy machine slows both; a ratio of 0.6 means six answers in the time of ten trivial ones.
`again` is answered from bytes that were kept; for `afresh` each request is another, and encoded anew.
WebSockets: every client follows one series whose feed gives a candle a second; one of them never reads. The
latency is from the moment the feed gave the candle to the moment a client has it, on one clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
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
from websockets.asyncio.client import connect

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


async def follow(port: int, latencies: list[float], ready: asyncio.Event, until: float) -> int:
    """One client: how many updates it had, each one's latency noted once all are there."""
    address = f"ws://127.0.0.1:{port}/ws/chart?symbol=ETHUSDT&timeframe=1d&limit=1"
    count = 0
    async with connect(address, proxy=None, compression=None, open_timeout=120, ping_interval=None) as client:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                async for text in client:
                    now = time.monotonic()
                    if ready.is_set():
                        told = json.loads(text)
                        if told["type"] == "update":
                            latencies.append(now - told["latest_candle"]["volume"])
                            count += 1
    return count


async def stall(port: int, until: float) -> None:
    """A client that opens, and then reads nothing."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET /ws/chart?symbol=ETHUSDT&timeframe=1d HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    writer.transport.pause_reading()
    await asyncio.sleep(max(0, until - asyncio.get_running_loop().time()))
    writer.close()


async def sockets(port: int, clients: int, seconds: float, pid: int) -> None:
    loop = asyncio.get_running_loop()
    empty = memory(pid)
    ready, latencies = asyncio.Event(), list[float]()
    opening = time.perf_counter()
    tasks = []
    # Time for all to open, and then that for which is measured.
    planned = loop.time() + clients / 100 + 15 + seconds
    stalled = [asyncio.create_task(stall(port, planned)) for _ in range(STALLED)]
    for first in range(0, clients, 50):
        some = range(first, min(clients, first + 50))
        tasks += [asyncio.create_task(follow(port, latencies, ready, planned)) for _ in some]
        await asyncio.sleep(0.5)
    opened = time.perf_counter() - opening
    await asyncio.sleep(max(0, planned - seconds - loop.time()))
    full = memory(pid)
    ready.set()
    counts = await asyncio.gather(*tasks)
    await asyncio.gather(*stalled)
    if not latencies:
        print("  no update arrived in time: the machine is too busy")
        return
    found = np.asarray(latencies) * 1000
    p50, p99 = np.percentile(found, [50, 99])
    print(f"\nWebSockets: {clients:,} clients, a push each second, {STALLED} that never reads")
    print(f"  opened in {opened:.0f} s; {len(found):,} updates, {min(counts)} to {max(counts)} a client")
    print(f"  latency: p50 {p50:,.1f} ms, p99 {p99:,.1f} ms, longest {found.max():,.1f} ms")
    each = (full - empty) / clients / 1000
    print(f"  memory: {each:,.1f} kB a client ({empty / 1e6:,.0f} to {full / 1e6:,.0f} MB)")


async def soak(port: int, seconds: float, pid: int) -> None:
    """Clients that come, ask and go, for a long time: the memory must stay where it was."""
    print(f"\nSoak of {seconds / 60:.0f} minutes: memory of the service, MB")
    end = time.monotonic() + seconds
    loop = asyncio.get_running_loop()

    async def come_and_go() -> None:
        while time.monotonic() < end:
            await follow(port, [], asyncio.Event(), loop.time() + 2)

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

    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
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
