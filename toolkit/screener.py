"""Many pairs at once: the latest value and signal of every indicator, a row a pair."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.candles import SYMBOLS, is_synthetic
from toolkit.loader import KLineDataLoader, LoadError
from toolkit.pipeline import IndicatorPipeline

__all__ = ["Screen", "screen"]

Progress = Callable[[int, int, str], object]


@dataclass(frozen=True)
class Screen:
    """What :func:`screen` found."""

    table: pd.DataFrame
    """A row a pair, sorted by symbol. Columns: ``time`` (open time of the newest candle), ``close``,
    ``change`` (of the close over the recent candles, in percent), each output of the pipeline at the newest
    candle, for each label ``LABEL signal`` (type of its newest signal, empty where none is recent) and
    ``LABEL age`` (candles since then, 0 for the newest), and ``synthetic``."""
    closes: dict[str, npt.NDArray[np.float64]]
    """The recent closes of each pair, oldest first."""
    failures: dict[str, str]
    """Why, for each pair that could not be loaded."""

    def pick(self, columns: Iterable[str]) -> Screen:
        """The same with these columns only, in this order; ``synthetic`` always stays.

        Raises:
            KeyError: there is no such column.
        """
        return replace(self, table=self.table[list(dict.fromkeys([*columns, "synthetic"]))])


def screen(
    pipeline: IndicatorPipeline,
    timeframe: str = "1h",
    symbols: Iterable[str] | None = None,
    *,
    recent: int = 24,
    source: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Screen:
    """Run a pipeline over many pairs and keep what is newest.

    Indicators see each pair's whole history, one pair at a time, so the values are those of
    ``pipeline.calculate`` and of the chart. Candles are counted, not hours: where some are missing, recent
    ones reach further back. All pairs are of one source, never some real and some synthetic.

    Args:
        pipeline: what to calculate.
        timeframe: ``"15m"``, ``"1h"`` or ``"1d"``.
        symbols: which pairs; None: all 38 that the source has.
        recent: candles that count as recent, at least 1.
        source: as in :meth:`KLineDataLoader.load_klines`.
        progress: called with pairs done, pairs in all and the next pair's name, lastly with an empty name.

    Raises:
        ValueError: ``recent`` is no whole number above zero.
        CandleError: ``timeframe`` or ``symbols`` is wrong.
        LoadError: a pair that was named cannot be loaded, or none of all.
        PipelineError: an indicator failed.
    """
    if isinstance(recent, bool) or not isinstance(recent, (int, np.integer)) or recent < 1:
        raise ValueError(f"screen: recent={recent!r} is not allowed: it must be a whole number from 1")
    origin, wanted, failures = _source(timeframe, symbols, source)
    rows: dict[str, dict[str, Any]] = {}
    closes: dict[str, npt.NDArray[np.float64]] = {}
    for done, symbol in enumerate(wanted):
        if progress is not None:
            progress(done, len(wanted), symbol)
        klines = KLineDataLoader.load_klines(symbol, timeframe, source=origin)
        rows[symbol] = _row(pipeline, klines, recent)
        closes[symbol] = klines["close"].to_numpy()[-recent - 1 :].copy()
    if progress is not None:
        progress(len(wanted), len(wanted), "")
    return Screen(pd.DataFrame.from_dict(rows, orient="index").rename_axis("symbol"), closes, failures)


def _source(
    timeframe: str, symbols: Iterable[str] | None, source: str | os.PathLike[str] | None
) -> tuple[str, list[str], dict[str, str]]:
    """One source for all pairs, those that it has, and why the others cannot be had."""
    failures: dict[str, str] = {}
    try:
        newest = KLineDataLoader.load_multiple(
            list(SYMBOLS) if symbols is None else symbols, timeframe, last=1, source=source
        )
    except LoadError as error:
        there = [symbol for symbol in SYMBOLS if symbol not in error.failures]
        if symbols is not None or not there:
            raise
        failures = {symbol: str(reason) for symbol, reason in error.failures.items()}
        newest = KLineDataLoader.load_multiple(there, timeframe, last=1, source=source)
    return str(next(iter(newest.values())).attrs["source"]), sorted(newest), failures


def _row(pipeline: IndicatorPipeline, klines: pd.DataFrame, recent: int) -> dict[str, Any]:
    frame = pipeline.calculate(klines)
    close = klines["close"].to_numpy()
    row: dict[str, Any] = {
        "time": klines.index[-1],
        "close": close[-1],
        "change": 100 * (close[-1] / close[-recent - 1] - 1) if len(close) > recent else np.nan,
    }
    for label in pipeline.indicators:
        for column in pipeline.columns(label).values():
            row[column] = frame[column].iloc[-1]
    for label, signals in pipeline.get_all_signals(klines).items():
        age = len(klines) - 1 - int(signals.position[-1]) if len(signals) else recent
        fresh = age < recent
        row[f"{label} signal"] = signals[-1].signal_type if fresh else ""
        row[f"{label} age"] = float(age) if fresh else np.nan
    row["synthetic"] = is_synthetic(klines)
    return row
