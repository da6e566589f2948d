"""What a report says in short: one text, the same everywhere, and the first of what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from toolkit.candles.contract import length_of

if TYPE_CHECKING:
    from toolkit.candles.report import CandleReport

__all__ = ["KINDS", "LISTED", "STALE_AFTER", "Finding", "find", "is_stale", "parts", "span", "summarize"]

LISTED = 20
"""How many findings of each kind a summary lists."""

STALE_AFTER = pd.Timedelta(1, "D")
"""Candles that end longer ago than this, and than two of their own lengths, are stale."""

KINDS = ("gap", "no_volume", "quarantined", "incomplete")

_NEVER = pd.Timestamp.min.tz_localize("UTC")


class Finding(NamedTuple):
    """Something that was found at one place of the time axis."""

    kind: str
    """One of :data:`KINDS`."""
    start: pd.Timestamp | None
    """Its first moment; None for a row whose time could not be read."""
    end: pd.Timestamp | None
    """The first moment after it."""
    text: str
    """For people: ``"2020-03-13 02:00 to 05:00: 12 candles missing"``, in UTC."""


def find(report: CandleReport, kind: str, listed: int = LISTED) -> list[Finding]:
    """The newest findings of a kind, at most ``listed``; stretches without volume are the report's longest.

    Raises:
        ValueError: ``kind`` is none of :data:`KINDS`.
    """
    step = length_of(report.timeframe)
    if kind == "gap":
        gaps = report.gaps[::-1][:listed]
        return [
            _finding(kind, gap.after + step, gap.before, f"{count(gap.missing, 'candle')} missing")
            for gap in gaps
        ]
    if kind == "no_volume":
        stretches = report.zero_volume_stretches[::-1][:listed]
        return [
            _finding(kind, one.first, one.last + step, f"{count(one.candles, 'candle')} without volume")
            for one in stretches
        ]
    if kind == "quarantined":
        # in a file they may lie in any order; those of no known time come last
        rows = sorted(report.quarantined, key=lambda bad: (bad.open_time or _NEVER, bad.row), reverse=True)
        return [
            _finding(kind, bad.open_time, bad.open_time + step, bad.reason)
            if bad.open_time is not None
            else Finding(kind, None, None, f"row {bad.row}: {bad.reason}")
            for bad in rows[:listed]
        ]
    if kind == "incomplete":
        return [
            _finding(
                kind,
                one.open_time,
                one.open_time + step,
                f"{count(one.missing, 'shorter candle')} of {report.resampled_from} missing",
            )
            for one in report.incomplete[::-1][:listed]
        ]
    raise ValueError(f"kind: {kind!r} is not allowed; it must be one of {', '.join(KINDS)}")


def is_stale(report: CandleReport, now: pd.Timestamp | None = None) -> bool:
    """Whether the candles end longer ago than to be expected of a source that grows."""
    step = length_of(report.timeframe)
    return report.behind(now) * step >= max(STALE_AFTER, 2 * step)


def parts(report: CandleReport, now: pd.Timestamp | None = None) -> list[str]:
    """The summary in pieces for people; what is in order goes without saying."""
    said = [f"{count(report.candles, 'candle')}", f"{_minute(report.first)} to {_minute(report.last)} UTC"]
    if is_stale(report, now):
        said.append(f"stale by {ago(report.behind(now) * length_of(report.timeframe))}")
    if report.gaps:
        said.append(f"{count(len(report.gaps), 'gap')} ({report.missing:,} missing)")
    if report.duplicates:
        said.append(f"{count(report.duplicates, 'duplicate')} removed")
    if report.quarantined:
        said.append(f"{count(len(report.quarantined), 'row')} quarantined")
    if report.zero_volume:
        said.append(f"{share(report.zero_volume_share)} without volume")
    if report.dropped_unclosed is not None:
        said.append("unclosed candle dropped")
    said += [f"{seam.after} from {_minute(seam.open_time)} on" for seam in report.seams]
    if report.corrected:
        said.append(f"{count(len(report.corrected), 'candle')} changed by the exchange after the close")
    if report.resampled_from:
        said.append(f"made of {report.resampled_from}")
    if report.partial:
        said.append(f"{count(len(report.partial), 'partial candle')} dropped")
    if report.incomplete:
        said.append(f"{len(report.incomplete):,} incomplete")
    return said


def summarize(report: CandleReport, now: pd.Timestamp | None, listed: int) -> dict[str, Any]:
    """See :meth:`CandleReport.summary`."""
    found = {
        kind: [[_iso(one.start), _iso(one.end), one.text] for one in find(report, kind, listed)]
        for kind in KINDS
    }
    return {
        "symbol": report.symbol,
        "timeframe": report.timeframe,
        "rows": report.rows,
        "candles": report.candles,
        "first": _iso(report.first),
        "last": _iso(report.last),
        "closed": _iso(report.closed),
        "fetched": _iso(report.fetched),
        "behind": report.behind(now),
        "stale": is_stale(report, now),
        "gaps": len(report.gaps),
        "missing": report.missing,
        "duplicates": report.duplicates,
        "quarantined": len(report.quarantined),
        "zero_volume": report.zero_volume,
        "zero_volume_share": report.zero_volume_share,
        "dropped_unclosed": _iso(report.dropped_unclosed),
        "missing_columns": list(report.missing_columns),
        "resampled_from": report.resampled_from,
        "partial": len(report.partial),
        "incomplete": len(report.incomplete),
        "seams": [[_iso(one.open_time), one.before, one.after] for one in report.seams],
        "corrected": len(report.corrected),
        "found": found,
        "text": report.text(now),
    }


def span(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """``"2020-03-13 02:00 to 05:00"``, or both days where they differ."""
    same = start.normalize() == end.normalize()
    return f"{_minute(start)} to {end.strftime('%H:%M') if same else _minute(end)}"


def count(number: int, what: str) -> str:
    """``"1 gap"``, ``"1,302 gaps"``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def share(part: float) -> str:
    """A share in percent, never rounded down to nothing."""
    return "under 0.1%" if 0 < part < 0.0005 else f"{part:.1%}"


def ago(age: pd.Timedelta) -> str:
    """A length of time in its larger unit: ``"30 hours"``, ``"12 days"``."""
    hours = int(age // pd.Timedelta(1, "h"))
    return count(hours // 24, "day") if hours >= 48 else count(hours, "hour")


def _finding(kind: str, start: pd.Timestamp, end: pd.Timestamp, what: str) -> Finding:
    return Finding(kind, start, end, f"{span(start, end)}: {what}")


def _minute(time: pd.Timestamp) -> str:
    return time.strftime("%Y-%m-%d %H:%M")


def _iso(time: pd.Timestamp | None) -> str | None:
    return None if time is None else time.isoformat()
