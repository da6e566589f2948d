"""Movement from candle to candle, and sums of it since the beginning."""

import numpy as np

from toolkit.kernels.compiling import compiled
from toolkit.kernels.constants import NOISE, Array

CHANGE_MEMORY = 2  # slots that `change` needs
TRUE_RANGE_MEMORY = 2  # slots that `true_range` needs
RUNNING_SUM_MEMORY = 3  # slots that `running_sum` needs


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
def money_flow(high: Array, low: Array, close: Array, volume: Array, out: Array) -> None:
    """The volume, as far as the close lies in the upper part of the candle's range: `volume * ((close - low)
    - (high - close)) / (high - low)` (Chaikin); 0 where the candle has no range. No memory.

    A close that lies in the middle but for rounding counts as there.
    """
    for i in range(len(close)):
        range_ = high[i] - low[i]
        apart = (close[i] - low[i]) - (high[i] - close[i])
        share = apart / range_
        moved = range_ > 0.0 and abs(apart) > NOISE * close[i]
        out[i] = share * volume[i] if moved else 0.0
