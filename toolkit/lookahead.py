"""Does a value change after its candle closed? Recomputes on shorter histories, and names the first that did.

What was known at a candle can only depend on the candles up to it. So whatever is calculated on the whole
history must come out the same, up to any candle, on the history that ends there. A shift the wrong way, a
centred window, statistics of the whole series, a larger candle labelled at its beginning and a pivot that is
drawn once the turn is known all break this, and all look splendid in a backtest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.signals import Signals

__all__ = ["Audit", "Change", "LookAheadError", "audit"]

Array = npt.NDArray[np.float64]
_CUTS = 24


class LookAheadError(ValueError):
    """A value of the past depends on candles that came after it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that changed after its candle had closed."""

    column: str
    position: int
    """Row of the candle."""
    open_time: Any
    """Its entry in the index of the candles."""
    known: Any
    """What was calculated from the first `seen` candles."""
    later: Any
    """What is calculated from all of them."""
    seen: int
    """How many candles there were when the value was still another: it reads at least
    `seen - position` candles ahead."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found. True where nothing of the past changed."""

    name: str
    candles: int
    cuts: tuple[int, ...]
    """The lengths of history that were compared with the whole."""
    change: Change | None
    """The change at the earliest candle, or None."""
    changed: int
    """How many values changed, over all the histories compared."""

    def __bool__(self) -> bool:
        return self.change is None

    def __str__(self) -> str:
        if self.change is None:
            return (
                f"{self.name}: nothing of the past changed ({len(self.cuts)} histories of up to "
                f"{self.candles} candles compared)"
            )
        c = self.change
        return (
            f"{self.name} looks ahead: {c.column} of the candle {c.open_time} (row {c.position}) was "
            f"{c.known} when {c.seen} candles were known, and is {c.later} with all {self.candles}; "
            f"{self.changed} values changed in {len(self.cuts)} histories"
        )

    def raise_for_look_ahead(self) -> None:
        """Raise `LookAheadError` where something changed."""
        if self.change is not None:
            raise LookAheadError(str(self))


def audit(
    subject: Any,
    klines: pd.DataFrame,
    *,
    cuts: int | list[int] = _CUTS,
    tolerance: float = 1e-12,
) -> Audit:
    """Whether values of the past depend on later candles.

    Args:
        subject: an indicator or a pipeline (values and signals are compared), or a function that takes
            candles and gives a frame, series or array with a row a candle, or a mapping of those; `Signals`;
            or a boolean series or a list of times at which something happens.
        klines: the candles; never changed.
        cuts: how many shorter histories to compare, spread over the whole and beginning early, or their
            lengths. Every one but the last few candles costs a calculation.
        tolerance: differences this small beside the value are rounding of the function's own.

    Returns:
        An `Audit`: true where nothing changed, else it names the first candle whose value did.

    Raises:
        ValueError: there are fewer than 3 candles, a cut lies outside them, or the subject itself fails on
            one of the histories (then give longer ones).
        TypeError: what the function gives has no row for each candle.
    """
    name, calculate = _subject(subject)
    lengths = _lengths(cuts, len(klines))
    whole = _columns(_calculated(name, calculate, klines), klines)
    found: list[Change] = []
    changed = 0
    for length in lengths:
        past = klines.iloc[:length]
        known = _columns(_calculated(name, calculate, past), past)
        for column in dict.fromkeys((*known, *whole)):
            before, after = (_rows(values.get(column), length) for values in (known, whole))
            rows = np.flatnonzero(_differs(before, after, tolerance))
            changed += len(rows)
            if len(rows):
                first = int(rows[0])
                found.append(
                    Change(
                        column,
                        first,
                        klines.index[first],
                        _plain(before[first]),
                        _plain(after[first]),
                        length,
                    )
                )
    first_change = min(found, key=lambda change: (change.position, change.seen), default=None)
    return Audit(name, len(klines), tuple(lengths), first_change, changed)


def _calculated(name: str, calculate: Callable[[pd.DataFrame], Any], klines: pd.DataFrame) -> Any:
    try:
        return calculate(klines.copy())
    except Exception as error:
        raise ValueError(f"audit: {name} fails on the first {len(klines)} candles: {error}") from error


