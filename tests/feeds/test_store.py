"""The local store of closed candles: what was appended is there, whatever ends the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.feeds.exchange.series import Correction, Hole
from toolkit.feeds.exchange.store import RECORD, MemoryStore, SeriesStore, read_series

STEP = 900_000


def values(number):
    return tuple(float(number * 10 + place) / 7 for place in range(9))


def filled(path, count):
    store = SeriesStore(path)
    for number in range(count):
        store.candle(number * STEP, values(number))
    store.close()
    return {number * STEP: values(number) for number in range(count)}


def test_what_is_appended_is_there_and_nothing_twice(tmp_path):
    path = tmp_path / "deep" / "BTCUSDT_15m.log"
    assert read_series(path).candles == {}
    expected = filled(path, 5)
    assert read_series(path).candles == expected
    store = SeriesStore(path)
    store.candle(2 * STEP, values(99))  # what was first holds
    store.candle(9 * STEP, values(9))
    store.candle(7 * STEP, values(7))  # later records may be of earlier times
    store.hole(Hole(5 * STEP, 6 * STEP))
    store.correction(Correction(STEP, values(50), values(1)))
    store.close()
    found = read_series(path)
    assert found.candles == expected | {7 * STEP: values(7), 9 * STEP: values(9)}
    assert list(found.candles) == sorted(found.candles)
    assert found.holes == (Hole(5 * STEP, 6 * STEP),)
    assert found.corrections == (Correction(STEP, values(50), values(1)),)
    assert found.damaged == 0
    assert path.stat().st_size == 10 * RECORD


def test_where_it_goes_on(tmp_path):
    path = tmp_path / "x.log"
    filled(path, 5)
    found = read_series(path)
    assert found.missing_from(0, STEP) == 5 * STEP
    assert found.missing_from(6 * STEP, STEP) == 6 * STEP
    holes = found._replace(holes=(Hole(5 * STEP, 8 * STEP),))
    assert holes.missing_from(0, STEP) == 9 * STEP


@given(cut=st.integers(1, 5 * RECORD), more=st.integers(1, 3))
@settings(max_examples=60)
def test_half_a_record_is_cut_off_and_it_continues(tmp_path_factory, cut, more):
    path = tmp_path_factory.mktemp("torn") / "x.log"
    expected = filled(path, 5)
    os.truncate(path, cut)
    whole = cut // RECORD
    assert read_series(path).candles == dict([*expected.items()][:whole])
    store = SeriesStore(path)
    for number in range(whole, whole + more):
        store.candle(number * STEP, values(number))
    store.close()
    found = read_series(path)
    assert found.candles == {number * STEP: values(number) for number in range(whole + more)}
    assert found.damaged == 0


@given(at=st.integers(0, 5 * RECORD - 1), bit=st.integers(0, 7))
@settings(max_examples=60)
def test_a_damaged_record_counts_as_not_there(tmp_path_factory, at, bit):
    path = tmp_path_factory.mktemp("damaged") / "x.log"
    expected = filled(path, 5)
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)
    found = read_series(path)
    assert found.damaged == 1
    del expected[at // RECORD * STEP]
    assert found.candles == expected
    store = SeriesStore(path)
    store.candle(at // RECORD * STEP, values(at // RECORD))
    store.close()
    assert len(read_series(path).candles) == 5


def test_a_full_disk_loses_nothing_once_there_is_room(tmp_path, monkeypatch):
    path = tmp_path / "x.log"
    store = SeriesStore(path)
    store.candle(0, values(0))
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:40]))
    with pytest.raises(OSError, match="no space left"):
        store.candle(STEP, values(1))
    assert read_series(path).candles == {0: values(0)}
    monkeypatch.undo()
    store.candle(2 * STEP, values(2))
    store.close()
    assert read_series(path).candles == {number * STEP: values(number) for number in range(3)}


def test_in_memory_it_is_the_same():
    store = MemoryStore()
    store.candle(STEP, values(1))
    store.candle(0, values(0))
    store.candle(STEP, values(5))
    assert store.stored.candles == {0: values(0), STEP: values(1)}


def test_killed_fifty_times_in_the_middle_of_storing(tmp_path):
    """Each time a child goes on where the file ends, says what it stored, and is killed at some moment."""
    script = """
import os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store import STEP, values
from toolkit.feeds.exchange.store import RECORD, SeriesStore, read_series

path, random = Path(sys.argv[1]), random.Random(7)
said = 0
for _ in range(50):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        store = SeriesStore(path)
        start = number = len(read_series(path).candles)
        while True:
            if number == start + 200:
                time.sleep(60)
            store.candle(number * STEP, values(number))
            os.write(writing, number.to_bytes(8, "little"))
            number += 1
    os.close(writing)
    assert os.read(reading, 8)
    time.sleep(random.uniform(0, 0.003))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = b"".join(iter(lambda: os.read(reading, 65536), b""))
    os.close(reading)
    if told:
        said = int.from_bytes(told[len(told) // 8 * 8 - 8 :][:8], "little")
    found = read_series(path)
    assert found.damaged == 0
    assert [*found.candles.items()] == [(n * STEP, values(n)) for n in range(len(found.candles))]
    assert len(found.candles) > said, (len(found.candles), said)
    # the kernel may cut a write short between two pages
    assert path.stat().st_size // RECORD == len(found.candles)
print(len(found.candles) > 50)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tmp_path / "x.log"), str(Path(__file__).parent)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr
