"""Means: exponential, and of the last so many values."""

import numpy as np

from toolkit.kernels.compiling import compiled, shared, unowned
from toolkit.kernels.constants import NOISE, TILE, Array
from toolkit.kernels.windows import remember

EMA_MEMORY = 3  # slots that `ema` needs


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
            local = keep * local + alpha * values[i] if phase else alpha * values[i]
            decay = decay * keep if phase else keep
            out[i] = local + decay * level
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
        z1 = keep * z0 + alpha * value[1]
        z2 = keep * z1 + alpha * value[2]
        z3 = keep * z2 + alpha * value[3]
        z4 = keep * z3 + alpha * value[4]
        z5 = keep * z4 + alpha * value[5]
        z6 = keep * z5 + alpha * value[6]
        z7 = keep * z6 + alpha * value[7]
        mean[0] = z0 + keep * level
        mean[1] = z1 + keep2 * level
        mean[2] = z2 + keep3 * level
        mean[3] = z3 + keep4 * level
        mean[4] = z4 + keep5 * level
        mean[5] = z5 + keep6 * level
        mean[6] = z6 + keep7 * level
        level = z7 + keep8 * level
        mean[7] = level
    return level


@shared
def rolling_mean_memory(period: int) -> int:
    """Slots of memory that `rolling_mean` needs."""
    return 2 + 2 * (period + 1)


@compiled
def _whole_means(values: Array, period: int, share: float, behind: Array, sums: Array, out: Array) -> None:
    """`rolling_mean` of whole blocks: the same sums, laid down for all of them before SIMD joins them."""
    values, behind, sums, out = unowned(values), unowned(behind), unowned(sums), unowned(out)
    count = len(values)
    sums[:period] = behind[1:]
    for at in range(0, count, period):
        value, mean = values[at : at + period], out[at : at + period]
        later = sums[at + period : at + 2 * period]
        later[period - 1] = total = 0.0
        for j in range(period - 1, 0, -1):
            total += value[j]
            later[j - 1] = total
        total = 0.0
        for j in range(period):
            total += value[j]
            mean[j] = total
    before = sums[:count]
    for i in range(count):
        out[i] = (before[i] + out[i]) * share
    behind[1:] = sums[count : count + period]


