"""What was found when candles were checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from toolkit.candles.contract import length_of
from toolkit.candles.summary import LISTED, Finding, find, is_stale, parts, summarize

__all__ = ["CandleReport", "Corrected", "Gap", "Incomplete", "Quarantined", "Seam", "Stretch"]


_TIMES = ("first", "last", "dropped_unclosed", "start", "end", "fetched")
_LISTS = ("duplicated", "partial")
_TUPLES = ("gaps", "quarantined", "zero_volume_stretches", "incomplete", "seams", "corrected")


class Gap(NamedTuple):
    """Candles that are missing between two that are there."""

    after: pd.Timestamp
    """Open time of the last candle before the gap."""
    before: pd.Timestamp
    """Open time of the first candle after it."""
    missing: int
    """How many candles are missing (in a slice: how many of them inside the slice)."""


class Quarantined(NamedTuple):
    """A row that was left out because it cannot be true."""

    open_time: pd.Timestamp | None
    """Its open time, None where that could not be read."""
    reason: str
    row: int
    """Its position in what was read, from 0."""


class Stretch(NamedTuple):
    """Candles one after the other in which nothing was traded."""

    first: pd.Timestamp
    """Open time of the first of them."""
    last: pd.Timestamp
    """Open time of the last of them."""
    candles: int


class Incomplete(NamedTuple):
    """A longer candle that was made although some of the shorter ones are missing."""

    open_time: pd.Timestamp
    missing: int
    """How many of the shorter candles are missing."""


class Seam(NamedTuple):
    """Where candles of one origin end and those of another begin."""

    open_time: pd.Timestamp
    """Open time of the first candle of the other origin."""
    before: str
    """The source of the candles before it."""
    after: str
    """The source of the candles from it on."""


class Corrected(NamedTuple):
    """A candle that the exchange told otherwise after its close; the frame has what it told first."""

    open_time: pd.Timestamp
    before: float
    """The close that was told first."""
    after: float
    """The close that was told last."""


@dataclass(frozen=True, eq=False, repr=False)
class CandleReport(dict[str, Any]):
    """Everything that was found when candles were checked; travels with the frame in ``attrs["report"]``.

    ``rows == candles + duplicates + len(quarantined) + (dropped_unclosed is not None)`` for a whole file:
    no row goes missing unmentioned. A report cannot be changed, so copies of it are the report itself
    (pandas copies ``attrs`` at every step). It is also a dict of JSON values, :meth:`to_dict`: pandas
    writes ``attrs`` as JSON into Parquet files and would refuse to save the frame otherwise.
    """

    symbol: str
    timeframe: str
    rows: int
    """Rows that were read."""
    candles: int
    """Candles in the frame."""
    first: pd.Timestamp
    """Open time of the first candle."""
    last: pd.Timestamp
    """Open time of the last candle; it was closed when it was read."""
    gaps: tuple[Gap, ...] = ()
    duplicated: tuple[pd.Timestamp, ...] = ()
    """Open time of each repeated row that was removed (equal to one that was kept)."""
    quarantined: tuple[Quarantined, ...] = ()
    zero_volume: int = 0
    """Candles in which nothing was traded."""
    dropped_unclosed: pd.Timestamp | None = None
    """Open time of the candle that was still forming when it was read, and was left out."""
    missing_columns: tuple[str, ...] = ()
    """Of the exchange's other columns: those that are absent, or hold placeholders only."""
    unsorted: int = 0
    """Rows that came before a row of an earlier time."""
    start: pd.Timestamp | None = None
    """First moment that was asked for; None: from the beginning."""
    end: pd.Timestamp | None = None
    """First moment no longer asked for; None: up to the last."""
    zero_volume_stretches: tuple[Stretch, ...] = ()
    """The longest runs of candles without volume (at most 20, two candles at least), in order of time."""
    fetched: pd.Timestamp | None = None
    """When the stored candles were last known to be the source's newest: a file of the hub was fetched or
    compared with the hub's, a file in a folder was written. None where that means nothing."""
    resampled_from: str | None = None
    """The timeframe of the shorter candles that these were made of."""
    partial: tuple[pd.Timestamp, ...] = ()
    """Open times of the longer candles at the ends that were left out, as they would not have been whole."""
    incomplete: tuple[Incomplete, ...] = ()
    """Longer candles between the ends for which some of the shorter ones are missing."""
    seams: tuple[Seam, ...] = ()
    """Where the candles are of another source from then on: stored ones before, an exchange's after."""
    corrected: tuple[Corrected, ...] = ()
    """Candles that the exchange changed after their close, which the frame still has as they were."""

    def __post_init__(self) -> None:
        super().__init__(
            rows=self.rows,
            symbol=self.symbol,
            timeframe=self.timeframe,
            candles=self.candles,
            first=_iso(self.first),
            last=_iso(self.last),
            gaps=[[_iso(gap.after), _iso(gap.before), gap.missing] for gap in self.gaps],
            missing=self.missing,
            duplicates=self.duplicates,
            duplicated=[_iso(time) for time in self.duplicated],
            quarantined=[[_iso(bad.open_time), bad.reason, bad.row] for bad in self.quarantined],
            zero_volume=self.zero_volume,
            zero_volume_share=self.zero_volume_share,
            dropped_unclosed=_iso(self.dropped_unclosed),
            missing_columns=list(self.missing_columns),
            unsorted=self.unsorted,
            start=_iso(self.start),
            end=_iso(self.end),
            zero_volume_stretches=[
                [_iso(s.first), _iso(s.last), s.candles] for s in self.zero_volume_stretches
            ],
            fetched=_iso(self.fetched),
            resampled_from=self.resampled_from,
            partial=[_iso(time) for time in self.partial],
            incomplete=[[_iso(one.open_time), one.missing] for one in self.incomplete],
            seams=[[_iso(one.open_time), one.before, one.after] for one in self.seams],
            corrected=[[_iso(one.open_time), one.before, one.after] for one in self.corrected],
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CandleReport:
        """The report that :meth:`to_dict` gave ``values`` for.

        Raises:
            ValueError, KeyError, TypeError: they are not those of a report.
        """
        named = {field.name: values[field.name] for field in fields(cls)}
        texts = [
            *(named[name] for name in _TIMES),
            *(text for name in _LISTS for text in named[name]),
            *(one[0] for name in _TUPLES for one in named[name]),
            *(one[1] for name in ("gaps", "zero_volume_stretches") for one in named[name]),
        ]
        known = _times(dict.fromkeys(text for text in texts if text is not None)) | {None: None}
        for name in _TIMES:
            named[name] = known[named[name]]
        for name in _LISTS:
            named[name] = tuple(known[text] for text in named[name])
        named["gaps"] = tuple(Gap(known[a], known[b], n) for a, b, n in named["gaps"])
        named["quarantined"] = tuple(Quarantined(known[t], why, row) for t, why, row in named["quarantined"])
        stretches = named["zero_volume_stretches"]
        named["zero_volume_stretches"] = tuple(Stretch(known[a], known[b], n) for a, b, n in stretches)
        named["incomplete"] = tuple(Incomplete(known[t], n) for t, n in named["incomplete"])
        named["seams"] = tuple(Seam(known[t], a, b) for t, a, b in named["seams"])
        named["corrected"] = tuple(Corrected(known[t], a, b) for t, a, b in named["corrected"])
        named["missing_columns"] = tuple(named["missing_columns"])
        return cls(**named)

    @property
    def closed(self) -> pd.Timestamp:
        """When the last candle closed: up to then these candles tell."""
        return self.last + length_of(self.timeframe)

    def age(self, now: pd.Timestamp | None = None) -> pd.Timedelta:
        """Time since the last candle closed, up to ``now`` (default: the clock)."""
        return (pd.Timestamp.now("UTC") if now is None else now) - self.closed

    @property
    def missing(self) -> int:
        """Candles missing in all gaps together."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def duplicates(self) -> int:
        """Repeated rows that were removed."""
        return len(self.duplicated)

    @property
    def zero_volume_share(self) -> float:
        """Share of the candles in which nothing was traded, 0 to 1."""
        return self.zero_volume / self.candles if self.candles else 0.0

    def to_dict(self) -> dict[str, Any]:
        """A fresh dict of JSON values: times as ISO 8601 texts, gaps as ``[after, before, missing]``,
        quarantined rows as ``[open_time, reason, row]``."""
        return {name: list(value) if isinstance(value, list) else value for name, value in self.items()}

    def behind(self, now: pd.Timestamp | None = None) -> int:
        """Candles that have closed since the last one, up to ``now`` (default: the clock) or the end that was
        asked for; 0 where the candles come from where none are added (``fetched`` is None)."""
        if self.fetched is None:
            return 0
        until = pd.Timestamp.now("UTC") if now is None else now
        until = until if self.end is None else min(until, self.end)
        return max(0, int((until - self.closed) // length_of(self.timeframe)))

    def stale(self, now: pd.Timestamp | None = None) -> bool:
        """Whether these candles end longer ago than expected: a day, and two of their own lengths."""
        return is_stale(self, now)

    def findings(self, kind: str, listed: int = LISTED) -> list[Finding]:
        """What was found at single places of the time axis, the newest first, at most ``listed``.

        ``kind`` is ``"gap"``, ``"no_volume"`` (of the longest stretches), ``"quarantined"`` or
        ``"incomplete"``.

        Raises:
            ValueError: it is none of these.
        """
        return find(self, kind, listed)

    def summary(self, now: pd.Timestamp | None = None, *, listed: int = LISTED) -> dict[str, Any]:
        """The report in short, as JSON values: counts, times as ISO 8601 texts, ``text`` for people (what
        ``str`` gives), and in ``found`` for each kind of finding the newest, at most ``listed``, as
        ``[start, end, text]``; ``behind`` and ``stale`` as of ``now`` (default: the clock)."""
        return summarize(self, now, listed)

    def parts(self, now: pd.Timestamp | None = None) -> list[str]:
        """The pieces of :meth:`text`, without the market's name."""
        return parts(self, now)

    def text(self, now: pd.Timestamp | None = None) -> str:
        """One line for people."""
        return f"{self.symbol} {self.timeframe}: " + ", ".join(parts(self, now))

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<CandleReport {self.text()}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def _refuse(self, *args: object, **named: object) -> Any:
        raise TypeError("a CandleReport cannot be changed; to_dict() gives a dict of its own")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def _iso(time: pd.Timestamp | None) -> str | None:
    return None if time is None else time.isoformat()


def _times(texts: Iterable[str]) -> dict[str | None, Any]:
    """The moments of ISO 8601 texts, all at once: one by one takes longer than reading the candles."""
    written = list(texts)
    millis = np.array([text.removesuffix("+00:00") for text in written], dtype="datetime64[us]")
    index = pd.DatetimeIndex(millis.astype("datetime64[ms]")).tz_localize("UTC")
    return dict(zip(written, index, strict=True))
