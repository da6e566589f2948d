"""The sample market: the same bits everywhere, and like a real market where it matters."""

import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from toolkit.candles import PRICE_COLUMNS, SYMBOLS, TIMEFRAMES, normalize, validate
from toolkit.sources import market, sample
from toolkit.sources.base import NotStored
from toolkit.sources.files import read_checked, write_checked
from toolkit.sources.pairs import PAIRS
from toolkit.sources.sample import SampleSource

DAY = pd.Timedelta("1D")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def generated():
    return {symbol: market.generate(symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SPELLUSDT", "ZRXUSDT")}


def digest(frames):
    total = hashlib.sha256()
    for timeframe in TIMEFRAMES:
        frame = frames[timeframe]
        total.update(frame["open_time"].astype("int64").to_numpy().astype("<i8").tobytes())
        for name in PRICE_COLUMNS:
            total.update(frame[name].to_numpy().astype("<f8").tobytes())
    return total.hexdigest()


def test_the_same_bits_on_every_machine():
    digests = {symbol: digest(market.generate(symbol)) for symbol in SYMBOLS}
    assert digests["BTCUSDT"] == "adfa11a942c32b30ba3bed5b1e917cb4a0920aa8a8c435fda973438591441055"
    assert digests["SPELLUSDT"] == "1fe75354e4ceaa6b42e13ada11a8bc67a70ba04f492d3c69549668fff17881e3"
    everything = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
    assert everything == "0d34b3ed6541b450a0fba04bf7acf6e342fe12b61f0d0cefbdf1f0620b3806bc"


def test_the_same_bits_in_another_process_in_another_order():
    script = (
        "import hashlib\nfrom toolkit.sources import market\n"
        "market.generate('ZRXUSDT')\n"
        "print(hashlib.sha256(market.generate('ETHUSDT')['1h'].to_csv().encode()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    here = market.generate("ETHUSDT")["1h"].to_csv().encode()
    assert done.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_every_pair_is_there():
    assert tuple(sorted(PAIRS)) == SYMBOLS


def test_own_functions_are_the_functions():
    x = np.linspace(-30, 30, 10_001)
    np.testing.assert_allclose(market._exp(x), np.exp(x), rtol=1e-13)
    x = np.r_[np.linspace(2.0**-53, 1.0, 10_001), 1e-300, 7.0, 1e300]
    np.testing.assert_allclose(market._log(x), np.log(x), rtol=1e-10, atol=1e-11)


def test_fading_is_the_recurrence():
    noise = np.random.default_rng(1).normal(size=3_000)
    expected, last = [], 0.0
    kept = market._kept(0.5)
    for value in noise:
        last = kept * last + value
        expected.append(last)
    np.testing.assert_allclose(market._fade(noise, 0.5), expected, rtol=1e-9, atol=1e-9)


def test_normal_numbers_are_normal():
    values = market._Random("test").normal()
    assert abs(values.mean()) < 0.01
    assert abs(values.var() - 1) < 0.01


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("symbol", ["BTCUSDT", "SPELLUSDT", "ZRXUSDT", "MATICUSDT"])
def test_it_keeps_the_contract(symbol, timeframe):
    raw = market.generate(symbol)[timeframe]
    frame = normalize(
        raw, symbol=symbol, timeframe=timeframe, source="sample", now=market.END, synthetic=True
    )
    report = frame.attrs["report"]
    assert validate(frame) == (True, [])
    assert (report.quarantined, report.duplicates, report.dropped_unclosed) == ((), 0, None)
    assert frame.index[0] == market.BEGIN
    ended = market.BEGIN + 1348 * DAY if symbol == "MATICUSDT" else market.END
    assert frame.index[-1] + TIMEFRAMES[timeframe] == ended
    if timeframe == "15m":
        assert 6 <= len(report.gaps) <= 8
        assert 0 < report.zero_volume_share < 0.1


def test_timeframes_agree(generated):
    for symbol in ("BTCUSDT", "ZRXUSDT"):
        frames = generated[symbol]
        quarters = frames["15m"].set_index("open_time")
        traded = quarters[quarters["volume"] > 0]
        for timeframe in ("1h", "1d"):
            length = TIMEFRAMES[timeframe]
            longer = frames[timeframe].set_index("open_time")
            assert longer.index.equals(quarters.index.floor(length).unique())
            groups = traded.groupby(traded.index.floor(length))
            for name, how in (("open", "first"), ("high", "max"), ("low", "min"), ("close", "last")):
                expected = getattr(groups[name], how)()
                assert (longer.loc[expected.index, name] == expected).all()
            volume = groups["volume"].sum()
            np.testing.assert_allclose(longer.loc[volume.index, "volume"], volume, rtol=1e-12)
            rest = longer.drop(index=volume.index)
            assert (rest["volume"] == 0).all()
            assert (rest["high"] == rest["low"]).all()


def test_prices_are_ticks_and_volumes_lots(generated):
    for symbol, frames in generated.items():
        pair = PAIRS[symbol]
        for frame in frames.values():
            for name in ("open", "high", "low", "close"):
                assert (frame[name] == frame[name].round(pair.price_decimals)).all()
            ticks = frame["volume"] * 10**pair.lot_decimals
            np.testing.assert_allclose(ticks, np.rint(ticks), rtol=1e-12)


def test_price_levels():
    for symbol, pair in PAIRS.items():
        if symbol in ("BTCUSDT", "ETHUSDT", "SPELLUSDT", "MKRUSDT", "GALAUSDT", "SOLUSDT"):
            daily = market.generate(symbol)["1d"]
            assert pair.level / 6 < daily["low"].min()
            assert daily["high"].max() < pair.level * 6
            if symbol == "SPELLUSDT":
                assert daily["high"].max() < 0.01


def returns(frames):
    close = frames["15m"].set_index("open_time")["close"]
    return np.log(close).diff().dropna()


def autocorrelation(values, lag):
    values = values - values.mean()
    return float((values[lag:] * values[:-lag]).mean() / values.var())


def test_it_has_the_facts_of_a_real_market(generated):
    for frames in generated.values():
        moves = returns(frames)
        size = moves.abs().to_numpy()
        kurtosis = float(((moves - moves.mean()) ** 4).mean() / moves.var() ** 2)
        assert kurtosis > 5, "fat tails"
        assert autocorrelation(size, 1) > 0.1, "clustered volatility"
        assert autocorrelation(size, 96) > 0.05, "still clustered a day later"
        assert abs(autocorrelation(moves.to_numpy(), 1)) < 0.05, "returns themselves do not repeat"
        volume = frames["15m"]["volume"].to_numpy()[1:]
        assert np.corrcoef(size, volume)[0, 1] > 0.3, "volume follows volatility"


def test_pairs_move_together(generated):
    btc, eth, zrx = (returns(generated[f"{base}USDT"]) for base in ("BTC", "ETH", "ZRX"))
    assert 0.6 < btc.corr(eth) < 0.85
    assert 0.35 < btc.corr(zrx) < btc.corr(eth)


# --- kept on disk ---------------------------------------------------------------------------------------


def read(symbol="ETHUSDT", timeframe="1h"):
    return SampleSource().find(symbol, timeframe).read()


def kept(home):
    return sorted(path.name for path in home.rglob("*") if path.is_file())


def test_generated_once_and_kept(home, monkeypatch):
    first = read()
    assert first.revision == f"sample-{market.VERSION}"
    assert kept(home) == ["ETH_1d.parquet", "ETH_1h.parquet"], "longer ones come for nothing"
    read(timeframe="15m")
    monkeypatch.setattr(market, "generate", lambda symbol: pytest.fail("it was kept"))
    for timeframe in TIMEFRAMES:
        read(timeframe=timeframe)
    pd.testing.assert_frame_equal(read().table, first.table)


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "other"])
def test_a_damaged_file_is_generated_afresh(home, damage):
    expected = read().table
    (path,) = home.rglob("ETH_1h.parquet")
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 3] ^= 4
    elif damage == "truncate":
        del content[len(content) // 2 :]
    elif damage == "empty":
        content.clear()
    else:
        (other,) = home.rglob("ETH_1d.parquet")
        content = bytearray(other.read_bytes())
    path.write_bytes(content)
    pd.testing.assert_frame_equal(read().table, expected)
    pd.testing.assert_frame_equal(read().table, expected)


def test_files_of_another_generator_are_not_read(home, monkeypatch):
    read()
    monkeypatch.setattr(sample, "_generator", lambda: "v2-other")
    read()
    assert kept(home).count("ETH_1h.parquet") == 2


def test_where_nothing_can_be_kept_candles_are_generated(home, caplog):
    (home / "sample").write_text("a file is in the way")
    assert len(read().table) > 40_000
    assert "not kept" in caplog.text


def test_what_there_is_not():
    for symbol, timeframe in (("XXXUSDT", "1h"), ("BTCUSDT", "4h")):
        with pytest.raises(NotStored, match=f"no '{symbol}' '{timeframe}'"):
            SampleSource().find(symbol, timeframe)


def test_bits_flipped_anywhere_are_noticed(home):
    """200 flipped bits: the file is refused, or what is read is what was written."""
    frame = market.generate("BTCUSDT")["1d"]
    path = home / "x.parquet"
    write_checked(frame, path, {"mark": "1"})
    content = path.read_bytes()
    random = np.random.default_rng(5)
    refused = 0
    for at in random.integers(0, len(content), 200).tolist():
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        back = read_checked(path, {"mark": "1"})
        if back is None:
            refused += 1
        else:
            pd.testing.assert_frame_equal(back, frame)
    assert refused > 150


def test_other_marks_are_refused(home):
    frame = market.generate("BTCUSDT")["1d"]
    write_checked(frame, home / "x.parquet", {"mark": "1"})
    assert read_checked(home / "x.parquet", {"mark": "1"}) is not None
    assert read_checked(home / "x.parquet", {"mark": "2"}) is None
    assert read_checked(home / "y.parquet", {"mark": "1"}) is None


def test_a_write_that_fails_leaves_the_old_file(home, monkeypatch):
    frame = market.generate("BTCUSDT")["1d"]
    path = home / "x.parquet"
    write_checked(frame, path, {"mark": "1"})
    before = path.read_bytes()

    def fail(*args, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("toolkit.sources.files.os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_checked(frame.iloc[:5], path, {"mark": "1"})
    assert path.read_bytes() == before
    assert kept(home) == ["x.parquet"], "nothing is left lying about"
