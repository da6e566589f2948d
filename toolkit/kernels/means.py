"""Means of the last so many values."""

import numpy as np

from toolkit.kernels.compiling import compiled, fma, shared, unowned
from toolkit.kernels.constants import NOISE, SCRATCH, Array
from toolkit.kernels.lanes import LANES, all4, fma4, load4, one_ago, plus4, store4, two_ago
from toolkit.kernels.windows import append, copy, fill, remember


WINDOW_SCRATCH = 7  # rows that `window_means` needs


@shared
def rolling_mean_memory(period: int) -> int:
    """Slots of memory that `rolling_mean` and `settled_mean` need."""
    return 1 + period


@compiled
def rolling_mean(memory: Array, values: Array, period: int, out: Array) -> None:
    """Mean of the last `period` values; NaN until there are so many. Memory: `rolling_mean_memory(period)`
    slots. `out` may be `values` itself.

    A window is added up from sums over 1, 4, 16, 64, … neighbours, each sum from four of the step before,
    which SIMD does for many candles at once. What a window adds up, and in which order, depends on its own
    values alone: nothing drifts and nothing cancels, the bits are the same however the candles come, and
    what is undefined lasts only as long as it is in the window.
    """
    _rolling_mean(memory, values, period, -1.0, out)


@compiled
def settled_mean(memory: Array, values: Array, period: int, out: Array) -> None:
    """As `rolling_mean`, and the value itself where the mean differs from it by rounding alone (`settle`)."""
    _rolling_mean(memory, values, period, NOISE, out)


@compiled
def _rolling_mean(memory: Array, values: Array, period: int, noise: float, out: Array) -> None:
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, kept, share, keep = int(memory[0]), memory[1 : 1 + period], 1.0 / period, period - 1
    memory[0] = seen + len(values)
    if len(values) == 1:
        value = values[0]
        append(kept, value)
        mean = window_total(kept) * share if seen >= keep else np.nan
        out[0] = value if abs(mean - value) <= noise * abs(value) else mean
        return
    same = values.ctypes.data == out.ctypes.data
    tile = min(SCRATCH, len(values))
    scratch, nothing = np.empty((WINDOW_SCRATCH, keep + tile)), np.zeros(tile)
    for start in range(0, len(values), SCRATCH):
        chunk = values[start : start + SCRATCH]
        count = len(chunk)
        current = scratch[0, : keep + count]
        if same or start < keep:
            remember(kept[1:], chunk, keep, current)
        else:
            current = values[start - keep : start + count]
        to = out[start : start + count]
        window_means(current, period, scratch, nothing, chunk, noise, to)
        fill(to[: max(0, min(count, keep - seen))], np.nan)
        seen += count
    if not same and len(values) > keep:
        copy(values[len(values) - keep :], kept[1:])


@compiled
def window_means(
    current: Array, period: int, scratch: Array, nothing: Array, values: Array, noise: float, out: Array
) -> None:
    """Means of all windows of `period` in `current`, or `values` where one lies so near to them. The first
    of `WINDOW_SCRATCH` rows of `scratch` is left alone: `current` may lie there. `nothing` holds zeros.
    """
    current, out, nothing = unowned(current), unowned(out), unowned(nothing)
    count = len(out)
    before, level, at, width, rest = nothing, 0, 0, 1, period
    while rest > 5 or (rest == 5 and at > 0):
        number = rest & 3
        if number == 1 and at == 0:
            before = current
        elif number:
            after = unowned(scratch[5 + (level & 1), :count])
            _add(before, current[at:], width, number, after)
            before = after
        at += number * width
        level += 1
        wider = unowned(scratch[level, : len(current) - 3 * width])
        _join_four(current, width, wider)
        current, width, rest = wider, 4 * width, rest >> 2
    _finish(before, current[at:], width, rest, nothing, 1.0 / period, values, noise, out)


@compiled
def _join_four(values: Array, width: int, out: Array) -> None:
    """Sums of four neighbours each, of which each is a sum over `width` values."""
    values, out = unowned(values), unowned(out)
    size = len(out)
    a, b = values[:size], values[width : width + size]
    c, d = values[2 * width : 2 * width + size], values[3 * width : 3 * width + size]
    for i in range(size):
        out[i] = (a[i] + b[i]) + (c[i] + d[i])


@compiled
def _add(before: Array, sums: Array, width: int, number: int, out: Array) -> None:
    """What came before, and one, two or three neighbours."""
    before, sums, out = unowned(before), unowned(sums), unowned(out)
    size = len(out)
    a, b = sums[:size], sums[width : width + size]
    if number == 1:
        for i in range(size):
            out[i] = before[i] + a[i]
    elif number == 2:
        for i in range(size):
            out[i] = before[i] + (a[i] + b[i])
    else:
        c = sums[2 * width : 2 * width + size]
        for i in range(size):
            out[i] = before[i] + ((a[i] + b[i]) + c[i])


