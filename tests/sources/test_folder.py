"""Files in the dataset's layout on this machine."""

import hashlib

import pandas as pd
import pytest

from toolkit.sources.base import NotStored, SourceError
from toolkit.sources.folder import FolderSource

TABLE = pd.DataFrame(
    {"open_time": pd.date_range("2024-01-01", periods=3, freq="h"), "close": [1.0, 2.0, 3.0]}
)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "klines" / "BTCUSDT" / "BTC_1h.parquet"
    path.parent.mkdir(parents=True)
    TABLE.to_parquet(path)
    return tmp_path


def test_reads_what_is_there(folder):
    stored = FolderSource(folder).find("BTCUSDT", "1h")
    raw = stored.read()
    pd.testing.assert_frame_equal(raw.table, TABLE, check_dtype=False)
    content = (folder / "klines" / "BTCUSDT" / "BTC_1h.parquet").read_bytes()
    assert raw.revision == f"sha256:{hashlib.sha256(content).hexdigest()[:16]}"
    assert not stored.synthetic


def test_the_klines_folder_itself_will_do(folder):
    source = FolderSource(folder / "klines")
    assert len(source.find("BTCUSDT", "1h").read().table) == 3


def test_a_changed_file_has_another_identity(folder):
    source = FolderSource(str(folder))
    before = source.find("BTCUSDT", "1h").identity
    assert source.find("BTCUSDT", "1h").identity == before
    TABLE.iloc[:2].to_parquet(folder / "klines" / "BTCUSDT" / "BTC_1h.parquet")
    assert source.find("BTCUSDT", "1h").identity != before


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere' does not exist.*klines/BTCUSDT/BTC_1h\.parquet"):
        FolderSource(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="is not a folder"):
        FolderSource(tmp_path / "file")


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(SourceError, match=r"holds no folder 'klines'.*klines/BTCUSDT"):
        FolderSource(tmp_path)


def test_a_file_that_is_not_there(folder):
    source = FolderSource(folder)
    with pytest.raises(NotStored, match=r"no klines/BTCUSDT/BTC_1d\.parquet.*there are BTC_1h\.parquet"):
        source.find("BTCUSDT", "1d")
    with pytest.raises(NotStored, match=r"no klines/ETHUSDT/ETH_1d\.parquet.*has no ETHUSDT"):
        source.find("ETHUSDT", "1d")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"open_time,open\n", b"\0" * 1000])
def test_a_file_that_is_no_parquet(folder, content):
    (folder / "klines" / "BTCUSDT" / "BTC_1h.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=r"BTC_1h\.parquet' cannot be read as Parquet"):
        FolderSource(folder).find("BTCUSDT", "1h").read()


def test_a_file_that_went_away_meanwhile(folder):
    stored = FolderSource(folder).find("BTCUSDT", "1h")
    (folder / "klines" / "BTCUSDT" / "BTC_1h.parquet").unlink()
    with pytest.raises(SourceError, match="cannot be read"):
        stored.read()
