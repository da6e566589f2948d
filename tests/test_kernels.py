"""The building blocks against pandas and exact arithmetic, in any chunks, and the cache of compiled code."""

import ast
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


@pytest.mark.parametrize("period", [3, 20])
def test_rolling_mean_may_write_over_its_input_and_recovers_from_what_is_undefined(period):
    values = CLOSE.copy()
    values[[0, 50, 51, 400]] = np.nan
    expected = pd.Series(values).rolling(period).mean()
    kernels.rolling_mean(np.zeros(kernels.rolling_mean_memory(period)), values, period, values)
    assert np.allclose(values, expected, rtol=1e-12, atol=0, equal_nan=True)


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


def run(block, memory, values, cuts=(), *arguments):
    """What a block of one input and one output makes of the values, in chunks."""
    held, out = np.zeros(memory), np.empty(len(values))
    for start, stop in pairwise([0, *cuts, len(values)]):
        block(held, values[start:stop], *arguments, out[start:stop])
    return out


def highest(memory, values, period, out):
    kernels.rolling_channel(memory, values, values, period, out, np.empty(0), np.empty(len(values)))


def lowest(memory, values, period, out):
    kernels.rolling_channel(memory, values, values, period, np.empty(len(values)), np.empty(0), out)


def adaptive_mean(memory, values, period, out):
    kernels.adaptive_mean(memory, values, period, 2 / 3, 2 / 31, out)


WINDOWS = {
    highest: (kernels.rolling_channel_memory, lambda w: w.max()),
    lowest: (kernels.rolling_channel_memory, lambda w: w.min()),
    kernels.rolling_max_age: (
        kernels.rolling_age_memory,
        lambda w: w.apply(lambda v: len(v) - 1 - np.flatnonzero(v == v.max())[-1], raw=True),
    ),
    kernels.rolling_min_age: (
        kernels.rolling_age_memory,
        lambda w: w.apply(lambda v: len(v) - 1 - np.flatnonzero(v == v.min())[-1], raw=True),
    ),
    kernels.weighted_mean: (
        kernels.weighted_mean_memory,
        lambda w: w.apply(lambda v: np.average(v, weights=np.arange(1.0, len(v) + 1)), raw=True),
    ),
}


@pytest.mark.parametrize("period", [1, 2, 3, 7, 8, 9, 500])
@pytest.mark.parametrize("block", WINDOWS, ids=lambda block: block.__name__)
def test_windows_are_those_of_pandas(block, period):
    memory, expected = WINDOWS[block]
    values = np.round(CLOSE, -2)  # many equal ones
    ours = run(block, memory(period), values, (), period)
    theirs = expected(pd.Series(values).rolling(period))
    assert np.allclose(ours, theirs, rtol=1e-13, atol=0, equal_nan=True)


@pytest.mark.parametrize("period", [1, 2, 20])
def test_mean_deviation_is_that_of_pandas(period):
    mean = rolling_mean(CLOSE, period)
    held, out = np.zeros(kernels.rolling_mean_deviation_memory(period)), np.empty(len(CLOSE))
    for part in (slice(0, 900), slice(900, 901), slice(901, None)):
        kernels.rolling_mean_deviation(held, CLOSE[part], mean[part], period, out[part])
    theirs = pd.Series(CLOSE).rolling(period).apply(lambda v: np.abs(v - v.mean()).mean(), raw=True)
    assert np.allclose(out, theirs, rtol=1e-9, atol=1e-9 if period > 1 else 1e-7, equal_nan=True)


def test_changes_sums_and_delays_are_those_of_numpy():
    assert same_bits(run(kernels.change, kernels.CHANGE_MEMORY, CLOSE), np.r_[np.nan, np.diff(CLOSE)])
    summed = run(kernels.running_sum, kernels.RUNNING_SUM_MEMORY, CLOSE)
    assert np.allclose(summed, np.cumsum(CLOSE), rtol=1e-13)
    for count in (1, 3, 700, 3_000):
        late = run(kernels.delay, kernels.delay_memory(count), CLOSE, (), count)
        assert same_bits(late, pd.Series(CLOSE).shift(count).to_numpy())
        grown = run(kernels.percent_change, kernels.delay_memory(count), CLOSE, (), count)
        assert same_bits(grown, 100.0 * (CLOSE / late - 1.0))


