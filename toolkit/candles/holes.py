"""Where candles are missing, and where there was no volume."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.candles.report import Gap, Stretch
from toolkit.candles.times import to_index

__all__ = ["find_gaps", "find_stretches", "quiet_runs"]

_LISTED = 20
"""Stretches without volume that a report lists."""

_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Millis = np.ndarray[Any, np.dtype[np.int64]]


def find_gaps(millis: _Millis, step: int) -> tuple[Gap, ...]:
    """Where sorted open times (ms) are more than ``step`` apart."""
    steps = np.diff(millis)
    (places,) = np.nonzero(steps > step)
    missing = (steps[places] // step - 1).tolist()
    return tuple(map(Gap, to_index(millis[places]), to_index(millis[places + 1]), missing))


def quiet_runs(
    millis: _Millis, volume: _Floats, step: int
) -> tuple[np.ndarray[Any, np.dtype[np.intp]], np.ndarray[Any, np.dtype[np.intp]]]:
    """First and last position of each run of candles without volume; a gap ends a run."""
    quiet = np.flatnonzero(volume == 0)
    ends = np.flatnonzero((np.diff(quiet) > 1) | (np.diff(millis[quiet]) > step))
    if not len(quiet):
        return quiet, quiet
    return quiet[np.r_[0, ends + 1]], quiet[np.r_[ends, len(quiet) - 1]]


def find_stretches(millis: _Millis, volume: _Floats, step: int) -> tuple[Stretch, ...]:
    """The longest runs of at least two candles without volume, in order of time."""
    first, last = quiet_runs(millis, volume, step)
    lengths = last - first + 1
    chosen = np.argsort(-lengths, kind="stable")[:_LISTED]
    chosen = np.sort(chosen[lengths[chosen] > 1])
    runs = to_index(millis[first[chosen]]), to_index(millis[last[chosen]]), lengths[chosen].tolist()
    return tuple(map(Stretch, *runs))
