"""One suite for three ways in: `toolkit serve`, a Jupyter server's proxy, and that under a hub's base URL."""

import contextlib
import json
import re
import socket
import struct

import httpx2
import polars as pl
import pyarrow as pa
import pytest
from served import ask, in_jupyter, standalone, wait_for
from websockets.exceptions import ConnectionClosed, InvalidStatus

from toolkit.api import create_app
from toolkit.api.computed import compute
from toolkit.api.encode import klines_json, part_of
from toolkit.configuration import IndicatorConfiguration

WAYS = ("standalone", "proxied", "base-url")
KLINES = "/api/klines?symbol=BTCUSDT&timeframe=1d&limit=3"


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """All three, started at the same time."""
    folder = tmp_path_factory.mktemp("services")
    with contextlib.ExitStack() as stack:
        found = {
            "standalone": stack.enter_context(standalone(folder / "alone", wait=False)),
            "proxied": stack.enter_context(in_jupyter(folder / "proxied", "/", wait=False)),
            "base-url": stack.enter_context(in_jupyter(folder / "base", "/user/x/", wait=False)),
        }
        for service in found.values():
            wait_for(service)
        yield found


@pytest.fixture(params=WAYS)
def service(services, request):
    return services[request.param]


def test_the_same_answers(service):
    assert service.http.get("/").json()["name"] == "System V4"
    assert service.http.get("/api/health").json()["status"] == "ok"
    assert service.http.get("/api/symbols").json()["count"] == 38
    assert service.http.get("/api/timeframes").json() == {"timeframes": ["15m", "1h", "1d"]}
    assert service.http.get("/api/indicators").json()["enabled"] == ["MACD", "RSI", "Bollinger Bands"]
    assert service.http.get("/api/signals?symbol=btc&timeframe=1d&limit=1").json()["signals"].keys() == {
        "MACD",
        "RSI",
        "Bollinger Bands",
    }


def test_every_byte_comes_through(service):
    """A proxy must neither cut, recode nor compress it."""
    pipeline = IndicatorConfiguration().pipeline()
    computed = compute("BTCUSDT", "1d", pipeline, "sample", None)
    expected = json.loads(klines_json(computed, part_of(computed, None, None, 3)))
    found = service.http.get(KLINES).json()
    assert found["klines"] == expected["klines"]
    assert found["indicators"] == expected["indicators"]
    arrow = service.http.get(f"{KLINES}&format=arrow").content
    assert pa.ipc.open_stream(arrow).read_all().num_rows == 3
    assert pl.read_ipc_stream(arrow)["close"].to_list() == [one["close"] for one in expected["klines"]]
    large = service.http.get(f"{KLINES.replace('limit=3', 'limit=5000')}&format=columns").json()
    assert large["klines"]["close"][-3:] == [one["close"] for one in expected["klines"]]


def test_the_document_says_where_it_is(service):
    """So that requests from the documentation's pages reach it."""
    document = service.http.get("/openapi.json").json()
    path = "/" + "/".join(service.url.split("/")[3:])
    servers = document.get("servers", [{"url": "/"}])
    assert servers == [{"url": path}]
    for page in ("docs", "redoc"):
        answer = service.http.get(f"/{page}")
        assert answer.status_code == 200
        loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert loaded
        for name in loaded:
            file = service.http.get(f"/{name}")
            assert (file.status_code, len(file.content) > 500) == (200, True), name
            assert "//" not in name
            assert not name.startswith("/")


