"""Extremes of the last so many values, and how long ago they were."""

import numpy as np

from toolkit.kernels.compiling import compiled, shared, unowned
from toolkit.kernels.constants import PIECE, SCRATCH, TILE, Array
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
from toolkit.kernels.windows import append, copy, fill, remember


@shared
def _reach(period: int) -> int:
    """Values of the past that are kept: the window's, and up to three more for whole lanes."""
    return (period - 1 + LANES - 1) // LANES * LANES


@shared
def rolling_channel_memory(period: int) -> int:
    """Slots of memory that `rolling_channel` needs."""
    return 1 + 2 * _reach(period)


@compiled
def rolling_channel(
    memory: Array, high: Array, low: Array, period: int, upper: Array, middle: Array, lower: Array
) -> None:
    """The greatest `high` and the least `low` of the last `period`, and unless `middle` is empty half way
    between them; NaN until there are so many. The outputs are not the inputs. Memory:
    `rolling_channel_memory(period)` slots.

    The greatest of two, four, eight and sixteen values, each from two of the step before; then of
    sixty-four and so on, each from four; the last step joins up to four windows that overlap. SIMD does it
    for many candles at once. An extreme is one of the values itself (none of which is NaN), so how it is
    found can't change its bits.
    """
    memory, high, low = unowned(memory), unowned(high), unowned(low)
    upper, middle, lower = unowned(upper), unowned(middle), unowned(lower)
    seen, reach, before = int(memory[0]), _reach(period), period - 1
    tops, bottoms = memory[1 : 1 + reach], memory[1 + reach : 1 + 2 * reach]
    memory[0] = seen + len(high)
    if len(high) == 1:
        first = reach - before
        upper[0] = _extreme_of(tops[first:], high[0], 1.0) if seen >= before else np.nan
        lower[0] = _extreme_of(bottoms[first:], low[0], -1.0) if seen >= before else np.nan
        if len(middle):
            middle[0] = 0.5 * (upper[0] + lower[0])
        if reach:
            append(tops, high[0])
            append(bottoms, low[0])
        return
    piece = max(1, min(len(high), max(PIECE, 8 * reach)))
    scratch = np.empty((4, reach + piece + LANES))  # the last four may be less
    for at in range(0, len(high), piece):
        top, bottom = upper[at : at + piece], lower[at : at + piece]
        _extremes(tops, high, at, period, 1.0, scratch, top)
        _extremes(bottoms, low, at, period, -1.0, scratch, bottom)
        early = max(0, min(len(top), before - seen - at))
        fill(top[:early], np.nan)
        fill(bottom[:early], np.nan)
        half = middle[at : at + piece]
        for i in range(len(half)):
            half[i] = 0.5 * (top[i] + bottom[i])
    _keep(tops, high)
    _keep(bottoms, low)


@compiled
def _keep(kept: Array, values: Array) -> None:
    """Keep the last values for the next chunk."""
    kept, values = unowned(kept), unowned(values)
    new = min(len(kept), len(values))
    for i in range(len(kept) - new):
        kept[i] = kept[i + new]
    copy(values[len(values) - new :], kept[len(kept) - new :])


@compiled
def _extremes(
    kept: Array, values: Array, at: int, period: int, sign: float, scratch: Array, out: Array
) -> None:
    """The greatest values of the windows that end at value number `at` and at those after it, or the least
    where `sign` is negative.
    """
    kept, values, out = unowned(kept), unowned(values), unowned(out)
    reach, count = len(kept), len(out)
    source, current = unowned(scratch[0]), unowned(scratch[1])
    one, other = unowned(scratch[2]), unowned(scratch[3])
    if at >= reach and count & 3 == 0:
        source = values[at - reach : at + count]
    else:
        past = max(0, reach - at)  # of what comes before, that which is kept
        copy(kept[reach - past :], source[:past])
        copy(values[at + past - reach : at + count], source[past : reach + count])
        source = source[: reach + count]
    width = _greatest_of_many(source, period, sign, current)
    first = reach - (period - 1)
    size = reach + count - first - (width - 1)
    current = current[first + width - 1 :]
    while 4 * width <= period:
        size -= 3 * width
        _greatest_of_four(current, width, 2 * width, 3 * width, one[:size])
        current, one, other = one, other, one
        width *= 4
    last = period - width
    if last <= width:
        _greatest_of_two(current, last, sign, out)
    else:
        _greatest_of_four(current, width, min(2 * width, last), last, out)
        for i in range(count):
            out[i] *= sign


@compiled
def _extreme_of(values: Array, value: float, sign: float) -> float:
    """The greatest of all of these, or the least."""
    for i in range(len(values)):
        value = values[i] if sign * values[i] > sign * value else value
    return value


@compiled
def _greatest_of_many(values: Array, most: int, sign: float, out: Array) -> int:
    """Times `sign`, the greatest of each value and of so many before it: of 1, 2, 4, 8 or 16 in all, as many
    as are not more than `most`. Returns how many. There is room behind what is not whole lanes.
    """
    values, out = unowned(values), unowned(out)
    signs = all4(sign)
    one = two = four = eight = eight_before = times4(signs, all4(values[0]))
    width = 16 if most >= 16 else 8 if most >= 8 else 4 if most >= 4 else 2 if most >= 2 else 1
    for i in range(0, len(values), LANES):
        now = times4(signs, load4(values, i))
        two_now = max4(now, one_ago(one, now))
        four_now = max4(two_now, two_ago(two, two_now))
        eight_now = max4(four_now, four)
        if width == 16:
            store4(out, i, max4(eight_now, eight_before))
        elif width == 8:
            store4(out, i, eight_now)
        elif width == 4:
            store4(out, i, four_now)
        else:
            store4(out, i, two_now if width == 2 else now)
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
def rolling_midpoint(memory: Array, high: Array, low: Array, period: int, out: Array) -> None:
    """Half way between the greatest `high` and the least `low` of the last `period`: the middle of
    `rolling_channel`, whose memory it needs.
    """
    memory, high, low, out = unowned(memory), unowned(high), unowned(low), unowned(out)
    upper, lower = np.empty(min(TILE, len(high))), np.empty(min(TILE, len(high)))
    for at in range(0, len(high), TILE):
        now, middle = high[at : at + TILE], out[at : at + TILE]
        top, bottom = upper[: len(now)], lower[: len(now)]
        rolling_channel(memory, now, low[at : at + TILE], period, top, middle, bottom)


@shared
def rolling_age_memory(period: int) -> int:
    """Slots of memory that `rolling_max_age` and `rolling_min_age` need."""
    return 1 + period


@compiled
def rolling_max_age(memory: Array, values: Array, period: int, out: Array) -> None:
    """Candles since the greatest of the last `period` values, 0 for this one and at most `period - 1`; the
    later of two equal ones counts. NaN until there are so many. Memory: `rolling_age_memory(period)`
    slots.
    """
    _rolling_age(memory, values, period, 1.0, out)


@compiled
def rolling_min_age(memory: Array, values: Array, period: int, out: Array) -> None:
    """Candles since the least of the last `period` values; as `rolling_max_age`."""
    _rolling_age(memory, values, period, -1.0, out)


@compiled
def _rolling_age(memory: Array, values: Array, period: int, sign: float, out: Array) -> None:
    """Candles since the extreme of the last `period` values; the later of two equal ones.

    In the manner of `rolling_channel`: beside the greater of two values goes its place.
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
