"""Movement from candle to candle, and sums of it since the beginning."""

import math

import numpy as np

from toolkit.kernels.compiling import compiled
from toolkit.kernels.constants import TILE, Array
from toolkit.kernels.means import EMA_MEMORY, ema

CHANGE_MEMORY = 2  # slots that `change` needs
TRUE_RANGE_MEMORY = 2  # slots that `true_range` needs
RUNNING_SUM_MEMORY = 3  # slots that `running_sum` needs
DIRECTIONAL_MOVEMENT_MEMORY = 3  # slots that `directional_movement` needs
AVERAGE_TRUE_RANGE_MEMORY = TRUE_RANGE_MEMORY + EMA_MEMORY  # slots that `average_true_range` needs
LOG_CHANGE_MEMORY = 2  # slots that `log_change` needs


@compiled
def change(memory: Array, values: Array, out: Array) -> None:
    """This value less the one before it; NaN for the first. Memory: `CHANGE_MEMORY` slots. `out` is not
    `values`.
    """
    if not len(values):
        return
    out[0] = values[0] - memory[1] if memory[0] != 0.0 else np.nan
    now, before, step = values[1:], values[: len(values) - 1], out[1:]
    for i in range(len(now)):
        step[i] = now[i] - before[i]
    memory[0], memory[1] = 1.0, values[-1]


@compiled
def true_range(memory: Array, high: Array, low: Array, close: Array, out: Array) -> None:
    """The candle's range, widened to the close before it (Wilder, 1978); NaN for the first candle, which has
    none before it. Memory: `TRUE_RANGE_MEMORY` slots.
    """
    if not len(close):
        return
    if memory[0] != 0.0:
        out[0] = max(high[0], memory[1]) - min(low[0], memory[1])
    else:
        out[0] = np.nan
    top, bottom, before, range_ = high[1:], low[1:], close[: len(close) - 1], out[1:]
    for i in range(len(range_)):
        upper = top[i] if top[i] > before[i] else before[i]
        lower = bottom[i] if bottom[i] < before[i] else before[i]
        range_[i] = upper - lower
    memory[0], memory[1] = 1.0, close[-1]


@compiled
def running_sum(memory: Array, values: Array, out: Array) -> None:
    """Sum of all values so far. Memory: `RUNNING_SUM_MEMORY` slots. `out` may be `values` itself.

    In aligned blocks of four: what a block holds is summed apart, and added to what went before.
    """
    phase, before, local = int(memory[0]), memory[1], memory[2]
    count = len(values)
    i = 0
    while i < count and phase:  # the block that an earlier chunk began
        local += values[i]
        out[i] = before + local
        phase = (phase + 1) & 3
        if phase == 0:
            before = out[i]
        i += 1
    for _ in range((count - i) // 4):
        one = values[i]
        two = one + values[i + 1]
        three = two + values[i + 2]
        four = three + values[i + 3]
        out[i] = before + one
        out[i + 1] = before + two
        out[i + 2] = before + three
        before = before + four
        out[i + 3] = before
        i += 4
    while i < count:  # begin a block that a later chunk will end
        local = values[i] if phase == 0 else local + values[i]
        out[i] = before + local
        phase += 1
        i += 1
    memory[0], memory[1], memory[2] = phase, before, local


@compiled
def directional_movement(memory: Array, high: Array, low: Array, up: Array, down: Array) -> None:
    """How far this candle's high lies above the last one's, or its low below the last one's: the larger of
    the two where it is positive, the other is 0 (Wilder, 1978). Both are 0 for the first candle and where
    they are equal. Memory: `DIRECTIONAL_MOVEMENT_MEMORY` slots. The outputs are not the inputs.
    """
    if not len(high):
        return
    up[0], down[0] = 0.0, 0.0
    if memory[0] != 0.0:
        up[0], down[0] = high[0] - memory[1], memory[2] - low[0]
    top, bottom, rise, fall = high[1:], low[1:], up[1:], down[1:]
    top_before, bottom_before = high[: len(high) - 1], low[: len(low) - 1]
    for i in range(len(rise)):
        rise[i] = top[i] - top_before[i]
        fall[i] = bottom_before[i] - bottom[i]
    for i in range(len(up)):
        higher, lower = max(up[i], 0.0), max(down[i], 0.0)
        up[i] = higher if higher > lower else 0.0
        down[i] = lower if lower > higher else 0.0
    memory[0], memory[1], memory[2] = 1.0, high[-1], low[-1]


@compiled
def log_change(memory: Array, values: Array, out: Array) -> None:
    """Logarithm of this value divided by the one before it; NaN for the first, and where either is not
    positive. Memory: `LOG_CHANGE_MEMORY` slots. `out` is not `values`.

    By the series of `log(b / a) = 2 * artanh((b - a) / (b + a))`, which loses no digits where the change is
    small; a library's logarithm need not give the same bits for one value as for many.
    """
    if not len(values):
        return
    before = memory[1] if memory[0] != 0.0 else np.nan
    out[0] = (values[0] - before) / (values[0] + before)
    now, last, share = values[1:], values[: len(values) - 1], out[1:]
    for i in range(len(share)):
        share[i] = (now[i] - last[i]) / (now[i] + last[i])
    far = 0
    for i in range(len(out)):
        far += 0 if abs(out[i]) <= _NEAR else 1
        out[i] = _twice_artanh(out[i])
    for i in range(len(out) if far else 0):
        earlier = values[i - 1] if i else before
        if not abs((values[i] - earlier) / (values[i] + earlier)) <= _NEAR:
            out[i] = _log_of_far(earlier, values[i])
    memory[0], memory[1] = 1.0, values[-1]


_NEAR = 0.1  # up to here, a price 1.22 times the last one, so many terms of the series are all that count


@compiled
def _twice_artanh(x: float) -> float:
    y = x * x
    tail = y * (1 / 9 + y * (1 / 11 + y * (1 / 13 + y * (1 / 15))))
    return 2.0 * (x + x * y * (1 / 3 + y * (1 / 5 + y * (1 / 7 + tail))))


@compiled
def _log_of_far(earlier: float, later: float) -> float:
    """As `log_change`, of two values that lie far apart: roots are exact to the last bit, and bring them
    near.
    """
    if not (earlier > 0.0 and later > 0.0):
        return np.nan
    ratio, times = math.sqrt(later) / math.sqrt(earlier), 2.0
    while not abs(ratio - 1.0) <= _NEAR:
        ratio, times = math.sqrt(ratio), 2.0 * times
    return times * _twice_artanh((ratio - 1.0) / (ratio + 1.0))


@compiled
def average_true_range(memory: Array, high: Array, low: Array, close: Array, period: int, out: Array) -> None:
    """Wilder's average of the true range, seeded with the mean of its first `period` values; NaN for the
    first `period` candles, as the first has no true range. Memory: `AVERAGE_TRUE_RANGE_MEMORY` slots.
    """
    first = 1 if memory[0] == 0.0 else 0
    ranges, mean = memory[:TRUE_RANGE_MEMORY], memory[TRUE_RANGE_MEMORY:AVERAGE_TRUE_RANGE_MEMORY]
    for start in range(0, len(close), TILE):
        stop = min(start + TILE, len(close))
        average = out[start:stop]
        true_range(ranges, high[start:stop], low[start:stop], close[start:stop], average)
        ema(mean, average[first:], period, 1.0 / period, average[first:])
        first = 0
