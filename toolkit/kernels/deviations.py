"""How far the last so many values lie from their mean."""

import math

import numpy as np

from toolkit.kernels.compiling import compiled, fma, shared, unowned
from toolkit.kernels.constants import SCRATCH, Array
from toolkit.kernels.means import WINDOW_SCRATCH, window_means, window_total
from toolkit.kernels.windows import append, copy, fill, remember


@shared
def rolling_mean_std_memory(period: int) -> int:
    """Slots of memory that `rolling_mean_std` needs."""
    return 2 + 3 * period


@compiled
def rolling_mean_std(memory: Array, values: Array, period: int, mean: Array, std: Array) -> None:
    """Mean and population standard deviation of the last `period` values; NaN until there are so many.

    Memory: `rolling_mean_std_memory(period)` slots. `mean` and `std` are not `values`. Windows are added up
    as in `rolling_mean`: distances from a reference near by, so that prices of any size keep their digits,
    and their squares. The reference is the first of every `SCRATCH` values, counted from the first of all.
    Where the deviation is tiny beside the distance from it (a market that went flat), the window is summed
    once more around its own last value, so a constant window has deviation 0 exactly.
    """
    memory, values, mean, std = unowned(memory), unowned(values), unowned(mean), unowned(std)
    seen, reference, keep, share = int(memory[0]), memory[1], period - 1, 1.0 / period
    kept, away, square = memory[2 : 2 + period], memory[2 + period : 2 + 2 * period], memory[2 + 2 * period :]
    square = square[:period]
    memory[0] = seen + len(values)
    if len(values) == 1:
        value = values[0]
        append(kept, value)
        if seen % SCRATCH == 0:
            memory[1] = value
            _distances(kept, value, away, square)
        else:
            append(away, value - reference)
            append(square, away[keep] * away[keep])
        mean[0], std[0] = window_total(away) * share, window_total(square) * share
        _deviate(kept, memory[1], mean, std)
        if seen < keep:
            mean[0] = std[0] = np.nan
        return
    room = keep + min(SCRATCH, len(values))
    scratch, squares = np.empty((WINDOW_SCRATCH, room)), np.empty(room)
    nothing, recent = np.zeros(room), np.empty(room if seen or keep else 0)
    done = 0
    while done < len(values):
        at = seen % SCRATCH
        if at == 0:
            reference = values[done]
        steps = min(SCRATCH - at, len(values) - done)
        if done < keep:
            current = recent[: keep + steps]
            remember(kept[1:], values[done : done + steps], keep, current)
        else:
            current = values[done - keep : done + steps]
        away_now, square_now = scratch[0, : keep + steps], squares[: keep + steps]
        _distances(current, reference, away_now, square_now)
        centre, deviation = mean[done : done + steps], std[done : done + steps]
        window_means(away_now, period, scratch, nothing, away_now[keep:], -1.0, centre)
        window_means(square_now, period, scratch, nothing, away_now[keep:], -1.0, deviation)
        _deviate(current, reference, centre, deviation)
        early = max(0, min(steps, keep - seen))
        fill(centre[:early], np.nan)
        fill(deviation[:early], np.nan)
        done += steps
        seen += steps
    if len(values) > keep:
        copy(values[len(values) - keep :], kept[1:])
    memory[1] = reference
    _distances(kept, reference, away, square)


@compiled
def _distances(values: Array, reference: float, away: Array, square: Array) -> None:
    """How far values lie from a reference, and the squares of that."""
    values, away, square = unowned(values), unowned(away), unowned(square)
    for i in range(len(away)):
        away[i] = values[i] - reference
    for i in range(len(square)):
        square[i] = away[i] * away[i]


@compiled
def _deviate(recent: Array, reference: float, mean: Array, std: Array) -> None:
    """Means of distances from the reference become means, those of their squares become deviations. The
    windows lie in `recent`, one after the other.
    """
    recent, mean, std = unowned(recent), unowned(mean), unowned(std)
    doubtful = 0
    for i in range(len(mean)):
        offset, scale = mean[i], std[i]
        variance = fma(-offset, offset, scale)
        doubtful += 1 if variance < 1e-5 * scale else 0
        std[i] = math.sqrt(variance if variance > 0.0 else 0.0)
    if not doubtful:
        for i in range(len(mean)):
            mean[i] += reference
        return
    period = len(recent) - len(mean) + 1
    for i in range(len(mean)):
        # The bound lies well under that above: a value is done again or not whatever chunk it came in.
        variance = std[i] * std[i]
        if variance < 5e-6 * (variance + mean[i] * mean[i]):
            mean[i], std[i] = _mean_and_deviation(recent[i : i + period])
        else:
            mean[i] += reference


@compiled
def _mean_and_deviation(window: Array) -> tuple[float, float]:
    """Those of one window, in two passes around its last value."""
    window = unowned(window)
    centre, total, square = window[-1], 0.0, 0.0
    for i in range(len(window)):
        total += window[i] - centre
    offset = total / len(window)
    for i in range(len(window)):
        square += (window[i] - centre - offset) ** 2
    return centre + offset, math.sqrt(square / len(window))


@shared
def rolling_mean_deviation_memory(period: int) -> int:
    """Slots of memory that `rolling_mean_deviation` needs."""
    return period


@compiled
def rolling_mean_deviation(memory: Array, values: Array, mean: Array, period: int, out: Array) -> None:
    """Mean absolute distance of the last `period` values from `mean`, which is their mean at each candle (NaN
    where it is). Memory: `rolling_mean_deviation_memory(period)` slots.
    """
    memory, values, mean, out = unowned(memory), unowned(values), unowned(mean), unowned(out)
    keep = period - 1
    share = 1.0 / period
    recent = np.empty(keep + min(SCRATCH, len(values)))
    for start in range(0, len(values), SCRATCH):
        chunk, centre, total = (
            values[start : start + SCRATCH],
            mean[start : start + SCRATCH],
            out[start : start + SCRATCH],
        )
        count = len(chunk)
        remember(memory, chunk, keep, recent)
        fill(total, 0.0)
        for k in range(period):
            value = recent[k : k + count]
            for i in range(count):
                total[i] += abs(value[i] - centre[i])
        for i in range(count):
            total[i] *= share
