"""Candle files of every kind in a folder, Binance's own archives among them."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from toolkit import KLineDataLoader
from toolkit.candles import PRICE_COLUMNS
from toolkit.sources.base import SourceError
from toolkit.sources.folder import FolderSource
from toolkit.sources.tables import ARCHIVE_COLUMNS

COUNT = 48
PRICES = np.round(np.random.default_rng(4).uniform(0.1, 0.3, COUNT), 8)


def archive(first=0, count=COUNT, *, header, per_ms=1):
    """Lines as Binance's archives have them; newer ones are in microseconds."""
    lines = [",".join(ARCHIVE_COLUMNS)] if header else []
    for i in range(first, first + count):
        opens = (1_704_067_200_000 + i * 3_600_000) * per_ms
        price = f"{PRICES[i]:.8f}"
        closes = opens + 3_600_000 * per_ms - 1
        lines.append(f"{opens},{price},{price},{price},{price},{i + 0.1},{closes},{i}.5,{i},1.5,2.5,0")
    return "\n".join(lines).encode() + b"\n"


def zipped(content, *names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name in names or ("BTCUSDT-1h-2024-01.csv",):
            package.writestr(name, content)
    return file.getvalue()


def store(folder, content, name="BTC_1h.csv"):
    path = folder / "klines" / "BTCUSDT" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))


def load(folder):
    return KLineDataLoader.load_klines("BTCUSDT", "1h", source=folder)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("per_ms", [1, 1_000], ids=["ms", "us"])
@pytest.mark.parametrize("packed", ["csv", "csv.gz", "zip"])
def test_binances_own_archives(tmp_path, header, per_ms, packed):
    content = archive(header=header, per_ms=per_ms)
    content = {"csv": content, "csv.gz": gzip.compress(content), "zip": zipped(content)}[packed]
    store(tmp_path, content, f"BTC_1h.{packed}")
    frame = load(tmp_path)
    report = frame.attrs["report"]
    assert (report.rows, report.candles, report.quarantined) == (COUNT, COUNT, ())
    assert report.dropped_unclosed is None, "archives hold closed candles only"
    assert frame.index[0] == pd.Timestamp("2024-01-01", tz="UTC")
    assert frame["close"].tolist() == PRICES.tolist(), "to the last bit"
    assert frame["quote_asset_volume"].iloc[3] == 3.5
    assert frame["number_of_trades"].iloc[3] == 3
    assert frame["taker_buy_base_asset_volume"].iloc[3] == 1.5
    assert frame["taker_buy_quote_asset_volume"].iloc[3] == 2.5


def test_archives_of_several_months_are_read_together(tmp_path):
    store(tmp_path, zipped(archive(0, 20, header=False)), "BTCUSDT-1h-2024-01.zip")
    store(tmp_path, archive(20, 20, header=True, per_ms=1_000), "BTCUSDT-1h-2024-02.csv")
    store(tmp_path, archive(39, 9, header=False), "BTCUSDT-1h-2024-03.csv")
    store(tmp_path, b"of another timeframe", "BTCUSDT-15m-2024-03.csv")
    frame = load(tmp_path)
    assert frame["close"].tolist() == PRICES.tolist()
    assert frame.attrs["report"].duplicates == 1
    before = FolderSource(tmp_path).find("BTCUSDT", "1h").identity
    store(tmp_path, archive(39, 8, header=False), "BTCUSDT-1h-2024-03.csv")
    assert FolderSource(tmp_path).find("BTCUSDT", "1h").identity != before
    assert len(load(tmp_path)) == COUNT - 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("time", ["Date", "timestamp", "Open Time"])
def test_texts_of_other_programs(tmp_path, delimiter, time):
    frame = pd.DataFrame({time: pd.date_range("2024-01-01", periods=30, freq="h")})
    for name in PRICE_COLUMNS:
        frame[name.title()] = PRICES[:30]
    store(tmp_path, b"\xef\xbb\xbf" + frame.to_csv(index=False, sep=delimiter).encode())
    assert load(tmp_path)["close"].tolist() == PRICES[:30].tolist()


def test_feather(tmp_path):
    frame = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=30, freq="h", tz="Europe/Berlin")})
    for name in PRICE_COLUMNS:
        frame[name] = PRICES[:30]
    file = io.BytesIO()
    frame.to_feather(file)
    store(tmp_path, file.getvalue(), "BTC_1h.feather")
    loaded = load(tmp_path)
    assert loaded["close"].tolist() == PRICES[:30].tolist()
    assert loaded.index[0] == pd.Timestamp("2023-12-31T23:00Z")


def test_two_files_that_mean_the_same(tmp_path):
    store(tmp_path, archive(header=True))
    store(tmp_path, gzip.compress(archive(header=True)), "BTC_1h.csv.gz")
    with pytest.raises(SourceError, match=r"holds BTC_1h.csv.gz, BTC_1h.csv, and nothing says which"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("BTC_1h.csv", b"1704067200000,1,1,1,1,1\n", "has no header and 6 columns; without a header"),
        (
            "BTC_1h.csv",
            b"open_time,open\n1704067200000\n",
            "cannot be read as CSV.*Expected 2 columns, got 1",
        ),
        ("BTC_1h.csv", b"", "cannot be read as CSV"),
        ("BTC_1h.csv", b"\xff\xfe\x00", "cannot be read as CSV"),
        ("BTC_1h.csv.gz", b"no gzip", "cannot be read as gzip"),
        ("BTC_1h.csv.gz", gzip.compress(archive(header=True))[:-9], "cannot be read as gzip"),
        ("BTC_1h.zip", b"no zip", "cannot be read as zip"),
        ("BTC_1h.zip", zipped(b"", "a.csv", "b.csv"), "holds 2 files .csv, not one"),
        ("BTC_1h.feather", b"no feather", "cannot be read as Feather"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, message):
    store(tmp_path, content, name)
    with pytest.raises(SourceError, match=message):
        load(tmp_path)


def test_a_flipped_bit_in_an_archive_is_noticed(tmp_path):
    content = bytearray(gzip.compress(archive(header=True)))
    content[len(content) // 2] ^= 4
    store(tmp_path, bytes(content), "BTC_1h.csv.gz")
    with pytest.raises(SourceError, match="cannot be read as gzip"):
        load(tmp_path)
