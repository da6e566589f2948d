"""From what was stored, in any of the usual forms, to checked candles and a report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from toolkit.candles.columns import find_columns, to_numbers
from toolkit.candles.contract import (
    EXTRA_COLUMNS,
    PRICE_COLUMNS,
    CandleError,
    impossible,
    origin_of,
    step_of,
)
from toolkit.candles.holes import find_gaps, find_stretches
from toolkit.candles.report import CandleReport, Quarantined
from toolkit.candles.times import read_times, timestamp, to_index, to_millis

__all__ = ["IN_FUTURE", "normalize"]

IN_FUTURE = "opens in the future"
"""Why a row is quarantined that may be right later."""

_Bools = np.ndarray[Any, np.dtype[np.bool_]]
_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Millis = np.ndarray[Any, np.dtype[np.int64]]


def normalize(
    raw: pd.DataFrame,
    *,
    symbol: str,
    timeframe: str,
    source: str,
    revision: str | None = None,
    now: pd.Timestamp | None = None,
    written: pd.Timestamp | None = None,
    synthetic: bool = False,
) -> pd.DataFrame:
    """Checked candles from a raw table, with the report in ``attrs["report"]``; ``raw`` is not changed.

    Understood: any order and letter case of columns; the time as column or index, called ``open_time``,
    ``timestamp``, ``datetime``, ``date`` or ``time``, as number (s, ms, us, ns), datetime with or without
    zone (without: UTC) or ISO 8601 text; numbers as texts. Both writers of the dataset: the first leaves
    the unclosed candle as its last row (known by ``ignore`` being a text; it is dropped), the second
    writes 0 for what it does not know (NaN in the result).

    Rows that cannot be true are left out and listed with their reason; of equal rows for one time one is
    kept; of different rows for one time none, for nothing tells which is right. Nothing is repaired.

    Args:
        raw: one row a candle.
        symbol: written into ``attrs``, as are ``source`` and ``revision``.
        timeframe: such as ``"1h"``; see :func:`~toolkit.candles.length_of`.
        now: candles that close later are not finished; default: the clock.
        written: when the table was stored; a candle that was forming then is unfinished in it for ever.
        synthetic: the candles are made up; they get a column ``synthetic`` that says so.

    Raises:
        CandleError: a column is missing or there twice, the table is of another timeframe, or no row
            is usable.
    """
    what = f"{symbol} {timeframe} from {source}"
    step = step_of(timeframe)
    columns, times_as_read = find_columns(raw, what)
    if not len(raw):
        raise CandleError(f"{what}: holds no candle at all")
    millis, readable, exact = read_times(times_as_read)
    aligned = exact & ((millis - origin_of(step)) % step == 0)
    _refuse_other_timeframe(millis[readable], aligned[readable], step, what)
    now_ms = _now(now)
    prices = [to_numbers(columns[name]) for name in PRICE_COLUMNS]
    extras = {name: to_numbers(columns[name]) for name in EXTRA_COLUMNS if name in columns}

    unclosed = _unclosed(columns, millis, readable & aligned, step, now_ms, written)
    bad: list[tuple[str, _Bools]] = [
        ("open_time cannot be read", ~readable),
        (f"open_time is not on the {timeframe} grid", readable & ~aligned),
        (IN_FUTURE, readable & (millis > now_ms)),
        *_bad_close_times(columns, millis, step),
        *impossible(*prices),
        *((f"{name} is negative or infinite", _wrong(values)) for name, values in extras.items()),
    ]
    reasons = _Reasons.of(bad, exempt=unclosed)
    positions = np.flatnonzero(~reasons.quarantined & ~unclosed)
    unsorted = _count_unsorted(millis[readable])
    if (np.diff(millis[positions]) < 0).any():
        positions = positions[np.argsort(millis[positions], kind="stable")]
    positions, repeated, conflicting = _split_duplicates(millis, prices, positions)
    reasons.add("several different rows have this open_time", conflicting)
    if not len(positions):
        found = ", ".join(dict.fromkeys(reasons.texts)) or "only the unclosed candle"
        raise CandleError(f"{what}: none of {len(raw):,} rows is a usable candle ({found})")

    everything = len(positions) == len(raw) and unsorted == 0
    rows: Any = slice(None) if everything else positions
    extras = _without_placeholders({name: values[rows] for name, values in extras.items()}, prices[4][rows])
    data = {name: values[rows] for name, values in zip(PRICE_COLUMNS, prices, strict=True)} | extras
    kept = millis[rows]
    # Copied: a column that was float64 already must not stay tied to the caller's frame.
    frame = pd.DataFrame(data, index=to_index(kept), copy=True)
    synthetic = synthetic or _marked_synthetic(columns)
    if synthetic:
        frame["synthetic"] = True
    leftover = millis[unclosed]
    report = CandleReport(
        symbol=symbol,
        timeframe=timeframe,
        rows=len(raw),
        candles=len(frame),
        first=timestamp(kept[0]),
        last=timestamp(kept[-1]),
        gaps=find_gaps(kept, step),
        duplicated=tuple(to_index(np.concatenate((millis[repeated], leftover[1:])))),
        quarantined=reasons.rows(millis, readable),
        zero_volume=int((data["volume"] == 0).sum()),
        zero_volume_stretches=find_stretches(kept, data["volume"], step),
        dropped_unclosed=timestamp(leftover[0]) if len(leftover) else None,
        missing_columns=tuple(n for n in EXTRA_COLUMNS if n not in extras or np.isnan(extras[n]).all()),
        unsorted=unsorted,
    )
    frame.attrs = {
        "symbol": symbol,
        "timeframe": timeframe,
        "source": source,
        "revision": revision,
        "synthetic": synthetic,
        "report": report,
    }
    return frame


class _Reasons(NamedTuple):
    """For each row why it is quarantined; the first reason found counts."""

    quarantined: _Bools
    codes: np.ndarray[Any, np.dtype[np.int16]]
    texts: list[str]

    @classmethod
    def of(cls, bad: Iterable[tuple[str, _Bools]], *, exempt: _Bools) -> _Reasons:
        reasons = cls(np.zeros(len(exempt), dtype=bool), np.zeros(len(exempt), dtype=np.int16), [])
        for text, rows in bad:
            if rows.any():
                reasons.add(text, np.flatnonzero(rows & ~exempt & ~reasons.quarantined))
        return reasons

    def add(self, text: str, positions: np.ndarray[Any, np.dtype[np.intp]]) -> None:
        if len(positions):
            self.codes[positions] = len(self.texts)
            self.quarantined[positions] = True
            self.texts.append(text)

    def rows(self, millis: _Millis, readable: _Bools) -> tuple[Quarantined, ...]:
        places = np.flatnonzero(self.quarantined)
        return tuple(
            Quarantined(time if known else None, self.texts[code], row)
            for time, known, code, row in zip(
                to_index(millis[places]), readable[places], self.codes[places], places.tolist(), strict=True
            )
        )


def _wrong(values: _Floats) -> _Bools:
    """NaN is fine here: an exchange's other column need not be known."""
    bad: _Bools = (values < 0) | np.isinf(values)
    return bad


