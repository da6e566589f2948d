"""What the chart sends to the browser: float64 columns, whole, in part, or as the buckets in view."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.candles import timeframe_of
from toolkit.signals import Signals

Array = npt.NDArray[np.float64]

CANDLE_COLUMNS = ("open", "high", "low", "close", "volume")
BUY, SELL, OTHER = range(3)  # groups of markers


@dataclass(slots=True)
class Column:
    """One series, a value a candle, and how often it was replaced."""

    values: Array
    version: int = 0
    room: Array = field(default_factory=lambda: np.empty(0))  # memory of its own, once it has grown

    def write(self, start: int, rows: Array) -> None:
        """Put rows at `start`, which is no further than the end; they are the last ones then."""
        end = start + len(rows)
        if end > len(self.room):
            room = np.empty(end + max(1024, end // 4))
            room[:start] = self.values[:start]
            self.room = room
        self.room[start:end] = rows
        self.values = self.room[:end]


@dataclass(slots=True)
class Columns:
    """Candles and indicator columns of one chart, by name; all of one length. `epoch` counts the candles
    shown so far. Where the last candle is `forming`, it has not closed and is replaced by what comes next.
    """

    epoch: int = 0
    step: float = 0.0  # milliseconds between candles
    forming: bool = False
    held: dict[str, Column] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many candles there are."""
        return len(self.held["time"].values) if self.held else 0

    @property
    def closed(self) -> int:
        """How many of them have closed."""
        return self.length - self.forming

    def replace_candles(self, klines: pd.DataFrame) -> None:
        """Take the candles of a new frame; every other column is forgotten.

        Raises `ValueError` where a column is missing or the index does not hold times.
        """
        missing = [name for name in CANDLE_COLUMNS if name not in klines.columns]
        if missing:
            raise ValueError(
                f"Chart.show: klines lack {', '.join(missing)}; needed: {', '.join(CANDLE_COLUMNS)}"
            )
        if not isinstance(klines.index, pd.DatetimeIndex):
            raise ValueError(
                "Chart.show: klines must have a DatetimeIndex of opening times, "
                f"not {type(klines.index).__name__}"
            )
        times = klines.index.as_unit("ms").asi8.astype(np.float64)
        step = timeframe_of(klines)
        self.epoch += 1
        self.step = step.total_seconds() * 1000 if step is not None else 1.0
        self.forming = False
        self.held = {"time": Column(times)}
        for name in CANDLE_COLUMNS:
            self.held[name] = Column(np.ascontiguousarray(klines[name].to_numpy(np.float64)))

    def put(self, name: str, values: Array) -> None:
        """Add or replace a column. Raises `ValueError` where its length is not that of the candles; one that
        still forms may be left out.
        """
        values = np.ascontiguousarray(values, dtype=np.float64)
        if self.forming and values.shape == (self.closed,):
            values = np.append(values, np.nan)
        if values.shape != (self.length,):
            raise ValueError(
                f"Chart.plot: {name} has shape {values.shape}; the candles need ({self.length},)"
            )
        old = self.held.get(name)
        self.held[name] = Column(values, old.version + 1 if old else 1)

    def extend(self, rows: Mapping[str, Array], *, forming: bool) -> int:
        """Add rows after the last closed candle, a value of each column; returns where they begin.

        Raises `ValueError` where a column has none or another number of them, or where the times do not go
        on.
        """
        start, times = self.closed, rows["time"]
        for name in self.held:
            if name not in rows or rows[name].shape != times.shape:
                shape = rows[name].shape if name in rows else "no values"
                raise ValueError(f"Chart.extend: {name} has {shape}; the new candles need {times.shape}")
        before = self.held["time"].values[start - 1] if start else -np.inf
        if not (np.diff(times, prepend=before) > 0).all():
            raise ValueError(f"Chart.extend: the new candles do not follow the last one, row {start - 1}")
        for name, column in self.held.items():
            column.write(start, rows[name])
        self.forming = forming and len(times) > 0
        return start

    def rewind(self, length: int) -> None:
        """Keep only the first candles. Raises `ValueError` where there are not so many."""
        if not 0 <= length <= self.closed:
            raise ValueError(
                f"Chart.rewind: length={length} is not allowed: there are {self.closed} closed candles"
            )
        for column in self.held.values():
            column.values = column.values[:length]
        self.forming = False

    def rows(self, names: list[str], start: int, end: int) -> tuple[list[tuple[str, int]], list[memoryview]]:
        """Columns `names` from row `start` to `end`: `[(name, version)]` and their bytes."""
        listed = [(name, self.held[name].version) for name in names if name in self.held]
        return listed, [self.held[name].values[start:end].data for name, _ in listed]


def buckets(values: Array, level: int, start: int, end: int) -> tuple[Array, Array]:
    """The least and greatest value in buckets `[start, end)` of `2**level` candles each, counted from candle
    0.

    NaN counts only where a bucket holds nothing else. Level 0 gives the values themselves, twice.
    """
    size = 1 << level
    rows = values[start * size : end * size]
    if level == 0 or not len(rows):
        return rows, rows
    starts = np.arange(0, len(rows), size)
    return np.fmin.reduceat(rows, starts), np.fmax.reduceat(rows, starts)


class SignalColumns(NamedTuple):
    """All signals by row, in arrays of one length, in the order in which `js/feed.js` reads them; `rule` is
    a place in the list that comes with them.
    """

    position: npt.NDArray[np.int32]
    group: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float32]
    rule: npt.NDArray[np.int32]
    value: Array


def signal_columns(
    signals: Mapping[str, Signals],
) -> tuple[list[tuple[str, str, str, int]], SignalColumns]:
    """The rules (label, type, text, number within the indicator) and the signals that they gave."""
    rules: list[tuple[str, str, str, int]] = []
    parts: list[SignalColumns] = []
    for label, found in signals.items():
        kinds = [{"BUY": BUY, "SELL": SELL}.get(kind, OTHER) for kind, _ in found.rules]
        parts.append(
            SignalColumns(
                found.position.astype(np.int32),
                np.array(kinds, np.uint8)[found.rule],
                found.confidence.astype(np.float32),
                (found.rule + len(rules)).astype(np.int32),
                np.ascontiguousarray(found.value, np.float64),
            )
        )
        rules += [(label, kind, text, number) for number, (kind, text) in enumerate(found.rules)]
    if not parts:
        none = np.empty(0, np.int32)
        return rules, SignalColumns(
            none, none.astype(np.uint8), none.astype(np.float32), none, none.astype(np.float64)
        )
    order = np.argsort(np.concatenate([part.position for part in parts]), kind="stable")
    return rules, SignalColumns(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))
