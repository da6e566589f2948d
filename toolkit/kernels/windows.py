"""Windows over the last so many values: what they were, their extremes, and how long ago these were."""

import numpy as np

from toolkit.kernels.compiling import compiled, shared
from toolkit.kernels.constants import TILE, Array


@compiled
def remember(memory: Array, values: Array, keep: int, recent: Array) -> None:
    """Lay `recent` out as the `keep` values before these and then these, and keep the last `keep` of them in
    `memory` for the next chunk. `recent` has room for `keep + len(values)`.
    """
    count = len(values)
    recent[:keep] = memory[:keep]
    recent[keep : keep + count] = values
    memory[:keep] = recent[count : count + keep]


@shared
def delay_memory(count: int) -> int:
    """Slots of memory that `delay` needs."""
    return 1 + count


@compiled
def delay(memory: Array, values: Array, count: int, out: Array) -> None:
    """The value `count` candles ago; NaN for the first `count`. Memory: `delay_memory(count)` slots. `out` is
    not `values`.
    """
    seen = int(memory[0])
    kept = memory[1 : 1 + count]
    early = min(count, len(values))
    out[:early] = kept[:early]
    out[early:] = values[: len(values) - early]
    out[: max(0, min(early, count - seen))] = np.nan
    if len(values) >= count:
        kept[:] = values[len(values) - count :]
    else:
        for i in range(count - early):
            kept[i] = kept[i + early]
        kept[count - early :] = values
    memory[0] = seen + len(values)


@compiled
def percent_change(memory: Array, values: Array, count: int, out: Array) -> None:
    """Change on the value `count` candles ago, in percent of it; NaN for the first `count`. Memory:
    `delay_memory(count)` slots. `out` is not `values`.
    """
    early = min(count, len(values))
    delay(memory, values[:early], count, out[:early])
    for i in range(early):
        out[i] = 100.0 * (values[i] / out[i] - 1.0)
    now, then, later = values[early:], values[: len(values) - early], out[early:]
    for i in range(len(later)):
        later[i] = 100.0 * (now[i] / then[i] - 1.0)
    if len(values) > count:
        memory[1 : 1 + count] = values[len(values) - count :]
        memory[0] += len(values) - count


@shared
def rolling_extreme_memory(period: int) -> int:
    """Slots of memory that `rolling_max`, `rolling_min` and the ages of those need."""
    return 1 + period


@compiled
def _rolling_extreme(memory: Array, values: Array, period: int, sign: float, out: Array) -> None:
    """The greatest of `sign` times the last `period` values, times `sign`.

    By doubling: the greatest of two values, of four, of eight, each from two of the step before, all of
    which SIMD does for many candles at once; the last step joins two windows that overlap. An extreme is one
    of the values itself, so the way in which it is found can't change its bits.
    """
    seen, keep = int(memory[0]), period - 1
    kept = memory[1:]
    room = keep + min(TILE, len(values))
    one, other = np.empty(room), np.empty(room)
    for start in range(0, len(values), TILE):
        chunk, extreme = values[start : start + TILE], out[start : start + TILE]
        count = len(chunk)
        size = keep + count
        remember(kept, chunk, keep, one)
        for i in range(size):
            one[i] *= sign
        width = 1
        while 2 * width <= period:
            size -= width
            left, right, best = one[:size], one[width : width + size], other[:size]
            for i in range(size):
                best[i] = left[i] if left[i] > right[i] else right[i]
            one, other = other, one
            width *= 2
        left, right = one[:count], one[period - width : period - width + count]
        for i in range(count):
            extreme[i] = sign * (left[i] if left[i] > right[i] else right[i])
        extreme[: max(0, min(count, period - 1 - seen))] = np.nan
        seen += count
    memory[0] = seen


@compiled
def rolling_max(memory: Array, values: Array, period: int, out: Array) -> None:
    """Greatest of the last `period` values; NaN until there are so many. Memory:
    `rolling_extreme_memory(period)` slots.
    """
    _rolling_extreme(memory, values, period, 1.0, out)


@compiled
def rolling_min(memory: Array, values: Array, period: int, out: Array) -> None:
    """Least of the last `period` values; NaN until there are so many. Memory:
    `rolling_extreme_memory(period)` slots.
    """
    _rolling_extreme(memory, values, period, -1.0, out)


@compiled
def _rolling_age(memory: Array, values: Array, period: int, sign: float, out: Array) -> None:
    """Candles since the greatest of `sign` times the last `period` values; the later of two equal ones."""
    seen, keep = int(memory[0]), period - 1
    kept = memory[1:]
    room = keep + min(TILE, len(values))
    one, other, place, next_place = np.empty(room), np.empty(room), np.empty(room), np.empty(room)
    for start in range(0, len(values), TILE):
        chunk, age = values[start : start + TILE], out[start : start + TILE]
        count = len(chunk)
        size = keep + count
        remember(kept, chunk, keep, one)
        for i in range(size):
            one[i] *= sign
            place[i] = i
        width = 1
        while 2 * width <= period:
            size -= width
            left, right, best = one[:size], one[width : width + size], other[:size]
            left_place, right_place = place[:size], place[width : width + size]
            best_place = next_place[:size]
            for i in range(size):
                best_place[i] = left_place[i] if left[i] > right[i] else right_place[i]
                best[i] = left[i] if left[i] > right[i] else right[i]
            one, other, place, next_place = other, one, next_place, place
            width *= 2
        shift = period - width
        left, right = one[:count], one[shift : shift + count]
        left_place, right_place = place[:count], place[shift : shift + count]
        for i in range(count):
            age[i] = keep + i - (left_place[i] if left[i] > right[i] else right_place[i])
        age[: max(0, min(count, period - 1 - seen))] = np.nan
        seen += count
    memory[0] = seen


@compiled
def rolling_max_age(memory: Array, values: Array, period: int, out: Array) -> None:
    """Candles since the greatest of the last `period` values, 0 for this one and at most `period - 1`; the
    later of two equal ones counts. NaN until there are so many. Memory: `rolling_extreme_memory(period)`
    slots.
    """
    _rolling_age(memory, values, period, 1.0, out)


@compiled
def rolling_min_age(memory: Array, values: Array, period: int, out: Array) -> None:
    """Candles since the least of the last `period` values; as `rolling_max_age`."""
    _rolling_age(memory, values, period, -1.0, out)
