"""What the chart marks on its time axis: gaps, candles without volume, quarantined rows, stale candles.

Gaps and candles without volume are read off the candles shown; the rest is in their report.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.candles import CandleReport, timeframe_of
from toolkit.candles.holes import quiet_runs
from toolkit.candles.summary import ago, count, share

Floats = npt.NDArray[np.float64]


class Found(NamedTuple):
    """Ready to be sent: what is said, and arrays in the order in which `js/strip.js` reads them."""

    content: dict[str, Any]
    arrays: list[npt.NDArray[Any]]


def find(klines: pd.DataFrame) -> Found:
    """What there is to mark on candles with a `DatetimeIndex` and a column `volume`.

    Arrays, all sorted by row: of gaps the row of the candle after it, how many are missing, first and last
    moment (ms); of runs without volume their first row and length; of quarantined rows, one entry a place,
    the row of the candle after it, how many, first and last open time (ms), and the first one's reason.
    Each is bounded by the number of candles.
    """
    times = pd.DatetimeIndex(klines.index).as_unit("ms").asi8
    length = timeframe_of(klines)
    step = int(length // pd.Timedelta(1, "ms")) if length is not None else 1
    volume = klines["volume"].to_numpy(np.float64)
    (after,) = np.nonzero(np.diff(times) > step)
    missing = np.diff(times)[after] // step - 1
    first, last = quiet_runs(times, volume, step)
    report = klines.attrs.get("report")
    bad, reasons = _quarantined(report, times)
    keys = []
    if len(after):
        keys.append(
            ["gap", count(len(after), "gap"), f"{count(int(missing.sum()), 'candle')} missing in all"]
        )
    if quiet := int((volume == 0).sum()):
        part = share(quiet / len(volume))
        keys.append(["quiet", f"{part} no volume", f"{count(quiet, 'candle')} in which nothing was traded"])
    if rows := int(bad[1].sum()):
        keys.append(["bad", f"{rows:,} quarantined", f"{count(rows, 'row')} left out: {', '.join(reasons)}"])
    stale = None
    if isinstance(report, CandleReport) and report.stale():
        behind = report.behind()
        stale = {"behind": behind, "closed": float(report.closed.timestamp() * 1000)}
        late = f"stale by {ago(behind * pd.Timedelta(step, 'ms'))}"
        keys.append(["stale", late, f"{count(behind, 'candle')} closed since the last one here"])
    gaps = [(after + 1).astype(np.float64), missing.astype(np.float64)]
    moments = [(times[after] + step).astype(np.float64), times[after + 1].astype(np.float64)]
    runs = [first.astype(np.int32), (last - first + 1).astype(np.int32)]
    return Found({"keys": keys, "reasons": reasons, "stale": stale}, [*gaps, *moments, *runs, *bad])


def _quarantined(report: object, times: npt.NDArray[np.int64]) -> tuple[list[Floats], list[str]]:
    """Places of quarantined rows whose time is known, and the reasons that occur."""
    rows = report.quarantined if isinstance(report, CandleReport) else ()
    known = [(int(bad.open_time.timestamp() * 1000), bad.reason) for bad in rows if bad.open_time is not None]
    known.sort(key=lambda one: one[0])
    reasons = list(dict.fromkeys(reason for _, reason in known))
    code = {reason: number for number, reason in enumerate(reasons)}
    millis = np.array([time for time, _ in known], np.int64)
    place, begin, counts = np.unique(np.searchsorted(times, millis), return_index=True, return_counts=True)
    arrays = [
        place,
        counts,
        millis[begin],
        millis[begin + counts - 1],
        np.array([code[reason] for _, reason in known], np.int64)[begin],
    ]
    return [array.astype(np.float64) for array in arrays], reasons