BAD_REQUESTS = {
    "/api/klines?symbol=BTCUSDX&timeframe=1h": "did you mean 'BTCUSDT'",
    "/api/klines?symbol=nothing-like-it&timeframe=1h": "symbol: ",
    "/api/klines?symbol=BTCUSDT&timeframe=2h": "timeframe: ",
    "/api/klines?symbol=BTCUSDT": "timeframe: Field required",
    "/api/klines?timeframe=1h": "symbol: Field required",
    "/api/klines?symbol=&timeframe=1h": "symbol: ",
    **{
        f"/api/{route}?symbol=BTCUSDT&timeframe=1h&limit={limit}": "limit: "
        for route in ("klines", "signals")
        for limit in ("0", "-1", "1e12", "1000000000000", "inf", "nan", "5001", "", "x", "1.5", "9" * 1500)
    },
    "/api/klines?symbol=../../etc/passwd&timeframe=1h": "symbol: ",
    "/api/klines?symbol=BTC%00USDT&timeframe=1h": "symbol: ",
    "/api/klines?symbol=BTCUSDT&timeframe=..%2f1h": "timeframe: ",
    "/api/klines?symbol=%ff%fe&timeframe=1h": "symbol: ",
    "/api/klines?symbol=" + "B" * 500 + "&timeframe=1h": "symbol: ",
    "/api/klines?symbol=BTCUSDT&timeframe=1h&format=xml": "format: ",
    "/api/klines?symbol=BTCUSDT&timeframe=1h&start=yesterday": "start",
    "/api/klines?symbol=BTCUSDT&timeframe=1h&start=2024-01-02&end=2024-01-01": "start",
    "/api/klines?symbol=BTCUSDT&timeframe=1h&start=9999999-01-01": "start",
    "/api/klines?symbol=BTCUSDT&timeframe=1h&end=1900-01-01": "no candle opens in",
    "/api/signals?symbol=BTCUSDT&timeframe=1h&signal_type=SELLL": "signal_type: ",
    "/api/klines?" + "a" * 2049: "query: 2049 bytes",
    "/api/nothing": "there is no '",
    "/api/klines?symbol=../../etc&timeframe=1h": "symbol: ",
    "/api/klines/../secret": "there is no '",
    "/docs/../etc/passwd": "there is no '",
    "/docs/..%2f..%2fconftest.py": "there is no '",
    "/redoc/redoc.standalone.js.LICENSE.txt": "there is no '",
}


@pytest.mark.parametrize("address", BAD_REQUESTS, ids=range(len(BAD_REQUESTS)))
def test_bad_requests_are_answered_with_what_is_wrong(service, address):
    answer = service.http.get(address)
    assert 400 <= answer.status_code < 500, answer.text
    detail = answer.json()["detail"]
    assert BAD_REQUESTS[address] in detail
    assert len(detail) < 1000
    assert "Traceback" not in answer.text


CONFIGURE = "/api/indicators/configure"
BAD_CHANGES = {
    "period of 0": ({"RSI": {"params": {"period": 0}}}, "period"),
    "period of a billion": ({"RSI": {"params": {"period": 10**9}}}, "period"),
    "period below zero": ({"RSI": {"params": {"period": -1}}}, "period"),
    "period of a text": ({"RSI": {"params": {"period": "14"}}}, "period"),
    "period of a half": ({"RSI": {"params": {"period": 14.5}}}, "period"),
    "period of true": ({"RSI": {"params": {"period": True}}}, "period"),
    "period of nothing": ({"RSI": {"params": {"period": None}}}, "period"),
    "fast above slow": ({"MACD": {"params": {"fast_period": 30}}}, "fast_period"),
    "fast as slow": ({"MACD": {"params": {"fast_period": 26}}}, "fast_period"),
    "an indicator near one": ({"MACDD": {"enabled": True}}, "MACD"),
    "a key": ({"RSI": {"colour": "red"}}, "colour"),
    "a parameter": ({"RSI": {"params": {"perod": 14}}}, "period"),
    "enabled as text": ({"RSI": {"enabled": "yes"}}, "enabled"),
    "a path": ({"../RSI": {"enabled": True}}, "../RSI"),
    "a list": ([1], ""),
    "a text": ("RSI", ""),
    "nothing": (None, ""),
    "the second of two": ({"RSI": {"enabled": False}, "MACD": {"params": {"fast_period": 0}}}, "fast_period"),
}
BAD_BODIES = {
    "NaN": b'{"RSI": {"params": {"period": NaN}}}',
    "Infinity": b'{"Bollinger Bands": {"params": {"deviations": Infinity}}}',
    "-Infinity": b'{"RSI": {"params": {"period": -Infinity}}}',
    "deep": b'{"RSI":' * 5_000,
    "deep and closed": b"[" * 30_000 + b"]" * 30_000,
    "cut": b'{"RSI": {"en',
    "empty": b"",
    "no UTF-8": b'{"\xff\xfe": 1}',
    "UTF-16": '{"RSI": {}}'.encode("utf-16"),
    "NUL": b'{"RSI\\u0000": {"enabled": false}}',
    "half a pair": b'{"\\ud800": {"enabled": false}}',
    "long number": b'{"RSI": {"params": {"period": ' + b"1" * 20_000 + b"}}}",
    "a key twice": b'{"RSI": {"enabled": false}, "RSI": {"enabled": true}}',
    "a form": b"RSI=off",
}


