"""Windows over the last so many values: what they were, their extremes, and how long ago these were."""

import numpy as np

from toolkit.kernels.compiling import compiled, shared, unowned
from toolkit.kernels.constants import SCRATCH, TILE, Array
from toolkit.kernels.lanes import (
    LANES,
    all4,
    load4,
    max4,
    of_greater4,
    one_ago,
    plus4,
    store4,
    times4,
    two_ago,
)


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

    The greatest of two, four, eight and sixteen values, each from two of the step before; then of
    sixty-four and so on, each from four; the last step joins up to four windows that overlap. SIMD does it
    for many candles at once. An extreme is one of the values itself (none of which is NaN), so how it is
    found can't change its bits.
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
    room = keep + min(SCRATCH, len(values)) + LANES  # the last four may be less
    source, one, other = np.empty(room), np.empty(room), np.empty(room)
    for start in range(0, len(values), SCRATCH):
        extreme = out[start : start + SCRATCH]
        count = len(extreme)
        current, size = source, keep + count
        remember(kept, values[start : start + SCRATCH], keep, source)
        width = _greatest_of_many(source[:size], period, sign)
        size -= width - 1
        current = source[width - 1 :]
        while 4 * width <= period:
            size -= 3 * width
            _greatest_of_four(current, width, 2 * width, 3 * width, one[:size])
            current, one, other = one, other, one
            width *= 4
        last = period - width
        if last <= width:
            _greatest_of_two(current, last, sign, extreme)
        else:
            _greatest_of_four(current, width, min(2 * width, last), last, extreme)
            for i in range(count):
                extreme[i] *= sign
        fill(extreme[: max(0, min(count, period - 1 - seen))], np.nan)
        seen += count
    memory[0] = seen


@compiled
def _extreme_of(values: Array, value: float, sign: float) -> float:
    """The greatest of all of these, or the least."""
    for i in range(len(values)):
        value = values[i] if sign * values[i] > sign * value else value
    return value


@compiled
def _greatest_of_many(values: Array, most: int, sign: float) -> int:
    """Times `sign`, put the greatest of each value and of so many before it in its place: of 1, 2, 4, 8 or 16
    in all, as many as are not more than `most`. Returns how many. There is room behind the values.
    """
    values = unowned(values)
    signs = all4(sign)
    one = two = four = eight = eight_before = times4(signs, all4(values[0]))
    width = 16 if most >= 16 else 8 if most >= 8 else 4 if most >= 4 else 2 if most >= 2 else 1
    for i in range(0, len(values), LANES):
        now = times4(signs, load4(values, i))
        two_now = max4(now, one_ago(one, now))
        four_now = max4(two_now, two_ago(two, two_now))
        eight_now = max4(four_now, four)
        if width == 16:
            store4(values, i, max4(eight_now, eight_before))
        elif width == 8:
            store4(values, i, eight_now)
        elif width == 4:
            store4(values, i, four_now)
        else:
            store4(values, i, two_now if width == 2 else now)
        one, two, four, eight_before, eight = now, two_now, four_now, eight, eight_now
    return width


@compiled
def _greatest_of_four(values: Array, one: int, two: int, three: int, out: Array) -> None:
    """The greatest of each value and those so many places after it."""
    values, out = unowned(values), unowned(out)
    size = len(out)
    first, second = values[:size], values[one : one + size]
    third, fourth = values[two : two + size], values[three : three + size]
    for i in range(size):
        a, b = first[i], third[i]
        a = a if a > second[i] else second[i]
        b = b if b > fourth[i] else fourth[i]
        out[i] = a if a > b else b


@compiled
def _greatest_of_two(values: Array, other: int, sign: float, out: Array) -> None:
    """The greater of each value and that so many places after it, times `sign`."""
    values, out = unowned(values), unowned(out)
    size = len(out)
    first, second = values[:size], values[other : other + size]
    for i in range(size):
        out[i] = sign * (first[i] if first[i] > second[i] else second[i])


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

    In the manner of `_rolling_extreme`: beside the greater of two values goes its place.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, keep, kept = int(memory[0]), period - 1, memory[1:]
    scratch = np.empty((6, keep + min(SCRATCH, len(values)) + LANES))  # the last four may be less
    for start in range(0, len(values), SCRATCH):
        age = out[start : start + SCRATCH]
        count = len(age)
        size = keep + count
        extreme, place, turn = scratch[0, :size], scratch[1, :size], 0
        remember(kept, values[start : start + SCRATCH], keep, extreme)
        width = _later_or_greater_of_many(extreme, place, period, sign)
        size -= width - 1
        extreme, place = extreme[width - 1 :], place[width - 1 :]
        while width < period:
            step = min(width, period - width)
            size -= step
            to, place_to = scratch[2 + turn, :size], scratch[4 + turn, :size]
            _later_or_greater(extreme, place, step, to, place_to)
            extreme, place, width, turn = to, place_to, width + step, 1 - turn
        for i in range(count):
            age[i] = (keep + i) - place[i]
        fill(age[: max(0, min(count, keep - seen))], np.nan)
        seen += count
    memory[0] = seen


@compiled
def _later_or_greater_of_many(values: Array, places: Array, most: int, sign: float) -> int:
    """As `_greatest_of_many`, of 1, 2, 4 or 8, with the places of the greatest; of equal ones the later."""
    values, places = unowned(values), unowned(places)
    signs, next_places = all4(sign), all4(float(LANES))
    one = two = four = times4(signs, all4(values[0]))
    one_at = two_at = four_at = all4(0.0)
    for lane in range(LANES):
        places[lane] = lane
    now_at = load4(places, 0)
    width = 8 if most >= 8 else 4 if most >= 4 else 2 if most >= 2 else 1
    for i in range(0, len(values), LANES):
        now = times4(signs, load4(values, i))
        before, before_at = one_ago(one, now), one_ago(one_at, now_at)
        two_now, two_now_at = max4(now, before), of_greater4(now, before, now_at, before_at)
        before, before_at = two_ago(two, two_now), two_ago(two_at, two_now_at)
        four_now, four_now_at = max4(two_now, before), of_greater4(two_now, before, two_now_at, before_at)
        if width == 8:
            store4(values, i, max4(four_now, four))
            store4(places, i, of_greater4(four_now, four, four_now_at, four_at))
        elif width == 4:
            store4(values, i, four_now)
            store4(places, i, four_now_at)
        else:
            store4(values, i, two_now if width == 2 else now)
            store4(places, i, two_now_at if width == 2 else now_at)
        one, two, four = now, two_now, four_now
        one_at, two_at, four_at, now_at = now_at, two_now_at, four_now_at, plus4(now_at, next_places)
    return width


@compiled
def _later_or_greater(values: Array, places: Array, step: int, out: Array, places_out: Array) -> None:
    """The greater of each value and one `step` places after it, and its place; of equal ones the later."""
    values, places, out, places_out = unowned(values), unowned(places), unowned(out), unowned(places_out)
    size = len(out)
    early, late = values[:size], values[step : step + size]
    place_early, place_late = places[:size], places[step : step + size]
    for i in range(size):  # two loops: SIMD takes one that writes to one array more readily
        one, other, place, other_place = early[i], late[i], place_early[i], place_late[i]
        places_out[i] = other_place if other >= one else place
    for i in range(size):
        one, other = early[i], late[i]
        out[i] = other if other >= one else one


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
