"""The client: what it makes of answers and errors, and that a stream comes back.

That its frames are the notebook's is in tests/api/test_equal_values.py.
"""

import asyncio
import json
import math
import socket
import threading

import numpy as np
import pandas as pd
import pytest
from websockets.asyncio.server import serve

from toolkit import client as module
from toolkit.client import Client, ServiceError


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)


class Answering:
    """An HTTP server that gives one answer, and keeps what it was asked."""

    def __init__(self, status, body):
        self._body = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        taken, _ = self._socket.accept()
        with taken:
            self.asked = taken.recv(65536).decode()
            if "POST" in self.asked and self.asked.endswith("\r\n\r\n"):
                self.asked += taken.recv(65536).decode()
            taken.sendall(self._body.encode())

    def close(self):
        self._thread.join(10)
        self._socket.close()


def asked(status, body, call, **options):
    """What the client asked, and what came of it."""
    server = Answering(status, body)
    try:
        with Client(server.url, **options) as client:
            try:
                result = call(client)
            except ServiceError as error:
                result = error
    finally:
        server.close()
    return server.asked, result


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://x", "http://", None])
def test_a_base_url_that_is_none(url):
    with pytest.raises((ValueError, TypeError)):
        Client(url)


def test_the_token_goes_along():
    request, found = asked(200, '{"symbols": ["BTCUSDT"]}', lambda c: c.symbols(), token="geheim")
    assert "authorization: bearer geheim" in request.lower()
    assert found == ["BTCUSDT"]


def test_moments_and_numpys_numbers_are_written_for_the_service():
    def ask(client):
        return client.klines(
            "BTCUSDT", "1h", start=pd.Timestamp("2024-01-31 13:00", tz="Europe/Paris"), limit=3
        )

    request, _ = asked(404, '{"detail": "no"}', ask)
    assert "start=2024-01-31T12%3A00%3A00%2B00%3A00" in request
    request, _ = asked(
        200,
        '{"current_config": {}}',
        lambda c: c.configure({"RSI": {"params": {"period": np.int64(9)}, "enabled": np.True_}}),
    )
    assert json.loads(request.split("\r\n\r\n")[1]) == {"RSI": {"params": {"period": 9}, "enabled": True}}


def test_what_the_service_says_is_the_error():
    _, error = asked(422, '{"detail": "symbol: is none"}', lambda c: c.indicators())
    assert (str(error), error.status) == ("symbol: is none", 422)
    _, error = asked(422, '{"detail": [{"loc": ["query"]}]}', lambda c: c.health())
    assert "query" in str(error)
    _, error = asked(502, "<html>", lambda c: c.timeframes())
    assert (str(error), error.status) == ("HTTP 502", 502)


def test_a_service_that_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as found:
        url = f"http://127.0.0.1:{found.getsockname()[1]}"
    with Client(url) as client:
        with pytest.raises(ServiceError, match="cannot be reached") as error:
            client.symbols()
        assert error.value.status is None

        async def once():
            async for _ in client.stream("BTCUSDT", "1h", reconnect=False):
                pass

        with pytest.raises(ServiceError, match="cannot be reached"):
            asyncio.run(once())


def chart(opened, **content):
    candle = {"open_time": opened, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
    return json.dumps(
        {
            **{"number": 1, "type": "update", "symbol": "BTCUSDT", "timeframe": "1h", "origin": "replay"},
            **{"synthetic": True, "latest_candle": {**candle, "closed": True}, "signals": {}},
            "indicators": {"RSI": {"rsi": None}},
            **content,
        }
    )


def streamed(handler, count, **options):
    """So many updates from a server that does `handler`, and the paths that were asked."""
    paths = []

    async def handle(connection):
        paths.append(connection.request.path)
        await handler(connection, len(paths))

    async def collect():
        async with serve(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with Client(f"http://127.0.0.1:{port}") as client:
                stream = client.stream("BTCUSDT", "1h", **options)
                found = []
                async for update in stream:
                    found.append(update)
                    if len(found) == count:
                        break
                await stream.aclose()
                return found

    return asyncio.run(asyncio.wait_for(collect(), 20)), paths


@pytest.mark.parametrize("end", [1001, 1011, 1012, 1013, None])
def test_a_stream_that_breaks_is_made_again(end):
    async def breaks(connection, attempt):
        await connection.send(chart(f"2024-01-01T0{attempt}:00:00Z"))
        if end is None:
            connection.transport.abort()
        else:
            await connection.close(end)

    found, paths = streamed(breaks, 3)
    assert [update.open_time.hour for update in found] == [1, 2, 3]
    assert len(paths) == 3
    assert math.isnan(found[0].indicators["RSI"]["rsi"])
    assert found[0].candle == {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
    assert found[0].synthetic is True


def test_a_replay_goes_on_where_it_broke_and_ends():
    async def breaks(connection, attempt):
        if attempt == 1:
            await connection.send(chart("2024-01-01T05:00:00Z"))
            six = json.loads(chart("2024-01-01T06:00:00Z"))
            six["latest_candle"]["closed"] = False  # it has begun, and is to come again
            await connection.send(json.dumps(six))
            connection.transport.abort()
        else:
            await connection.send(chart("2024-01-01T06:00:00Z"))
            await connection.send(chart("2024-01-01T06:00:00Z", type="end"))
            await connection.wait_closed()

    found, paths = streamed(breaks, 10, replay=2.0, forming=True, start="2024-01-01T05:00Z")
    assert [update.kind for update in found] == ["update", "update", "update", "end"]
    assert [update.closed for update in found[:3]] == [True, False, True]
    assert "replay=2.0&forming=true" in paths[1]
    assert "start=2024-01-01T05%3A00%3A00.001000%2B00%3A00" in paths[1]


def test_a_refusal_is_not_tried_again():
    async def refuses(connection, attempt):
        await connection.send('{"number": 1, "type": "error", "detail": "symbol: is none"}')
        await connection.close(1008, "see the error message")

    with pytest.raises(ServiceError, match="symbol: is none") as error:
        streamed(refuses, 1)
    assert error.value.status == 1008


def test_the_waits_grow_and_are_not_all_the_same(monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.5)
    for failures in range(1, 2000, 7):
        longest = min(30.0, 0.5 * 2.0 ** (failures - 1)) if failures < 20 else 30.0
        waits = {module._wait(failures) for _ in range(20)}
        assert all(longest / 2 <= wait <= longest for wait in waits)
        assert len(waits) > 15
