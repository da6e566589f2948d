"""The WebSocket: snapshots, actions, replays, and bad messages that a socket survives."""

import asyncio
import contextlib
import json

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from toolkit.api import create_app
from toolkit.api.hub import Limits

CHART = "/ws/chart?symbol=BTCUSDT&timeframe=1d"
KLINES = "/api/klines?symbol=BTCUSDT&timeframe=1d"


@contextlib.contextmanager
def opened(client, address=CHART):
    """A socket after its snapshot."""
    with client.websocket_connect(address) as socket:
        socket.snapshot = socket.receive_json()
        yield socket


def ask(socket, **message):
    socket.send_text(json.dumps(message))
    return socket.receive_json()


def test_a_snapshot_on_connecting(client):
    with opened(client, f"{CHART}&limit=50") as socket:
        found = socket.snapshot
    rest = client.get(f"{KLINES}&limit=50").json()
    assert found["number"] == 1
    assert found["type"] == "snapshot"
    assert (found["symbol"], found["timeframe"], found["origin"]) == ("BTCUSDT", "1d", "stored")
    assert found["synthetic"] is True
    assert found["replay"] is False
    assert found["latest_candle"] == {**rest["klines"][-1], "closed": True}
    assert found["indicators"] == {
        name: {key: value for key, value in rows[-1].items() if key != "open_time"}
        for name, rows in rest["indicators"].items()
    }
    assert found["history"]["klines"] == rest["klines"]
    assert found["history"]["indicators"] == rest["indicators"]


def test_actions(client):
    with opened(client) as socket:
        assert ask(socket, action="ping") == {"number": 2, "type": "pong"}
        assert ask(socket, action="ping", id="a1") == {"number": 3, "type": "pong", "id": "a1"}
        update = ask(socket, action="update", id=7)
        assert (update["type"], update["number"], update["id"]) == ("update", 4, 7)
        for name in ("latest_candle", "indicators", "signals", "symbol", "origin"):
            assert update[name] == socket.snapshot[name]


def test_configure_over_the_socket_is_the_same_as_over_rest(client):
    with opened(client) as socket, opened(client) as other:
        answers = [ask(socket, action="configure", config={"RSI": {"params": {"period": 21}}}, id=1)]
        answers.append(socket.receive_json())
        by_type = {answer["type"]: answer for answer in answers}
        assert by_type["configured"]["status"] == "ok"
        assert by_type["configured"]["id"] == 1
        assert by_type["configured"]["current_config"]["RSI"]["params"]["period"] == 21
        rest = client.get(f"{KLINES}&limit=1").json()["indicators"]["RSI"][0]["rsi"]
        told = other.receive_json()  # without being asked
        assert (told["type"], told["reason"]) == ("snapshot", "configured")
        for found in (by_type["snapshot"], told):
            assert found["indicators"]["RSI"]["rsi"] == rest != socket.snapshot["indicators"]["RSI"]["rsi"]


def test_configure_over_rest_reaches_open_streams_before_the_next_message(client):
    with opened(client) as socket:
        client.post("/api/indicators/configure", json={"MACD": {"enabled": False}})
        socket.send_text('{"action": "update"}')
        found = [socket.receive_json() for _ in range(2)]
        assert [list(one["indicators"]) for one in found] == [["RSI", "Bollinger Bands"]] * 2
        assert sorted(one["type"] for one in found) == ["snapshot", "update"]


def test_a_configuration_that_is_refused_changes_nothing(client):
    with opened(client) as socket:
        found = ask(
            socket, action="configure", config={"RSI": {"enabled": False}, "MACD": {"params": {"x": 1}}}
        )
        assert found["type"] == "error"
        assert "unknown parameter x=1" in found["detail"]
        assert ask(socket, action="update")["indicators"] == socket.snapshot["indicators"]


def test_several_streams_on_one_socket(client):
    with opened(client) as socket:
        snapshot = ask(socket, action="subscribe", symbol="btc", timeframe="1h", limit=0)
        assert (snapshot["type"], snapshot["stream"]) == ("snapshot", "BTCUSDT@1h")
        assert snapshot["history"]["klines"] == []
        done = socket.receive_json()
        assert (done["type"], done["streams"]) == ("subscribed", ["BTCUSDT@1d", "BTCUSDT@1h"])
        assert ask(socket, action="update", timeframe="1h")["stream"] == "BTCUSDT@1h"
        both = [ask(socket, action="update"), socket.receive_json()]
        assert [one["stream"] for one in both] == ["BTCUSDT@1d", "BTCUSDT@1h"]
        gone = ask(socket, action="unsubscribe", symbol="BTCUSDT", timeframe="1d")
        assert (gone["stopped"], gone["streams"]) == (["BTCUSDT@1d"], ["BTCUSDT@1h"])
        assert ask(socket, action="update")["stream"] == "BTCUSDT@1h"
        assert "no such stream" in ask(socket, action="update", timeframe="1d")["detail"]


