"""Loading: which source, what it says, and that nobody can spoil what is kept."""

import io
import os
import pickle
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sources import hub_stand_in as faults
from sources.hub_stand_in import COMMIT, HubStandIn

import toolkit
from toolkit import loader
from toolkit.candles import PRICE_COLUMNS, SYMBOLS, CandleError, is_synthetic
from toolkit.loader import KLineDataLoader, LoadError, StaleDataWarning, SyntheticDataWarning
from toolkit.settings import SettingsError
from toolkit.sources import download
from toolkit.sources.base import NotStored, SourceError
from toolkit.sources.memory import Kept, size

load = KLineDataLoader.load_klines


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def home(monkeypatch, shared_home):
    """One home for all, so that sample candles are generated once."""
    monkeypatch.setenv("TOOLKIT_HOME", str(shared_home))
    for name in ("TOOLKIT_SOURCE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "PROBE_SECONDS", 1.0)
    monkeypatch.setattr(download, "STALL_SECONDS", 1.0)
    loader._kept.clear()
    download.forget_failures()
    return shared_home


def table(count=200, level=100.0, start="2024-01-01"):
    random = np.random.default_rng(3)
    close = level * np.exp(np.cumsum(random.normal(0, 0.01, count)))
    open_ = np.r_[level, close[:-1]]
    return pd.DataFrame(
        {
            "open_time": pd.date_range(start, periods=count, freq="h"),
            "open": open_,
            "high": np.maximum(open_, close) * 1.001,
            "low": np.minimum(open_, close) * 0.999,
            "close": close,
            "volume": random.uniform(0, 5, count),
        }
    )


def parquet(frame):
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


def store(folder, symbol, frame):
    path = folder / "klines" / symbol / f"{symbol.removesuffix('USDT')}_1h.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(parquet(frame))
    return path


@pytest.fixture
def folder(tmp_path):
    for symbol, level in (("BTCUSDT", 40_000.0), ("ETHUSDT", 2_000.0), ("SPELLUSDT", 0.0009)):
        store(tmp_path, symbol, table(level=level))
    return tmp_path


@pytest.fixture
def hub(monkeypatch, tmp_path):
    files = {
        f"klines/{base}USDT/{base}_1h.parquet": parquet(table(level=level))
        for base, level in (("BTC", 40_000.0), ("ETH", 2_000.0))
    }
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "hub home"))
    monkeypatch.setenv("TOOLKIT_HUB_REPOSITORY", "owner/candles")
    with HubStandIn(files) as stand_in:
        monkeypatch.setenv("TOOLKIT_HUB_ENDPOINT", stand_in.endpoint)
        yield stand_in


# --- one symbol -----------------------------------------------------------------------------------------


def test_from_a_folder(folder):
    frame = load("BTCUSDT", "1h", source=folder)
    assert frame.attrs["symbol"] == "BTCUSDT"
    assert frame.attrs["timeframe"] == "1h"
    assert frame.attrs["source"] == str(folder)
    assert frame.attrs["revision"].startswith("sha256:")
    assert not is_synthetic(frame)
    assert len(frame) == 200
    assert KLineDataLoader.validate_data(frame) == (True, [])


def test_from_the_hub(hub):
    frame = load("BTCUSDT", "1h", source="hub")
    assert frame.attrs["source"] == "hub"
    assert frame.attrs["revision"] == COMMIT
    assert not is_synthetic(frame)


def test_the_sample_says_that_it_is_made_up():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = load("BTCUSDT", "1d", source="sample")
    assert frame.attrs["source"] == "sample"
    assert frame.attrs["synthetic"] is True
    assert frame["synthetic"].all()
    assert is_synthetic(pd.DataFrame(frame.to_dict("list")))
    assert KLineDataLoader.validate_data(frame) == (True, [])
    assert frame.attrs["report"].candles == len(frame) == 1826


def test_the_source_of_the_environment(folder, monkeypatch):
    monkeypatch.setenv("TOOLKIT_SOURCE", str(folder))
    assert load("BTCUSDT", "1h").attrs["source"] == str(folder)
    assert load("BTCUSDT", "1h", source="sample").attrs["source"] == "sample"
    monkeypatch.setenv("TOOLKIT_SOURCE", folder.name)
    monkeypatch.chdir(folder.parent)
    assert load("BTCUSDT", "1h").attrs["source"] == str(folder)


