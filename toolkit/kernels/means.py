"""Means of the last so many values."""

import numpy as np

from toolkit.kernels.compiling import compiled, shared, unowned
from toolkit.kernels.constants import NOISE, SCRATCH, Array
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
    if period == 6 or period == 10:  # three or five pairs: one step less
        wider = unowned(scratch[1, : len(current) - 1])
        _join_two(current, wider)
        current, width, rest = wider, 2, period // 2
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
def _join_two(values: Array, out: Array) -> None:
    """Sums of two neighbours each."""
    values, out = unowned(values), unowned(out)
    before, after = values[: len(out)], values[1 : 1 + len(out)]
    for i in range(len(out)):
        out[i] = before[i] + after[i]


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
    if noise < 0.0:
        for i in range(size):
            out[i] = (((a[i] + b[i]) + (c[i] + d[i])) + e[i]) * share
        return
    for i in range(size):
        mean, value = (((a[i] + b[i]) + (c[i] + d[i])) + e[i]) * share, values[i]
        out[i] = value if abs(mean - value) <= noise * abs(value) else mean


@compiled
def window_total(values: Array) -> float:
    """The sum over one window: the additions of `window_means`."""
    if len(values) <= 20:
        return _total_of_few(values)
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
def _total_of_few(values: Array) -> float:
    """The same for up to 20: up to three, and up to five times four; or pairs."""
    count, before = len(values), 0.0
    if count <= 5:
        width, at = 1, 0
    elif count == 6 or count == 10:
        width, at = 2, 0
    else:
        width, at = 4, count & 3
        before = values[0] if at else 0.0
        if at > 1:
            before = before + values[1]
        if at > 2:
            before = before + values[2]
    parts = (count - at) // width
    a = _part(values, at, width)
    b = _part(values, at + width, width) if parts > 1 else 0.0
    c = _part(values, at + 2 * width, width) if parts > 2 else 0.0
    d = _part(values, at + 3 * width, width) if parts > 3 else 0.0
    e = _part(values, at + 4 * width, width) if parts > 4 else before
    return ((a + b) + (c + d)) + e


@compiled
def _part(values: Array, at: int, width: int) -> float:
    """The sum over one, two or four neighbours."""
    if width == 1:
        return float(values[at])
    two = values[at] + values[at + 1]
    return float(two if width == 2 else two + (values[at + 2] + values[at + 3]))


@compiled
def _sum_over(values: Array, at: int, width: int) -> float:
    """The sum over so many neighbours, a power of four: pairs, pairs of pairs, and so on. No recursion: Numba
    cannot load a compiled function that calls itself while another process compiles it.
    """
    if width <= 4:
        return _part(values, at, width)
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
