"""REST: what is answered, that a limit changes no value, and what bad input gets."""

import itertools
import threading
import time

import numpy as np
import orjson
import pandas as pd
import pytest
from starlette.testclient import TestClient

import toolkit
from toolkit import IndicatorRegistry, KLineDataLoader
from toolkit.api import create_app, models, service
from toolkit.sources import SourceError

KLINES = "/api/klines?symbol=BTCUSDT&timeframe=1d"
SIGNALS = "/api/signals?symbol=BTCUSDT&timeframe=1d"


def test_the_root_says_what_this_is(client):
    assert client.get("/").json() == {"name": "System V4", "version": toolkit.__version__, "status": "ok"}


def test_symbols_and_timeframes(client):
    found = client.get("/api/symbols").json()
    assert found["count"] == 38 == len(found["symbols"])
    assert client.get("/api/timeframes").json() == {"timeframes": ["15m", "1h", "1d"]}


def test_indicators(client):
    found = client.get("/api/indicators").json()
    assert found["enabled"] == ["MACD", "RSI", "Bollinger Bands"]
    assert list(found["indicators"]) == IndicatorRegistry.names()
    macd = found["indicators"]["MACD"]
    assert macd["defaults"] == {
        "fast_period": 12,
        "slow_period": 26,
        "signal_period": 9,
        "source": "close",
    }
    assert macd["bounds"]["fast_period"] == [1, 1000]
    assert macd["outputs"] == ["macd", "macd_signal", "macd_histogram"]
    assert macd["warmup"] == 33
    assert macd["description"]


def test_health_tells_the_age_of_what_is_loaded(client):
    before = client.get("/api/health").json()
    assert before["status"] == "ok"
    assert before["source"] == "sample"
    assert before["data_age_seconds"] is None
    client.get(KLINES)
    after = client.get("/api/health").json()
    assert after["synthetic"] is True
    assert after["last_closed"] == "2026-01-01T00:00:00Z"
    age = pd.Timestamp.now("UTC") - pd.Timestamp("2026-01-01", tz="UTC")
    assert after["data_age_seconds"] == pytest.approx(age.total_seconds(), abs=60)


def test_klines(client):
    found = client.get(f"{KLINES}&limit=100").json()
    assert list(found) == [
        *("symbol", "timeframe", "data_points", "timestamp_start", "timestamp_end"),
        *("klines", "indicators", "meta"),
    ]
    assert (found["symbol"], found["timeframe"], found["data_points"]) == ("BTCUSDT", "1d", 100)
    assert len(found["klines"]) == 100
    assert list(found["klines"][0]) == ["open_time", "open", "high", "low", "close", "volume"]
    assert found["timestamp_start"] == found["klines"][0]["open_time"] == "2025-09-23T00:00:00Z"
    assert found["timestamp_end"] == found["klines"][-1]["open_time"] == "2025-12-31T00:00:00Z"
    assert list(found["indicators"]) == ["MACD", "RSI", "Bollinger Bands"]
    assert list(found["indicators"]["MACD"][0]) == ["open_time", "macd", "macd_signal", "macd_histogram"]
    meta = found["meta"]
    assert (meta["source"], meta["revision"], meta["synthetic"]) == ("sample", "sample-1", True)
    assert meta["last_closed_candle"] == {**found["klines"][-1], "closed": True}
    report = KLineDataLoader.load_klines("BTCUSDT", "1d", source="sample").attrs["report"]
    assert meta["report"]["text"] == report.text(report.closed)
    assert meta["report"]["gaps"] == len(report.gaps)


@pytest.mark.parametrize("format", ["json", "columns"])
def test_bodies_are_what_the_schema_says(client, format):
    klines = models.KlinesResponse if format == "json" else models.KlinesColumnsResponse
    signals = models.SignalsResponse if format == "json" else models.SignalsColumnsResponse
    whole = f"&limit=5000&format={format}"
    for model, address in ((klines, f"{KLINES}{whole}"), (signals, f"{SIGNALS}{whole}")):
        assert model.model_validate_json(client.get(address).content)
    assert models.IndicatorsResponse.model_validate_json(client.get("/api/indicators").content)


