"""Compiled building blocks: everything that is clever about speed lives here, so that an indicator stays
readable.

Every block works on a *chunk*: it reads the values, writes as many outputs, and keeps all that it must
remember in `memory`, a slice of the indicator's one state array that starts as zeros. A series fed whole,
in chunks of any length or candle by candle passes through the very same floating-point operations in the
same order, because the blocks of four (or of `period`) in which the work is done are aligned to the count
of values seen, never to the chunk. So the results are the same bits however a series is fed.

Undefined outputs (warm-up) are NaN; inputs must be finite. Nothing here is compiled with `fastmath`:
reordering or fusing would let two code paths differ.
"""

import hashlib
import math
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from toolkit import settings

Array = npt.NDArray[np.float64]

EMA_MEMORY = 3  # slots that `ema` needs
NOISE = 2.0**-44  # differences this small beside the price are rounding, not market
VANISHED = 1e-250  # averages of movement below this have decayed to nothing

_numba_config: Any = numba.config  # its settings are made at run time
_PACKAGE = Path(__file__).parent
TILE = 2048  # candles that a kernel works on at a time, so that its scratch stays in the first-level cache


def _cache_folder() -> Path:
    """Folder for compiled code, named after a hash of every module that holds some.

    Numba notices an edited kernel but not an edited *callee*; with the hash in the path an old result can't
    be loaded. Folders of other versions are dropped when unused for a month.
    """
    sources = [
        _PACKAGE / "kernels.py",
        _PACKAGE / "rules.py",
        *sorted((_PACKAGE / "indicators").glob("*.py")),
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources if path.exists())).hexdigest()[:16]
    root = settings.folder("kernels")
    folder = root / digest
    if not folder.exists():
        folder.mkdir(exist_ok=True)
        for other in root.iterdir():
            if other.is_dir() and other.stat().st_mtime < time.time() - 30 * 86_400:
                shutil.rmtree(other, ignore_errors=True)
    return folder


@contextmanager
def _numba_cache_in(folder: str) -> Iterator[None]:
    """Numba reads its cache folder while it decorates; other users of Numba in the process keep theirs."""
    before, _numba_config.CACHE_DIR = _numba_config.CACHE_DIR, folder
    try:
        yield
    finally:
        _numba_config.CACHE_DIR = before


P = ParamSpec("P")
R = TypeVar("R")
_PROCESS = uuid.uuid4().hex[:12]  # in the names of the files of compiled code that this process writes
_folder: list[str] = []  # the cache folder once it is known; [""] where none can be written


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile with Numba: without the GIL, IEEE exact, division by zero giving inf or NaN as in numpy.

    Functions of this package are cached on disk under `TOOLKIT_HOME`; a user's own (a notebook cell, a
    script) are compiled afresh in each process, since only here do we know when a callee has changed.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if _PACKAGE in Path(cast(Any, function).__code__.co_filename).parents:
        if not _folder:
            try:
                _folder.append(str(_cache_folder()))
            except (
                OSError,
                settings.SettingsError,
            ):  # a home that can't be written: all works, only the start is slower
                _folder.append("")
        if _folder[0]:
            with _numba_cache_in(_folder[0]):
                dispatcher: Any = numba.njit(cache=True, **options)(function)
            # Numba numbers the files of a function. Two processes that compile it at the same time for other
            # types would both take number 1, and later one's code be run in place of the other's.
            file = dispatcher._cache._cache_file
            file._data_name_pattern = file._data_name_pattern.replace("{number", f"{_PROCESS}-{{number")
            return cast(Callable[P, R], dispatcher)
    return cast(Callable[P, R], numba.njit(**options)(function))