def test_symbols_and_timeframes_as_people_write_them(folder):
    assert load("btc/usdt", "1H", source=folder).attrs["symbol"] == "BTCUSDT"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"symbol": "BTCUSD"}, CandleError, "did you mean 'BTCUSDT'"),
        ({"timeframe": "4h"}, CandleError, "allowed are '15m', '1h' or '1d'"),
        ({"start": "soon"}, CandleError, "start: 'soon' is no time"),
        ({"end": 5}, CandleError, "end: 5 is no time"),
        ({"start": "2024-01-02", "end": "2024-01-02"}, CandleError, "is not before end"),
        ({"start": "2030"}, CandleError, "no candle opens"),
        ({"timeframe": "1d"}, NotStored, "BTC_1d.parquet"),
        ({"symbol": "ADAUSDT"}, NotStored, "ADA_1h.parquet"),
        ({"source": "nowhere"}, SourceError, "nowhere' does not exist"),
        ({"source": ""}, SettingsError, "source: ''"),
        ({"source": 7}, SettingsError, "source: 7"),
    ],
)
def test_errors_say_what_is_wrong(folder, arguments, kind, message):
    given = {"symbol": "BTCUSDT", "timeframe": "1h", "source": folder} | arguments
    with pytest.raises(kind, match=message) as caught:
        load(given.pop("symbol"), given.pop("timeframe"), **given)
    assert type(caught.value) is kind


def test_wrong_arguments_are_noticed_before_anything_is_read(hub):
    for arguments in (("XX", "1h", None), ("BTC", "5m", None), ("BTC", "1h", "soon")):
        with pytest.raises(CandleError):
            load(arguments[0], arguments[1], start=arguments[2])
    assert hub.requests == []


def test_a_range(folder):
    frame = load("BTCUSDT", "1h", source=folder, start="2024-01-02", end="2024-01-03")
    assert len(frame) == 24
    report = frame.attrs["report"]
    assert report.candles == 24
    assert report.start == frame.index[0] == pd.Timestamp("2024-01-02", tz="UTC")
    assert report.end == pd.Timestamp("2024-01-03", tz="UTC")
    assert frame.index[-1] == pd.Timestamp("2024-01-02 23:00", tz="UTC")


def test_bad_rows_are_left_out_and_reported(tmp_path):
    raw = table()
    raw.loc[5, "low"] = np.nan
    raw.loc[9, "high"] = 1.0
    store(tmp_path, "BTCUSDT", raw)
    frame = load("BTCUSDT", "1h", source=tmp_path)
    assert [bad.row for bad in frame.attrs["report"].quarantined] == [5, 9]
    assert KLineDataLoader.validate_data(frame) == (True, [])


def test_a_table_that_cannot_be_used(tmp_path):
    store(tmp_path, "BTCUSDT", table().drop(columns="low"))
    with pytest.raises(CandleError, match=r"BTCUSDT 1h from .*no column low"):
        load("BTCUSDT", "1h", source=tmp_path)


# --- auto -----------------------------------------------------------------------------------------------


def test_auto_takes_the_hub(hub):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load("BTCUSDT", "1h").attrs["source"] == "hub"


def test_auto_takes_what_was_downloaded(hub):
    load("BTCUSDT", "1h", source="hub")
    hub.fault = faults.status(500)
    loader._kept.clear()
    assert load("BTCUSDT", "1h", source="auto").attrs["source"] == "hub"


def test_auto_falls_back_to_the_sample_loudly(hub):
    hub.fault = faults.status(500)
    with pytest.warns(SyntheticDataWarning, match="SYNTHETIC sample candles.*BTCUSDT.*500") as caught:
        frame = load("BTCUSDT", "1h")
    assert caught[0].filename == __file__, "it points at who asked"
    assert frame.attrs["source"] == "sample"
    assert is_synthetic(frame)


