"""Means in which the past fades: `y = keep * y + add`."""

import numpy as np

from toolkit.kernels.compiling import compiled, fma, unowned
from toolkit.kernels.constants import Array
from toolkit.kernels.lanes import LANES, Lanes, all4, fma4, load4, one_ago, store4, times4, two_ago

Five = tuple[Lanes, Lanes, Lanes, Lanes, Lanes]

FADING = 20  # slots that `fade` needs
FADING_SUM_MEMORY = 1 + FADING  # slots that `fading_sum` needs
EMA_MEMORY = 1 + FADING_SUM_MEMORY  # slots that `ema` needs


@compiled
def ema(memory: Array, values: Array, period: int, alpha: float, out: Array) -> None:
    """Exponential mean `y += alpha * (x - y)`, seeded with the mean of the first `period` values.

    `out[i]` is NaN until `period` values were seen. `alpha = 2 / (period + 1)` is the usual EMA, `1 /
    period` Wilder's average. Memory: `EMA_MEMORY` slots. `out` may be `values` itself.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, count, rest = int(memory[0]), len(values), memory[1:]
    i = 0
    while i < count and seen < period:
        memory[1] += values[i]  # the seed, until the fading sum begins
        out[i] = np.nan
        seen += 1
        i += 1
        if seen == period:
            out[i - 1] = memory[1] / period
            memory[1] = 0.0
            fading_sum(rest, out[i - 1 : i], 1.0, 1.0 - alpha, out[i - 1 : i])
    memory[0] = seen
    if i < count:
        fading_sum(rest, values[i:], alpha, 1.0 - alpha, out[i:])


@compiled
def fading_sum(memory: Array, values: Array, weight: float, keep: float, out: Array) -> None:
    """`y = keep * y + weight * x`, from 0 on. Memory: `FADING_SUM_MEMORY` slots. `out` may be `values`.

    Computed so, each candle waits for the last one's result. Here what the last eight values come to is
    joined from what one, two and four do, and `y` of eight values ago, decayed, is added: so that four values
    are worked on at once, and only one in eight waits for another.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, count = int(memory[0]), len(values)
    i = 0
    while i < count:
        if seen & 3 == 0 and count - i >= LANES:
            stop = i + (count - i) // LANES * LANES
            _fading_sum_of_many(memory, seen, values[i:stop], weight, keep, out[i:stop])
            seen += stop - i
            i = stop
            continue
        out[i] = fade(memory[1:], seen, weight, keep, values[i])
        seen += 1
        i += 1
    memory[0] = seen


@compiled
def _fading_sum_of_many(
    memory: Array, seen: int, values: Array, weight: float, keep: float, out: Array
) -> None:
    """The same for a multiple of four values, after a multiple of four."""
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    factors, found = fading_factors(weight, keep), fading_found(memory[1:], seen)
    for i in range(0, len(values), LANES):
        found = fade4(found, factors, load4(values, i))
        store4(out, i, found[4])
    keep_fading(found, memory[1:], seen + len(values))


# ---- its parts, for loops that work on several at once

# What was found for the last values: ones, twos and fours each at the value's number modulo 4, sums modulo 8.


@compiled
def fade(memory: Array, number: int, weight: float, keep: float, value: float) -> float:
    """The fading sum with one more value, which has this number."""
    ones, twos, fours, sums = memory[0:4], memory[4:8], memory[8:12], memory[12:20]
    keep2 = keep * keep
    keep4 = keep2 * keep2
    one = weight * value
    two = fma(keep, ones[(number - 1) & 3], one)
    four = fma(keep2, twos[(number - 2) & 3], two)
    total = fma(keep4 * keep4, sums[number & 7], fma(keep4, fours[number & 3], four))
    ones[number & 3], twos[number & 3], fours[number & 3], sums[number & 7] = one, two, four, total
    return float(total)


@compiled
def fading_factors(weight: float, keep: float) -> Five:
    """What `fade4` multiplies by."""
    keep2 = keep * keep
    keep4 = keep2 * keep2
    return all4(weight), all4(keep), all4(keep2), all4(keep4), all4(keep4 * keep4)


@compiled
def fading_found(memory: Array, number: int) -> Five:
    """What was found for the values before this number, a multiple of four: of one, of two, of four, and the
    sums of the four before the last four and of the last four.
    """
    return (
        load4(memory, 0),
        load4(memory, 4),
        load4(memory, 8),
        load4(memory, 12 + (number & 7)),
        load4(memory, 12 + ((number + LANES) & 7)),
    )


@compiled
def fade4(found: Five, factors: Five, values: Lanes) -> Five:
    """What is found with four more values; the last are their fading sums."""
    one_before, two_before, four_before, before, last = found
    weights, keeps, keeps2, keeps4, keeps8 = factors
    one = times4(weights, values)
    two = fma4(keeps, one_ago(one_before, one), one)
    four = fma4(keeps2, two_ago(two_before, two), two)
    return one, two, four, last, fma4(keeps8, before, fma4(keeps4, four_before, four))


@compiled
def keep_fading(found: Five, memory: Array, number: int) -> None:
    """Keep what was found, for the value of this number."""
    one, two, four, before, last = found
    store4(memory, 0, one)
    store4(memory, 4, two)
    store4(memory, 8, four)
    store4(memory, 12 + (number & 7), before)
    store4(memory, 12 + ((number + LANES) & 7), last)