@compiled
def ema(memory: Array, values: Array, period: int, alpha: float, out: Array) -> None:
    """Exponential mean `y += alpha * (x - y)`, seeded with the mean of the first `period` values.

    `out[i]` is NaN until `period` values were seen. `alpha = 2 / (period + 1)` is the usual EMA, `1 /
    period` Wilder's average. Memory: `EMA_MEMORY` slots (values seen, level, local mean). `out` may be
    `values` itself.

    A plain recurrence waits for its own last result at each value. Here each aligned block of four restarts
    a local mean from zero, and adds what the block began with, decayed: `y[j] = z[j] + (1 - alpha)**(j + 1)
    * level`.
    """
    seen, level, local = int(memory[0]), memory[1], memory[2]
    count = len(values)
    keep = 1.0 - alpha
    keep2 = keep * keep
    keep3 = keep2 * keep
    keep4 = keep3 * keep
    i = 0
    while i < count and seen < period:
        level += values[i]
        seen += 1
        if seen == period:
            level /= period
            out[i] = level
        else:
            out[i] = np.nan
        i += 1
    if i < count:
        phase = (seen - period) & 3
        seen += count - i
        while i < count and phase:  # the block that an earlier chunk began
            local = keep * local + alpha * values[i]
            if phase == 3:
                level = local + keep4 * level
                out[i] = level
            else:
                out[i] = local + (keep2 if phase == 1 else keep3) * level
            phase = (phase + 1) & 3
            i += 1
        for _ in range((count - i) // 4):
            z0 = alpha * values[i]
            z1 = keep * z0 + alpha * values[i + 1]
            z2 = keep * z1 + alpha * values[i + 2]
            z3 = keep * z2 + alpha * values[i + 3]
            out[i] = z0 + keep * level
            out[i + 1] = z1 + keep2 * level
            out[i + 2] = z2 + keep3 * level
            level = z3 + keep4 * level
            out[i + 3] = level
            i += 4
        if i < count:  # begin a block that a later chunk will end
            local = alpha * values[i]
            out[i] = local + keep * level
            if i + 1 < count:
                local = keep * local + alpha * values[i + 1]
                out[i + 1] = local + keep2 * level
            if i + 2 < count:
                local = keep * local + alpha * values[i + 2]
                out[i + 2] = local + keep3 * level
    memory[0], memory[1], memory[2] = seen, level, local


def rolling_mean_memory(period: int) -> int:
    """Slots of memory that `rolling_mean` needs."""
    return 2 + 2 * (period + 1)


@compiled
def rolling_mean(memory: Array, values: Array, period: int, out: Array) -> None:
    """Mean of the last `period` values; NaN until there are so many. Memory: `rolling_mean_memory(period)`
    slots.

    The window reaches over two aligned blocks of `period` values: the end of the last block, whose sums
    from the back were laid down when it was full, and the beginning of this one. Sums are only ever added
    to, so nothing drifts and nothing cancels, and the cost does not depend on `period`.
    """
    seen, total = int(memory[0]), memory[1]
    block = memory[2 : 3 + period]  # this block's values
    behind = memory[
        3 + period : 4 + 2 * period
    ]  # behind[j]: sum of the last block's values from j on; [period] is 0
    share = 1.0 / period
    done = 0
    while done < len(values):
        at = seen % period
        steps = min(period - at, len(values) - done)
        value, mean = values[done : done + steps], out[done : done + steps]
        now, before = block[at : at + steps], behind[at + 1 : at + 1 + steps]
        for j in range(steps):
            now[j] = value[j]
            total += value[j]
            mean[j] = (before[j] + total) * share
        mean[: max(0, period - 1 - seen)] = np.nan
        done += steps
        seen += steps
        if at + steps == period:
            total = 0.0
            for j in range(period - 1, 0, -1):
                total += block[j]
                behind[j] = total
            total = 0.0
    memory[0], memory[1] = seen, total


def rolling_mean_std_memory(period: int) -> int:
    """Slots of memory that `rolling_mean_std` needs."""
    return 4 + 4 * (period + 1)


@compiled
def rolling_mean_std(memory: Array, values: Array, period: int, mean: Array, std: Array) -> None:
    """Mean and population standard deviation of the last `period` values; NaN until there are so many.

    Memory: `rolling_mean_std_memory(period)` slots. Sums over two aligned blocks as in `rolling_mean`, of
    deviations from the value that ended the last block: near the window's own level, so that prices of any
    size keep their digits. Where the deviation is still tiny beside its distance from that value (a market
    that went flat), the window is summed once more around its own last value, so a constant window has
    deviation 0 exactly.
    """
    seen, reference, total, square = int(memory[0]), memory[1], memory[2], memory[3]
    size = period + 1
    block, last = memory[4 : 4 + size], memory[4 + size : 4 + 2 * size]
    behind, behind2 = memory[4 + 2 * size : 4 + 3 * size], memory[4 + 3 * size : 4 + 4 * size]
    share = 1.0 / period
    done = 0
    if seen == 0 and len(values):
        reference = values[0]
    while done < len(values):
        at = seen % period
        steps = min(period - at, len(values) - done)
        # Views of this stretch: Numba then knows that the indices are in bounds, and uses SIMD.
        value, now = values[done : done + steps], block[at : at + steps]
        centre, deviation = mean[done : done + steps], std[done : done + steps]
        before, before2 = behind[at + 1 : at + 1 + steps], behind2[at + 1 : at + 1 + steps]
        for j in range(steps):
            now[j] = value[j]
            away = value[j] - reference
            total += away
            square += away * away
            centre[j] = total
            deviation[j] = square
        doubtful = 0
        for j in range(steps):
            offset = (centre[j] + before[j]) * share
            scale = (deviation[j] + before2[j]) * share
            variance = scale - offset * offset
            centre[j] = reference + offset
            deviation[j] = math.sqrt(variance if variance > 0.0 else 0.0)
            doubtful += 1 if variance < 1e-5 * scale else 0
        if doubtful:
            for j in range(steps):
                _recompute_flat(block, last, at + j, period, reference, centre, deviation, j)
        centre[: max(0, period - 1 - seen)] = np.nan
        deviation[: max(0, period - 1 - seen)] = np.nan
        done += steps
        seen += steps
        if at + steps == period:
            reference = block[period - 1]
            total = square = 0.0
            for j in range(period - 1, 0, -1):
                away = block[j] - reference
                total += away
                square += away * away
                behind[j] = total
                behind2[j] = square
            last[:period] = block[:period]
            total = square = 0.0
    memory[0], memory[1], memory[2], memory[3] = seen, reference, total, square


@compiled
def _recompute_flat(
    block: Array, last: Array, at: int, period: int, reference: float, mean: Array, std: Array, i: int
) -> None:
    """Two passes over the window that ends at `block[at]`, if its deviation is doubtful; see
    `rolling_mean_std`.

    The bound lies well under the caller's, so that a value is done again or not whatever chunk it came in.
    """
    away = mean[i] - reference
    if std[i] * std[i] >= 5e-6 * (std[i] * std[i] + away * away):
        return
    centre = block[at]
    total = 0.0
    for j in range(at + 1, period):
        total += last[j] - centre
    for j in range(at + 1):
        total += block[j] - centre
    offset = total / period
    square = 0.0
    for j in range(at + 1, period):
        square += (last[j] - centre - offset) ** 2
    for j in range(at + 1):
        square += (block[j] - centre - offset) ** 2
    mean[i] = centre + offset
    std[i] = math.sqrt(square / period)