def test_what_is_not_defined_is_null(client):
    found = client.get(f"{KLINES}&end=2021-03-01&limit=5000").json()
    values = [row["macd_signal"] for row in found["indicators"]["MACD"]]
    assert values[:33] == [None] * 33
    assert None not in values[33:]


@pytest.mark.parametrize("limit", [1, 2, 37, 499, 1500])
def test_a_limit_changes_no_value(client, limit):
    whole = client.get(f"{KLINES}&limit=5000").json()
    part = client.get(f"{KLINES}&limit={limit}").json()
    assert part["klines"] == whole["klines"][-limit:]
    assert part["indicators"] == {name: rows[-limit:] for name, rows in whole["indicators"].items()}
    assert part["meta"] == whole["meta"]


def test_start_and_end_cut_and_change_no_value(client):
    whole = client.get(f"{KLINES}&limit=5000").json()
    part = client.get(f"{KLINES}&start=2023-01-01&end=2023-02-01T00:00:00Z").json()
    days = [row["open_time"] for row in part["klines"]]
    assert (days[0], days[-1], len(days)) == ("2023-01-01T00:00:00Z", "2023-01-31T00:00:00Z", 31)
    at = [row["open_time"] for row in whole["klines"]].index(days[0])
    assert part["klines"] == whole["klines"][at : at + 31]
    assert part["indicators"]["RSI"] == whole["indicators"]["RSI"][at : at + 31]


def test_signals(client):
    found = client.get(f"{SIGNALS}&limit=3").json()
    assert list(found) == ["symbol", "timeframe", "signals", "meta"]
    assert list(found["signals"]) == ["MACD", "RSI", "Bollinger Bands"]
    whole = client.get(f"{SIGNALS}&limit=5000").json()["signals"]
    for name, rows in found["signals"].items():
        assert rows == whole[name][-3:]
        for row in rows:
            assert list(row) == ["timestamp", "known_at", "signal_type", "value", "confidence", "metadata"]
            assert pd.Timestamp(row["known_at"]) - pd.Timestamp(row["timestamp"]) == pd.Timedelta("1D")
            assert row["metadata"]["rule"]


def test_signals_of_a_type_and_a_time(client):
    whole = client.get(f"{SIGNALS}&limit=5000").json()["signals"]["MACD"]
    buys = client.get(f"{SIGNALS}&limit=5000&signal_type=buy&start=2023-01-01&end=2024-01-01").json()
    wanted = [row for row in whole if row["signal_type"] == "BUY" and row["timestamp"][:4] == "2023"]
    assert buys["signals"]["MACD"] == wanted
    assert wanted


def test_names_are_understood_as_by_the_loader(client):
    plain = client.get(f"{KLINES}&limit=2").json()
    assert client.get("/api/klines?symbol=btc/usdt&timeframe=1D&limit=2").json() == plain


BAD_QUERIES = {
    "symbol=BTCUSDX&timeframe=1d": (422, "did you mean 'BTCUSDT'"),
    "symbol=../../etc/passwd&timeframe=1d": (422, "is not supported"),
    "symbol=BTC%00USDT&timeframe=1d": (422, "is not supported"),
    "symbol=%FF%FE&timeframe=1d": (422, "is not supported"),
    "symbol=&timeframe=1d": (422, "symbol"),
    f"symbol={'A' * 1000}&timeframe=1d": (422, "symbol"),
    "timeframe=1d": (422, "symbol"),
    "symbol=BTCUSDT&timeframe=7m": (422, "'15m', '1h' or '1d'"),
    "symbol=BTCUSDT": (422, "timeframe"),
    **{
        f"symbol=BTCUSDT&timeframe=1d&limit={limit}": (422, "limit")
        for limit in ("0", "-1", "1e12", "1000000000000", "5001", "inf", "nan", "many", "1.5", "")
    },
    "symbol=BTCUSDT&timeframe=1d&colour=red": (422, "colour"),
    "symbol=BTCUSDT&timeframe=1d&symbol=ETHUSDT": (422, "given twice"),
    "symbol=BTCUSDT&timeframe=1d&start=yesterday": (422, "start: 'yesterday' is no time"),
    "symbol=BTCUSDT&timeframe=1d&start=1e99": (422, "start"),
    "symbol=BTCUSDT&timeframe=1d&end=99999-01-01": (422, "end"),
    "symbol=BTCUSDT&timeframe=1d&start=2023-01-02&end=2023-01-01": (422, "is not before end"),
    "symbol=BTCUSDT&timeframe=1d&start=2031-01-01": (404, "there are candles from 2021-01-01"),
}