def test_a_socket_may_begin_without_a_stream(client):
    with client.websocket_connect("/ws/chart") as socket:
        assert ask(socket, action="ping")["type"] == "pong"
        assert "subscribe first" in ask(socket, action="update")["detail"]
        assert ask(socket, action="subscribe", symbol="BTCUSDT", timeframe="1d")["type"] == "snapshot"


def test_numbers_have_no_gaps(client):
    with opened(client, f"{CHART}&replay=1000") as socket:
        for _ in range(5):
            socket.send_text('{"action": "ping"}')
        numbers = [socket.receive_json()["number"] for _ in range(60)]
    assert numbers == list(range(2, 62))


BAD_MESSAGES = {
    "nonsense": "is not JSON",
    "": "is not JSON",
    "[]": 'must be an object with an "action"',
    "3": 'must be an object with an "action"',
    "{}": 'must be an object with an "action"',
    '{"action": 3}': 'must be an object with an "action"',
    '{"action": "pnig"}': "did you mean 'ping'?",
    '{"action": "' + "x" * 1000 + '"}': "is not known",
    '{"action": "ping", "extra": 1}': "unknown 'extra'",
    '{"action": "ping", "id": {}}': "id: must be",
    '{"action": "ping", "id": NaN}': "holds NaN",
    '{"action": "ping", "id": 1' + "0" * 30 + "}": "beyond 64 bits",
    '{"action": "ping", "id": "\\uD800"}': "half of a surrogate pair",
    '{"action": "ping", "action": "update"}': "twice",
    '{"action": "ping", "id": "' + "x" * 70_000 + '"}': "is too large; at most 65,536 bytes",
    '{"action": "ping", "id": "' + "€" * 30_000 + '"}': "is too large",
    '{"action": "ping", "id": ' + "[" * 50_000: "nested too deep",
    '{"action": "subscribe"}': "symbol: is needed",
    '{"action": "subscribe", "symbol": "BTCUSDX", "timeframe": "1h"}': "did you mean 'BTCUSDT'",
    '{"action": "subscribe", "symbol": "../x\\u0000", "timeframe": "1h"}': "is not supported",
    '{"action": "subscribe", "symbol": "\\ud800", "timeframe": "1h"}': "surrogate pair",
    '{"action": "subscribe", "symbol": ["BTCUSDT"], "timeframe": "1h"}': "symbol: is needed, a text",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "7m"}': "is not supported",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "limit": -1}': "limit: must be",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "limit": 1e12}': "limit: must be",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "limit": true}': "limit: must be",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "start": "2024-01-01"}': "for a replay",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "replay": 0}': "speed must be",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "replay": 1e9}': "speed must be",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1h", "replay": "fast"}': "speed must be",
    '{"action": "subscribe", "symbol": "BTCUSDT", "timeframe":"1h","replay": 1, "start": "2050"}': "has no",
    '{"action": "unsubscribe", "symbol": "ETHUSDT"}': "no such stream is followed",
    '{"action": "configure"}': 'needs "config"',
    '{"action": "configure", "config": []}': "is not a mapping",
    '{"action": "configure", "config": {"RSI": {"params": {"period": 0}}}}': "period=0 is not allowed",
    '{"action": "replay", "command": "play"}': "a replay that this connection follows",
}


def test_bad_messages_get_an_error_and_the_socket_survives(client):
    with opened(client) as socket:
        for number, (text, expected) in enumerate(BAD_MESSAGES.items(), start=2):
            socket.send_text(text)
            found = socket.receive_json()
            assert (found["type"], found["number"]) == ("error", number), text[:80]
            assert expected in found["detail"], text[:80]
            assert len(found["detail"]) < 1000
        socket.send_bytes(b"\xff\xfe")
        assert "binary frames are not understood" in socket.receive_json()["detail"]
        assert ask(socket, action="update")["indicators"] == socket.snapshot["indicators"]
    assert client.get("/api/indicators").json()["enabled"] == ["MACD", "RSI", "Bollinger Bands"]


