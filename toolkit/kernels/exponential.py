"""Means in which the past fades: `y = keep * y + add`."""

import numpy as np

from toolkit.kernels.compiling import compiled, fma, unowned
from toolkit.kernels.constants import Array
from toolkit.kernels.lanes import LANES, all4, fma4, load4, one_ago, store4, times4, two_ago

EMA_MEMORY = 22  # slots that `ema` needs
RECURRENCE_MEMORY = 4  # slots that `recurrence` needs


@compiled
def ema(memory: Array, values: Array, period: int, alpha: float, out: Array) -> None:
    """Exponential mean `y += alpha * (x - y)`, seeded with the mean of the first `period` values.

    `out[i]` is NaN until `period` values were seen. `alpha = 2 / (period + 1)` is the usual EMA, `1 /
    period` Wilder's average. Memory: `EMA_MEMORY` slots. `out` may be `values` itself.

    A plain recurrence waits for its own last result at each value. Here the fading sum over the last eight
    values is joined from sums over one, two and four, and the mean of eight values ago, decayed, is added:
    so that four values are worked on at once, and only one in eight waits for another.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, count = int(memory[0]), len(values)
    # What was found for the last values, each at its number modulo 4 or 8: added, joined to two and to four,
    # and the mean.
    ones, twos, fours, means = memory[2:6], memory[6:10], memory[10:14], memory[14:22]
    keep = 1.0 - alpha
    keep2 = keep * keep
    keep4 = keep2 * keep2
    keep8 = keep4 * keep4
    i = 0
    while i < count and seen < period:
        memory[1] += values[i]
        out[i] = np.nan
        if seen == period - 1:
            out[i] = memory[1] / period
            ones[seen & 3] = twos[seen & 3] = fours[seen & 3] = means[seen & 7] = out[i]
        seen += 1
        i += 1
    while i < count:
        if seen & 3 == 0 and count - i >= LANES:
            stop = i + (count - i) // LANES * LANES
            _ema_of_many(memory, seen, values[i:stop], alpha, keep, out[i:stop])
            seen += stop - i
            i = stop
            continue
        one = alpha * values[i]
        two = fma(keep, ones[(seen - 1) & 3], one)
        four = fma(keep2, twos[(seen - 2) & 3], two)
        mean = fma(keep8, means[seen & 7], fma(keep4, fours[seen & 3], four))
        ones[seen & 3], twos[seen & 3], fours[seen & 3], means[seen & 7] = one, two, four, mean
        out[i] = mean
        seen += 1
        i += 1
    memory[0] = seen


@compiled
def _ema_of_many(memory: Array, seen: int, values: Array, alpha: float, keep: float, out: Array) -> None:
    """The same for four values at a time: a multiple of four, after another."""
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    keep2 = keep * keep
    keep4 = keep2 * keep2
    alpha_, keep_, keep2_, keep4_, keep8_ = all4(alpha), all4(keep), all4(keep2), all4(keep4), all4(keep4 * keep4)
    one, two, four = load4(memory, 2), load4(memory, 6), load4(memory, 10)
    older, old = 14 + (seen & 7), 14 + ((seen + LANES) & 7)
    before, mean = load4(memory, older), load4(memory, old)
    for i in range(0, len(values), LANES):
        one_now = times4(alpha_, load4(values, i))
        two_now = fma4(keep_, one_ago(one, one_now), one_now)
        four_now = fma4(keep2_, two_ago(two, two_now), two_now)
        mean_now = fma4(keep8_, before, fma4(keep4_, four, four_now))
        store4(out, i, mean_now)
        one, two, four, before, mean = one_now, two_now, four_now, mean, mean_now
    store4(memory, 2, one)
    store4(memory, 6, two)
    store4(memory, 10, four)
    if len(values) & 7:
        older, old = old, older
    store4(memory, older, before)
    store4(memory, old, mean)


@compiled
def recurrence(memory: Array, keep: Array, add: Array, out: Array) -> None:
    """`y = keep * y + add`, an exponential mean whose weights change from candle to candle. Memory:
    `RECURRENCE_MEMORY` slots, of which slot 1 is the `y` to begin with. `out` may be `add` itself.

    In aligned blocks of four as in `ema`: each restarts from zero, and adds what the block began with times
    the product of `keep` so far.
    """
    memory, keep, add, out = unowned(memory), unowned(keep), unowned(add), unowned(out)
    phase, level, product, local = int(memory[0]), memory[1], memory[2], memory[3]
    count = len(add)
    i = 0
    while i < count:
        if phase == 0 and count - i >= 4:
            blocks = (count - i) // 4
            stop = i + 4 * blocks
            shape = (blocks, 4)
            kept, added, means = (
                keep[i:stop].reshape(shape),
                add[i:stop].reshape(shape),
                out[i:stop].reshape(shape),
            )
            for j in range(blocks):
                p0, z0 = kept[j, 0], added[j, 0]
                p1, z1 = kept[j, 1] * p0, fma(kept[j, 1], z0, added[j, 1])
                p2, z2 = kept[j, 2] * p1, fma(kept[j, 2], z1, added[j, 2])
                p3, z3 = kept[j, 3] * p2, fma(kept[j, 3], z2, added[j, 3])
                means[j, 0] = fma(p0, level, z0)
                means[j, 1] = fma(p1, level, z1)
                means[j, 2] = fma(p2, level, z2)
                level = fma(p3, level, z3)
                means[j, 3] = level
            i = stop
            continue
        # One value of a block that begins or ends outside this chunk: the same operations.
        local = fma(keep[i], local, add[i]) if phase else add[i]
        product = product * keep[i] if phase else keep[i]
        out[i] = fma(product, level, local)
        phase = (phase + 1) & 3
        if phase == 0:
            level = out[i]
        i += 1
    memory[0], memory[1], memory[2], memory[3] = phase, level, product, local
