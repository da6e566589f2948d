"""Means of the last so many values, of which the newer weigh more."""

import numpy as np

from toolkit.kernels.compiling import compiled, fma, shared, unowned
from toolkit.kernels.constants import NOISE, SCRATCH, Array
from toolkit.kernels.lanes import LANES, all4, fma4, load4, one_ago, plus4, store4, two_ago
from toolkit.kernels.windows import append, fill, remember

SMALL_LEVELS = 5  # sums over 1, 2, 4, 8 and 16 values, which are found together


@shared
def weighted_mean_memory(period: int) -> int:
    """Slots of memory that `weighted_mean` needs."""
    return 1 + period


@compiled
def weighted_mean(memory: Array, values: Array, period: int, out: Array) -> None:
    """Linearly weighted mean of the last `period` values, the newest with weight `period`, the oldest with
    1; NaN until there are so many. Memory: `weighted_mean_memory(period)` slots. `out` may be `values`
    itself.

    A window is joined from neighbours that hold 1, 2, 4, 8, … values, each with weights that begin at 1:
    to a newer one is added its plain sum as many times as there are older values. What a window adds up, and
    in which order, depends on its own values alone, as in `rolling_mean`.
    """
    _weighted_mean(memory, values, period, -1.0, out)


@compiled
def settled_weighted_mean(memory: Array, values: Array, period: int, out: Array) -> None:
    """As `weighted_mean`, and the value itself where the mean differs from it by rounding alone (`settle`).
    `out` is not `values`.
    """
    _weighted_mean(memory, values, period, NOISE, out)