def test_auto_falls_back_where_the_hub_has_rubbish(hub):
    hub.files["klines/BTCUSDT/BTC_1h.parquet"] = parquet(table().drop(columns="low"))
    with pytest.warns(SyntheticDataWarning, match="no column low"):
        assert is_synthetic(load("BTCUSDT", "1h"))


def test_auto_never_mixes(hub):
    with pytest.warns(
        SyntheticDataWarning, match="for BTCUSDT, ADAUSDT, ETHUSDT: hub: there is no klines/ADAUSDT"
    ):
        frames = KLineDataLoader.load_multiple(["BTCUSDT", "ADAUSDT", "ETHUSDT"], "1h")
    assert list(frames) == ["BTCUSDT", "ADAUSDT", "ETHUSDT"]
    assert all(is_synthetic(frame) for frame in frames.values())
    frames = KLineDataLoader.load_multiple(["BTCUSDT", "ETHUSDT"], "1h")
    assert not any(is_synthetic(frame) for frame in frames.values())


def test_an_empty_range_is_an_error_not_a_reason_for_the_sample(hub):
    with pytest.raises(CandleError, match="no candle opens"):
        load("BTCUSDT", "1h", start="2025-06-01")


def test_a_dead_hub_is_asked_once(hub):
    hub.fault = faults.status(500)
    with pytest.warns(SyntheticDataWarning):
        KLineDataLoader.load_multiple(["BTC", "ETH", "SPELL", "ZRX"], "1d")
    with pytest.warns(SyntheticDataWarning):
        load("SOL", "1d")
    assert len(hub.requests) == 1


# --- several symbols ------------------------------------------------------------------------------------


def test_several(folder):
    frames = KLineDataLoader.load_multiple(iter(["spell", "BTCUSDT"]), "1h", source=folder, end="2024-01-02")
    assert list(frames) == ["SPELLUSDT", "BTCUSDT"]
    assert [len(frame) for frame in frames.values()] == [24, 24]
    assert frames["SPELLUSDT"].attrs["symbol"] == "SPELLUSDT"
    assert frames["SPELLUSDT"]["close"].max() < 0.01


def test_one_error_names_every_failure(folder):
    (folder / "klines" / "ETHUSDT" / "ETH_1h.parquet").write_bytes(b"rubbish")
    with pytest.raises(LoadError) as caught:
        KLineDataLoader.load_multiple(["BTC", "ETH", "ADA", "SPELL"], "1h", source=folder)
    assert list(caught.value.failures) == ["ETHUSDT", "ADAUSDT"]
    message = str(caught.value)
    assert "2 of 4 symbols" in message
    assert "ETHUSDT: source:" in message
    assert "cannot be read as Parquet" in message
    assert "ADAUSDT: source: there is no klines/ADAUSDT/ADA_1h.parquet" in message


def test_unknown_symbols_are_all_named(folder):
    with pytest.raises(LoadError, match="2 of 3 symbols") as caught:
        KLineDataLoader.load_multiple(["BTC", "ETHH", "QQQQ"], "1h", source=folder)
    assert list(caught.value.failures) == ["ETHH", "QQQQ"]
    assert "did you mean 'ETHUSDT'" in str(caught.value)


def test_ranges_that_some_do_not_have(folder):
    store(folder, "ETHUSDT", table(start="2023-01-01"))
    with pytest.raises(LoadError, match="ETHUSDT 1h: no candle opens"):
        KLineDataLoader.load_multiple(["BTC", "ETH"], "1h", source=folder, start="2024-01-02")


@pytest.mark.parametrize(
    ("symbols", "message"), [("BTCUSDT", r"give a list such as \['BTCUSDT'\]"), ([], "is empty")]
)
def test_no_list_of_symbols(symbols, message):
    with pytest.raises(CandleError, match=message):
        KLineDataLoader.load_multiple(symbols, "1h", source="sample")


def test_a_symbol_twice(folder):
    assert list(KLineDataLoader.load_multiple(["BTC", "BTCUSDT"], "1h", source=folder)) == ["BTCUSDT"]


def test_a_load_error_can_be_pickled():
    error = pickle.loads(pickle.dumps(LoadError({"BTCUSDT": ValueError("x")}, 2)))
    assert "1 of 2" in str(error)
    assert list(error.failures) == ["BTCUSDT"]


