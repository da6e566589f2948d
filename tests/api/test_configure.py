"""Configuring: all or nothing, kept in a file, and whatever a stranger may send."""

import json
import stat

import pytest
from starlette.testclient import TestClient

from toolkit import ConfigurationError, IndicatorConfiguration
from toolkit.api import create_app

ADDRESS = "/api/indicators/configure"
KLINES = "/api/klines?symbol=BTCUSDT&timeframe=1d&limit=1"


def test_the_example_of_the_issue(client):
    changes = {
        "MACD": {"enabled": True, "params": {"fast_period": 10}},
        "Bollinger Bands": {"enabled": False},
    }
    found = client.post(ADDRESS, json=changes)
    assert found.status_code == 200
    answer = found.json()
    assert list(answer) == ["status", "message", "current_config"]
    assert answer["status"] == "ok"
    config = answer["current_config"]
    assert config["MACD"] == {
        "enabled": True,
        "params": {"fast_period": 10, "slow_period": 26, "signal_period": 9, "source": "close"},
    }
    assert config["Bollinger Bands"]["enabled"] is False
    assert list(client.get(KLINES).json()["indicators"]) == ["MACD", "RSI"]


BAD_CHANGES = {
    '{"RSI": {"params": {"period": 0}}}': "period=0 is not allowed: it must be a whole number from 1 to 1000",
    '{"RSI": {"params": {"period": 1000000000}}}': "period=1000000000",
    '{"RSI": {"params": {"period": "14"}}}': "period='14'",
    '{"RSI": {"params": {"period": 14.5}}}': "period=14.5",
    '{"RSI": {"params": {"period": null}}}': "period=None",
    '{"RSI": {"params": {"period": true}}}': "period=True",
    '{"RSI": {"params": {"period": [14]}}}': "period=[14]",
    '{"RSI": {"params": {"period": 1e400}}}': "period=inf",
    '{"RSI": {"params": {"nothing": 1}}}': "unknown parameter nothing=1; it has: period",
    '{"MACD": {"params": {"fast_period": 26}}}': "fast_period must be less than slow_period",
    '{"RSJ": {"enabled": true}}': "did you mean RSI",
    '{"../../etc/passwd": {}}': "no indicator named",
    '{"RSI\\u0000": {}}': "no indicator named",
    '{"RSI": {"enable": true}}': "allowed are 'enabled' and 'params'",
    '{"RSI": {"enabled": 1}}': "must be True or False",
    '{"RSI": {"params": 3}}': "is not a mapping",
    '{"RSI": 3}': "RSI: 3",
    '{"RSI": {}, "rsi": {}}': "is named twice",
    "[]": "is not a mapping",
    "3": "is not a mapping",
    "null": "is not a mapping",
}


@pytest.mark.parametrize(("body", "text"), BAD_CHANGES.items())
def test_one_bad_change_and_nothing_changes(client, body, text):
    before = client.get("/api/indicators").json()
    klines = client.get(KLINES).content
    if body.startswith("{"):  # a good change goes before the bad one
        body = '{"MACD": {"params": {"slow_period": 27}}, ' + body[1:] if "MACD" not in body else body
        body = body.replace("{", '{"Bollinger Bands": {"enabled": false}, ', 1)
    found = client.post(ADDRESS, content=body)
    assert found.status_code == 422
    assert text in found.json()["detail"]
    assert client.get("/api/indicators").json() == before
    assert client.get(KLINES).content == klines


BAD_BODIES = {
    b"": "is not JSON",
    b"{": "is not JSON",
    b"{'RSI': {}}": "is not JSON",
    b'{"RSI": {"params": {"period": NaN}}}': "holds NaN",
    b'{"RSI": {"params": {"period": -Infinity}}}': "holds -Infinity",
    b'{"RSI": {}, "RSI": {}}': "has the key 'RSI' twice",
    b'{"RSI": "\xff"}': "is not UTF-8",
    b"[" * 50_000: "is nested too deep",
    b'{"a":' * 12_000: "is nested too deep",
    b'{"RSI": {"params": {"period": ' + b"1" * 10_000 + b"}}}": "a whole number beyond 64 bits",
    b'{"RSI": {"params": {"period": 9223372036854775808}}}': "a whole number beyond 64 bits",
    b'{"RSI\\ud800": {}}': "half of a surrogate pair",
}