@pytest.mark.parametrize("period", [1, 2, 14, 500])
def test_gain_share_is_that_of_wilders_averages(period):
    steps = pd.Series(np.diff(CLOSE))
    averages = []
    for part in (steps.clip(lower=0), steps.abs()):
        seeded = part.iloc[period - 1 :].copy()
        seeded.iloc[0] = part.iloc[:period].mean()
        averages.append(seeded.ewm(alpha=1 / period, adjust=False).mean().to_numpy())
    ours = run(kernels.gain_share, kernels.GAIN_SHARE_MEMORY, CLOSE, (), period)
    with np.errstate(invalid="ignore"):
        theirs = 100 * averages[0] / averages[1]
    assert np.isnan(ours[:period]).all()
    assert np.allclose(ours[period:], theirs, rtol=1e-12, atol=0, equal_nan=True)


def test_true_range_is_wilders():
    klines = random_candles(500, seed=3)
    high, low, close = (klines[name].to_numpy() for name in ("high", "low", "close"))
    memory, out = np.zeros(kernels.TRUE_RANGE_MEMORY), np.empty(500)
    for part in (slice(0, 1), slice(1, 200), slice(200, None)):
        kernels.true_range(memory, high[part], low[part], close[part], out[part])
    before = klines["close"].shift()
    parts = [klines["high"] - klines["low"], (klines["high"] - before).abs(), (klines["low"] - before).abs()]
    expected = pd.concat(parts, axis=1).max(axis=1)
    assert np.isnan(out[0])
    assert np.allclose(out[1:], expected[1:], rtol=1e-12, atol=0)


def by_a_plain_loop(values, period, fast, slow):
    """Kaufman's mean as he wrote it."""
    out, mean = np.full(len(values), np.nan), values[period - 1]
    for i in range(period, len(values)):
        way = np.abs(np.diff(values[i - period : i + 1])).sum()
        share = abs(values[i] - values[i - period]) / way if way > 0 else 1.0
        mean += (share * (fast - slow) + slow) ** 2 * (values[i] - mean)
        out[i] = mean
    return out


@pytest.mark.parametrize("period", [1, 2, 6, 10, 700])
def test_the_adaptive_mean_is_kaufmans_and_quick_where_nothing_moves(period):
    values = CLOSE.copy()
    values[1_000:1_900] = values[1_000]
    ours = run(adaptive_mean, kernels.adaptive_mean_memory(period), values, (3, 4, 1_001), period)
    expected = by_a_plain_loop(values, period, 2 / 3, 2 / 31)
    assert np.allclose(ours, expected, rtol=1e-12, atol=0, equal_nan=True)
    if period < 700:  # settled: the price itself, to the bit
        assert (ours[1_700:1_900] == values[1_000]).all()


