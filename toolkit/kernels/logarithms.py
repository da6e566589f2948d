"""Logarithms with the same bits for one value as for many, which a library's need not have."""

import math

import numpy as np

from toolkit.kernels.compiling import compiled, unowned
from toolkit.kernels.constants import Array

LOG_CHANGE_MEMORY = 2  # slots that `log_change` needs
_MOST_ROOTS = 16  # the largest number divided by the least needs 14
_NEAR = 0.1  # up to here, a value 1.22 times the one before, eight terms of the series are all that count


@compiled
def log_change(memory: Array, values: Array, out: Array) -> None:
    """Logarithm of this value divided by the one before it; NaN for the first, and where either is not
    positive. Memory: `LOG_CHANGE_MEMORY` slots. `out` is not `values`.

    By the series of `log(b / a) = 2 * artanh((b - a) / (b + a))`, which loses no digits where the change is
    small.
    """
    memory, values, out = unowned(memory), unowned(values), unowned(out)
    if not len(values):
        return
    before = memory[1] if memory[0] != 0.0 else np.nan
    out[0] = (values[0] - before) / (values[0] + before)
    now, last, share = values[1:], values[: len(values) - 1], out[1:]
    for i in range(len(share)):
        share[i] = (now[i] - last[i]) / (now[i] + last[i])
    far = 0
    for i in range(len(out)):
        far += 0 if abs(out[i]) <= _NEAR and values[i] > 0.0 else 1
        out[i] = _twice_artanh(out[i])
    for i in range(len(out) if far else 0):
        earlier = values[i - 1] if i else before
        if not (abs((values[i] - earlier) / (values[i] + earlier)) <= _NEAR and values[i] > 0.0):
            out[i] = _log_of_far(earlier, values[i])
    memory[0], memory[1] = 1.0, values[-1]


@compiled
def _twice_artanh(x: float) -> float:
    y = x * x
    tail = y * (1 / 9 + y * (1 / 11 + y * (1 / 13 + y * (1 / 15))))
    return 2.0 * (x + x * y * (1 / 3 + y * (1 / 5 + y * (1 / 7 + tail))))


@compiled
def _log_of_far(earlier: float, later: float) -> float:
    """As `log_change`, of two values that lie far apart: roots are exact to the last bit, and bring them
    near. Of infinite values NaN.
    """
    if not (earlier > 0.0 and later > 0.0):
        return np.nan
    ratio, times = math.sqrt(later) / math.sqrt(earlier), 2.0
    for _ in range(_MOST_ROOTS):
        if abs(ratio - 1.0) <= _NEAR:
            break
        ratio, times = math.sqrt(ratio), 2.0 * times
    return times * _twice_artanh((ratio - 1.0) / (ratio + 1.0))