def _now(now: pd.Timestamp | None) -> int:
    moment = pd.Timestamp.now("UTC") if now is None else now
    moment = moment.tz_localize("UTC") if moment.tz is None else moment
    return to_millis(moment)


def _unclosed(
    columns: dict[str, pd.Series],
    millis: _Millis,
    usable: _Bools,
    step: int,
    now_ms: int,
    written: pd.Timestamp | None,
) -> _Bools:
    """Rows of the one candle that was still forming when the file was written, or is forming now."""
    opened = usable & (millis <= now_ms)
    if not opened.any():
        return opened
    newest = millis[opened].max()
    forming = (
        newest + step > now_ms
        or (written is not None and newest <= _now(written) < newest + step)
        or _written_by_a(columns, millis, opened, step)
    )
    rows: _Bools = opened & (millis == newest) if forming else np.zeros_like(opened)
    return rows


def _written_by_a(columns: dict[str, pd.Series], millis: _Millis, opened: _Bools, step: int) -> bool:
    """Whether this is the dataset's first writer: ``ignore`` a text beside numbers, closes at .999.

    Both are asked for: exchanges' own archives close at .999 as well, but hold closed candles only.
    """
    if "ignore" not in columns or "close_time" not in columns:
        return False
    if pd.api.types.is_numeric_dtype(columns["ignore"].dtype) or not pd.api.types.is_numeric_dtype(
        columns["open"].dtype
    ):
        return False
    closes = read_times(columns["close_time"])
    both = opened & closes.readable
    return bool(both.any() and np.mean(closes.millis[both] - millis[both] == step - 1) > 0.5)


