"""A part of a candle frame by time, with a report of that part."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from toolkit.candles.contract import CandleError, step_of
from toolkit.candles.holes import find_stretches
from toolkit.candles.report import CandleReport, Gap
from toolkit.candles.times import to_millis

__all__ = ["Moment", "check_last", "check_range", "moment", "select"]

Moment = str | date | np.datetime64 | pd.Timestamp
"""A point in time; without time zone it is UTC (``datetime`` is a kind of ``date``)."""


def moment(value: Moment | None, name: str) -> pd.Timestamp | None:
    """The UTC time that ``value`` means; None for None.

    Args:
        value: an ISO 8601 text that begins with a year of four digits, a date, datetime, Timestamp or
            datetime64; without time zone it is taken as UTC.
        name: how the error message calls it.

    Raises:
        CandleError: it cannot be read as a time.
    """
    if value is None:
        return None
    allowed = "allowed are an ISO 8601 text such as '2024-01-31' or '2024-01-31T12:00Z', a date or a datetime"
    if isinstance(value, str):
        value = value.strip()
        readable = re.match(r"\d{4}(-|$|\d{4}(T|$))", value) is not None
    else:
        readable = isinstance(value, (date, np.datetime64))
    try:
        time = pd.Timestamp(value) if readable else pd.NaT
        if not isinstance(time, pd.Timestamp):
            raise CandleError(f"{name}: {value!r} is no time; {allowed}")
        time = time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")
        if time.nanosecond or time.microsecond % 1000:
            # Rounded up to whole milliseconds: [start, end) then means the same candles.
            time = time.ceil("ms")
        return time.as_unit("ms")
    except CandleError:
        raise
    except (ValueError, OverflowError, TypeError) as error:
        raise CandleError(f"{name}: {value!r} is no time ({error}); {allowed}") from error


def check_range(start: Moment | None, end: Moment | None) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Both bounds as UTC times.

    Raises:
        CandleError: one is no time, or start is not before end.
    """
    first, after = moment(start, "start"), moment(end, "end")
    if first is not None and after is not None and first >= after:
        raise CandleError(f"start {first} is not before end {after}; [start, end) would be empty")
    return first, after


def check_last(last: int | None) -> int | None:
    """How many candles at the end are wanted.

    Raises:
        CandleError: it is no whole number above zero.
    """
    if last is None or (isinstance(last, (int, np.integer)) and not isinstance(last, bool) and last > 0):
        return None if last is None else int(last)
    raise CandleError(f"last: {last!r} is not allowed; a whole number from 1, or None for all candles, is")


def select(
    frame: pd.DataFrame,
    start: Moment | None = None,
    end: Moment | None = None,
    last: int | None = None,
    *,
    fetched: pd.Timestamp | None = None,
    given: bool = False,
) -> pd.DataFrame:
    """The candles that open in ``[start, end)``; a frame of its own, sharing no memory with ``frame``.

    Its report is about this part only, says in ``start`` and ``end`` what was asked for, and counts of a
    gap what lies inside. Rows that were quarantined because their time could not be read stay listed.

    Args:
        frame: checked candles, as :func:`normalize` gives them.
        start: first moment that belongs to it; None: from the beginning.
        end: first moment that no longer does; None: to the end.
        last: of those only the last so many; None: all.
        fetched: what the report says of when they were fetched; None: what it said before.
        given: ``frame`` is given away, so nothing needs to be copied.

    Raises:
        CandleError: a bound is no time, start is not before end, or no candle lies between.
    """
    first, after = check_range(start, end)
    last = check_last(last)
    report = frame.attrs["report"]
    low = 0 if first is None else int(frame.index.searchsorted(first))
    high = len(frame) if after is None else int(frame.index.searchsorted(after))
    if low >= high:
        asked = f"[{first or 'the first candle'}, {after or 'the last'})"
        raise CandleError(
            f"{report.symbol} {report.timeframe}: no candle opens in {asked};"
            f" there are candles from {report.first} to {report.last}"
        )
    if last is not None and high - low > last:
        low = high - last
        first = frame.index[low]
    # Memory of its own, index included: a writable view is to be had (Series.array) past copy-on-write.
    own = frame.iloc[low:high]
    if not given:
        own = own.copy()
        own.index = own.index.copy(deep=True)
    own.attrs = frame.attrs | {"report": _report_of_part(report, own, first, after, fetched)}
    return own


def _report_of_part(
    report: CandleReport,
    part: pd.DataFrame,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    fetched: pd.Timestamp | None,
) -> CandleReport:
    fetched = report.fetched if fetched is None else fetched
    if start is None and end is None:
        return report if fetched == report.fetched else replace(report, fetched=fetched)
    low = _millis(start, -(2**62))
    high = _millis(end, 2**62)

    def inside(time: pd.Timestamp) -> bool:
        return low <= _millis(time, 0) < high

    duplicated = tuple(time for time in report.duplicated if inside(time))
    quarantined = tuple(bad for bad in report.quarantined if bad.open_time is None or inside(bad.open_time))
    unclosed = report.dropped_unclosed
    unclosed = unclosed if unclosed is not None and inside(unclosed) else None
    changes: dict[str, Any] = {
        "rows": len(part) + len(duplicated) + len(quarantined) + (unclosed is not None),
        "candles": len(part),
        "first": part.index[0],
        "last": part.index[-1],
        "gaps": _gaps_inside(report, low, high),
        "duplicated": duplicated,
        "quarantined": quarantined,
        "zero_volume": int((part["volume"].to_numpy() == 0).sum()),
        "zero_volume_stretches": find_stretches(
            pd.DatetimeIndex(part.index).asi8, part["volume"].to_numpy(), step_of(report.timeframe)
        ),
        "dropped_unclosed": unclosed,
        "partial": tuple(time for time in report.partial if inside(time)),
        "incomplete": tuple(one for one in report.incomplete if inside(one.open_time)),
        "seams": tuple(one for one in report.seams if inside(one.open_time)),
        "corrected": tuple(one for one in report.corrected if inside(one.open_time)),
        "start": start,
        "end": end,
        "fetched": fetched,
    }
    unchanged = {field.name: getattr(report, field.name) for field in fields(report)}
    return CandleReport(**(unchanged | changes))


def _gaps_inside(report: CandleReport, low: int, high: int) -> tuple[Gap, ...]:
    step = step_of(report.timeframe)
    found = []
    for gap in report.gaps:
        # Missing open times are after + step, after + 2 step, ... before - step: count those in [low, high).
        after, before = _millis(gap.after, 0), _millis(gap.before, 0)
        skipped = max(0, -((after + step - low) // step)) if low > after + step else 0
        cut = (before - high) // step if high < before else 0
        missing = gap.missing - skipped - cut
        if missing > 0:
            found.append(Gap(gap.after, gap.before, missing))
    return tuple(found)


def _millis(time: pd.Timestamp | None, default: int) -> int:
    return default if time is None else to_millis(time)