@pytest.mark.parametrize(("body", "text"), BAD_BODIES.items(), ids=range(len(BAD_BODIES)))
def test_a_body_that_is_no_json(client, body, text):
    found = client.post(ADDRESS, content=body)
    assert found.status_code == 400
    assert text in found.json()["detail"]


def test_changes_are_kept_over_a_restart(tmp_path):
    path = tmp_path / "kept" / "indicators.json"
    changes = {"RSI": {"params": {"period": 21}}, "MACD": {"enabled": False}}
    with TestClient(create_app(source="sample", configuration_path=path)) as client:
        assert not path.exists()
        assert client.post(ADDRESS, json=changes).status_code == 200
        before = client.get("/api/klines?symbol=BTCUSDT&timeframe=1d").content
    with TestClient(create_app(source="sample", configuration_path=path)) as client:
        assert client.get("/api/indicators").json()["enabled"] == ["RSI", "Bollinger Bands"]
        assert client.get("/api/klines?symbol=BTCUSDT&timeframe=1d").content == before
    assert IndicatorConfiguration.load(path).get_indicator_params("RSI")["period"] == 21


def test_a_refused_change_leaves_the_file_as_it_is(tmp_path):
    path = tmp_path / "indicators.json"
    with TestClient(create_app(source="sample", configuration_path=path)) as client:
        client.post(ADDRESS, json={"RSI": {"params": {"period": 21}}})
        before = path.read_bytes()
        bad = {"RSI": {"params": {"period": 30}}, "MACD": {"params": {"fast_period": 0}}}
        assert client.post(ADDRESS, json=bad).status_code == 422
        assert path.read_bytes() == before


def test_what_cannot_be_kept_is_not_done(tmp_path, monkeypatch):
    path = tmp_path / "indicators.json"

    def full(self, path):
        raise OSError(28, "No space left on device")

    with TestClient(create_app(source="sample", configuration_path=path)) as client:
        monkeypatch.setattr(IndicatorConfiguration, "save", full)
        found = client.post(ADDRESS, json={"RSI": {"enabled": False}})
        assert found.status_code == 503
        assert "No space left on device" in found.json()["detail"]
        assert "nothing was changed" in found.json()["detail"]
        assert client.get("/api/indicators").json()["enabled"] == ["MACD", "RSI", "Bollinger Bands"]


def test_a_file_that_is_no_configuration_stops_the_start(tmp_path):
    path = tmp_path / "indicators.json"
    path.write_text(json.dumps({"version": 1, "indicators": {"RSI": {"params": {"period": 0}}}}))
    with pytest.raises(ConfigurationError, match=r"indicators\.json: RSI: period=0"):
        create_app(source="sample", configuration_path=path)


def test_the_kept_file_is_whole_or_not_there(tmp_path):
    """Written beside and moved: no half-written file under its name, and none left over."""
    path = tmp_path / "indicators.json"
    with TestClient(create_app(source="sample", configuration_path=path)) as client:
        for period in range(10, 20):
            client.post(ADDRESS, json={"RSI": {"params": {"period": period}}})
            assert json.loads(path.read_text())["indicators"]["RSI"]["params"]["period"] == period
    assert [file.name for file in tmp_path.iterdir()] == ["indicators.json"]
    assert stat.S_ISREG(path.stat().st_mode)


def test_a_change_in_the_process_reaches_the_service():
    """A notebook and its service can share one configuration."""
    shared = IndicatorConfiguration()
    with TestClient(create_app(shared, source="sample")) as client:
        assert "RSI" in client.get(KLINES).json()["indicators"]
        shared.set_indicator_enabled("RSI", False)
        assert "RSI" not in client.get(KLINES).json()["indicators"]
        client.post(ADDRESS, json={"MACD": {"enabled": False}})
        assert shared.get_enabled_indicators() == ["Bollinger Bands"]