@pytest.fixture(scope="module")
def unchanged(services):
    """What the services say of themselves before and after all that is bad."""
    before = {way: service.configuration() for way, service in services.items()}
    yield
    assert {way: service.configuration() for way, service in services.items()} == before


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", BAD_CHANGES)
def test_bad_changes_change_nothing(service, name):
    changes, said = BAD_CHANGES[name]
    answer = service.http.post(CONFIGURE, content=json.dumps(changes))
    assert 400 <= answer.status_code < 500, answer.text
    assert said in answer.json()["detail"]
    with service.socket() as connection:
        found = ask(connection, action="configure", config=changes)
        assert (found["type"], found["detail"]) == ("error", answer.json()["detail"])
        assert ask(connection, action="ping")["type"] == "pong"


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies_change_nothing(service, name):
    answer = service.http.post(CONFIGURE, content=BAD_BODIES[name])
    assert 400 <= answer.status_code < 500, answer.text
    assert isinstance(answer.json()["detail"], str)
    assert len(answer.json()["detail"]) < 1000


@pytest.mark.usefixtures("unchanged")
def test_a_huge_body_is_refused(service):
    answer = service.http.post(CONFIGURE, content=b'{"RSI": "' + b"x" * 2_000_000 + b'"}')
    assert answer.status_code == 413
    assert answer.json() == {"detail": "body: more than 65536 bytes, which is the limit"}


@pytest.mark.usefixtures("unchanged")
def test_other_methods_are_refused(service):
    for method in ("PUT", "DELETE", "POST"):  # PATCH without a body is an error of Jupyter's proxy
        answer = service.http.request(method, "/api/klines")
        assert answer.status_code == 405
        assert answer.json()["detail"] == f"{method} is not allowed here; GET is"
    assert service.http.get(CONFIGURE).status_code == 405


BAD_MESSAGES = [
    "",
    "no JSON",
    "[]",
    "null",
    "1",
    '"ping"',
    "{}",
    '{"action": null}',
    '{"action": "pong"}',
    '{"action": "ping", "colour": "red"}',
    '{"action": "configure", "config": {"RSI": {"params": {"period": NaN}}}}',
    '{"action": "configure", "config": {"RSI": {"params": {"period": 1e999}}}}',
    '{"action": "configure", "config": {"RSI": {"enabled": false}, "nothing": {}}}',
    '{"action": "configure"}',
    '{"action": "subscribe", "symbol": "BTCUSDX", "timeframe": "1h"}',
    '{"action": "subscribe", "symbol": "../../etc", "timeframe": "1h"}',
    '{"action": "subscribe", "symbol": "BTC\\u0000USDT", "timeframe": "1h"}',
    '{"action": "subscribe", "symbol": {"a": 1}, "timeframe": ["1h"]}',
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "limit": -1}',
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "limit": 1e12}',
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "replay": 0}',
    '{"action": "unsubscribe", "symbol": "ETHUSDT", "timeframe": "1h"}',
    '{"action": "ping", "id": {"a": 1}}',
    '{"action": "ping", "action": "ping"}',
    '{"a":' * 5_000,
    "[" * 60_000,
    '{"action": "ping", "id": "\\ud800"}',
    b"\x00\xff",
    b'{"action": "ping"}',
]