# --- what is kept ---------------------------------------------------------------------------------------


def count_reads(monkeypatch):
    reads = []
    real = loader.normalize

    def counting(*args, **named):
        reads.append(named["symbol"])
        return real(*args, **named)

    monkeypatch.setattr(loader, "normalize", counting)
    return reads


def test_the_second_load_reads_nothing(folder, monkeypatch):
    reads = count_reads(monkeypatch)
    first = load("BTCUSDT", "1h", source=folder)
    second = load("BTCUSDT", "1h", source=folder, start="2024-01-02")
    assert reads == ["BTCUSDT"]
    pd.testing.assert_frame_equal(first.loc["2024-01-02":], second, check_freq=False)


def test_a_changed_file_is_read_again(folder):
    before = load("BTCUSDT", "1h", source=folder)
    store(folder, "BTCUSDT", table(count=50))
    after = load("BTCUSDT", "1h", source=folder)
    assert (len(before), len(after)) == (200, 50)
    assert before.attrs["revision"] != after.attrs["revision"]


def test_what_is_kept_cannot_be_spoilt(folder):
    expected = load("BTCUSDT", "1h", source=folder)
    frame = load("BTCUSDT", "1h", source=folder)
    frame.iloc[0, 0] = -1.0
    frame["high"].array[:] = -1.0
    frame["low"] = 5.0
    frame.index.array._ndarray[:] = np.datetime64(0, "ms")
    frame.attrs["symbol"] = "other"
    del frame["volume"]
    for column in PRICE_COLUMNS:
        values = load("BTCUSDT", "1h", source=folder)[column].to_numpy()
        if values.flags.writeable:
            values[:] = 0.0
    again = load("BTCUSDT", "1h", source=folder)
    pd.testing.assert_frame_equal(again, expected)
    assert again.attrs == expected.attrs


def test_no_more_is_kept_than_fits():
    frame = pd.DataFrame({"a": np.zeros(1000)})
    kept = Kept(limit=3 * size(frame))
    for key in range(4):
        kept.put(key, frame)
        kept.get(0)
    assert [kept.get(key) is not None for key in range(4)] == [True, False, True, True]
    kept.put("large", pd.DataFrame({"a": np.zeros(10_000)}))
    assert kept.get("large") is not None
    assert kept.get(0) is None


def test_threads(folder):
    results, errors = [], []

    def work():
        try:
            results.append(load("BTCUSDT", "1h", source=folder)["close"].sum())
        except Exception as error:  # noqa: BLE001 - handed to the assertion
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(results)) == 1


# --- kept on disk ---------------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch):
    return count_reads(monkeypatch)


def test_another_process_neither_decodes_nor_checks_again(folder, reads):
    first = load("BTCUSDT", "1h", source=folder)
    loader._kept.clear()
    again = load("BTCUSDT", "1h", source=folder)
    assert reads == ["BTCUSDT"]
    pd.testing.assert_frame_equal(again, first)
    assert again.attrs == first.attrs


@pytest.mark.parametrize("last", [1, 24, 199, 200, 10_000])
def test_the_last_candles(folder, last):
    whole = load("BTCUSDT", "1h", source=folder)
    for source in (folder, "sample"):
        whole = load("BTCUSDT", "1h", source=source)
        part = load("BTCUSDT", "1h", source=source, last=last)
        pd.testing.assert_frame_equal(part, whole.iloc[-last:], check_freq=False)
        assert part.attrs["report"].candles == len(part) == min(last, len(whole))
    part = load("BTCUSDT", "1h", source=folder, last=last, start="2024-01-02", end="2024-01-03")
    assert part.index[-1] == pd.Timestamp("2024-01-02T23:00Z")
    assert len(part) == min(last, 24)


@pytest.mark.parametrize("last", [0, -1, 1.5, True, "5"])
def test_a_number_of_last_candles_that_is_none(last):
    with pytest.raises(CandleError, match=r"last: .*is not allowed"):
        load("BTCUSDT", "1h", source="sample", last=last)


