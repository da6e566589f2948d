"""How far candles reach, and to which side."""

from toolkit.kernels.compiling import compiled, unowned
from toolkit.kernels.constants import TILE, Array
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
    """
    memory, high, low, close, out = unowned(memory), unowned(high), unowned(low), unowned(close), unowned(out)
    ranges, mean = memory[:TRUE_RANGE_MEMORY], memory[TRUE_RANGE_MEMORY:AVERAGE_TRUE_RANGE_MEMORY]
    for at in range(0, len(close), TILE):
        average = out[at : at + TILE]
        first = 1 if ranges[0] == 0.0 else 0
        true_range(ranges, high[at : at + TILE], low[at : at + TILE], close[at : at + TILE], average)
        ema(mean, average[first:], period, 1.0 / period, average[first:])