def _bad_close_times(columns: dict[str, pd.Series], millis: _Millis, step: int) -> list[tuple[str, _Bools]]:
    """Candles that close before they open or later than their timeframe; cut short by an outage is fine."""
    if "close_time" not in columns:
        return []
    closes = read_times(columns["close_time"])
    return [
        ("closes before it opens", closes.readable & (closes.millis <= millis)),
        ("close_time is later than the timeframe allows", closes.readable & (closes.millis > millis + step)),
    ]


def _refuse_other_timeframe(millis: _Millis, aligned: _Bools, step: int, what: str) -> None:
    """Stop where the whole table is of another timeframe: every fourth quarter-hour looks like an hour."""
    if len(millis) < 10:
        return
    steps = np.diff(millis)
    if (steps <= 0).any():
        steps = np.diff(np.sort(millis))
        steps = steps[steps > 0]
    if not len(steps):
        return
    if aligned.mean() < 0.5 or steps.min() > step:
        usual = int(np.median(steps))
        length = pd.Timedelta(usual, unit="ms")
        if usual == step:
            raise CandleError(
                f"{what}: its rows are {length} apart, but open at times such as {timestamp(millis[0])};"
                " candles open at whole multiples of their length in UTC"
            )
        raise CandleError(f"{what}: its rows are {length} apart; these are not candles of this timeframe")


def _count_unsorted(millis: _Millis) -> int:
    return int((np.diff(millis) < 0).sum())


def _split_duplicates(
    millis: _Millis, prices: list[_Floats], positions: np.ndarray[Any, np.dtype[np.intp]]
) -> tuple[np.ndarray[Any, np.dtype[np.intp]], ...]:
    """Of sorted rows: those to keep, equal repetitions, and rows that contradict each other."""
    times = millis[positions]
    same = times[1:] == times[:-1]
    none = positions[:0]
    if not same.any():
        return positions, none, none
    equal = np.ones(len(same), dtype=bool)
    for values in prices:
        here = values[positions]
        equal &= here[1:] == here[:-1]
    group = np.cumsum(np.r_[True, ~same]) - 1
    contradicted = np.zeros(group[-1] + 1, dtype=bool)
    contradicted[group[1:][same & ~equal]] = True
    conflicting = contradicted[group]
    repeated = np.r_[False, same] & ~conflicting
    return positions[~conflicting & ~repeated], positions[repeated], positions[conflicting]


def _without_placeholders(extras: dict[str, _Floats], volume: _Floats) -> dict[str, _Floats]:
    """NaN where 0 stands for "not known": something was traded, but neither for money nor by anyone."""
    proof = [extras[name] for name in ("quote_asset_volume", "number_of_trades") if name in extras]
    if not proof:
        return extras
    traded = volume > 0
    unknown = np.ones(len(volume), dtype=bool)
    for values in proof:
        unknown &= (values == 0) | np.isnan(values)
    unknown &= traded
    if not unknown.any():
        return extras
    if unknown[traded].all():
        unknown[:] = True
    return {name: np.where(unknown, np.nan, values) for name, values in extras.items()}


def _marked_synthetic(columns: dict[str, pd.Series]) -> bool:
    return "synthetic" in columns and bool(
        (columns["synthetic"].to_numpy(dtype=object, na_value=False) == True).any()  # noqa: E712
    )