@pytest.mark.parametrize(("query", "expected"), BAD_QUERIES.items())
def test_a_bad_query_is_told_what_is_wrong(client, query, expected):
    status, text = expected
    found = client.get(f"/api/klines?{query}")
    assert found.status_code == status
    assert text in str(found.json()["detail"])


def test_further_bad_queries(client):
    assert client.get(f"{KLINES}&format=xml").status_code == 422
    found = client.get(f"{SIGNALS}&signal_type=MAYBE")
    assert found.status_code == 422
    assert "allowed are BUY, SELL" in found.json()["detail"]
    assert client.get("/api/nothing").status_code == 404
    assert client.post("/api/klines").status_code == 405


def test_a_source_that_cannot_be_used_is_a_503(tmp_path):
    with TestClient(create_app(source=tmp_path / "nothing")) as client:
        found = client.get(KLINES)
        assert found.status_code in (404, 503)
        assert "detail" in found.json()


def test_a_repeated_query_is_answered_from_kept_bytes_until_something_changes(client, monkeypatch):
    made = []
    real = service.Service.keep
    monkeypatch.setattr(service.Service, "keep", lambda *a: (made.append(1), real(*a))[1])
    first = client.get(KLINES)
    assert client.get(KLINES).content == first.content
    for _ in range(2):  # kept from the second time on
        assert client.get(KLINES).content == first.content
        assert len(made) == 2
    made.clear()
    client.post("/api/indicators/configure", json={"RSI": {"params": {"period": 21}}})
    second = client.get(KLINES)
    assert len(made) == 1
    assert second.json()["indicators"]["RSI"] != first.json()["indicators"]["RSI"]
    assert second.json()["indicators"]["MACD"] == first.json()["indicators"]["MACD"]
    client.post("/api/indicators/configure", json={"RSI": {"params": {"period": 14}}})
    for _ in range(3):
        assert client.get(KLINES).content == first.content
    assert len(made) == 2


def folder_with(frame, path):
    place = path / "klines" / "BTCUSDT"
    place.mkdir(parents=True, exist_ok=True)
    frame.reset_index().to_parquet(place / "BTC_1d.parquet")


def test_a_file_that_changes_is_noticed(tmp_path):
    frame = KLineDataLoader.load_klines("BTCUSDT", "1d", source="sample")[
        ["open", "high", "low", "close", "volume"]
    ]
    frame.attrs = {}
    folder_with(frame.iloc[:-1], tmp_path)
    app = create_app(source=tmp_path)
    app.state.service.recheck_seconds = 0.0
    with TestClient(app) as client:
        before = client.get(KLINES).json()
        folder_with(frame, tmp_path)
        after = client.get(KLINES).json()
    assert before["timestamp_end"] == "2025-12-30T00:00:00Z"
    assert after["timestamp_end"] == "2025-12-31T00:00:00Z"
    assert before["meta"]["revision"] != after["meta"]["revision"]
    assert after["meta"]["synthetic"] is False  # it is a folder's, as far as anybody can tell


def test_loading_blocks_nobody_and_happens_once(app, monkeypatch):
    """Health answers while a series is being loaded, and ten who ask for it wait for one load."""
    began, go_on, loads = threading.Event(), threading.Event(), itertools.count()
    real = KLineDataLoader.load_klines

    def slow(*arguments, **named):
        next(loads)
        began.set()
        assert go_on.wait(20)
        return real(*arguments, **named)

    monkeypatch.setattr(KLineDataLoader, "load_klines", slow)
    with TestClient(app) as client:
        answers = []
        asking = [threading.Thread(target=lambda: answers.append(client.get(KLINES))) for _ in range(10)]
        for thread in asking:
            thread.start()
        assert began.wait(20)
        assert client.get("/api/health").status_code == 200  # would wait for ever if the loop did
        assert client.get("/api/symbols").status_code == 200
        while len(app.state.service._flights._tasks) < 1:
            time.sleep(0.01)
        go_on.set()
        for thread in asking:
            thread.join(30)
    assert len({answer.content for answer in answers}) == 1
    assert len(answers) == 10
    assert next(loads) == 1


