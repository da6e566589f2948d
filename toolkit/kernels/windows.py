"""Windows over the last so many values: what they were, their extremes, and how long ago these were."""

import numpy as np

from toolkit.kernels.compiling import compiled, shared, unowned
from toolkit.kernels.constants import TILE, Array


@compiled
def copy(values: Array, out: Array) -> None:
    """Copy values. Numba takes longer to assign to a slice, as it must ask whether the two overlap."""
    for i in range(len(out)):
        out[i] = values[i]


@compiled
def fill(out: Array, value: float) -> None:
    """Set all to one value."""
    for i in range(len(out)):
        out[i] = value


@compiled
def remember(memory: Array, values: Array, keep: int, recent: Array) -> None:
    """Lay `recent` out as the `keep` values before these and then these, and keep the last `keep` of them in
    `memory` for the next chunk. `recent` has room for `keep + len(values)`.
    """
    memory, values, recent = unowned(memory), unowned(values), unowned(recent)
    count = len(values)
    copy(memory[:keep], recent[:keep])
    copy(values, recent[keep : keep + count])
    copy(recent[count : count + keep], memory[:keep])


@compiled
def append(recent: Array, value: float) -> None:
    """Move these values on by one place, and put another after them."""
    last = len(recent) - 1
    for i in range(last):
        recent[i] = recent[i + 1]
    recent[last] = value


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
    copy(kept, out[:early])
    copy(values, out[early:])
    fill(out[: max(0, min(early, count - seen))], np.nan)
    if len(values) >= count:
        copy(values[len(values) - count :], kept)
    else:
        for i in range(count - early):
            kept[i] = kept[i + early]
        copy(values, kept[count - early :])
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
        copy(values[len(values) - count :], memory[1 : 1 + count])
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
    extreme is one of the values itself (none of which is NaN), so how it is found can't change its bits.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, keep, kept = int(memory[0]), period - 1, memory[1:period]
    if len(values) == 1:
        extreme_now = _extreme_of(kept, values[0], sign)
        if keep:
            append(kept, values[0])
        out[0] = extreme_now if seen >= keep else np.nan
        memory[0] = seen + 1
        return
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
        if last <= width:
            _greatest_of_two(current, last, sign, extreme)
        else:
            _greatest_of_four(current, width, min(2 * width, last), last, sign, extreme)
        fill(extreme[: max(0, min(count, period - 1 - seen))], np.nan)
        seen += count
    if len(values) >= keep:
        copy(values[len(values) - keep :], kept[:keep])
    memory[0] = seen


@compiled
def _extreme_of(values: Array, value: float, sign: float) -> float:
    """The greatest of all of these, or the least."""
    for i in range(len(values)):
        value = values[i] if sign * values[i] > sign * value else value
    return value


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
def _greatest_of_two(values: Array, other: int, sign: float, out: Array) -> None:
    """The greater of each value and that so many places after it, or the lesser of them."""
    values, out = unowned(values), unowned(out)
    size = len(out)
    first, second = values[:size], values[other : other + size]
    if sign > 0.0:
        for i in range(size):
            out[i] = first[i] if first[i] > second[i] else second[i]
    else:
        for i in range(size):
            out[i] = first[i] if first[i] < second[i] else second[i]


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

    By twos, in the manner of `_rolling_extreme`: beside the greater of two values goes its place.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, keep, kept = int(memory[0]), period - 1, memory[1:]
    scratch = np.empty((7, keep + min(TILE, len(values))))
    places = scratch[6]
    for i in range(len(places)):
        places[i] = i
    for start in range(0, len(values), TILE):
        age = out[start : start + TILE]
        count = len(age)
        recent = scratch[0]
        remember(kept, values[start : start + TILE], keep, recent)
        extreme, place, width, turn, size = recent, places, 1, 0, keep + count
        while width < period:
            step = min(width, period - width)
            size -= step
            to, place_to = scratch[1 + turn, :size], scratch[3 + turn, :size]
            _later_or_greater(extreme, place, step, sign, to, place_to)
            extreme, place, width, turn = to, place_to, width + step, 1 - turn
        for i in range(count):
            age[i] = (keep + i) - place[i]
        fill(age[: max(0, min(count, keep - seen))], np.nan)
        seen += count
    memory[0] = seen


@compiled
def _later_or_greater(
    values: Array, places: Array, step: int, sign: float, out: Array, places_out: Array
) -> None:
    """The greater of each value and one `step` places after it, and its place; of equal ones the later."""
    values, places, out, places_out = unowned(values), unowned(places), unowned(out), unowned(places_out)
    size = len(out)
    early, late = values[:size], values[step : step + size]
    place_early, place_late = places[:size], places[step : step + size]
    for i in range(size):  # two loops: SIMD takes one that writes to one array more readily
        places_out[i] = place_late[i] if sign * late[i] >= sign * early[i] else place_early[i]
    for i in range(size):
        out[i] = late[i] if sign * late[i] >= sign * early[i] else early[i]


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