@compiled
def _finish(
    before: Array,
    sums: Array,
    width: int,
    number: int,
    nothing: Array,
    share: float,
    values: Array,
    noise: float,
    out: Array,
) -> None:
    """The mean of what came before and up to five neighbours, or `values` where it lies so near to them."""
    before, sums, values, out = unowned(before), unowned(sums), unowned(values), unowned(out)
    nothing = unowned(nothing)
    size = len(out)
    a = sums[:size]
    b = sums[width : width + size] if number > 1 else nothing[:size]
    c = sums[2 * width : 2 * width + size] if number > 2 else nothing[:size]
    d = sums[3 * width : 3 * width + size] if number > 3 else nothing[:size]
    e = sums[4 * width : 4 * width + size] if number > 4 else before[:size]
    for i in range(size):
        mean, value = (((a[i] + b[i]) + (c[i] + d[i])) + e[i]) * share, values[i]
        out[i] = value if abs(mean - value) <= noise * abs(value) else mean


@compiled
def window_total(values: Array) -> float:
    """The sum over one window: the additions of `window_means`."""
    before, at, width, rest = 0.0, 0, 1, len(values)
    while rest > 5 or (rest == 5 and at > 0):
        number = rest & 3
        if number:
            some = _sum_over(values, at, width)
            for j in range(1, number):
                some += _sum_over(values, at + j * width, width)
            before = some if number == 1 and at == 0 else before + some
        at, width, rest = at + number * width, 4 * width, rest >> 2
    a = _sum_over(values, at, width)
    b = _sum_over(values, at + width, width) if rest > 1 else 0.0
    c = _sum_over(values, at + 2 * width, width) if rest > 2 else 0.0
    d = _sum_over(values, at + 3 * width, width) if rest > 3 else 0.0
    e = _sum_over(values, at + 4 * width, width) if rest > 4 else before
    return ((a + b) + (c + d)) + e


@compiled
def _sum_over(values: Array, at: int, width: int) -> float:
    """The sum over so many neighbours, a power of four: pairs, pairs of pairs, and so on. No recursion: Numba
    cannot load a compiled function that calls itself while another process compiles it.
    """
    if width == 1:
        return float(values[at])
    if width == 4:
        return float((values[at] + values[at + 1]) + (values[at + 2] + values[at + 3]))
    sums = np.empty(64)  # of pairs that wait for their neighbour, the widest first
    depth = 0
    for i in range(width):
        total, count = float(values[at + i]), i + 1
        while count % 2 == 0:
            depth -= 1
            total = sums[depth] + total
            count //= 2
        sums[depth] = total
        depth += 1
    return float(sums[0])


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
    for start in range(0, len(values), SCRATCH):
        to = out[start : start + SCRATCH]
        count = len(to)
        remember(kept[1:], values[start : start + SCRATCH], keep, source)
        _weighted_sums(source[: keep + count], period, scratch)
        older, width, level = 0, 1, 0
        while width <= period:
            if level >= SMALL_LEVELS:
                _join_weighted(scratch[level - 1], width // 2, scratch[level])
            if period & width:
                begin = older + width - 1  # where the first window's part ends
                sums, weighted = scratch[level, 0, begin:], scratch[level, 1, begin:]
                if older == 0:
                    copy(weighted[:count], to)
                else:
                    _add_weighted(sums, weighted, float(older), to)
                older += width
            width, level = 2 * width, level + 1
        now = source[keep : keep + count]
        for i in range(count):
            mean, value = to[i] * share, now[i]
            to[i] = value if abs(mean - value) <= noise * abs(value) else mean
        fill(to[: max(0, min(count, keep - seen))], np.nan)
        seen += count


SMALL_LEVELS = 5  # of up to 16 values, which are found together


@compiled
def _weighted_sums(values: Array, period: int, scratch: Array) -> None:
    """Plain and weighted sums over 1, 2, 4, 8 and 16 values, those that end at each, where they are needed:
    the widths that `period` is made of, and 16 for wider ones. There is room behind the values.
    """
    values = unowned(values)
    ones, twos, twos_weighted = unowned(scratch[0, 0]), unowned(scratch[1, 0]), unowned(scratch[1, 1])
    ones_weighted, fours, fours_weighted = unowned(scratch[0, 1]), unowned(scratch[2, 0]), unowned(scratch[2, 1])
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
def _add_weighted(sums: Array, weighted: Array, older: float, out: Array) -> None:
    """Add a part before which there are so many older values."""
    sums, weighted, out = unowned(sums), unowned(weighted), unowned(out)
    for i in range(len(out)):
        out[i] += fma(older, sums[i], weighted[i])


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


@compiled
def settle(values: Array, mean: Array) -> None:
    """Set `mean` to `values` where it differs from them by rounding alone, so that the two do not cross in a
    market that stands still. No memory.
    """
    for i in range(len(values)):
        value, rounded = values[i], mean[i]
        # Added, which is exact here: a value that is kept would be a store to some SIMD lanes alone, which
        # takes AMD's processors ten times as long.
        away = value - rounded
        mean[i] = rounded + (away if abs(away) <= NOISE * abs(value) else 0.0)