def test_a_file_that_changed_is_noticed_though_it_is_as_long_and_as_old(folder, reads):
    path = folder / "klines" / "BTCUSDT" / "BTC_1h.parquet"
    load("BTCUSDT", "1h", source=folder)
    before = path.stat()
    content = parquet(table(level=41_000.0))
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load("BTCUSDT", "1h", source=folder)["open"].iloc[0] == 41_000.0
    assert reads == ["BTCUSDT"] * 2


def kept_files(home):
    return [path for path in (home / "candles").rglob("*.candles") if path.is_file()]


@pytest.fixture
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "own home"))
    return tmp_path / "own home"


def test_what_is_kept_and_damaged_is_made_anew(folder, own_home, reads):
    expected = load("BTCUSDT", "1h", source=folder)
    (path,) = kept_files(own_home)
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 10):
        content = bytearray(whole)
        content[at] ^= 1
        path.write_bytes(content)
        pd.testing.assert_frame_equal(load("BTCUSDT", "1h", source=folder), expected)
    assert path.read_bytes() == whole
    assert len(reads) > 10


def test_where_nothing_can_be_kept_candles_are_loaded_all_the_same(
    folder, own_home, monkeypatch, caplog, reads
):
    own_home.mkdir()
    (own_home / "candles").write_text("a file is in the way")
    assert len(load("BTCUSDT", "1h", source=folder)) == 200
    assert "checked candles are not kept" in caplog.text
    (own_home / "candles").unlink()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loader, "write_kept", full)
    loader._kept.clear()
    load("BTCUSDT", "1h", source=folder)
    assert "BTCUSDT 1h are not kept: [Errno 28]" in caplog.text
    load("BTCUSDT", "1h", source=folder)
    assert len(reads) == 2, "then memory keeps them"


def test_what_opens_in_the_future_is_checked_again(tmp_path, own_home, reads):
    start = (pd.Timestamp.now("UTC") - pd.Timedelta("100h")).floor("h").tz_localize(None)
    store(tmp_path, "BTCUSDT", table(start=start))
    assert len(load("BTCUSDT", "1h", source=tmp_path)) == 100
    assert kept_files(own_home) == []


def test_the_age_of_a_file(folder):
    path = folder / "klines" / "BTCUSDT" / "BTC_1h.parquet"
    os.utime(path, (1.7e9, 1.7e9))
    for part in ({}, {"last": 5}):
        report = load("BTCUSDT", "1h", source=folder, **part).attrs["report"]
        assert report.fetched == pd.Timestamp(1.7e9, unit="s", tz="UTC")
    assert load("BTCUSDT", "1h", source="sample").attrs["report"].fetched is None


def test_refresh(hub):
    first = load("BTCUSDT", "1h", source="hub")
    hub.commit, hub.files["klines/BTCUSDT/BTC_1h.parquet"] = "f" * 40, parquet(table(level=50_000.0))
    assert load("BTCUSDT", "1h", source="hub")["open"].iloc[0] == 40_000.0
    fresh = load("BTCUSDT", "1h", source="hub", refresh=True)
    assert fresh["open"].iloc[0] == 50_000.0
    assert fresh.attrs["report"].fetched >= first.attrs["report"].fetched


def test_refresh_that_fails_says_so(hub):
    load("BTCUSDT", "1h", source="hub")
    hub.fault = faults.status(503)
    for source in ("hub", "auto"):
        with pytest.warns(StaleDataWarning, match="503.*which was the newest on") as caught:
            frame = load("BTCUSDT", "1h", source=source, refresh=True)
        assert caught[0].filename == __file__
        assert frame.attrs["source"] == "hub"