BAD_ADDRESSES = {
    "symbol=BTCUSDX&timeframe=1d": "did you mean 'BTCUSDT'",
    "symbol=BTCUSDT": "timeframe: is needed",
    "symbol=BTCUSDT&timeframe=1d&limit=inf": "limit: 'inf' is not a number",
    "symbol=BTCUSDT&timeframe=1d&limit=-1": "limit: must be",
    "symbol=BTCUSDT&timeframe=1d&limit=" + "9" * 1500: "is not a number",
    "symbol=BTCUSDT&timeframe=1d&replay=nan": "speed must be",
    "symbol=BTCUSDT&timeframe=1d&colour=red": "unknown 'colour'",
    "symbol=BTCUSDT&timeframe=1d&symbol=ETHUSDT": "given twice",
}


@pytest.mark.parametrize(("query", "expected"), BAD_ADDRESSES.items(), ids=range(len(BAD_ADDRESSES)))
def test_an_address_that_cannot_be_is_told_why(client, query, expected):
    with client.websocket_connect(f"/ws/chart?{query}") as socket:
        assert expected in socket.receive_json()["detail"]
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1008


def test_a_replay_streams_what_a_calculation_gives(client):
    whole = client.get(f"{KLINES}&limit=5000").json()
    times = [row["open_time"] for row in whole["klines"]]
    at = times.index("2023-05-01T00:00:00Z")
    signals = client.get("/api/signals?symbol=BTCUSDT&timeframe=1d&limit=5000").json()["signals"]
    with opened(client, f"{CHART}&replay=1000&start=2023-05-01&end=2023-08-01&limit=10") as socket:
        assert socket.snapshot["history"]["klines"] == whole["klines"][at - 10 : at]
        assert socket.snapshot["history"]["indicators"]["MACD"] == whole["indicators"]["MACD"][at - 10 : at]
        for row in range(at, at + 92):
            found = socket.receive_json()
            assert found["origin"] == "replay"
            assert found["replay"] is True
            assert found["event_number"] == row - at + 1
            assert found["latest_candle"] == {**whole["klines"][row], "closed": True}
            for name, values in found["indicators"].items():
                assert {"open_time": times[row], **values} == whole["indicators"][name][row]
            assert found["signals"] == {
                name: here
                for name, rows in signals.items()
                if (here := [one for one in rows if one["timestamp"] == times[row]])
            }
        assert socket.receive_json()["type"] == "end"
        assert ask(socket, action="ping")["type"] == "pong"


def test_candles_of_a_replay_form_where_a_smaller_timeframe_tells_how(client):
    whole = client.get(f"{KLINES}&limit=5000").json()
    rows = {row["open_time"]: row for row in whole["klines"]}
    forming = {}
    with opened(client, f"{CHART}&replay=1000&forming=true&start=2023-05-01&end=2023-05-11") as socket:
        while (found := socket.receive_json())["type"] == "update":
            assert found["replay"] is True
            candle = found["latest_candle"]
            stored = rows[candle["open_time"]]
            if candle.pop("closed"):
                assert candle == stored
                values = next(
                    one for one in whole["indicators"]["RSI"] if one["open_time"] == candle["open_time"]
                )
                assert found["indicators"]["RSI"]["rsi"] == values["rsi"]
            else:
                forming[candle["open_time"]] = forming.get(candle["open_time"], 0) + 1
                assert stored["low"] <= candle["low"] <= candle["high"] <= stored["high"]
                assert candle["volume"] <= stored["volume"]
                assert found["signals"] == {}
    assert len(forming) == 10
    with opened(client) as socket:
        assert (
            "forming is for a replay"
            in ask(socket, action="subscribe", symbol="ETH", timeframe="1d", forming=True)["detail"]
        )
        assert (
            "true or false"
            in ask(socket, action="subscribe", symbol="ETH", timeframe="1d", replay=1, forming="x")["detail"]
        )


def test_a_replay_waits_for_its_reader(monkeypatch):
    """It is nobody else's, so a reader of 200 candles a second is not dropped by a replay of 1,000."""
    real = WebSocket.send_text

    async def slowly(self, data):
        await asyncio.sleep(0.005)
        await real(self, data)

    monkeypatch.setattr(WebSocket, "send_text", slowly)
    app = create_app(source="sample", limits=Limits(queue=8))
    with TestClient(app) as client, opened(client, f"{CHART}&replay=1000&start=2024-06-01") as socket:
        found = [socket.receive_json() for _ in range(60)]
    assert [one["event_number"] for one in found] == list(range(1, 61))


