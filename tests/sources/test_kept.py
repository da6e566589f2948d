"""Checked candles kept on disk: what comes back is what was kept, or nothing."""

import os
import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.candles import EXTRA_COLUMNS, normalize, select
from toolkit.sources import kept
from toolkit.sources.kept import PAGE, place, read_kept, write_kept

COUNT = 2 * PAGE + 700


def checked(count=COUNT, *, seed=1, **changes):
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.001, count)))
    table = pd.DataFrame(
        {
            "open_time": pd.date_range("2020-01-01", periods=count, freq="15min"),
            "open": close,
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "volume": np.where(random.random(count) < 0.05, 0.0, 1.0),
            "number_of_trades": 7,
            "quote_asset_volume": 0.0,
        }
    )
    table.loc[5, "high"] = np.nan
    table = table.drop(index=[50, 51, count - 3])
    return normalize(table, symbol="BTCUSDT", timeframe="15m", source="here", revision="r", **changes)


FRAME = checked()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "BTC.candles"
    write_kept(path, FRAME, ("file", 1))
    return path


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected)
    assert found.attrs == expected.attrs
    assert found.attrs["report"].to_dict() == expected.attrs["report"].to_dict()
    assert found.attrs["report"].quarantined == expected.attrs["report"].quarantined
    assert found.attrs["report"].gaps == expected.attrs["report"].gaps


def test_what_is_kept_comes_back(path):
    same(read_kept(path, ("file", 1)), FRAME)


def test_columns_that_are_not_known_and_marks(tmp_path):
    frame = checked(100, synthetic=True)
    frame["taker_buy_quote_asset_volume"] = np.nan
    write_kept(tmp_path / "x", frame, 1)
    found = read_kept(tmp_path / "x", 1)
    assert found["taker_buy_quote_asset_volume"].isna().all()
    assert found["synthetic"].all()
    assert set(found.columns) & set(EXTRA_COLUMNS) == {
        "number_of_trades",
        "quote_asset_volume",
        "taker_buy_quote_asset_volume",
    }


def test_another_origin_is_not_taken_for_this_one(path, monkeypatch):
    assert read_kept(path, ("file", 2)) is None
    assert read_kept(path.with_name("other"), ("file", 1)) is None
    monkeypatch.setattr(kept, "_checks", lambda: "other checks")
    assert read_kept(path, ("file", 1)) is None


def test_sources_have_places_of_their_own(tmp_path):
    places = {
        place(tmp_path, source, "BTCUSDT", name) for source in ("hub", "/a", "/b") for name in ("1h", "1d")
    }
    assert len(places) == 6


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.none(), st.integers(-50, COUNT + 50)),
    st.one_of(st.none(), st.integers(1, COUNT)),
    st.one_of(st.none(), st.integers(1, COUNT + 10)),
)
def test_a_part_is_that_of_the_whole(tmp_path_factory, begin, length, last):
    path = tmp_path_factory.getbasetemp() / "part.candles"
    if not path.exists():
        write_kept(path, FRAME, 1)
    at = FRAME.index[0]
    start = None if begin is None else at + begin * pd.Timedelta("15min")
    end = None if length is None else (start or at) + length * pd.Timedelta("15min")
    try:
        expected = select(FRAME, start, end, last)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            select(read_kept(path, 1, start=start, end=end, last=last), start, end, last)
        return
    same(select(read_kept(path, 1, start=start, end=end, last=last), start, end, last, given=True), expected)


def test_the_last_ones_read_little(path, monkeypatch):
    read = []
    fill = kept._fill
    monkeypatch.setattr(
        kept, "_fill", lambda file, target, sums: read.append(len(sums)) or fill(file, target, sums)
    )
    assert len(read_kept(path, ("file", 1), last=500)) < PAGE
    assert set(read) == {1}


# --- damage ---------------------------------------------------------------------------------------------


def test_every_flipped_bit_is_noticed(path):
    whole = path.read_bytes()
    random = np.random.default_rng(5)
    places = [*range(24), *random.integers(24, 4_000, 76), *random.integers(0, len(whole), 100)]
    for at in places:
        content = bytearray(whole)
        content[at] ^= 1 << int(random.integers(8))
        path.write_bytes(content)
        assert read_kept(path, ("file", 1)) is None, at
    path.write_bytes(whole)
    same(read_kept(path, ("file", 1)), FRAME)


def test_every_truncation_is_noticed(path):
    whole = path.read_bytes()
    for size in [0, 1, 23, 24, 100, *np.linspace(200, len(whole) - 1, 15, dtype=int)]:
        path.write_bytes(whole[:size])
        assert read_kept(path, ("file", 1)) is None, size
    path.write_bytes(whole + b"\0")
    assert read_kept(path, ("file", 1)) is None


def test_a_process_killed_while_it_writes_leaves_the_old_file_or_the_new_one(tmp_path):
    """Fifty times and until one was hit in the middle: a child writes two versions in turn, without a pause,
    and is killed at some moment.
    """
    script = """
import os, random, signal, sys, time
from pathlib import Path
import numpy as np
from sources.test_kept import checked
from toolkit.sources.kept import read_kept, write_kept

path, random = Path(sys.argv[1]), random.Random(3)
versions = {seed: checked(seed=seed) for seed in (1, 2)}
write_kept(path, versions[1], 1)
seen, unfinished = [], 0
hit = False
while len(seen) < 50 or not (hit or len(seen) == 500):
    child = os.fork()
    if not child:
        while True:
            for frame in (versions[2], versions[1]):
                write_kept(path, frame, 1)
    time.sleep(random.uniform(0.001, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = read_kept(path, 1)
    seen.append(next(seed for seed, frame in versions.items() if frame.equals(found)))
    hit = hit or any(path.parent.glob(".*.part"))
print(len(seen) >= 50, len(set(seen)), hit)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tmp_path / "BTC.candles")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True 2 True\n", done.stderr


def test_what_a_killed_process_left_is_removed_later(path):
    abandoned, busy = path.with_name(".BTC.1.part"), path.with_name(".BTC.2.part")
    for file in (abandoned, busy):
        file.write_bytes(b"half")
    os.utime(abandoned, (time.time() - 3_600,) * 2)
    write_kept(path, FRAME, 2)
    assert (abandoned.exists(), busy.exists()) == (False, True)


def test_a_file_that_cannot_be_written_leaves_the_old_one(path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "_checksum", full)
    with pytest.raises(OSError, match="No space"):
        write_kept(path, FRAME, 2)
    monkeypatch.undo()
    same(read_kept(path, ("file", 1)), FRAME)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
