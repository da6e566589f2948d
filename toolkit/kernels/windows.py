"""Windows over the last so many values: what they were, their extremes, and how long ago these were."""

import numpy as np

from toolkit.kernels.compiling import compiled, shared, unowned
from toolkit.kernels.constants import TILE, Array


@compiled
def remember(memory: Array, values: Array, keep: int, recent: Array) -> None:
    """Lay `recent` out as the `keep` values before these and then these, and keep the last `keep` of them in
    `memory` for the next chunk. `recent` has room for `keep + len(values)`.
    """
    memory, values, recent = unowned(memory), unowned(values), unowned(recent)
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
    memory, values, out = unowned(memory), unowned(values), unowned(out)
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
    memory, values, out = unowned(memory), unowned(values), unowned(out)
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
    """The greatest of the last `period` values, or the least where `sign` is not positive.

    By fours: the greatest of four values, of sixteen, of sixty-four, each from four of the step before, all
    of which SIMD does for many candles at once; the last step joins up to four windows that overlap. An
    extreme is one of the values itself, so the way in which it is found can't change its bits.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, keep, kept = int(memory[0]), period - 1, memory[1:]
    room = keep + min(TILE, len(values))
    source, one, other = np.empty(room), np.empty(room), np.empty(room)
    for start in range(0, len(values), TILE):
        extreme = out[start : start + TILE]
        count = len(extreme)
        width, size, current = 1, keep + count, source
        if start < keep:
            remember(kept, values[start : start + TILE], keep, source)
        else:
            current = values[start - keep : start + count]
        while 4 * width <= period:
            size -= 3 * width
            _greatest_of_four(current, width, 2 * width, 3 * width, sign, one[:size])
            current, one, other = one, other, one
            width *= 4
        last = period - width
        _greatest_of_four(current, min(width, last), min(2 * width, last), last, sign, extreme)
        extreme[: max(0, min(count, period - 1 - seen))] = np.nan
        seen += count
    if len(values) >= keep:
        kept[:keep] = values[len(values) - keep :]
    memory[0] = seen


@compiled
def _greatest_of_four(values: Array, one: int, two: int, three: int, sign: float, out: Array) -> None:
    """The greatest of each value and those so many places after it, or the least of them."""
    values, out = unowned(values), unowned(out)
    size = len(out)
    first, second = values[:size], values[one : one + size]
    third, fourth = values[two : two + size], values[three : three + size]
    if sign > 0.0:
        for i in range(size):
            a, b = first[i], third[i]
            a = a if a > second[i] else second[i]
            b = b if b > fourth[i] else fourth[i]
            out[i] = a if a > b else b
    else:
        for i in range(size):
            a, b = first[i], third[i]
            a = a if a < second[i] else second[i]
            b = b if b < fourth[i] else fourth[i]
            out[i] = a if a < b else b


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
    """Candles since the extreme of the last `period` values; the later of two equal ones.

    While the extreme stays the same it only grows older; where it goes out of the window, the new one is
    searched for.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, keep, kept = int(memory[0]), period - 1, memory[1:]
    recent = np.empty(keep + min(TILE, len(values)))
    again = np.zeros(rolling_extreme_memory(period))
    again[0], again[1:period] = seen, kept[:keep]
    for start in range(0, len(values), TILE):
        chunk, extreme = values[start : start + TILE], out[start : start + TILE]
        _rolling_extreme(again, chunk, period, sign, extreme)
        remember(kept, chunk, keep, recent)
        age, before = 0, np.nan
        for i in range(max(0, min(len(chunk), keep - seen)), len(chunk)):
            now = extreme[i]
            age = 0 if chunk[i] == now else age + 1
            if age and now != before:
                age = 1
                while age < keep and recent[keep + i - age] != now:
                    age += 1
            before = now
            extreme[i] = age
        seen += len(chunk)
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


@shared
def rolling_midpoint_memory(period: int) -> int:
    """Slots of memory that `rolling_midpoint` needs."""
    return 2 * rolling_extreme_memory(period)


@compiled
def rolling_midpoint(memory: Array, high: Array, low: Array, period: int, out: Array) -> None:
    """Half way between the greatest `high` and the least `low` of the last `period`; NaN until there are so
    many. Memory: `rolling_midpoint_memory(period)` slots. `out` is neither `high` nor `low`.
    """
    memory, high, low, out = unowned(memory), unowned(high), unowned(low), unowned(out)
    split = rolling_extreme_memory(period)
    least = np.empty(min(TILE, len(high)))
    for start in range(0, len(high), TILE):
        middle = out[start : start + TILE]
        bottom = least[: len(middle)]
        rolling_max(memory[:split], high[start : start + TILE], period, middle)
        rolling_min(memory[split : 2 * split], low[start : start + TILE], period, bottom)
        for i in range(len(middle)):
            middle[i] = 0.5 * (middle[i] + bottom[i])
