"""The building blocks against pandas and exact arithmetic, in any chunks, and the cache of compiled code."""

import os
import shutil
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market import random_candles, same_bits

from toolkit import kernels

CLOSE = random_candles(2_000, seed=11)["close"].to_numpy()


def ema(values, period, cuts=()):
    memory, out = np.zeros(kernels.EMA_MEMORY), np.empty(len(values))
    for start, stop in pairwise([0, *cuts, len(values)]):
        kernels.ema(memory, values[start:stop], period, 2 / (period + 1), out[start:stop])
    return out


def rolling_mean(values, period, cuts=()):
    memory, out = np.zeros(kernels.rolling_mean_memory(period)), np.empty(len(values))
    for start, stop in pairwise([0, *cuts, len(values)]):
        kernels.rolling_mean(memory, values[start:stop], period, out[start:stop])
    return out


def rolling_mean_std(values, period, cuts=()):
    memory = np.zeros(kernels.rolling_mean_std_memory(period))
    mean, std = np.empty(len(values)), np.empty(len(values))
    for start, stop in pairwise([0, *cuts, len(values)]):
        kernels.rolling_mean_std(memory, values[start:stop], period, mean[start:stop], std[start:stop])
    return np.stack([mean, std])


@pytest.mark.parametrize("period", [1, 2, 3, 12, 26, 500])
def test_ema_is_pandas_recurrence_seeded_with_the_mean(period):
    ours = ema(CLOSE, period)
    seeded = pd.Series(CLOSE[period - 1 :].copy())
    seeded.iloc[0] = CLOSE[:period].mean()
    expected = seeded.ewm(alpha=2 / (period + 1), adjust=False).mean()
    assert np.isnan(ours[: period - 1]).all()
    assert np.allclose(ours[period - 1 :], expected, rtol=1e-13, atol=0)


def test_ema_may_write_over_its_input():
    values = CLOSE.copy()
    kernels.ema(np.zeros(kernels.EMA_MEMORY), values, 12, 2 / 13, values)
    assert same_bits(values, ema(CLOSE, 12))


@pytest.mark.parametrize("period", [1, 2, 3, 20, 500])
def test_rolling_mean_and_deviation_equal_numpy_on_each_window(period):
    windows = np.lib.stride_tricks.sliding_window_view(CLOSE, period)
    assert np.allclose(rolling_mean(CLOSE, period)[period - 1 :], windows.mean(axis=1), rtol=1e-14, atol=0)
    mean, std = rolling_mean_std(CLOSE, period)
    assert np.allclose(mean[period - 1 :], windows.mean(axis=1), rtol=1e-14, atol=0)
    assert np.allclose(std[period - 1 :], windows.std(axis=1), rtol=1e-10, atol=1e-11)
    assert np.isnan(mean[: period - 1]).all()
    assert np.isnan(std[: period - 1]).all()


def test_deviation_of_a_market_that_jumped_and_then_hardly_moves():
    """A thousandth of a cent around a price a thousand times as far from the last block's level."""
    values = np.r_[np.full(33, 1_000.0), 60_000.0 + 1e-5 * np.sin(np.arange(100))]
    _, std = rolling_mean_std(values, 30)
    for end in range(29, len(values)):
        window = [Fraction(value) for value in values[end - 29 : end + 1]]
        mean = sum(window) / 30
        expected = float(sum((value - mean) ** 2 for value in window) / 30) ** 0.5
        assert std[end] == pytest.approx(expected, rel=1e-6)
    assert (std[29:33] == 0).all()


@pytest.mark.parametrize("block", [ema, rolling_mean, rolling_mean_std])
@given(
    period=st.integers(1, 60),
    cuts=st.lists(st.integers(0, 400), max_size=30).map(sorted),
    flat=st.integers(0, 300),
    scale=st.sampled_from([1.0, 1e-9, 1e9]),
)
@settings(max_examples=60, deadline=None)
def test_the_same_bits_in_any_chunks(block, period, cuts, flat, scale):
    values = CLOSE[:400] * scale
    values[flat : flat + 90] = values[flat]
    assert same_bits(block(values, period, cuts), block(values, period))


def small_package(folder):
    """A package of one building block and one function that calls it; the file of the block."""
    package = folder / "toolkit"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("settings.py", "kernels.py"):
        shutil.copy(Path(kernels.__file__).parent / name, package)
    blocks = package / "kernels.py"
    blocks.write_text(blocks.read_text() + "\n\n@compiled\ndef block(x):\n    return 2.0 * x\n")
    (package / "rules.py").write_text(
        "from toolkit.kernels import block, compiled\n\n\n@compiled\ndef caller(x):\n    return block(x)\n"
    )
    return blocks


def test_the_compiled_cache_is_used_and_does_not_go_stale_when_a_callee_is_edited(tmp_path):
    """Numba does not notice the edit of a building block by itself: the cache folder's name must."""
    blocks = small_package(tmp_path)
    text = blocks.read_text()
    script = "from toolkit.rules import caller; print(caller(1.0), sum(caller.stats.cache_hits.values()))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "TOOLKIT_HOME": str(tmp_path / "home")}

    def run(source):
        blocks.write_text(source)
        command = [sys.executable, "-B", "-c", script]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, cwd=tmp_path, check=True
        )
        return done.stdout.split()

    assert run(text) == ["2.0", "0"]
    assert run(text) == ["2.0", "1"]
    assert run(text.replace("2.0 * x", "3.0 * x")) == ["3.0", "0"]
    assert run(text) == ["2.0", "1"]


def test_two_processes_that_compile_at_the_same_time_do_not_mix_up_their_code(tmp_path):
    """Both find an empty cache, each compiles the function for another type, both write."""
    script = """
import sys
from pathlib import Path
from toolkit.kernels import _folder
from toolkit.rules import caller

home = Path(_folder[0])
if sys.argv[1] == "first":
    print(caller(1))
else:
    before = {path: path.read_bytes() for path in home.rglob("*.nbc")}
    for index in home.rglob("*.nbi"):
        index.unlink()
    print(caller(1.5), len(before), sum(path.read_bytes() != content for path, content in before.items()))
"""
    small_package(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "TOOLKIT_HOME": str(tmp_path / "home")}
    for value in ("first", "second"):
        command = [sys.executable, "-c", script, value]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, cwd=tmp_path, check=True
        )
    assert done.stdout.split() == ["3.0", "2", "0"]


def test_a_home_that_cannot_be_written_costs_only_the_cache():
    environment = {**os.environ, "TOOLKIT_HOME": "/proc/system-v4"}  # not even root can make it
    script = (
        "from toolkit.kernels import _folder, rolling_mean_memory; print(_folder, rolling_mean_memory(3))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["['']", "10"]
