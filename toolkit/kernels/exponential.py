"""Means in which the past fades: `y = keep * y + add`."""

import numpy as np

from toolkit.kernels.compiling import compiled, fma, unowned
from toolkit.kernels.constants import Array
from toolkit.kernels.lanes import LANES, all4, fma4, load4, one_ago, store4, times4, two_ago

FADING_SUM_MEMORY = 21  # slots that `fading_sum` needs
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
    # What was found for the last values, each at its number modulo 4 or 8.
    ones, twos, fours, sums = memory[1:5], memory[5:9], memory[9:13], memory[13:21]
    keep2 = keep * keep
    keep4 = keep2 * keep2
    keep8 = keep4 * keep4
    i = 0
    while i < count:
        if seen & 3 == 0 and count - i >= LANES:
            stop = i + (count - i) // LANES * LANES
            _fading_sum_of_many(memory, seen, values[i:stop], weight, keep, out[i:stop])
            seen += stop - i
            i = stop
            continue
        one = weight * values[i]
        two = fma(keep, ones[(seen - 1) & 3], one)
        four = fma(keep2, twos[(seen - 2) & 3], two)
        total = fma(keep8, sums[seen & 7], fma(keep4, fours[seen & 3], four))
        ones[seen & 3], twos[seen & 3], fours[seen & 3], sums[seen & 7] = one, two, four, total
        out[i] = total
        seen += 1
        i += 1
    memory[0] = seen


@compiled
def _fading_sum_of_many(
    memory: Array, seen: int, values: Array, weight: float, keep: float, out: Array
) -> None:
    """The same for a multiple of four values, after a multiple of four."""
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    keep2 = keep * keep
    keep4 = keep2 * keep2
    weights, keeps, keeps2, keeps4, keeps8 = (
        all4(weight),
        all4(keep),
        all4(keep2),
        all4(keep4),
        all4(keep4 * keep4),
    )
    one, two, four = load4(memory, 1), load4(memory, 5), load4(memory, 9)
    older, old = 13 + (seen & 7), 13 + ((seen + LANES) & 7)
    before, total = load4(memory, older), load4(memory, old)
    for i in range(0, len(values), LANES):
        one_now = times4(weights, load4(values, i))
        two_now = fma4(keeps, one_ago(one, one_now), one_now)
        four_now = fma4(keeps2, two_ago(two, two_now), two_now)
        total_now = fma4(keeps8, before, fma4(keeps4, four, four_now))
        store4(out, i, total_now)
        one, two, four, before, total = one_now, two_now, four_now, total, total_now
    store4(memory, 1, one)
    store4(memory, 5, two)
    store4(memory, 9, four)
    if len(values) & 7:
        older, old = old, older
    store4(memory, older, before)
    store4(memory, old, total)
