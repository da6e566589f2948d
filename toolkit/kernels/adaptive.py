"""Kaufman's mean, whose weights change with the market."""

import numpy as np

from toolkit.kernels.compiling import compiled, fma, shared, unowned
from toolkit.kernels.constants import NOISE, SCRATCH, Array
from toolkit.kernels.lanes import (
    LANES,
    abs4,
    all4,
    fma4,
    load4,
    minus4,
    of_greater4,
    one_ago,
    plus4,
    store4,
    times4,
    two_ago,
)
from toolkit.kernels.means import WINDOW_SCRATCH, window_means, window_total
from toolkit.kernels.windows import append, fill, remember

_JOINED = 20  # slots of what the last values come to


@shared
def adaptive_mean_memory(period: int) -> int:
    """Slots of memory that `adaptive_mean` needs."""
    return 1 + _JOINED + period


@compiled
def adaptive_mean(memory: Array, values: Array, period: int, fast: float, slow: float, out: Array) -> None:
    """`y += weight * (x - y)` (Kaufman, 1995), from value number `period - 1` on, with which it begins; NaN
    for the first `period`. `out` is not `values`. Memory: `adaptive_mean_memory(period)` slots.

    `weight` is the square of a number from `slow` to `fast`, by how far the last `period` changes led, as a
    share of the way they went (1 where nothing moved). Where the mean differs from the value by rounding
    alone it is the value, as by `settle`.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    joined, kept, tile = memory[: 1 + _JOINED], memory[1 + _JOINED :], min(SCRATCH, len(values))
    if len(values) == 1:
        steps, value = np.empty(period), values[0]
        for i in range(period - 1):
            steps[i] = abs(kept[i + 1] - kept[i])
        steps[period - 1] = abs(value - kept[period - 1])
        out[0] = window_total(steps) * (1.0 / period)
        _weights(values, kept, period, fast, slow, out)
        _adapt(joined, values, period, out)
        append(kept, value)
        return
    recent, nothing = np.empty(period + tile), np.zeros(tile)
    scratch = np.empty((WINDOW_SCRATCH, period + tile))
    for at in range(0, len(values), SCRATCH):
        now, mean = values[at : at + SCRATCH], out[at : at + SCRATCH]
        remember(kept, now, period, recent)
        steps = scratch[0, : period - 1 + len(now)]
        before, after = recent[: len(steps)], recent[1 : 1 + len(steps)]
        for i in range(len(steps)):
            steps[i] = abs(after[i] - before[i])
        window_means(steps, period, scratch, nothing, now, -1.0, mean)
        _weights(now, recent[: len(now)], period, fast, slow, mean)
        _adapt(joined, now, period, mean)


@compiled
def _weights(values: Array, ago: Array, period: int, fast: float, slow: float, out: Array) -> None:
    """The weight of each value. `ago` are those `period` ago, and `out` holds the mean change since then."""
    values, ago, out = unowned(values), unowned(ago), unowned(out)
    spread = fast - slow
    for i in range(len(out)):
        share = abs(values[i] - ago[i]) / (period * out[i])
        root = fma(share if share < 1.0 else 1.0, spread, slow)
        out[i] = root * root


@compiled
def _adapt(memory: Array, values: Array, period: int, out: Array) -> None:
    """`y = keep * y + add`, where `add = weight * x` and `out` holds the weights: each value would wait for
    the last one's result. So what the last four `add` come to, and the product of the last four `keep`, are
    joined from those of one and two.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, count = int(memory[0]), len(values)
    i = min(count, max(0, period - 1 - seen))
    fill(out[:i], np.nan)
    # What was found for the last values, each at its number modulo 4.
    ones, twos, onces, twices, sums = memory[1:5], memory[5:9], memory[9:13], memory[13:17], memory[17:21]
    while i < count:
        number = seen + i - (period - 1)
        if number & 3 == 0 and number and count - i >= LANES:
            stop = i + (count - i) // LANES * LANES
            _adapt_many(memory, values[i:stop], out[i:stop])
            i = stop
            continue
        value, weight = values[i], out[i] if number else 1.0
        once, one = 1.0 - weight, weight * value
        now, before, two_before = number & 3, (number - 1) & 3, (number - 2) & 3
        two, twice = fma(once, ones[before], one), once * onces[before]
        four, four_times = fma(twice, twos[two_before], two), twice * twices[two_before]
        mean = fma(four_times, sums[now], four)
        ones[now], twos[now], onces[now], twices[now], sums[now] = one, two, once, twice, mean
        away = value - mean
        out[i] = mean + (away if abs(away) <= NOISE * abs(value) else 0.0)
        if number == 0:
            out[i] = np.nan
        i += 1
    memory[0] = seen + count


@compiled
def _adapt_many(memory: Array, values: Array, out: Array) -> None:
    """The same for a multiple of four values, after a multiple of four."""
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    unit, noise, nothing = all4(1.0), all4(NOISE), all4(0.0)
    one, two = load4(memory, 1), load4(memory, 5)
    once, twice, mean = load4(memory, 9), load4(memory, 13), load4(memory, 17)
    for i in range(0, len(values), LANES):
        value, weight = load4(values, i), load4(out, i)
        once_now, one_now = minus4(unit, weight), times4(weight, value)
        two_now = fma4(once_now, one_ago(one, one_now), one_now)
        twice_now = times4(once_now, one_ago(once, once_now))
        four_now = fma4(twice_now, two_ago(two, two_now), two_now)
        mean = fma4(times4(twice_now, two_ago(twice, twice_now)), mean, four_now)
        away = minus4(value, mean)
        rounding = of_greater4(times4(noise, abs4(value)), abs4(away), away, nothing)
        store4(out, i, plus4(mean, rounding))
        one, two, once, twice = one_now, two_now, once_now, twice_now
    store4(memory, 1, one)
    store4(memory, 5, two)
    store4(memory, 9, once)
    store4(memory, 13, twice)
    store4(memory, 17, mean)
