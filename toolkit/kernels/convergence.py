"""The distance between two exponential means, and such a mean of it."""

import numpy as np

from toolkit.kernels.compiling import compiled, unowned
from toolkit.kernels.constants import NOISE, PIECE, Array
from toolkit.kernels.exponential import FADING, fade, fade4, fading_factors, fading_found, keep_fading
from toolkit.kernels.lanes import LANES, abs4, all4, load4, minus4, of_greater4, store4, times4

CONVERGENCE_MEMORY = 1 + 3 * (1 + FADING)  # slots that `convergence` needs


@compiled
def convergence(
    memory: Array,
    values: Array,
    fast_period: int,
    slow_period: int,
    signal_period: int,
    distance: Array,
    signal: Array,
    histogram: Array,
) -> None:
    """The fast exponential mean less the slow one, both seeded at value `slow_period - 1` with the mean of
    their last values; the exponential mean of that distance, seeded with the mean of its first
    `signal_period`; and the distance less its mean. NaN until seeded. The outputs are not `values`. Memory:
    `CONVERGENCE_MEMORY` slots.

    A distance that is only rounding beside the price is zero, and one that is only rounding away from its
    mean counts as at it.
    """
    memory, values = unowned(memory), unowned(values)
    distance, signal, histogram = unowned(distance), unowned(signal), unowned(histogram)
    periods = fast_period, slow_period, signal_period
    seen, count, i = int(memory[0]), len(values), 0
    begins, seeded = slow_period - 1, slow_period + signal_period - 2
    while i < count:
        if seen > seeded and seen & 3 == 0 and count - i >= LANES:
            stop = i + (count - i) // LANES * LANES
            _converge_many(
                *(memory, seen, values[i:stop], periods),
                *(distance[i:stop], signal[i:stop], histogram[i:stop]),
            )
            seen += stop - i
            i = stop
            continue
        value, apart, mean = values[i], np.nan, np.nan
        fast = _mean(memory[1:], seen, slow_period - fast_period, fast_period, value)
        slow = _mean(memory[2 + FADING :], seen, 0, slow_period, value)
        if seen >= begins:
            apart = fast - slow if abs(fast - slow) > NOISE * value else 0.0
            mean = _mean(memory[3 + 2 * FADING :], seen, begins, signal_period, apart)
            mean = apart if abs(apart - mean) <= NOISE * value else mean
        distance[i], signal[i], histogram[i] = apart, mean, apart - mean
        seen += 1
        i += 1
    memory[0] = seen


@compiled
def _mean(memory: Array, number: int, first: int, period: int, value: float) -> float:
    """An exponential mean of the values from number `first` on, seeded with the mean of so many."""
    last = first + period - 1
    if number < first:
        return np.nan
    if number > last:
        alpha = 2.0 / (period + 1)
        return fade(memory[1:], number, alpha, 1.0 - alpha, value)
    memory[0] += value
    if number < last:
        return np.nan
    return fade(memory[1:], number, 1.0, 1.0 - 2.0 / (period + 1), memory[0] / period)


@compiled
def _converge_many(
    memory: Array,
    seen: int,
    values: Array,
    periods: tuple[int, int, int],
    distance: Array,
    signal: Array,
    histogram: Array,
) -> None:
    """The same for a multiple of four values, after a multiple of four, when all are seeded. A piece at a
    time stays in the cache between the two loops.
    """
    memory, values = unowned(memory), unowned(values)
    distance, signal, histogram = unowned(distance), unowned(signal), unowned(histogram)
    fast_alpha, slow_alpha = 2.0 / (periods[0] + 1), 2.0 / (periods[1] + 1)
    signal_alpha = 2.0 / (periods[2] + 1)
    fast_factors = fading_factors(fast_alpha, 1.0 - fast_alpha)
    slow_factors = fading_factors(slow_alpha, 1.0 - slow_alpha)
    signal_factors = fading_factors(signal_alpha, 1.0 - signal_alpha)
    fast_memory, slow_memory, signal_memory = memory[2:], memory[3 + FADING :], memory[4 + 2 * FADING :]
    fast, slow = fading_found(fast_memory, seen), fading_found(slow_memory, seen)
    line = fading_found(signal_memory, seen)
    noise, nothing = all4(NOISE), all4(0.0)
    for at in range(0, len(values), PIECE):
        stop = min(at + PIECE, len(values))
        for i in range(at, stop, LANES):
            value = load4(values, i)
            fast, slow = fade4(fast, fast_factors, value), fade4(slow, slow_factors, value)
            apart = minus4(fast[4], slow[4])
            store4(distance, i, of_greater4(times4(noise, value), abs4(apart), nothing, apart))
        for i in range(at, stop, LANES):
            apart = load4(distance, i)
            line = fade4(line, signal_factors, apart)
            rounding = times4(noise, load4(values, i))
            mean = of_greater4(rounding, abs4(minus4(apart, line[4])), apart, line[4])
            store4(signal, i, mean)
            store4(histogram, i, minus4(apart, mean))
    seen += len(values)
    keep_fading(fast, fast_memory, seen)
    keep_fading(slow, slow_memory, seen)
    keep_fading(line, signal_memory, seen)