@pytest.mark.parametrize("periods", [(1, 2, 1), (12, 26, 9), (5, 35, 10), (3, 4, 7)])
def test_the_convergence_of_means_is_that_of_three_exponential_means(periods):
    fast_period, slow_period, signal_period = periods
    fast, slow, signal = np.empty((3, len(CLOSE)))
    for values, period, out in (
        (CLOSE[slow_period - fast_period :], fast_period, fast[slow_period - fast_period :]),
        (CLOSE, slow_period, slow),
    ):
        kernels.ema(np.zeros(kernels.EMA_MEMORY), values, period, 2 / (period + 1), out)
    rounding = kernels.NOISE * CLOSE[slow_period - 1 :]
    apart = fast[slow_period - 1 :] - slow[slow_period - 1 :]
    apart[np.abs(apart) <= rounding] = 0.0
    kernels.ema(
        np.zeros(kernels.EMA_MEMORY), apart, signal_period, 2 / (signal_period + 1), signal[: len(apart)]
    )
    expected = np.r_[np.full(slow_period - 1, np.nan), apart], signal[: len(apart)]
    for cuts in ((), (1, 30, 33, 41, 500), range(1, 200)):
        memory, out = np.zeros(kernels.CONVERGENCE_MEMORY), np.empty((3, len(CLOSE)))
        for start, stop in pairwise([0, *cuts, len(CLOSE)]):
            kernels.convergence(memory, CLOSE[start:stop], *periods, *out[:, start:stop])
        assert same_bits(out[0], expected[0])
        line = out[1, slow_period - 1 :]
        near = np.abs(apart - expected[1]) <= rounding
        assert same_bits(line, np.where(near, apart, expected[1]))
        assert same_bits(out[2], out[0] - out[1])


def test_a_running_sum_to_which_nothing_is_added_stays_as_it_was():
    random = np.random.default_rng(9)
    values = random.normal(0.0, 1e6, 3_000)
    values[random.random(3_000) < 0.5] = 0.0
    total = run(kernels.running_sum, kernels.RUNNING_SUM_MEMORY, values, ())
    assert (total[1:] == total[:-1])[values[1:] == 0.0].all()


def test_money_flows_by_the_place_of_the_close_and_not_by_rounding():
    high, low = np.array([12.0, 12.0, 12.0, 10.0, 0.3]), np.array([8.0, 8.0, 8.0, 10.0, 0.1])
    close, volume = np.array([12.0, 8.0, 11.0, 10.0, 0.2]), np.array([3.0, 3.0, 4.0, 5.0, 6.0])
    out = np.empty(5)
    kernels.money_flow(high, low, close, volume, out)
    assert out.tolist() == [3.0, -3.0, 2.0, 0.0, 0.0]


def test_settling_takes_away_rounding_alone():
    values = np.array([0.3, 0.3, -0.3, 0.0, 0.3])
    mean = np.array([0.1 + 0.2, 0.3 * (1 + 1e-12), -(0.1 + 0.2), 1e-300, np.nan])
    kernels.settle(values, mean)
    assert same_bits(mean, np.array([0.3, 0.3 * (1 + 1e-12), -0.3, 1e-300, np.nan]))


@pytest.mark.parametrize("block", [kernels.rolling_mean, kernels.weighted_mean])
def test_means_may_write_over_their_input(block):
    for period in (1, 3, 20, 700):
        values = CLOSE.copy()
        block(np.zeros(2_000), values, period, values)
        assert same_bits(values, run(block, 2_000, CLOSE, (), period))


@pytest.mark.parametrize("period", [3, 20])
@pytest.mark.parametrize("block", [kernels.rolling_mean, kernels.weighted_mean])
def test_nothing_is_left_of_a_window_in_which_nothing_is(block, period):
    """Of a volume of billions, no rounding stays behind in the mean of a hundred zeros."""
    values = np.r_[CLOSE * 1e9, np.zeros(100), CLOSE[:50] * 1e-9]
    out = run(block, 2_000, values, (), period)
    assert (out[len(CLOSE) + period : len(CLOSE) + 100] == 0).all()
    assert out[-1] == pytest.approx(run(block, 2_000, CLOSE[:50] * 1e-9, (), period)[-1], rel=1e-14)


def test_directional_movement_is_wilders():
    klines = random_candles(500, seed=3)
    klines.iloc[100:103, klines.columns.get_loc("high")] += 500.0  # outside candles too
    klines.iloc[101:104, klines.columns.get_loc("low")] -= 500.0
    high, low = klines["high"].to_numpy(), klines["low"].to_numpy()
    memory, up, down = np.zeros(kernels.DIRECTIONAL_MOVEMENT_MEMORY), np.empty(500), np.empty(500)
    for part in (slice(0, 1), slice(1, 200), slice(200, None)):
        kernels.directional_movement(memory, high[part], low[part], up[part], down[part])
    higher, lower = np.r_[0.0, np.diff(high)], np.r_[0.0, -np.diff(low)]
    assert same_bits(up, np.where((higher > lower) & (higher > 0), higher, 0.0))
    assert same_bits(down, np.where((lower > higher) & (lower > 0), lower, 0.0))