@pytest.mark.usefixtures("unchanged")
def test_a_socket_survives_bad_messages(service):
    with service.socket() as connection:
        first = json.loads(connection.recv(timeout=30))
        assert first["type"] == "snapshot"
        for message in BAD_MESSAGES:
            connection.send(message)
            answer = json.loads(connection.recv(timeout=30))
            assert answer["type"] == "error", message
            assert 0 < len(answer["detail"]) < 1000
        update = ask(connection, action="update")
        assert update["latest_candle"] == first["latest_candle"]
        assert update["number"] == len(BAD_MESSAGES) + 2


def test_what_a_client_of_the_chart_is_served(service):
    with service.socket() as connection:
        snapshot = json.loads(connection.recv(timeout=30))
        candle = snapshot["latest_candle"]
        assert set(candle) >= {"open_time", "open", "high", "low", "close", "volume", "closed"}
        assert ask(connection, action="ping")["type"] == "pong"
        answer = ask(connection, action="configure", config={"RSI": {"enabled": False}})
        assert answer["type"] == "configured"
        assert service.http.get("/api/indicators").json()["enabled"] == ["MACD", "Bollinger Bands"]
        back = service.http.post(CONFIGURE, json={"RSI": {"enabled": True}})
        assert back.json()["current_config"]["RSI"]["enabled"] is True
        told = [json.loads(connection.recv(timeout=30)) for _ in range(2)]
        assert set(told[-1]["indicators"]) == {"MACD", "RSI", "Bollinger Bands"}


def test_replay_comes_through_as_it_happens(service):
    with service.socket("symbol=BTCUSDT&timeframe=1d&replay=50&start=2025-11-01") as connection:
        messages = [json.loads(connection.recv(timeout=30)) for _ in range(5)]
    assert all(message["replay"] is True for message in messages)
    assert [message["number"] for message in messages] == [1, 2, 3, 4, 5]


def test_only_pages_of_its_own_may_call(service):
    own, foreign = {"Origin": service.origin}, {"Origin": "http://evil.example"}
    for headers, status in ((own, 200), (foreign, 403), ({"Origin": "null"}, 403)):
        answer = service.http.get("/api/symbols", headers=headers)
        assert answer.status_code == status
        assert "access-control-allow-origin" not in answer.headers
        change = service.http.post(CONFIGURE, json={"RSI": {"enabled": True}}, headers=headers)
        assert change.status_code == status
        # Whoever is refused by a proxy gets nothing either: it has let the page in before it asked.
        if status == 200:
            with service.socket(headers=headers) as connection:
                assert json.loads(connection.recv(timeout=30))["type"] == "snapshot"
        else:
            with (
                pytest.raises((InvalidStatus, ConnectionClosed)),
                service.socket(headers=headers) as connection,
            ):
                connection.recv(timeout=30)


def test_only_its_own_names_are_answered(service):
    for host, allowed in ((service.origin.split("/")[2], True), ("evil.example", False)):
        answer = service.http.get("/api/symbols", headers={"Host": host})
        assert (answer.status_code == 200) == allowed
        assert ("BTCUSDT" in answer.text) == allowed


def test_who_may_not_use_jupyter_may_not_use_it(services):
    for way in ("proxied", "base-url"):
        service = services[way]
        without = {"Authorization": "token of-another"}
        for path in ("/", "/api/symbols", "/docs", "/openapi.json"):
            # without the cookies that were given to who may
            answer = httpx2.get(service.url + path, headers=without, trust_env=False)
            assert answer.status_code in (302, 403)
            assert "BTC" not in answer.text
        with pytest.raises(InvalidStatus), service.socket(headers=without):
            pass


