"""The service under uvicorn: slow and vanished clients, frames that are no messages, and the end."""

import asyncio
import base64
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest
from starlette.testclient import TestClient
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from toolkit import KLineDataLoader
from toolkit.api import create_app
from toolkit.api.hub import Limits
from toolkit.feeds import Replay

DAY = ("BTCUSDT", "1d")


def feed(**options):
    return Replay(KLineDataLoader.load_klines(*DAY, source="sample"), start="2021-06-01", **options)


def chart(served, **options):
    return connect(served.chart, proxy=None, compression=None, **options)


def frame(opcode, data, *, final=True):
    """A client's frame, masked with zeros."""
    head = bytes([(0x80 if final else 0) | opcode])
    size = len(data)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    return head + length + b"\0\0\0\0" + data


class Raw:
    """A WebSocket without a library: sends what no library would."""

    def __init__(self, served, path="/ws/chart?symbol=BTCUSDT&timeframe=1d&limit=0"):
        self.socket = socket.create_connection(("127.0.0.1", served.port), 10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.stream = self.socket.makefile("rb")
        assert b"101" in self.stream.readline()
        while self.stream.readline() != b"\r\n":
            pass

    def receive(self):
        """Opcode and data of the next frame."""
        first, second = self.stream.read(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.stream.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.stream.read(8))
        return first & 0x0F, self.stream.read(size)

    def message(self):
        opcode, data = self.receive()
        assert opcode == 1
        return json.loads(data)


def test_no_utf8_binary_and_too_much_get_an_error_and_the_socket_survives(serve):
    raw = Raw(serve())
    assert raw.message()["type"] == "snapshot"
    for bad, expected in (
        (frame(1, b"\xff\xfe\xfd"), "in UTF-8"),
        (frame(1, b'{"action": "p', final=False) + frame(0, b'\xc3\x28"}'), "in UTF-8"),
        (frame(2, b"\0" * 100), "binary frames are not understood"),
        (frame(1, b'"' + b"x" * 60_000, final=False) + frame(0, b"x" * 60_000), "is too large"),
    ):
        raw.socket.sendall(bad)
        found = raw.message()
        assert found["type"] == "error"
        assert expected in found["detail"]
    raw.socket.sendall(frame(1, b'{"action": "pi', final=False) + frame(0, b'ng"}'))
    assert raw.message()["type"] == "pong"
    raw.socket.sendall(frame(9, b"alive"))  # the protocol's own ping
    assert raw.receive() == (10, b"alive")
    raw.socket.close()


def test_a_message_without_measure_ends_the_connection(serve):
    with chart(serve(), max_size=None) as client:
        client.recv()
        client.send("x" * (2**20 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
        assert closed.value.rcvd.code == 1009


def test_the_protocols_pings_tell_who_is_still_there(serve):
    """A half-open connection: the client is there no more, and nothing says so but the missing pong."""
    served = serve(ws_ping_interval=0.2, ws_ping_timeout=0.3)
    raw = Raw(served)
    hub = served.app.state.hub
    raw.message()
    assert raw.receive()[0] == 9
    served.until(lambda: hub.connections == 0)
    with chart(served) as client:  # whoever answers stays
        client.recv()
        time.sleep(1.2)
        client.send('{"action": "ping"}')
        assert json.loads(client.recv())["type"] == "pong"
    raw.socket.close()


def test_a_slow_reader_is_dropped_and_delays_nobody(serve):
    """One client reads nothing while 600 snapshots of 700 kB are offered to it, another reads along."""
    app = create_app(source="sample", limits=Limits(queue=8))
    served = serve(app)
    hub = app.state.hub
    stalled = Raw(served, "/ws/chart?symbol=BTCUSDT&timeframe=1d&limit=1500")
    with chart(served) as reader:
        reader.recv()
        served.until(lambda: hub.connections == 2)
        stream = hub._streams["BTCUSDT@1d"]
        (slow,) = [one for one in stream.subscribers if stream.subscribers[one] == 1500]

        def push(number):
            for subscriber in list(stream.subscribers):
                body = f'"type":"test","n":{number},"x":"{"x" * (300_000 if subscriber is slow else 1)}"}}'
                subscriber.offer(body)

        received = 0
        for number in range(100):
            served.call(push, number)
            assert json.loads(reader.recv(5))["n"] == number
            received += 1
            if slow.closed and number > 40:
                break
        assert slow.closed
        assert received > 40
        served.until(lambda: hub.connections == 1)
        assert slow not in stream.subscribers
        reader.send('{"action": "ping"}')
        assert json.loads(reader.recv(5))["type"] == "pong"
        # Whoever reads at last finds what was on its way, and why that was all.
        while (found := stalled.receive())[0] == 1:
            pass
        assert found[0] == 8
        assert struct.unpack("!H", found[1][:2])[0] == 1013
        assert b"too slow" in found[1]
    stalled.socket.close()


def test_a_stalled_reader_that_never_reads_again_holds_nothing(serve, monkeypatch):
    from toolkit.api import server

    monkeypatch.setattr(server, "_LINGER_SECONDS", 0.2)
    app = create_app(source="sample", limits=Limits(queue=2))
    served = serve(app)
    raw = Raw(served)
    raw.message()
    hub = app.state.hub
    stream = hub._streams["BTCUSDT@1d"]
    (connection,) = stream.subscribers
    while not connection.closed:
        served.call(connection.offer, f'"x":"{"x" * 1_000_000}"}}')
        time.sleep(0.005)
    served.until(lambda: not served._server.server_state.connections)
    assert (hub.connections, hub.streams) == (0, 0)
    raw.socket.close()


def test_clients_that_vanish_leave_nothing(serve):
    app = create_app(source="sample", feeds=[feed(speed=200)])
    served = serve(app)
    hub = app.state.hub
    raws = [Raw(served) for _ in range(20)]
    for raw in raws:
        raw.message()
    assert served.call(lambda: hub.connections) == 20
    for number, raw in enumerate(raws):
        if number % 2:
            # Reset rather than closed: as if the machine were gone.
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.stream.close()
        raw.socket.close()
    served.until(lambda: hub.connections == 0)
    assert served.call(lambda: len(hub._streams["BTCUSDT@1d"].subscribers)) == 0

    def tasks():
        return sum("Connection.write" in repr(task) for task in asyncio.all_tasks())

    served.until(lambda: tasks() == 0)


def test_many_follow_one_feed_with_the_same_messages(serve):
    app = create_app(source="sample", feeds=[feed(speed=50)])
    served = serve(app)
    clients = [Raw(served) for _ in range(30)]
    first = [client.message() for client in clients]
    begin = max(one["event_number"] or 0 for one in first) + 1
    seen = []
    for client in clients:
        found = {}
        while begin + 9 not in found:
            message = client.message()
            assert message["origin"] == "replay"
            found[message["event_number"]] = {**message, "number": None}
        seen.append([found[number] for number in range(begin, begin + 10)])
    assert all(one == seen[0] for one in seen)
    for client in clients:
        client.socket.close()


def test_a_feed_of_the_service_is_replayed_to_its_end():
    app = create_app(source="sample", feeds=[feed(speed=float("inf"), end="2021-09-01")])
    with TestClient(app) as client:
        with client.websocket_connect("/ws/chart?symbol=BTCUSDT&timeframe=1d&limit=3") as first:
            message = first.receive_json()
            while message["type"] != "end":
                message = first.receive_json()
        with client.websocket_connect("/ws/chart?symbol=BTCUSDT&timeframe=1d&limit=3") as late:
            found = late.receive_json()
            assert late.receive_json()["type"] == "end"
        rest = client.get("/api/klines?symbol=BTCUSDT&timeframe=1d&end=2021-09-01&limit=3").json()
    assert found["history"]["klines"] == rest["klines"]
    assert found["history"]["indicators"] == rest["indicators"]
    assert found["origin"] == "replay"


SERVICE = """
import sys
from toolkit.api import create_app, server
app = create_app(source="sample")
server.run(app, port=int(sys.argv[1]), log_level="warning")
"""


def test_sigterm_closes_sockets_cleanly():
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        address = f"ws://127.0.0.1:{port}/ws/chart"
        for _ in range(200):
            try:
                client = connect(address, proxy=None)
                break
            except OSError:
                time.sleep(0.1)
        with client:
            client.send('{"action": "ping"}')
            client.recv(10)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(10)
            assert closed.value.rcvd.code == 1001
            assert closed.value.rcvd.reason == "the service is shutting down"
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert "Traceback" not in output
    assert process.returncode in (0, -signal.SIGTERM)