@compiled
def _weighted_mean(memory: Array, values: Array, period: int, noise: float, out: Array) -> None:
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, kept, keep = int(memory[0]), memory[1 : 1 + period], period - 1
    share = 2.0 / (period * (period + 1.0))
    memory[0] = seen + len(values)
    if len(values) == 1:
        value = values[0]
        append(kept, value)
        mean = _weighted_total(kept) * share if seen >= keep else np.nan
        out[0] = value if abs(mean - value) <= noise * abs(value) else mean
        return
    room = keep + min(SCRATCH, len(values)) + LANES  # the last four may be less
    levels = SMALL_LEVELS
    while period >> levels:
        levels += 1
    source, scratch = np.empty(room), np.empty((levels, 2, room))
    parts, nothing = np.empty(room), np.zeros(room)
    for start in range(0, len(values), SCRATCH):
        to = out[start : start + SCRATCH]
        count = len(to)
        remember(kept[1:], values[start : start + SCRATCH], keep, source)
        _weighted_sums(source[: keep + count], period, scratch)
        older, width, level = 0, 1, 0
        before = unowned(nothing[:count])
        while width <= period:
            if level >= SMALL_LEVELS:
                _join_weighted(scratch[level - 1], width // 2, scratch[level])
            if period & width:
                begin = older + width - 1  # where the first window's part ends
                sums = unowned(scratch[level, 0, begin : begin + count])
                weighted = unowned(scratch[level, 1, begin : begin + count])
                if older + width == period:
                    now = source[keep : keep + count]
                    _finish_weighted(before, sums, weighted, float(older), share, now, noise, to)
                elif older == 0:
                    before = weighted
                else:
                    _add_weighted(before, sums, weighted, float(older), parts[:count])
                    before = unowned(parts[:count])
                older += width
            width, level = 2 * width, level + 1
        fill(to[: max(0, min(count, keep - seen))], np.nan)
        seen += count


@compiled
def _weighted_sums(values: Array, period: int, scratch: Array) -> None:
    """Plain and weighted sums over 1, 2, 4, 8 and 16 values, those that end at each, where they are needed:
    the widths that `period` is made of, and 16 for wider ones. There is room behind the values.
    """
    values = unowned(values)
    ones, ones_weighted = unowned(scratch[0, 0]), unowned(scratch[0, 1])
    twos, twos_weighted = unowned(scratch[1, 0]), unowned(scratch[1, 1])
    fours, fours_weighted = unowned(scratch[2, 0]), unowned(scratch[2, 1])
    eights, eights_weighted = unowned(scratch[3, 0]), unowned(scratch[3, 1])
    sixteens, sixteens_weighted = unowned(scratch[4, 0]), unowned(scratch[4, 1])
    wide = period >= 16
    weight2, weight4, weight8 = all4(2.0), all4(4.0), all4(8.0)
    one = all4(0.0)
    two, two_weighted, four, four_weighted = one, one, one, one
    eight, eight_weighted, eight_before, eight_weighted_before = one, one, one, one
    for i in range(0, len(values), LANES):
        one_now = load4(values, i)
        before = one_ago(one, one_now)
        two_now = plus4(one_now, before)
        two_weighted_now = plus4(plus4(one_now, one_now), before)
        before, before_weighted = two_ago(two, two_now), two_ago(two_weighted, two_weighted_now)
        four_now = plus4(two_now, before)
        four_weighted_now = plus4(fma4(weight2, two_now, two_weighted_now), before_weighted)
        eight_now = plus4(four_now, four)
        eight_weighted_now = plus4(fma4(weight4, four_now, four_weighted_now), four_weighted)
        if period & 1:
            store4(ones, i, one_now)
            store4(ones_weighted, i, one_now)
        if period & 2:
            store4(twos, i, two_now)
            store4(twos_weighted, i, two_weighted_now)
        if period & 4:
            store4(fours, i, four_now)
            store4(fours_weighted, i, four_weighted_now)
        if period & 8:
            store4(eights, i, eight_now)
            store4(eights_weighted, i, eight_weighted_now)
        if wide:
            store4(sixteens, i, plus4(eight_now, eight_before))
            weighted = plus4(fma4(weight8, eight_now, eight_weighted_now), eight_weighted_before)
            store4(sixteens_weighted, i, weighted)
        one, two, two_weighted, four, four_weighted = (
            one_now,
            two_now,
            two_weighted_now,
            four_now,
            four_weighted_now,
        )
        eight_before, eight_weighted_before = eight, eight_weighted
        eight, eight_weighted = eight_now, eight_weighted_now


@compiled
def _join_weighted(half: Array, width: int, out: Array) -> None:
    """Sums over twice as many values, plain and weighted, from those over `width`."""
    half, out = unowned(half), unowned(out)
    sums, weighted = half[0, width:], half[1, width:]
    sums_before, weighted_before = half[0], half[1]
    to, to_weighted = out[0, width:], out[1, width:]
    for i in range(len(to)):
        to[i] = sums[i] + sums_before[i]
    for i in range(len(to_weighted)):
        to_weighted[i] = fma(width, sums[i], weighted[i]) + weighted_before[i]


@compiled
def _add_weighted(before: Array, sums: Array, weighted: Array, older: float, out: Array) -> None:
    """What came before, of so many older values, and a newer part. `out` may be `before`."""
    before, sums, weighted, out = unowned(before), unowned(sums), unowned(weighted), unowned(out)
    for i in range(len(out)):
        out[i] = before[i] + fma(older, sums[i], weighted[i])


@compiled
def _finish_weighted(
    before: Array,
    sums: Array,
    weighted: Array,
    older: float,
    share: float,
    values: Array,
    noise: float,
    out: Array,
) -> None:
    """The same with the newest part, and `share` of it; or `values` where it lies so near to them."""
    before, sums, weighted, out = unowned(before), unowned(sums), unowned(weighted), unowned(out)
    values = unowned(values)
    for i in range(len(out)):
        mean, value = (before[i] + fma(older, sums[i], weighted[i])) * share, values[i]
        out[i] = value if abs(mean - value) <= noise * abs(value) else mean


@compiled
def _weighted_total(values: Array) -> float:
    """The weighted sum of one window: the same additions."""
    values = unowned(values)
    sums, weighted = np.empty(len(values)), np.empty(len(values))
    older, total, width = 0, 0.0, 1
    while width <= len(values):
        if len(values) & width:
            for i in range(width):
                sums[i] = weighted[i] = values[older + i]
            joined = 1
            while joined < width:
                for i in range(width // (2 * joined)):
                    before, now = 2 * i, 2 * i + 1
                    weighted[i] = fma(float(joined), sums[now], weighted[now]) + weighted[before]
                    sums[i] = sums[now] + sums[before]
                joined *= 2
            part = fma(float(older), sums[0], weighted[0])
            total = part if older == 0 else total + part
            older += width
        width *= 2
    return total
