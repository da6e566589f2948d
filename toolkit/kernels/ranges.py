"""How far candles reach, and to which side."""

from toolkit.kernels.compiling import compiled, fma, unowned
from toolkit.kernels.constants import Array
from toolkit.kernels.exponential import EMA_MEMORY, ema
from toolkit.kernels.moves import TRUE_RANGE_MEMORY, true_range

DIRECTIONAL_MOVEMENT_MEMORY = 3  # slots that `directional_movement` needs
AVERAGE_TRUE_RANGE_MEMORY = TRUE_RANGE_MEMORY + EMA_MEMORY  # slots that `average_true_range` needs


@compiled
def directional_movement(memory: Array, high: Array, low: Array, up: Array, down: Array) -> None:
    """How far this candle's high lies above the last one's, or its low below the last one's: the larger of
    the two where it is positive, the other is 0 (Wilder, 1978). Both are 0 for the first candle and where
    they are equal. Memory: `DIRECTIONAL_MOVEMENT_MEMORY` slots. The outputs are not the inputs.
    """
    memory, high, low, up, down = unowned(memory), unowned(high), unowned(low), unowned(up), unowned(down)
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
def average_true_range(memory: Array, high: Array, low: Array, close: Array, period: int, out: Array) -> None:
    """Wilder's average of the true range, seeded with the mean of its first `period` values; NaN for the
    first `period` candles, as the first has no true range. Memory: `AVERAGE_TRUE_RANGE_MEMORY` slots.

    The same as `true_range` and then `ema`. Where whole blocks of the latter lie ahead they are done in one
    loop, so that what comes from memory is waited for while the last block is worked on.
    """
    memory, high, low, close, out = unowned(memory), unowned(high), unowned(low), unowned(close), unowned(out)
    ranges, mean = memory[:TRUE_RANGE_MEMORY], memory[TRUE_RANGE_MEMORY:AVERAGE_TRUE_RANGE_MEMORY]
    start, count, alpha = 0, len(close), 1.0 / period
    while start < count:
        first, missing = 1 if ranges[0] == 0.0 else 0, int(period - mean[0])
        phase = -missing & 7
        if first == 0 and missing <= 0 and phase == 0 and count - start >= 8:
            stop = start + (count - start) // 8 * 8
            before, after = ranges[1], close[stop - 1]
            mean[1] = _average_blocks(
                high[start:stop], low[start:stop], close[start:stop], before, alpha, mean[1], out[start:stop]
            )
            mean[0] += stop - start
            ranges[1] = after
        else:
            stop = min(count, start + (missing + first if missing > 0 else 8 - phase))
            average = out[start:stop]
            true_range(ranges, high[start:stop], low[start:stop], close[start:stop], average)
            ema(mean, average[first:], period, alpha, average[first:])
        start = stop


@compiled
def _average_blocks(
    high: Array, low: Array, close: Array, before: float, alpha: float, level: float, out: Array
) -> float:
    """Whole blocks of the average; its level after them."""
    keep = 1.0 - alpha
    keep2 = keep * keep
    keep3 = keep2 * keep
    keep4 = keep3 * keep
    keep5 = keep4 * keep
    keep6 = keep5 * keep
    keep7 = keep6 * keep
    keep8 = keep7 * keep
    shape = (len(out) // 8, 8)
    tops, bottoms, closes, means = (
        high.reshape(shape),
        low.reshape(shape),
        close.reshape(shape),
        out.reshape(shape),
    )
    for i in range(len(means)):
        top, bottom, last, mean = tops[i], bottoms[i], closes[i], means[i]
        z0 = alpha * _range(top[0], bottom[0], before)
        z1 = fma(keep, z0, alpha * _range(top[1], bottom[1], last[0]))
        z2 = fma(keep, z1, alpha * _range(top[2], bottom[2], last[1]))
        z3 = fma(keep, z2, alpha * _range(top[3], bottom[3], last[2]))
        z4 = fma(keep, z3, alpha * _range(top[4], bottom[4], last[3]))
        z5 = fma(keep, z4, alpha * _range(top[5], bottom[5], last[4]))
        z6 = fma(keep, z5, alpha * _range(top[6], bottom[6], last[5]))
        z7 = fma(keep, z6, alpha * _range(top[7], bottom[7], last[6]))
        before = last[7]
        mean[0] = fma(keep, level, z0)
        mean[1] = fma(keep2, level, z1)
        mean[2] = fma(keep3, level, z2)
        mean[3] = fma(keep4, level, z3)
        mean[4] = fma(keep5, level, z4)
        mean[5] = fma(keep6, level, z5)
        mean[6] = fma(keep7, level, z6)
        level = fma(keep8, level, z7)
        mean[7] = level
    return level


@compiled
def _range(high: float, low: float, before: float) -> float:
    return (high if high > before else before) - (low if low < before else before)