def test_a_failed_load_is_tried_again_by_the_next_request(app, monkeypatch):
    real = KLineDataLoader.load_klines

    def fails(*arguments, **named):
        raise SourceError("the shelf is empty")

    with TestClient(app) as client:
        monkeypatch.setattr(KLineDataLoader, "load_klines", fails)
        found = client.get(KLINES)
        assert found.status_code == 503
        assert found.json()["detail"] == "the shelf is empty"
        monkeypatch.setattr(KLineDataLoader, "load_klines", real)
        assert client.get(KLINES).status_code == 200


def test_computed_frames_are_bounded(app):
    with TestClient(app) as client:
        first = client.get(KLINES).content
        held = app.state.service
        held._frames._limit = 1
        for period in range(20, 25):
            client.post("/api/indicators/configure", json={"RSI": {"params": {"period": period}}})
            client.get(KLINES)
        assert len(list(held._frames)) == 1
        client.post("/api/indicators/configure", json={"RSI": {"params": {"period": 14}}})
        assert client.get(KLINES).content == first


def test_pipelines_are_forgotten_and_computed_anew(app, monkeypatch):
    monkeypatch.setattr(service, "_REMEMBERED", 3)
    with TestClient(app) as client:
        answers = {}
        for period in (*range(10, 20), *range(10, 20)):
            client.post("/api/indicators/configure", json={"RSI": {"params": {"period": period}}})
            found = client.get(f"{KLINES}&limit=5").json()["indicators"]
            assert answers.setdefault(period, found) == found
        assert len(app.state.service._numbers) <= 3
        assert len(app.state.service._checked) <= 4
        assert len({str(found) for found in answers.values()}) == 10


def test_two_apps_share_nothing():
    with TestClient(create_app(source="sample")) as one, TestClient(create_app(source="sample")) as other:
        one.post("/api/indicators/configure", json={"RSI": {"enabled": False}})
        assert one.get("/api/indicators").json()["enabled"] == ["MACD", "Bollinger Bands"]
        assert other.get("/api/indicators").json()["enabled"] == ["MACD", "RSI", "Bollinger Bands"]


def test_with_no_indicator_on_there_are_the_candles(client):
    off = {name: {"enabled": False} for name in ("MACD", "RSI", "Bollinger Bands")}
    client.post("/api/indicators/configure", json=off)
    for format in ("json", "columns"):
        found = client.get(f"{KLINES}&limit=3&format={format}").json()
        assert found["indicators"] == {}
        assert found["data_points"] == 3
    assert client.get(f"{KLINES}&format=arrow").status_code == 200
    assert client.get(SIGNALS).json()["signals"] == {}


@pytest.mark.parametrize("chunk", [1, 7, 256])
def test_rows_written_in_chunks_are_the_rows(app, monkeypatch, chunk):
    from toolkit.api import rows

    monkeypatch.setattr(rows, "CHUNK", chunk)
    with TestClient(app) as client:
        whole = client.get(f"{KLINES}&limit=5000").json()
        days = [row["open_time"] for row in whole["klines"]]
        for low, high in ((0, 1), (0, 256), (255, 257), (256, 512), (3, 700), (len(days) - 1, len(days))):
            query = f"&start={days[low]}&limit=5000" + (f"&end={days[high]}" if high < len(days) else "")
            part = client.get(KLINES + query).json()
            assert part["klines"] == whole["klines"][low:high]
            for name, found in part["indicators"].items():
                assert found == whole["indicators"][name][low:high]


def test_the_json_of_hard_numbers_is_exact():
    """What the rows are written with, against Python's own reader, on numbers of every size."""
    from toolkit.api import rows

    random = np.random.default_rng(5)
    bits = random.integers(0, 2**63, 20_000, dtype=np.int64) | (random.integers(0, 2, 20_000) << 63)
    numbers = np.concatenate([bits.view(np.float64), [0.0, -0.0, 0.1, 1e22, 5e-324, np.nan]])
    read = orjson.loads(rows.objects({"x": rows.texts(numbers)}))
    back = np.array([row["x"] for row in read], dtype=np.float64)
    finite = np.isfinite(numbers)
    assert np.array_equal(back[finite].view(np.int64), numbers[finite].view(np.int64))
    assert np.isnan(back[~finite]).all()