def test_a_replay_can_be_steered(client):
    with opened(client, f"{CHART}&replay=0.01&start=2023-05-01") as socket:
        assert socket.receive_json()["latest_candle"]["open_time"] == "2023-05-01T00:00:00Z"
        paused = ask(socket, action="replay", command="pause")
        assert (paused["paused"], paused["position"]) == (True, "2023-05-02T00:00:00Z")
        found = [ask(socket, action="replay", command="step", candles=2)]
        found += [socket.receive_json() for _ in range(2)]
        days = [one["latest_candle"]["open_time"][:10] for one in found if one["type"] == "update"]
        assert days == ["2023-05-02", "2023-05-03"]
        ask(socket, action="replay", command="seek", to="2022-01-01")
        socket.send_text('{"action": "replay", "command": "step"}')
        found = [socket.receive_json() for _ in range(2)]
        (snapshot,) = [one for one in found if one["type"] == "snapshot"]
        assert snapshot["reason"] == "rewound"
        assert snapshot["latest_candle"]["open_time"] == "2022-01-01T00:00:00Z"
        rest = client.get(f"{KLINES}&end=2022-01-02&limit=1").json()
        assert snapshot["indicators"]["RSI"]["rsi"] == rest["indicators"]["RSI"][0]["rsi"]
        for text, expected in {
            '"command": "stop"': "command must be one of",
            '"command": "seek"': 'needs "to"',
            '"command": "seek", "to": "2050-01-01"': "the last candle opens at",
            '"command": "seek", "to": "soon"': "is no time",
            '"command": "step", "candles": 0': "whole number from 1",
            '"command": "step", "candles": 1e9': "whole number from 1",
            '"command": "play", "speed": -1': "speed must be",
            '"command": "pause", "speed": 1': "takes no speed",
        }.items():
            socket.send_text('{"action": "replay", ' + text + "}")
            assert expected in socket.receive_json()["detail"]


def test_a_replay_follows_the_configuration(client):
    with opened(client, f"{CHART}&replay=0.01&start=2023-05-01") as socket:
        first = socket.receive_json()
        client.post("/api/indicators/configure", json={"RSI": {"params": {"period": 5}}})
        told = socket.receive_json()
        assert (told["type"], told["reason"], told["replay"]) == ("snapshot", "configured", True)
        assert told["latest_candle"] == first["latest_candle"]
        ask(socket, action="replay", command="step")
        found = socket.receive_json()
        rest = client.get(f"{KLINES}&start=2023-05-02&end=2023-05-03").json()
        assert found["indicators"]["RSI"]["rsi"] == rest["indicators"]["RSI"][0]["rsi"]
        assert np.isfinite(found["indicators"]["RSI"]["rsi"])


def test_limits_of_connections_subscriptions_and_replays():
    app = create_app(source="sample", limits=Limits(connections=2, subscriptions=2, replays=1))
    with TestClient(app) as client, opened(client) as one, opened(client):
        with client.websocket_connect(CHART) as third:
            assert "there are 2 connections" in third.receive_json()["detail"]
            with pytest.raises(WebSocketDisconnect) as closed:
                third.receive_json()
            assert closed.value.code == 1013
        replay = {"action": "subscribe", "symbol": "BTCUSDT", "timeframe": "1d", "replay": 0.01}
        assert ask(one, **replay, limit=0)["type"] == "snapshot"
        for _ in range(2):  # subscribed, and the first candle
            one.receive_json()
        assert "at most 2 streams" in ask(one, action="subscribe", symbol="BTCUSDT", timeframe="1h")["detail"]
        ask(one, action="unsubscribe", replay=False)
        assert app.state.hub.streams == 2  # the other connection's, and the replay
        assert ask(one, action="unsubscribe")["streams"] == []
        assert ask(one, **replay, limit=0)["type"] == "snapshot"


def test_whoever_goes_leaves_nothing_behind(app):
    with TestClient(app) as client:
        for _ in range(5):
            with opened(client, f"{CHART}&replay=100") as socket:
                ask(socket, action="subscribe", symbol="BTCUSDT", timeframe="1h")
        hub = app.state.hub
        assert (hub.connections, hub.streams) == (0, 0)
        assert client.get("/api/health").json()["connections"] == 0
