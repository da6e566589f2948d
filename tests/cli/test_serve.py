"""`toolkit serve`: what it refuses, how it starts and how it ends."""

import json
import signal
import socket
import stat

import httpx2
import pytest
from served import TOOLKIT, _end, _start, standalone
from websockets.exceptions import ConnectionClosed

from toolkit import cli
from toolkit.api import listen
from toolkit.api.guard import policy
from toolkit.configuration import IndicatorConfiguration

TOKEN = "a-token-of-some-length"


@pytest.fixture(autouse=True)
def _environment_as_it_was(monkeypatch):
    monkeypatch.setenv("TOOLKIT_SOURCE", "sample")
    monkeypatch.delenv("TOOLKIT_TOKEN", raising=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org"])
def test_other_machines_need_a_token(host, capsys):
    assert cli.main(["serve", "--host", host]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"toolkit serve: host {host!r} can be reached from other machines")
    assert "TOOLKIT_TOKEN" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--token", "short"], "token: allowed are 16 to 256 letters"),
        (["--origin", "*"], "origin: '*' is not one"),
        (["--origin", "https://app.example/path"], "origin: 'https://app.example/path'"),
        (["--allowed-host", "http://app.example"], "allowed host: 'http://app.example'"),
        (["--source", "nowhere-at-all"], "source: there is no folder"),
        (["--host", "192.0.2.1", "--token", TOKEN], "host '192.0.2.1' is no address of this machine"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(words, said, capsys):
    assert cli.main(["serve", "--port", "18000", *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"toolkit serve: {said}")
    assert error.count("\n") == 1
    assert TOKEN not in error


@pytest.mark.parametrize("port", ["0", "65536", "many"])
def test_a_port_that_is_none_is_refused(port, capsys):
    assert cli.main(["serve", "--port", port]) == 2
    assert "is not a port, a whole number from 1 to 65535" in capsys.readouterr().err


def test_a_port_in_use_is_said_in_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert cli.main(["serve", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"toolkit serve: port {port} is in use; choose another with --port (make serve PORT=...)\n"
    )


def test_a_configuration_that_is_none_is_said(tmp_path, capsys):
    file = tmp_path / "configuration.json"
    file.write_text("{")
    assert cli.main(["serve", "--port", "18000", "--configuration", str(file)]) == 1
    assert str(file) in capsys.readouterr().err


def test_localhost_is_listened_on_at_one_port():
    sockets = listen.listen("localhost", 0)
    try:
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert all(policy.is_loopback(one.getsockname()[0]) for one in sockets)
    finally:
        for one in sockets:
            one.close()


def test_a_socket_in_the_file_system_is_its_users_alone(tmp_path):
    path = tmp_path / "socket"
    for _ in range(2):  # one that a service left behind is in nobody's way
        (listening,) = listen.listen_unix(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        listening.close()
    path.unlink()
    path.write_text("not a socket")
    with pytest.raises(OSError, match="is there already, and no socket"):
        listen.listen_unix(path)
    assert path.read_text() == "not a socket"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_closes_every_socket_and_ends_with_0(how, tmp_path):
    with standalone(tmp_path, "--configuration", str(tmp_path / "kept.json")) as service:
        changed = service.http.post("/api/indicators/configure", json={"RSI": {"enabled": False}})
        assert changed.status_code == 200
        with service.socket() as one, service.socket() as two:
            one.recv(timeout=30)
            two.recv(timeout=30)
            service.process.send_signal(how)
            for connection in (one, two):
                with pytest.raises(ConnectionClosed) as closed:
                    connection.recv(timeout=30)
                assert closed.value.rcvd.code == 1001
        assert service.process.wait(timeout=30) == 0
        log = service.log.read_text()
        assert f"System V4 service: {service.url}/" in log
        assert "Traceback" not in log
    assert not IndicatorConfiguration.load(tmp_path / "kept.json").is_enabled("RSI")


def test_a_token_and_a_name_from_the_environment(tmp_path):
    options = {"TOOLKIT_TOKEN": TOKEN, "TOOLKIT_HOSTS": "a.example b.example"}
    with standalone(tmp_path, "--root-path", "/behind/", **options) as service:
        for name in ("a.example", "b.example"):
            answer = service.http.get("/api/health", headers={"Host": name})
            assert answer.status_code == 401
        service.http.headers["Authorization"] = f"Bearer {TOKEN}"
        assert service.http.get("/api/health", headers={"Host": "b.example"}).json()["status"] == "ok"
        assert service.http.get("/api/health", headers={"Host": "c.example"}).status_code == 403
        assert service.http.get("/openapi.json").json()["servers"] == [{"url": "/behind"}]
        with service.socket(subprotocols=["toolkit", f"toolkit.token.{TOKEN}"]) as connection:
            assert connection.subprotocol == "toolkit"
            assert json.loads(connection.recv(timeout=30))["type"] == "snapshot"


def test_behind_a_proxy_it_listens_on_a_socket_in_the_file_system(tmp_path):
    path = tmp_path / "socket"
    process, log = _start([*TOOLKIT, "serve", "--uds", str(path), "--root-path", "/x"], tmp_path)
    transport = httpx2.HTTPTransport(uds=str(path), retries=0)
    try:
        with httpx2.Client(transport=transport, base_url="http://localhost") as client:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                if path.exists():
                    break
                signal.sigtimedwait([], 0.1)
            assert client.get("/api/health", timeout=60).json()["status"] == "ok"
            # Its path is no name: only the guard's own count.
            assert client.get("/", headers={"Host": str(path)}).status_code in (400, 403)
    finally:
        assert _end(process) == 0
    assert not path.exists()


def test_live_without_a_way_to_the_exchange_says_so_and_serves_what_is_stored(tmp_path):
    nowhere = "127.0.0.1:9"  # nobody listens there
    environment = {"TOOLKIT_LIVE_STREAM": f"ws://{nowhere}", "TOOLKIT_LIVE_REST": f"http://{nowhere}"}
    with standalone(tmp_path / "service", "--live", **environment) as service:
        assert "sample, and binance as they happen" in service.log.read_text()
        assert service.http.get("/api/health").json()["live"]["state"] == "off"  # nobody follows anything
        with service.socket("symbol=BTCUSDT&timeframe=1d&limit=3") as connection:
            first = json.loads(connection.recv(timeout=30))
            assert (first["type"], first["origin"], first["latest_candle"]) == ("snapshot", "live", None)
            live = service.http.get("/api/health").json()["live"]
        assert live["venue"] == "binance"
        assert live["state"] in ("waiting", "connecting")
        assert live["series"] == 1
        klines = service.http.get("/api/klines?symbol=BTCUSDT&timeframe=1d&limit=3").json()
        assert klines["data_points"] == 3