@pytest.mark.parametrize("period", [1, 14, 499])
def test_average_true_range_is_wilders_average_of_it(period):
    klines = random_candles(500, seed=3)
    high, low, close = (klines[name].to_numpy() for name in ("high", "low", "close"))
    memory, out, ranges = np.zeros(kernels.AVERAGE_TRUE_RANGE_MEMORY), np.empty(500), np.empty(500)
    for part in (slice(0, 0), slice(0, 1), slice(1, 200), slice(200, None)):
        kernels.average_true_range(memory, high[part], low[part], close[part], period, out[part])
    kernels.true_range(np.zeros(kernels.TRUE_RANGE_MEMORY), high, low, close, ranges)
    expected = np.empty(499)
    kernels.ema(np.zeros(kernels.EMA_MEMORY), ranges[1:], period, 1 / period, expected)
    assert same_bits(out, np.r_[np.nan, expected])


def test_the_midpoint_is_half_way_between_the_extremes():
    klines = random_candles(5_000, seed=3)
    high, low = klines["high"].to_numpy(), klines["low"].to_numpy()
    for period in (1, 26, 700):
        memory, out = np.zeros(kernels.rolling_channel_memory(period)), np.empty(5_000)
        for part in (slice(0, 900), slice(900, 901), slice(901, None)):
            kernels.rolling_midpoint(memory, high[part], low[part], period, out[part])
        expected = (klines["high"].rolling(period).max() + klines["low"].rolling(period).min()) / 2
        assert same_bits(out, expected.to_numpy())


def test_log_changes_are_numpys_and_keep_their_digits():
    values = np.r_[CLOSE, CLOSE[-1] * np.array([1.221, 1.222, 1.223, 0.5, 1e9, 1e-300, 1e300, 3.0, 3.0])]
    ours = run(kernels.log_change, kernels.LOG_CHANGE_MEMORY, values, (1, 7, 1_999, 2_003))
    assert same_bits(ours, run(kernels.log_change, kernels.LOG_CHANGE_MEMORY, values))
    assert np.isnan(ours[0])
    exact = values.astype(np.longdouble)
    step = np.diff(exact) / exact[:-1]
    expected = np.where(
        np.abs(step) < 0.5, np.log1p(np.clip(step, -0.5, 0.5)), np.log(exact[1:] / exact[:-1])
    )
    assert np.allclose(ours[1:], expected.astype(float), rtol=5e-15, atol=0)
    tiny = run(kernels.log_change, kernels.LOG_CHANGE_MEMORY, np.array([1.0, 1.0 + 2.0**-50]))
    assert tiny[1] == pytest.approx(2.0**-50, rel=1e-14)
    broken = run(
        kernels.log_change, kernels.LOG_CHANGE_MEMORY, np.array([1.0, 0.0, 1.0, -1.0, -1.0, 1.0, 2.0])
    )
    assert np.isnan(broken[:6]).all()
    assert broken[6] == pytest.approx(np.log(2.0), rel=1e-15)
    endless = run(kernels.log_change, kernels.LOG_CHANGE_MEMORY, np.array([1.0, np.inf, np.inf, 1.0, 2.0]))
    assert np.isnan(endless[:3]).all()
    assert endless[4] == pytest.approx(np.log(2.0), rel=1e-15)


