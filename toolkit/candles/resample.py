"""Longer candles from shorter ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from toolkit.candles.contract import (
    EXTRA_COLUMNS,
    PRICE_COLUMNS,
    CandleError,
    is_synthetic,
    length_of,
    origin_of,
    step_of,
    timeframe_of,
    validate,
)
from toolkit.candles.holes import find_gaps, find_stretches
from toolkit.candles.report import CandleReport, Incomplete
from toolkit.candles.times import timestamp, to_index

__all__ = ["Bars", "aggregate", "resample"]

_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Millis = np.ndarray[Any, np.dtype[np.int64]]


class Bars(NamedTuple):
    """Candles as plain arrays of one length."""

    millis: np.ndarray[Any, np.dtype[np.int64]]
    """Open times in ms, sorted, unique."""
    open: _Floats
    high: _Floats
    low: _Floats
    close: _Floats
    volume: _Floats


def resample(klines: pd.DataFrame, timeframe: str) -> pd.DataFrame:
    """Longer candles from shorter ones, with a report of their own; ``klines`` is not changed.

    As :func:`aggregate` makes them, equal to the exchange's own; the exchange's other columns are sums, NaN
    where a part is not known. A longer candle of which the beginning or the end lies beyond ``klines`` is
    left out and listed in ``report.partial``; one between them for which some of the shorter ones are
    missing is made of the others and listed in ``report.incomplete``. The report also tells again what was
    quarantined among the shorter candles.

    Args:
        klines: candles that keep the contract, such as every loaded frame.
        timeframe: whole minutes, hours, days or weeks (``"4h"``, ``"1w"``; weeks begin on Monday), a
            multiple of the timeframe of ``klines``.

    Raises:
        CandleError: ``klines`` is no candle frame, ``timeframe`` is none or no multiple of its own, or not
            one whole candle comes out.
    """
    ok, issues = validate(klines)
    if not ok:
        raise CandleError(f"resample: these are no checked candles ({'; '.join(issues)})")
    length, short = length_of(timeframe), timeframe_of(klines)
    if short is None:
        raise CandleError("resample: one candle without attrs['timeframe'] does not say how long it is")
    if length <= short or length % short != pd.Timedelta(0):
        raise CandleError(f"resample: timeframe {timeframe!r} is no multiple of the candles' own ({short})")
    step, short_step = step_of(timeframe), int(short // pd.Timedelta(1, "ms"))
    millis = pd.DatetimeIndex(klines.index).as_unit("ms").asi8
    origin = origin_of(step)
    (head,) = _opens(np.array([millis[0]]), step, origin)
    (tail,) = _opens(np.array([millis[-1]]), step, origin)
    begin = 0 if head == millis[0] else int(np.searchsorted(millis, head + step))
    end = len(millis) if millis[-1] + short_step == tail + step else int(np.searchsorted(millis, tail))
    partial = [head] * (begin > 0) + [tail] * (end < len(millis))
    if begin >= end:
        raise CandleError(
            f"resample: {len(millis):,} candles from {klines.index[0]} to {klines.index[-1]}"
            f" hold no whole candle of {timeframe}"
        )
    inside = klines.iloc[begin:end]
    made = aggregate(Bars(millis[begin:end], *(inside[name].to_numpy() for name in PRICE_COLUMNS)), step)
    data = dict(zip(PRICE_COLUMNS, made[1:], strict=True))
    opens = _opens(millis[begin:end], step, origin)
    starts = _starts(opens)
    present = np.diff(np.r_[starts, end - begin])
    for name in EXTRA_COLUMNS:
        if name in klines.columns:
            data[name] = np.add.reduceat(inside[name].to_numpy(), starts)
    frame = pd.DataFrame(data, index=to_index(made.millis))
    synthetic = is_synthetic(klines)
    if synthetic:
        frame["synthetic"] = True
    missing = step // short_step - present
    holes = np.flatnonzero(missing)
    attrs, known = klines.attrs, klines.attrs.get("report")
    before = known if isinstance(known, CandleReport) else None
    symbol = str(attrs.get("symbol", ""))
    report = CandleReport(
        symbol=symbol,
        timeframe=timeframe,
        rows=len(klines),
        candles=len(frame),
        first=frame.index[0],
        last=frame.index[-1],
        gaps=find_gaps(made.millis, step),
        quarantined=before.quarantined if before else (),
        duplicated=before.duplicated if before else (),
        zero_volume=int((made.volume == 0).sum()),
        zero_volume_stretches=find_stretches(made.millis, made.volume, step),
        missing_columns=tuple(n for n in EXTRA_COLUMNS if n not in data or np.isnan(data[n]).all()),
        start=before.start if before else None,
        end=before.end if before else None,
        fetched=before.fetched if before else None,
        resampled_from=_name_of(short_step),
        partial=tuple(map(timestamp, partial)),
        incomplete=tuple(map(Incomplete, to_index(made.millis[holes]), missing[holes].tolist())),
        seams=before.seams if before else (),
        corrected=before.corrected if before else (),
    )
    frame.attrs = {
        "symbol": symbol,
        "timeframe": timeframe,
        "source": attrs.get("source", "frame"),
        "revision": attrs.get("revision"),
        "synthetic": synthetic,
        "report": report,
    }
    return frame


def aggregate(bars: Bars, step: int) -> Bars:
    """Candles of ``step`` ms from shorter ones.

    A candle in which nothing was traded repeats the close before it, which is no price of its own: it
    takes no part, unless nothing was traded in the whole longer candle; that one is flat at its last close.
    (With the first open simply taken, 211 of 25,213 hourly opens of BTC on Binance US came out wrong.)
    Missing candles take no part either: a longer candle is made of what is there, one of nothing is missing.
    The ends are not looked at: give whole longer candles.
    """
    traded = bars.volume > 0
    origin = origin_of(step)
    buckets = (bars.millis - origin) // step
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
    return Bars(buckets[all_starts] * step + origin, opens, highs, lows, closes, volume)


def _opens(millis: _Millis, step: int, origin: int) -> _Millis:
    """Open times of the longer candles that hold these moments."""
    opens: _Millis = millis - (millis - origin) % step
    return opens


def _name_of(step: int) -> str:
    """The timeframe of a length in ms, in its largest unit."""
    minutes = step // 60_000
    for letter, size in (("w", 7 * 24 * 60), ("d", 24 * 60), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{letter}"
    return f"{minutes}m"


def _starts(buckets: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Positions at which a new bucket begins."""
    return np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]]) if len(buckets) else np.zeros(0, np.intp)
