"""Movement from candle to candle, and sums of it since the beginning."""

import numpy as np

from toolkit.kernels.compiling import compiled, fma, unowned
from toolkit.kernels.constants import NOISE, VANISHED, Array

CHANGE_MEMORY = 2  # slots that `change` needs
TRUE_RANGE_MEMORY = 2  # slots that `true_range` needs
RUNNING_SUM_MEMORY = 3  # slots that `running_sum` needs
GAIN_SHARE_MEMORY = 6  # slots that `gain_share` needs


@compiled
def change(memory: Array, values: Array, out: Array) -> None:
    """This value less the one before it; NaN for the first. Memory: `CHANGE_MEMORY` slots. `out` is not
    `values`.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    if not len(values):
        return
    out[0] = values[0] - memory[1] if memory[0] != 0.0 else np.nan
    now, before, step = values[1:], values[: len(values) - 1], out[1:]
    for i in range(len(now)):
        step[i] = now[i] - before[i]
    memory[0], memory[1] = 1.0, values[-1]


@compiled
def true_range(memory: Array, high: Array, low: Array, close: Array, out: Array) -> None:
    """The candle's range, widened to the close before it (Wilder, 1978); NaN for the first candle, which has
    none before it. Memory: `TRUE_RANGE_MEMORY` slots.
    """
    memory, high, low, close, out = unowned(memory), unowned(high), unowned(low), unowned(close), unowned(out)
    if not len(close):
        return
    if memory[0] != 0.0:
        out[0] = max(high[0], memory[1]) - min(low[0], memory[1])
    else:
        out[0] = np.nan
    top, bottom, before, range_ = high[1:], low[1:], close[: len(close) - 1], out[1:]
    for i in range(len(range_)):
        upper = top[i] if top[i] > before[i] else before[i]
        lower = bottom[i] if bottom[i] < before[i] else before[i]
        range_[i] = upper - lower
    memory[0], memory[1] = 1.0, close[-1]


@compiled
def running_sum(memory: Array, values: Array, out: Array) -> None:
    """Sum of all values so far. Memory: `RUNNING_SUM_MEMORY` slots. `out` may be `values` itself.

    In aligned blocks of four: what a block holds is summed apart, and added to what went before. Where
    nothing is added the sum stays as it was, to the bit, which `fading_sum` would not promise.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    phase, before, local = int(memory[0]), memory[1], memory[2]
    count = len(values)
    i = 0
    while i < count:
        if phase == 0 and count - i >= 4:
            stop = i + (count - i) // 4 * 4
            value, total = values[i:stop].reshape((stop - i) // 4, 4), out[i:stop].reshape((stop - i) // 4, 4)
            for j in range(len(value)):
                one = value[j, 0]
                two = one + value[j, 1]
                three = two + value[j, 2]
                four = three + value[j, 3]
                total[j, 0] = before + one
                total[j, 1] = before + two
                total[j, 2] = before + three
                before += four
                total[j, 3] = before
            i = stop
            continue
        # One value of a block that begins or ends outside this chunk: the same additions.
        local = local + values[i] if phase else values[i]
        out[i] = before + local
        phase = (phase + 1) & 3
        if phase == 0:
            before = out[i]
        i += 1
    memory[0], memory[1], memory[2] = phase, before, local


@compiled
def money_flow(high: Array, low: Array, close: Array, volume: Array, out: Array) -> None:
    """The volume, as far as the close lies in the upper part of the candle's range: `volume * ((close - low)
    - (high - close)) / (high - low)` (Chaikin); 0 where the candle has no range. No memory.

    A close that lies in the middle but for rounding counts as there.
    """
    for i in range(len(close)):
        range_ = high[i] - low[i]
        apart = (close[i] - low[i]) - (high[i] - close[i])
        share = apart / range_
        moved = range_ > 0.0 and abs(apart) > NOISE * close[i]
        out[i] = share * volume[i] if moved else 0.0


@compiled
def gain_share(memory: Array, values: Array, period: int, out: Array) -> None:
    """Share of the gains in all movement, 0 to 100, both by Wilder's average (the relative strength index):
    seeded with the mean of the first `period` changes, NaN before. Also NaN while nothing has ever moved, or
    so long ago that the averages have vanished. Memory: `GAIN_SHARE_MEMORY` slots. `out` is not `values`.

    A share needs no means, only decayed sums, which are kept in aligned blocks of four as in `ema`.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    seen, previous = int(memory[0]), memory[1]
    gains, moves, gain, move = memory[2], memory[3], memory[4], memory[5]
    keep = 1.0 - 1.0 / period
    count = len(values)
    decay = 1.0
    for _ in range((seen - period - 1) & 3):
        decay *= keep
    i = 0
    while i < count:
        phase = (seen - period - 1) & 3
        if seen > period and phase == 0 and count - i >= 4:
            stop = count - (count - i) % 4
            gains, moves = _gain_share_blocks(values[i:stop], previous, keep, gains, moves, out[i:stop])
            previous = values[stop - 1]
            seen += stop - i
            i = stop
            continue
        step = values[i] - previous if seen else 0.0
        previous = values[i]
        up, size = step if step > 0.0 else 0.0, abs(step)
        if seen <= period:  # the seed
            gains += up
            moves += size
            out[i] = _share(gains, moves) if seen == period else np.nan
        else:  # one value of a block that begins or ends outside this chunk: the same operations
            gain = fma(keep, gain, up) if phase else up
            move = fma(keep, move, size) if phase else size
            decay = decay * keep if phase else keep
            gains_now, moves_now = fma(decay, gains, gain), fma(decay, moves, move)
            out[i] = _share(gains_now, moves_now)
            if phase == 3:
                gains, moves = gains_now, moves_now
        seen += 1
        i += 1
    memory[0], memory[1] = seen, previous
    memory[2], memory[3], memory[4], memory[5] = gains, moves, gain, move


@compiled
def _share(gains: float, moves: float) -> float:
    share = 100.0 * (gains / moves)  # divided in any case: a choice, not a branch
    return share if moves > VANISHED else np.nan


@compiled
def _gain_share_blocks(
    values: Array, previous: float, keep: float, gains: float, moves: float, out: Array
) -> tuple[float, float]:
    """Whole blocks of `gain_share`; the decayed sums after them."""
    keep2 = keep * keep
    keep3 = keep2 * keep
    keep4 = keep3 * keep
    value, share = values.reshape(len(values) // 4, 4), out.reshape(len(values) // 4, 4)
    for i in range(len(value)):
        one, two, three = value[i, 0] - previous, value[i, 1] - value[i, 0], value[i, 2] - value[i, 1]
        previous = value[i, 3]
        four = previous - value[i, 2]
        up0 = one if one > 0.0 else 0.0
        up1 = fma(keep, up0, two if two > 0.0 else 0.0)
        up2 = fma(keep, up1, three if three > 0.0 else 0.0)
        up3 = fma(keep, up2, four if four > 0.0 else 0.0)
        all0 = abs(one)
        all1 = fma(keep, all0, abs(two))
        all2 = fma(keep, all1, abs(three))
        all3 = fma(keep, all2, abs(four))
        share[i, 0] = _share(fma(keep, gains, up0), fma(keep, moves, all0))
        share[i, 1] = _share(fma(keep2, gains, up1), fma(keep2, moves, all1))
        share[i, 2] = _share(fma(keep3, gains, up2), fma(keep3, moves, all2))
        gains, moves = fma(keep4, gains, up3), fma(keep4, moves, all3)
        share[i, 3] = _share(gains, moves)
    return gains, moves