@pytest.mark.parametrize("period", [1, 2, 5, 6, 9, 10, 14, 20, 21, 63, 64, 65, 341, 500])
@pytest.mark.parametrize(
    ("plain", "settled", "memory"),
    [
        (kernels.rolling_mean, kernels.settled_mean, kernels.rolling_mean_memory),
        (kernels.weighted_mean, kernels.settled_weighted_mean, kernels.weighted_mean_memory),
    ],
)
def test_settled_means_are_means_and_then_settled_whole_or_one_by_one(plain, settled, memory, period):
    values = np.round(np.r_[CLOSE, CLOSE], 1)  # more than a tile
    values[700:1_300] = values[700]
    expected = run(plain, memory(period), values, (), period)
    kernels.settle(values, expected)
    assert same_bits(run(settled, memory(period), values, (), period), expected)
    cuts = [1, 2, 640, *range(1_000, 1_100), 3_000]
    assert same_bits(run(settled, memory(period), values, cuts, period), expected)


@pytest.mark.parametrize("period", [1, 2, 5, 14, 26, 300])
@pytest.mark.parametrize("block", [highest, lowest, kernels.rolling_max_age])
def test_windows_have_the_same_bits_one_by_one(block, period):
    values = np.round(CLOSE[:1_200], -2)
    memory = WINDOWS[block][0](period)
    cuts = [*range(1, 700), 900]
    assert same_bits(run(block, memory, values, cuts, period), run(block, memory, values, (), period))


BLOCKS = [
    (adaptive_mean, kernels.adaptive_mean_memory, True),
    *((block, memory, True) for block, (memory, _) in WINDOWS.items()),
    (kernels.delay, kernels.delay_memory, True),
    (kernels.percent_change, kernels.delay_memory, True),
    (kernels.change, lambda _: kernels.CHANGE_MEMORY, False),
    (kernels.running_sum, lambda _: kernels.RUNNING_SUM_MEMORY, False),
    (kernels.log_change, lambda _: kernels.LOG_CHANGE_MEMORY, False),
    (kernels.gain_share, lambda _: kernels.GAIN_SHARE_MEMORY, True),
]


@pytest.mark.parametrize(
    ("block", "memory", "takes_period"), BLOCKS, ids=lambda b: getattr(b, "__name__", "")
)
@given(
    cuts=st.lists(st.integers(0, 2_000), max_size=12),
    period=st.one_of(st.integers(1, 9), st.sampled_from([14, 100, 1_000])),
)
@settings(max_examples=25, deadline=None)
def test_any_chunks_give_the_same_bits_in_every_block(block, memory, takes_period, cuts, period):
    more = (period,) if takes_period else ()
    cut = run(block, memory(period), CLOSE, sorted(cuts), *more)
    assert same_bits(cut, run(block, memory(period), CLOSE, (), *more))


def small_package(home):
    """A package of one building block and one function that calls it; the file of the block."""
    package = home / "toolkit"
    package.mkdir()
    (package / "__init__.py").touch()
    folder = Path(kernels.__file__).parent
    shutil.copy(folder.parent / "settings.py", package)
    shutil.copytree(folder, package / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    blocks = package / "kernels" / "moves.py"
    blocks.write_text(blocks.read_text() + "\n\n@compiled\ndef block(x):\n    return 2.0 * x\n")
    (package / "rules.py").write_text(
        "from toolkit.kernels.moves import block, compiled\n@compiled\ndef caller(x):\n    return block(x)\n"
    )
    return blocks


def test_no_compiled_function_calls_itself():
    """While another process compiles such a one, loading it from the cache ends the process."""
    package = Path(kernels.__file__).parents[1]
    files = [*package.glob("kernels/*.py"), *package.glob("indicators/*.py"), package / "rules.py"]
    functions = [
        function
        for file in files
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and any(getattr(mark, "id", "") == "compiled" for mark in function.decorator_list)
    ]
    assert len(functions) > 50
    for function in functions:
        called = {getattr(node.func, "id", "") for node in ast.walk(function) if isinstance(node, ast.Call)}
        assert function.name not in called


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
from toolkit.kernels.compiling import _folder
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
        "from toolkit.kernels.compiling import _folder\nfrom toolkit.kernels import weighted_mean_memory\n"
        "print(_folder, weighted_mean_memory(3))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["[None]", "4"]