def _subject(subject: Any) -> tuple[str, Callable[[pd.DataFrame], Any]]:
    if hasattr(subject, "calculate"):
        signals = getattr(subject, "get_all_signals", None) or (
            lambda klines: {"": subject.get_signals(klines)}
        )

        def both(klines: pd.DataFrame) -> dict[str, Any]:
            values = subject.calculate(klines)
            made = values.drop(columns=[name for name in klines.columns if name in values.columns])
            return {"": made, **{f"{label} signals".strip(): s for label, s in signals(klines).items()}}

        return repr(subject), both
    if not callable(subject):
        raise TypeError(
            f"audit: {subject!r} is neither an indicator, nor a pipeline, nor a function of candles"
        )
    return getattr(subject, "__name__", repr(subject)), subject


def _lengths(cuts: int | list[int], count: int) -> list[int]:
    if count < 3:
        raise ValueError(f"audit: {count} candles are too few; give at least 3")
    if isinstance(cuts, int):
        if cuts < 1:
            raise ValueError(f"audit: cuts={cuts} is not allowed: it must be at least 1")
        # the last ones side by side, so that a single candle's look ahead meets every kind of candle;
        # the others on no grid, so that days and hours are cut within
        tail = min(cuts // 3, count - 2)
        spread = np.geomspace(min(max(2, count // 50), count - 1), count - 1, cuts - tail)
        return sorted({*(int(length) for length in spread), *range(count - tail, count)})
    for length in cuts:
        if not 1 <= length < count:
            raise ValueError(f"audit: a cut at {length} is not allowed: it must be from 1 to {count - 1}")
    return sorted(set(cuts))


def _columns(result: Any, klines: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """What was calculated, as arrays with a row a candle, by name."""
    if isinstance(result, Signals):
        return _signals(result, len(klines))
    if isinstance(result, Mapping):
        found: dict[str, npt.NDArray[Any]] = {}
        for name, part in result.items():
            for column, values in _columns(part, klines).items():
                found[" ".join(filter(None, (str(name), column)))] = values
        return found
    if isinstance(result, pd.DataFrame):
        return {str(name): _aligned(result[name], klines) for name in result.columns}
    if isinstance(result, pd.Series):
        return {str(result.name or "value"): _aligned(result, klines)}
    if isinstance(result, (list, tuple, pd.Index)):  # when something happens
        happens = np.zeros(len(klines))
        places = klines.index.get_indexer(pd.Index(result))
        if (places < 0).any():
            raise TypeError(
                "audit: the function gives a list in which not every entry is the time of a candle"
            )
        happens[places] = 1.0
        return {"events": happens}
    values = np.asarray(result)
    if values.ndim == 2 and len(values) == len(klines):
        return {f"column {i}": values[:, i] for i in range(values.shape[1])}
    if values.shape != (len(klines),):
        raise TypeError(
            f"audit: the function gives {type(result).__name__} of shape {values.shape}, without a row for "
            f"each of the {len(klines)} candles"
        )
    return {"value": values}


def _aligned(series: "pd.Series[Any]", klines: pd.DataFrame) -> npt.NDArray[Any]:
    """A row a candle; candles that the series leaves out are undefined."""
    if len(series) == len(klines) and (
        series.index.equals(klines.index) or isinstance(series.index, pd.RangeIndex)
    ):
        return series.to_numpy()
    if not series.index.isin(klines.index).all():
        raise TypeError(f"audit: {series.name!r} has rows that are no candles")
    return series.reindex(klines.index).to_numpy()


def _signals(signals: Signals, count: int) -> dict[str, npt.NDArray[Any]]:
    """For each rule, the confidence where it fired and -1 elsewhere: a signal that comes or goes is seen."""
    found = {}
    for number, (kind, text) in enumerate(signals.rules):
        fired = np.full(count, -1.0)
        mine = signals.rule == number
        fired[signals.position[mine]] = signals.confidence[mine]
        found[f"{kind} ({text})"] = fired
    return found


def _rows(values: npt.NDArray[Any] | None, length: int) -> npt.NDArray[Any]:
    return np.full(length, np.nan) if values is None else values[:length]


def _differs(before: npt.NDArray[Any], after: npt.NDArray[Any], tolerance: float) -> npt.NDArray[np.bool_]:
    """Where two arrays differ; undefined equals undefined."""
    same: npt.NDArray[np.bool_]
    if before.dtype.kind in "biuf" and after.dtype.kind in "biuf":
        one, other = before.astype(np.float64), after.astype(np.float64)
        with np.errstate(invalid="ignore"):
            near = np.abs(one - other) <= tolerance * np.maximum(np.abs(one), np.abs(other))
        same = (np.isnan(one) & np.isnan(other)) | near | (one == other)
    else:
        same = np.asarray((pd.isna(before) & pd.isna(after)) | (before == after), dtype=np.bool_)
    return ~same


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
