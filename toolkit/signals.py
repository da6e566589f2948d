"""Signals: what an indicator says at the close of a candle, kept in columns and read like a list."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True, slots=True)
class IndicatorSignal:
    """One signal. It is known at `known_at`, the close of its candle, never before, and never changes
    afterwards.

    `timestamp` is the candle's `open_time`; both are UTC (NaT where the candle's time or timeframe is not
    known). `confidence` is a strength in [0, 1] read off the candle itself (see `toolkit.rules.Rule`), not
    a probability: `probability` is None until somebody has measured one.
    """

    name: str
    timestamp: pd.Timestamp
    known_at: pd.Timestamp
    signal_type: str
    value: float
    confidence: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    probability: float | None = None


class Signals(Sequence[IndicatorSignal]):
    """The signals of one indicator in the order in which they became known, columnar inside.

    Indexing gives an `IndicatorSignal`, slicing gives `Signals`. Columns, all of one length and not to be
    written to: `position` (int64 row of the candle in the frame; counted from the first candle of the run
    when streaming), `timestamp` and `known_at` (UTC `DatetimeIndex`), `value` and `confidence` (float64),
    `rule` (which of `rules` fired), and `metadata`, a dict of float64 columns with the numbers that were
    compared. `rules` holds a pair `(signal_type, text)` for each rule of the indicator.
    """

    __slots__ = (
        "confidence",
        "known_at",
        "metadata",
        "name",
        "position",
        "rule",
        "rules",
        "timestamp",
        "value",
    )

    def __init__(
        self,
        name: str,
        rules: Sequence[tuple[str, str]],
        rule: npt.NDArray[np.int64],
        position: npt.NDArray[np.int64],
        timestamp: pd.DatetimeIndex,
        known_at: pd.DatetimeIndex,
        value: npt.NDArray[np.float64],
        confidence: npt.NDArray[np.float64],
        metadata: Mapping[str, npt.NDArray[np.float64]],
    ) -> None:
        self.name = name
        self.rules = tuple(rules)
        self.rule = rule
        self.position = position
        self.timestamp = timestamp
        self.known_at = known_at
        self.value = value
        self.confidence = confidence
        self.metadata = dict(metadata)

    @property
    def signal_type(self) -> npt.NDArray[np.object_]:
        """The type of each signal, an array of str."""
        return np.array([kind for kind, _ in self.rules], dtype=object)[self.rule]

    def __len__(self) -> int:
        return len(self.position)

    def _select(self, rows: Any) -> "Signals":
        return Signals(
            self.name,
            self.rules,
            self.rule[rows],
            self.position[rows],
            self.timestamp[rows],
            self.known_at[rows],
            self.value[rows],
            self.confidence[rows],
            {key: column[rows] for key, column in self.metadata.items()},
        )

    def moved(self, position: npt.NDArray[np.int64], known_at: pd.DatetimeIndex) -> "Signals":
        """The same signals at other rows, known at other times: those of larger candles, as shorter ones see
        them.
        """
        moved = self._select(slice(None))
        moved.position, moved.known_at = position, known_at
        return moved

    @overload
    def __getitem__(self, index: int) -> IndicatorSignal: ...
    @overload
    def __getitem__(self, index: slice) -> "Signals": ...
    def __getitem__(self, index: int | slice) -> "IndicatorSignal | Signals":
        if isinstance(index, slice):
            return self._select(index)
        signal_type, text = self.rules[self.rule[index]]
        compared = {key: float(column[index]) for key, column in self.metadata.items()}
        return IndicatorSignal(
            name=self.name,
            timestamp=self.timestamp[index],
            known_at=self.known_at[index],
            signal_type=signal_type,
            value=float(self.value[index]),
            confidence=float(self.confidence[index]),
            # NaN means that the rule that fired here does not look at this number
            metadata={"rule": text, **{key: number for key, number in compared.items() if number == number}},
        )

    def __iter__(self) -> Iterator[IndicatorSignal]:
        for index in range(len(self)):
            yield self[index]

    def of_type(self, *signal_types: str) -> "Signals":
        """Only the signals of these types."""
        wanted = [code for code, (kind, _) in enumerate(self.rules) if kind in signal_types]
        return self._select(np.isin(self.rule, wanted))

    def to_frame(self) -> pd.DataFrame:
        """A `DataFrame` with a row a signal: `name`, `timestamp`, `known_at`, `signal_type`, `value`,
        `confidence` and a column for each number in `metadata` (NaN where the rule does not look at it).
        """
        return pd.DataFrame(
            {
                "name": np.full(len(self), self.name, dtype=object),
                "timestamp": self.timestamp,
                "known_at": self.known_at,
                "signal_type": self.signal_type,
                "value": self.value,
                "confidence": self.confidence,
                **self.metadata,
            }
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Signals):
            return NotImplemented
        return (
            self.name == other.name
            and np.array_equal(self.position, other.position)
            and self.timestamp.equals(other.timestamp)
            and self.known_at.equals(other.known_at)
            and self.rules == other.rules
            and np.array_equal(self.rule, other.rule)
            and np.array_equal(self.value, other.value)
            and np.array_equal(self.confidence, other.confidence)
            and self.metadata.keys() == other.metadata.keys()
            and all(np.array_equal(c, other.metadata[k], equal_nan=True) for k, c in self.metadata.items())
        )

    __hash__ = None  # type: ignore[assignment]  # mutable arrays inside

    def __repr__(self) -> str:
        if not len(self):
            return f"<Signals {self.name}: none>"
        counts = np.bincount(self.rule, minlength=len(self.rules))
        listed = ", ".join(
            f"{count} {kind}" for count, (kind, _) in zip(counts, self.rules, strict=True) if count
        )
        return f"<Signals {self.name}: {listed}, {self.timestamp[0]} to {self.timestamp[-1]}>"


def grown(before: Mapping[str, Signals], now: Mapping[str, Signals]) -> dict[str, Signals] | None:
    """The signals that came since, where all that there were before are still there; else None."""
    if list(before) != list(now):
        return None
    more = {}
    for label, found in now.items():
        known = len(before[label])
        old = found[:known] if known < len(found) else found
        if before[label] is not found and before[label] != old:
            return None
        more[label] = found[known:]
    return more


def concatenate(parts: Sequence[Signals]) -> Signals:
    """Join the signals of consecutive chunks of one run. At least one part is needed."""
    if not parts:
        raise ValueError("concatenate: at least one part is needed, got none")
    first = parts[0]
    return Signals(
        first.name,
        first.rules,
        np.concatenate([p.rule for p in parts]),
        np.concatenate([p.position for p in parts]),
        pd.DatetimeIndex(first.timestamp.append([p.timestamp for p in parts[1:]])),
        pd.DatetimeIndex(first.known_at.append([p.known_at for p in parts[1:]])),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.confidence for p in parts]),
        {key: np.concatenate([p.metadata[key] for p in parts]) for key in first.metadata},
    )
