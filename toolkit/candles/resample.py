"""Longer candles from shorter ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Bars", "aggregate"]

_Floats = np.ndarray[Any, np.dtype[np.float64]]


class Bars(NamedTuple):
    """Candles as plain arrays of one length."""

    millis: np.ndarray[Any, np.dtype[np.int64]]
    """Open times in ms, sorted, unique."""
    open: _Floats
    high: _Floats
    low: _Floats
    close: _Floats
    volume: _Floats


def aggregate(bars: Bars, step: int) -> Bars:
    """Candles of ``step`` ms from shorter ones.

    A candle in which nothing was traded repeats the close before it, which is no price of its own: it
    takes no part, unless nothing was traded in the whole longer candle; that one is flat at its last close.
    (With the first open simply taken, 211 of 25,213 hourly opens of BTC on Binance US came out wrong.)
    Missing candles take no part either: a longer candle is made of what is there, one of nothing is missing.
    The ends are not looked at: give whole longer candles.
    """
    traded = bars.volume > 0
    buckets = bars.millis // step
    all_starts = _starts(buckets)
    last = np.r_[all_starts[1:], len(buckets)][: len(all_starts)] - 1
    flat = bars.close[last]
    opens, highs, lows, closes = flat.copy(), flat.copy(), flat.copy(), flat.copy()
    volume = np.zeros(len(all_starts))
    starts = _starts(buckets[traded])
    if len(starts):
        into = np.searchsorted(buckets[all_starts], buckets[traded][starts])
        ends = np.r_[starts[1:], int(traded.sum())] - 1
        opens[into] = bars.open[traded][starts]
        highs[into] = np.maximum.reduceat(bars.high[traded], starts)
        lows[into] = np.minimum.reduceat(bars.low[traded], starts)
        closes[into] = bars.close[traded][ends]
        volume[into] = np.add.reduceat(bars.volume[traded], starts)
    return Bars(buckets[all_starts] * step, opens, highs, lows, closes, volume)


def _starts(buckets: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Positions at which a new bucket begins."""
    return np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]]) if len(buckets) else np.zeros(0, np.intp)
