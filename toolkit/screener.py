"""Many pairs at once: the latest value and signal of every indicator, a row a pair."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit import settings
from toolkit.candles import SYMBOLS, CandleError, find_symbol, find_timeframe, is_synthetic
from toolkit.loader import KLineDataLoader, LoadError
from toolkit.pipeline import IndicatorPipeline
from toolkit.sources import SourceError

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
    ones reach further back. All pairs are of one source, never some real and some synthetic: with ``"auto"``
    they are real if every one can be had from the hub, else all are the sample, with the loader's warning.

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
    timeframe, wanted, origin = find_timeframe(timeframe), _wanted(symbols), settings.source(source)

    def attempt(origin: str, *, whole: bool) -> Screen:
        """All pairs from one source; with ``whole`` the first failure ends it."""
        rows: dict[str, dict[str, Any]] = {}
        closes: dict[str, npt.NDArray[np.float64]] = {}
        failures: dict[str, Exception] = {}
        for done, symbol in enumerate(wanted):
            if progress is not None:
                progress(done, len(wanted), symbol)
            try:
                klines = KLineDataLoader.load_klines(symbol, timeframe, source=origin)
            except (SourceError, CandleError) as error:
                failures[symbol] = error
                if whole:
                    break
            else:
                rows[symbol] = latest(pipeline, klines, recent)
                closes[symbol] = klines["close"].to_numpy()[-recent - 1 :].copy()
        if progress is not None:
            progress(len(wanted), len(wanted), "")
        if failures and (whole or symbols is not None or not rows):
            raise LoadError(failures, len(wanted))
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("symbol")
        return Screen(table, closes, {symbol: str(error) for symbol, error in failures.items()})

    if origin == "auto":
        try:
            return attempt("hub", whole=True)
        except LoadError as error:
            # The loader's own rule and warning for this: what comes instead, and why.
            failed = next(iter(error.failures))
            instead = KLineDataLoader.load_klines(failed, timeframe, last=1, source="auto")
        origin = str(instead.attrs["source"])
    return attempt(origin, whole=False)


def _wanted(symbols: Iterable[str] | None) -> list[str]:
    if isinstance(symbols, str):
        raise CandleError(f"symbols: {symbols!r} is one text; give a list such as [{symbols!r}]")
    wanted = sorted({find_symbol(symbol) for symbol in (SYMBOLS if symbols is None else symbols)})
    if not wanted:
        raise CandleError("symbols: is empty; give at least one, such as ['BTCUSDT']")
    return wanted


def latest(pipeline: IndicatorPipeline, klines: pd.DataFrame, recent: int = 24) -> dict[str, Any]:
    """One pair's row of :attr:`Screen.table`."""
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