@compiled
def rolling_mean(memory: Array, values: Array, period: int, out: Array) -> None:
    """Mean of the last `period` values; NaN until there are so many. Memory: `rolling_mean_memory(period)`
    slots. `out` may be `values` itself. NaN lasts only as long as it is in the window.

    The window reaches over two aligned blocks of `period` values: the end of the last block, whose sums
    from the back were laid down when it was full, and the beginning of this one. Sums are only ever added
    to, so nothing drifts and nothing cancels, and the cost does not depend on `period`. A window of a few
    values is summed as it is.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    if period <= 8:
        _short_mean(memory, values, period, out)
        return
    seen, total = int(memory[0]), memory[1]
    block = memory[2 : 3 + period]  # this block's values
    behind = memory[
        3 + period : 4 + 2 * period
    ]  # behind[j]: sum of the last block's values from j on; [period] is 0
    share = 1.0 / period
    most = period * max(1, TILE // period)  # values in whole blocks that are done at once
    sums = np.empty(most + period if len(values) >= 2 * period else 0)
    done = 0
    while done < len(values):
        at = seen % period
        if at == 0 and len(values) - done >= 2 * period:
            steps = min(most, (len(values) - done) // period * period)
            _whole_means(values[done : done + steps], period, share, behind, sums, out[done : done + steps])
            out[done : done + max(0, period - 1 - seen)] = np.nan
            done += steps
            seen += steps
            continue
        steps = min(period - at, len(values) - done)
        value, mean = values[done : done + steps], out[done : done + steps]
        now, before = block[at : at + steps], behind[at + 1 : at + 1 + steps]
        for j in range(steps):
            now[j] = value[j]
            total += value[j]
            mean[j] = (before[j] + total) * share
        mean[: max(0, period - 1 - seen)] = np.nan
        done += steps
        seen += steps
        if at + steps == period:
            total = 0.0
            for j in range(period - 1, 0, -1):
                total += block[j]
                behind[j] = total
            total = 0.0
    memory[0], memory[1] = seen, total


@compiled
def _short_mean(memory: Array, values: Array, period: int, out: Array) -> None:
    """`rolling_mean` of few values: each window summed from its oldest value on, by SIMD for many candles."""
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, keep = int(memory[0]), period - 1
    share = 1.0 / period
    recent = np.empty(keep + min(TILE, len(values)))
    for start in range(0, len(values), TILE):
        chunk, mean = values[start : start + TILE], out[start : start + TILE]
        count = len(chunk)
        remember(memory[1:], chunk, keep, recent)
        mean[:] = recent[:count]
        for k in range(1, period):
            value = recent[k : k + count]
            for i in range(count):
                mean[i] += value[i]
        for i in range(count):
            mean[i] *= share
        mean[: max(0, min(count, period - 1 - seen))] = np.nan
        seen += count
    memory[0] = seen


@shared
def weighted_mean_memory(period: int) -> int:
    """Slots of memory that `weighted_mean` needs."""
    return 3 + 2 * period


@compiled
def _whole_weighted_means(
    values: Array, period: int, share: float, behind: Array, sums: Array, out: Array
) -> None:
    """`weighted_mean` of whole blocks: the same sums, laid down for all of them before SIMD joins them."""
    values, behind, sums, out = unowned(values), unowned(behind), unowned(sums), unowned(out)
    count = len(values)
    sums[:period] = behind
    for at in range(0, count, period):
        value, mean = values[at : at + period], out[at : at + period]
        later = sums[at + period : at + 2 * period]
        later[period - 1] = total = moment = 0.0
        for j in range(period - 1, 0, -1):
            total += value[j]
            moment += total
            later[j - 1] = moment
        total = moment = 0.0
        for j in range(period):
            place = float(j)
            total += value[j]
            moment += place * value[j]
            mean[j] = (period - place) * total + moment
    before = sums[:count]
    for i in range(count):
        out[i] = (out[i] + before[i]) * share
    behind[:] = sums[count : count + period]


@compiled
def weighted_mean(memory: Array, values: Array, period: int, out: Array) -> None:
    """Linearly weighted mean of the last `period` values, the newest with weight `period`, the oldest with
    1; NaN until there are so many. Memory: `weighted_mean_memory(period)` slots. `out` may be `values`
    itself.

    Over two aligned blocks as in `rolling_mean`: at place `j` of its block the newest `j + 1` values weigh
    `(period - j + m)` each, which is `(period - j)` times their sum and the sum of `m` times each; what the
    older ones weigh together was laid down when their block was full. Sums are only ever added to.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, total, moment = int(memory[0]), memory[1], memory[2]
    block, behind = memory[3 : 3 + period], memory[3 + period : 3 + 2 * period]
    share = 2.0 / (period * (period + 1.0))
    most = period * max(1, TILE // period)  # values in whole blocks that are done at once
    sums = np.empty(most + period if len(values) >= 2 * period else 0)
    done = 0
    while done < len(values):
        at = seen % period
        if at == 0 and len(values) - done >= 2 * period:
            steps = min(most, (len(values) - done) // period * period)
            _whole_weighted_means(
                values[done : done + steps], period, share, behind, sums, out[done : done + steps]
            )
            out[done : done + max(0, period - 1 - seen)] = np.nan
            done += steps
            seen += steps
            continue
        steps = min(period - at, len(values) - done)
        value, mean = values[done : done + steps], out[done : done + steps]
        now, before = block[at : at + steps], behind[at : at + steps]
        for j in range(steps):
            place = float(at + j)
            now[j] = value[j]
            total += value[j]
            moment += place * value[j]
            mean[j] = ((period - place) * total + moment + before[j]) * share
        mean[: max(0, period - 1 - seen)] = np.nan
        done += steps
        seen += steps
        if at + steps == period:
            later = weighted = 0.0
            behind[period - 1] = 0.0
            for j in range(period - 2, -1, -1):
                later += block[j + 1]
                weighted += later
                behind[j] = weighted
            total = moment = 0.0
    memory[0], memory[1], memory[2] = seen, total, moment


@compiled
def settle(values: Array, mean: Array) -> None:
    """Set `mean` to `values` where it differs from them by rounding alone, so that the two do not cross in a
    market that stands still. No memory.
    """
    for i in range(len(values)):
        value = values[i]
        mean[i] = value if abs(mean[i] - value) <= NOISE * abs(value) else mean[i]


RECURRENCE_MEMORY = 4  # slots that `recurrence` needs


@compiled
def recurrence(memory: Array, keep: Array, add: Array, out: Array) -> None:
    """`y = keep * y + add`, an exponential mean whose weights change from candle to candle. Memory:
    `RECURRENCE_MEMORY` slots, of which slot 1 is the `y` to begin with. `out` may be `add` itself.

    In aligned blocks of four as in `ema`: each restarts from zero, and adds what the block began with times
    the product of `keep` so far.
    """
    phase, level, product, local = int(memory[0]), memory[1], memory[2], memory[3]
    count = len(add)
    i = 0
    while i < count and phase:  # the block that an earlier chunk began
        local = keep[i] * local + add[i]
        product *= keep[i]
        out[i] = local + product * level
        phase = (phase + 1) & 3
        if phase == 0:
            level = out[i]
        i += 1
    for _ in range((count - i) // 4):
        z0, p0 = add[i], keep[i]
        z1, p1 = keep[i + 1] * z0 + add[i + 1], keep[i + 1] * p0
        z2, p2 = keep[i + 2] * z1 + add[i + 2], keep[i + 2] * p1
        z3, p3 = keep[i + 3] * z2 + add[i + 3], keep[i + 3] * p2
        out[i] = z0 + p0 * level
        out[i + 1] = z1 + p1 * level
        out[i + 2] = z2 + p2 * level
        level = z3 + p3 * level
        out[i + 3] = level
        i += 4
    while i < count:  # begin a block that a later chunk will end
        local = add[i] if phase == 0 else keep[i] * local + add[i]
        product = keep[i] if phase == 0 else product * keep[i]
        out[i] = local + product * level
        phase += 1
        i += 1
    memory[0], memory[1], memory[2], memory[3] = phase, level, product, local


@shared
def efficiency_memory(period: int) -> int:
    """Slots of memory that `efficiency` needs."""
    return 1 + period + rolling_mean_memory(period)


@compiled
def efficiency(memory: Array, values: Array, period: int, out: Array) -> None:
    """Kaufman's efficiency ratio: how far the last `period` changes led, as a share of the way they went; 1
    where nothing moved, NaN until there are so many. Memory: `efficiency_memory(period)` slots. `out` is not
    `values`.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    kept, path = memory[1 : 1 + period], memory[1 + period :]
    first = 1 if memory[0] == 0.0 and len(values) else 0  # the first value has no change
    steps, recent = np.empty(min(TILE, len(values))), np.empty(period + min(TILE, len(values)))
    for at in range(0, len(values), TILE):
        now, ratio = values[at : at + TILE], out[at : at + TILE]
        count = len(now)
        remember(kept, now, period, recent)
        step, last, ago = steps[:count], recent[period - 1 : period - 1 + count], recent[:count]
        for i in range(count):
            step[i] = abs(now[i] - last[i])
        ratio[:first] = np.nan
        rolling_mean(path, step[first:], period, ratio[first:])
        for i in range(count):
            way = period * ratio[i]
            share = abs(now[i] - ago[i]) / way
            share = share if share < 1.0 else 1.0
            ratio[i] = share if way == way else np.nan
        memory[0], first = 1.0, 0