def test_another_name_is_refused_by_the_app_behind_the_proxy_too(services, monkeypatch):
    """Jupyter has refused it before, so the app is asked what it would have done."""
    from toolkit.api import proxy

    class Jupyter:
        allow_remote_access = False
        local_hostnames = ("localhost", "jupyter.example")

        @staticmethod
        def initialized():
            return True

        @staticmethod
        def instance():
            return Jupyter

    monkeypatch.setattr("jupyter_server.serverapp.ServerApp", Jupyter)
    words = proxy.command(0, "/tmp/{x}/socket", "/user/{name}/")
    assert words[3:] == [
        *("serve", "--uds", "/tmp/{{x}}/socket", "--root-path", "/user/{{name}}/toolkit"),
        *("--allowed-host", "localhost", "--allowed-host", "jupyter.example"),
    ]
    assert "--port" in proxy.command(8000, "", "/")
    Jupyter.allow_remote_access = True
    assert words[:3] + proxy.command(0, "s", "/")[3:] == [
        *words[:3],
        *("serve", "--uds", "s", "--root-path", "/toolkit", "--allowed-host", "*"),
    ]


# What only a connection of one's own can send, past any proxy.


def raw(service, data, wait=10.0):
    """Send bytes and read until the server closes."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=wait) as connection:
        connection.sendall(data)
        received = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while part := connection.recv(65536):
                received += part
        return received


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 403),
        (b"no HTTP at all\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, 400),  # TLS
        (b"GET /" + b"a" * 40_000, 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40_000, 431),
        (b"GET /" + b"a" * 400_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 120 + b"Connection: close\r\n\r\n", 431),
        (
            b"POST /api/indicators/configure HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
            413,
        ),
        (b"GET /\xff\x00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 403),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400),
    ],
)
def test_requests_that_are_none(services, data, status):
    received = raw(services["standalone"], data)
    assert received.startswith(f"HTTP/1.1 {status} ".encode()), received[:300]
    body = received.split(b"\r\n\r\n", 1)[1]
    assert isinstance(json.loads(body)["detail"], str)


def test_half_open_sockets_leave_nothing(services):
    service = services["standalone"]
    before = service.http.get("/api/health").json()["connections"]
    handshake = (
        b"GET /ws/chart?symbol=BTCUSDT&timeframe=1d HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    for vanish in range(20):
        connection = socket.create_connection(("127.0.0.1", service.port), timeout=10)
        connection.sendall(handshake[: len(handshake) - vanish % 3 * 20])
        if vanish % 3 == 0:
            assert connection.recv(100).startswith(b"HTTP/1.1 101")
        # Gone without a word: a reset, and no closing handshake.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    for _ in range(100):
        if service.http.get("/api/health").json()["connections"] <= before:
            break
        with service.socket() as other:
            other.recv(timeout=10)
    assert service.http.get("/api/health").json()["connections"] <= before


def test_frames_that_are_none_end_one_connection_only(services):
    """A reserved opcode, a frame that is not masked, text that is no UTF-8, a message without end."""
    service = services["standalone"]
    with service.socket() as other:
        other.recv(timeout=30)
        for frame in (b"\x83\x80\x00\x00\x00\x00", b"\x81\x02hi", b"\x81\xff" + b"\x7f" * 8 + b"\x00" * 4):
            with service.socket() as connection:
                connection.recv(timeout=30)
                connection.socket.sendall(frame)
                with pytest.raises(ConnectionClosed):
                    connection.recv(timeout=10)
        with service.socket() as connection:
            connection.recv(timeout=30)
            connection.socket.sendall(b"\x81\x82\x00\x00\x00\x00\xff\xfe")
            assert json.loads(connection.recv(timeout=10))["type"] == "error"
            assert ask(connection, action="ping")["type"] == "pong"
        assert ask(other, action="ping")["type"] == "pong"


def test_nothing_was_logged_that_is_an_error_of_the_service(services):
    """Runs last in this file: none of all that made it fail."""
    for service in services.values():
        log = service.log.read_text()
        assert "Exception in ASGI" not in log, log
        assert "an unexpected error" not in log


def test_create_app_takes_what_the_command_gives():
    app = create_app(source="sample", hosts=["app.example"], origins=["https://app.example"], token="x" * 16)
    assert app.openapi()["security"] == [{"token": []}]
