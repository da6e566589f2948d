"""The last so many values: what they were."""

import numpy as np

from toolkit.kernels.compiling import compiled, shared, unowned
from toolkit.kernels.constants import Array


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
