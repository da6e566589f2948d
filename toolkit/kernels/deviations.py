"""How far the last so many values lie from their mean."""

import math

import numpy as np

from toolkit.kernels.compiling import compiled, fma, shared, unowned
from toolkit.kernels.constants import TILE, Array
from toolkit.kernels.windows import copy, fill, remember


@shared
def rolling_mean_std_memory(period: int) -> int:
    """Slots of memory that `rolling_mean_std` needs."""
    return 4 + 4 * (period + 1)


@compiled
def rolling_mean_std(memory: Array, values: Array, period: int, mean: Array, std: Array) -> None:
    """Mean and population standard deviation of the last `period` values; NaN until there are so many.

    Memory: `rolling_mean_std_memory(period)` slots. Sums over two aligned blocks as in `rolling_mean`, of
    deviations from the value that ended the last block: near the window's own level, so that prices of any
    size keep their digits. Where the deviation is still tiny beside its distance from that value (a market
    that went flat), the window is summed once more around its own last value, so a constant window has
    deviation 0 exactly.
    """
    memory, values, mean, std = unowned(memory), unowned(values), unowned(mean), unowned(std)
    seen, reference, total, square = int(memory[0]), memory[1], memory[2], memory[3]
    size = period + 1
    block, last = memory[4 : 4 + size], memory[4 + size : 4 + 2 * size]
    behind, behind2 = memory[4 + 2 * size : 4 + 3 * size], memory[4 + 3 * size : 4 + 4 * size]
    share = 1.0 / period
    done = 0
    if seen == 0 and len(values):
        reference = values[0]
    while done < len(values):
        at = seen % period
        steps = min(period - at, len(values) - done)
        # Views of this stretch: Numba then knows that the indices are in bounds, and uses SIMD.
        value, now = values[done : done + steps], block[at : at + steps]
        centre, deviation = mean[done : done + steps], std[done : done + steps]
        before, before2 = behind[at + 1 : at + 1 + steps], behind2[at + 1 : at + 1 + steps]
        for j in range(steps):
            now[j] = value[j]
            away = value[j] - reference
            total += away
            square = fma(away, away, square)
            centre[j] = total
            deviation[j] = square
        doubtful = 0
        for j in range(steps):
            offset = (centre[j] + before[j]) * share
            scale = (deviation[j] + before2[j]) * share
            variance = scale - offset * offset
            centre[j] = reference + offset
            deviation[j] = math.sqrt(variance if variance > 0.0 else 0.0)
            doubtful += 1 if variance < 1e-5 * scale else 0
        if doubtful:
            for j in range(steps):
                _recompute_flat(block, last, at + j, period, reference, centre, deviation, j)
        early = min(steps, max(0, period - 1 - seen))
        fill(centre[:early], np.nan)
        fill(deviation[:early], np.nan)
        done += steps
        seen += steps
        if at + steps == period:
            reference = block[period - 1]
            total = square = 0.0
            for j in range(period - 1, 0, -1):
                away = block[j] - reference
                total += away
                square = fma(away, away, square)
                behind[j] = total
                behind2[j] = square
            copy(block[:period], last[:period])
            total = square = 0.0
    memory[0], memory[1], memory[2], memory[3] = seen, reference, total, square


@compiled
def _recompute_flat(
    block: Array, last: Array, at: int, period: int, reference: float, mean: Array, std: Array, i: int
) -> None:
    """Two passes over the window that ends at `block[at]`, if its deviation is doubtful; see
    `rolling_mean_std`.

    The bound lies well under the caller's, so that a value is done again or not whatever chunk it came in.
    """
    away = mean[i] - reference
    if std[i] * std[i] >= 5e-6 * (std[i] * std[i] + away * away):
        return
    centre = block[at]
    total = 0.0
    for j in range(at + 1, period):
        total += last[j] - centre
    for j in range(at + 1):
        total += block[j] - centre
    offset = total / period
    square = 0.0
    for j in range(at + 1, period):
        square += (last[j] - centre - offset) ** 2
    for j in range(at + 1):
        square += (block[j] - centre - offset) ** 2
    mean[i] = centre + offset
    std[i] = math.sqrt(square / period)


@shared
def rolling_mean_deviation_memory(period: int) -> int:
    """Slots of memory that `rolling_mean_deviation` needs."""
    return period


@compiled
def rolling_mean_deviation(memory: Array, values: Array, mean: Array, period: int, out: Array) -> None:
    """Mean absolute distance of the last `period` values from `mean`, which is their mean at each candle (NaN
    where it is). Memory: `rolling_mean_deviation_memory(period)` slots.
    """
    memory, values, mean, out = unowned(memory), unowned(values), unowned(mean), unowned(out)
    keep = period - 1
    share = 1.0 / period
    recent = np.empty(keep + min(TILE, len(values)))
    for start in range(0, len(values), TILE):
        chunk, centre, total = (
            values[start : start + TILE],
            mean[start : start + TILE],
            out[start : start + TILE],
        )
        count = len(chunk)
        remember(memory, chunk, keep, recent)
        fill(total, 0.0)
        for k in range(period):
            value = recent[k : k + count]
            for i in range(count):
                total[i] += abs(value[i] - centre[i])
        for i in range(count):
            total[i] *= share
