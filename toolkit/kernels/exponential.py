"""Means in which the past fades: `y = keep * y + add`."""

import numpy as np

from toolkit.kernels.compiling import compiled, fma, unowned
from toolkit.kernels.constants import Array

EMA_MEMORY = 3  # slots that `ema` needs
RECURRENCE_MEMORY = 4  # slots that `recurrence` needs


@compiled
def ema(memory: Array, values: Array, period: int, alpha: float, out: Array) -> None:
    """Exponential mean `y += alpha * (x - y)`, seeded with the mean of the first `period` values.

    `out[i]` is NaN until `period` values were seen. `alpha = 2 / (period + 1)` is the usual EMA, `1 /
    period` Wilder's average. Memory: `EMA_MEMORY` slots (values seen, level, local mean). `out` may be
    `values` itself.

    A plain recurrence waits for its own last result at each value. Here each aligned block of eight restarts
    a local mean from zero, and adds what the block began with, decayed: `y[j] = z[j] + (1 - alpha)**(j + 1)
    * level`. Only one value in eight waits for another, and the rest of the work overlaps.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, level, local = int(memory[0]), memory[1], memory[2]
    count = len(values)
    keep = 1.0 - alpha
    i = 0
    while i < count and seen < period:
        level += values[i]
        seen += 1
        if seen == period:
            level /= period
            out[i] = level
        else:
            out[i] = np.nan
        i += 1
    if i < count:
        phase = (seen - period) & 7
        seen += count - i
        decay = 1.0
        for _ in range(phase):
            decay *= keep
        while i < count:
            if phase == 0 and count - i >= 8:
                blocks = (count - i) // 8
                stop = i + 8 * blocks
                level = _ema_blocks(values[i:stop].reshape(blocks, 8), keep, alpha, level, out[i:stop])
                i = stop
                continue
            # One value of a block that begins or ends outside this chunk: the same operations.
            local = fma(keep, local, alpha * values[i]) if phase else alpha * values[i]
            decay = decay * keep if phase else keep
            out[i] = fma(decay, level, local)
            phase = (phase + 1) & 7
            if phase == 0:
                level = out[i]
            i += 1
    memory[0], memory[1], memory[2] = seen, level, local


@compiled
def _ema_blocks(values: Array, keep: float, alpha: float, level: float, out: Array) -> float:
    """Whole blocks of `ema`, one a row of `values`; the level after them."""
    keep2 = keep * keep
    keep3 = keep2 * keep
    keep4 = keep3 * keep
    keep5 = keep4 * keep
    keep6 = keep5 * keep
    keep7 = keep6 * keep
    keep8 = keep7 * keep
    means = out.reshape(values.shape)
    for i in range(len(values)):
        value, mean = values[i], means[i]
        z0 = alpha * value[0]
        z1 = fma(keep, z0, alpha * value[1])
        z2 = fma(keep, z1, alpha * value[2])
        z3 = fma(keep, z2, alpha * value[3])
        z4 = fma(keep, z3, alpha * value[4])
        z5 = fma(keep, z4, alpha * value[5])
        z6 = fma(keep, z5, alpha * value[6])
        z7 = fma(keep, z6, alpha * value[7])
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