def test_damage_in_a_downloaded_file_never_becomes_a_price(hub):
    """200 flipped bits and 20 truncations; the hub is gone, so that nothing can be repaired."""
    expected = load("BTCUSDT", "1h", source="hub")
    home = Path(os.environ["TOOLKIT_HOME"])
    (blob,) = [path for path in home.rglob("blobs/*") if path.is_file()]
    whole, random = blob.read_bytes(), np.random.default_rng(8)
    hub.fault = faults.status(503)

    def damaged():
        for at in random.integers(0, len(whole), 200):
            content = bytearray(whole)
            content[at] ^= 1 << int(random.integers(8))
            yield bytes(content)
        for length in np.linspace(0, len(whole) - 1, 20, dtype=int):
            yield whole[:length]

    for number, content in enumerate(damaged()):
        blob.write_bytes(content)
        os.utime(blob, (number, number))
        with pytest.raises(SourceError, match="is damaged"):
            load("BTCUSDT", "1h", source="hub")
    hub.fault = None
    download.forget_failures()
    pd.testing.assert_frame_equal(load("BTCUSDT", "1h", source="hub"), expected)


# --- a frame of the user's own --------------------------------------------------------------------------


def test_from_frame():
    raw = table().rename(columns=str.upper).rename(columns={"OPEN_TIME": "Date"})
    raw.loc[5, "LOW"] = -1.0
    before = raw.copy()
    frame = KLineDataLoader.from_frame(raw, symbol="btc/usdt", timeframe="1h")
    pd.testing.assert_frame_equal(raw, before)
    assert KLineDataLoader.validate_data(frame) == (True, [])
    assert {**frame.attrs, "report": None} == {
        "symbol": "BTCUSDT",
        "timeframe": "1h",
        "source": "frame",
        "revision": None,
        "synthetic": False,
        "report": None,
    }
    assert [bad.reason for bad in frame.attrs["report"].quarantined] == ["low is not above zero"]


def test_from_frame_takes_any_market_and_timeframe():
    raw = table().assign(open_time=pd.date_range("2020-01-01", periods=200, freq="4h"))
    frame = KLineDataLoader.from_frame(raw, symbol="AAPL", timeframe="4h")
    assert (frame.attrs["symbol"], frame.attrs["timeframe"]) == ("AAPL", "4h")
    assert len(toolkit.resample(frame, "1d")) == 33
    assert len(toolkit.MACD().calculate(frame)) == 200


def test_from_frame_knows_the_sample_again():
    sample = load("BTCUSDT", "1d", source="sample")
    assert is_synthetic(KLineDataLoader.from_frame(sample, symbol="BTC", timeframe="1d"))
    del sample["synthetic"]
    assert is_synthetic(KLineDataLoader.from_frame(sample, symbol="BTC", timeframe="1d"))


@pytest.mark.parametrize(
    ("frame", "symbol", "timeframe", "message"),
    [
        ([1], "BTC", "1h", "frame is a list, not a DataFrame"),
        (table(), "", "1h", "symbol '' is not a text"),
        (table(), None, "1h", "symbol None is not a text"),
        (table(), "BTC", "1M", "timeframe: '1M' is not a whole number"),
        (table(), "BTC", "15m", "BTCUSDT 15m from frame: its rows are 0 days 01:00:00 apart"),
        (table().drop(columns="low"), "BTC", "1h", "no column low"),
    ],
)
def test_from_frame_refuses(frame, symbol, timeframe, message):
    with pytest.raises(CandleError, match=message):
        KLineDataLoader.from_frame(frame, symbol=symbol, timeframe=timeframe)


# --- the rest -------------------------------------------------------------------------------------------


def test_what_is_supported():
    symbols = KLineDataLoader.get_supported_symbols()
    assert symbols == list(SYMBOLS)
    symbols.clear()
    assert len(KLineDataLoader.get_supported_symbols()) == 38
    assert KLineDataLoader.get_supported_timeframes() == ["15m", "1h", "1d"]


def test_validate_data_takes_any_frame():
    ok, issues = KLineDataLoader.validate_data(table())
    assert not ok
    assert any("not a UTC DatetimeIndex" in issue for issue in issues)


def test_real_candles_load_whatever_wrote_them(real_candles):
    btc = load("BTCUSDT", "1h", source=real_candles)
    assert len(btc) == 17_279
    assert btc.attrs["report"].dropped_unclosed is not None
    zrx = load("ZRXUSDT", "15m", source=real_candles, start="2021", end="2022")
    assert zrx.attrs["report"].zero_volume > 1_000
    assert KLineDataLoader.validate_data(zrx) == (True, [])
