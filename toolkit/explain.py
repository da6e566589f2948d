"""Why an indicator gave a signal at a candle, or why not: each rule with the numbers that it compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from toolkit.candles import CandleError
from toolkit.indicators.base import Indicator
from toolkit.indicators.larger import LargerRun
from toolkit.indicators.run import Run
from toolkit.kernels import Array
from toolkit.rules import Rule

__all__ = ["Explanation", "Moment", "explain", "row_of"]

Moment = str | dt.datetime | pd.Timestamp

Outcome = Literal["fired", "not met", "held already", "undefined", "first", "waiting"]
"""``fired``: a signal. ``not met``: the condition does not hold. ``held already``: it holds and did so at the
candle before, so this one is no entry. ``undefined``: a number that it compares has no value. ``first``: it
crosses nothing, as there is no candle before. ``waiting``: no larger candle closes with this one."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One rule at one candle."""

    label: str
    """Of the indicator, in its pipeline."""
    signal_type: str
    text: str
    """The rule in words, with the values of parameters."""
    open_time: pd.Timestamp | None
    """The candle that it was applied to: of an indicator on a larger timeframe, the larger one."""
    outcome: Outcome
    reason: str
    """The outcome in words, with the numbers."""
    left: str
    """What is compared: the name of a column."""
    value: float
    """Of ``left`` at this candle; NaN where undefined."""
    previous: float
    """Of ``left`` at the candle before."""
    right: str
    """What it is compared with: the name of a column or parameter, or a number."""
    threshold: float
    """Of ``right`` at this candle."""
    previous_threshold: float
    """Of ``right`` at the candle before."""
    distance: float
    """How far ``left`` is from where the condition begins to hold: 0 where it holds, NaN where undefined."""
    confidence: float
    """Of the signal, NaN where there is none."""

    @property
    def fired(self) -> bool:
        """Whether there is a signal."""
        return self.outcome == "fired"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: undefined numbers are None, the time is an ISO 8601 text."""
        found = {k: None if isinstance(v, float) and v != v else v for k, v in asdict(self).items()}
        return {**found, "open_time": None if self.open_time is None else self.open_time.isoformat()}

    def __str__(self) -> str:
        return f"{self.label} {self.signal_type}: {self.text}: {self.reason}"


def row_of(klines: pd.DataFrame, time: Moment | None) -> int:
    """The row of the candle that opens at ``time``; None: of the last one.

    Raises:
        CandleError: there is no candle, none opens then, or ``time`` is none.
    """
    if not len(klines):
        raise CandleError("explain: there are no candles")
    if time is None:
        return len(klines) - 1
    if not isinstance(klines.index, pd.DatetimeIndex):
        raise CandleError(f"explain: time={time!r} needs candles with their opening times as index")
    try:
        moment = pd.Timestamp(time)
    except (ValueError, TypeError) as error:
        raise CandleError(f"explain: time={time!r} is no moment: {error}") from error
    if not isinstance(moment, pd.Timestamp):  # pandas' NaT
        raise CandleError(f"explain: time={time!r} is no moment")
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    index = klines.index if klines.index.tz is not None else klines.index.tz_localize("UTC")
    row = int(index.searchsorted(moment))
    if row == len(index) or index[row] != moment:
        near = index[min(row, len(index) - 1)]
        raise CandleError(f"explain: time={time!r}: no candle opens then; near is {near.isoformat()}")
    return row


def explain(
    label: str, indicator: Indicator, klines: pd.DataFrame, row: int, *, timeframe: str | None = None
) -> list[Explanation]:
    """Every rule of an indicator at the candle in ``row``. Only candles up to that one are read.

    On a larger ``timeframe`` it is the larger candle that becomes known with this one (two, where the end of
    the one before is missing), else the one that was known last.

    Raises:
        ValueError: the candles do not suit the indicator.
    """
    if not 0 <= row < len(klines):
        raise IndexError(f"explain: row={row} is not allowed: there are {len(klines)} candles")
    if timeframe is None:
        run = Run(indicator)
        chunk = run.prepare(klines.iloc[: row + 1])
        columns = run.values(chunk)
        opened = None if chunk.times is None else chunk.times[row]
        return [_apply(label, indicator, rule, columns, row, opened) for rule in indicator.rules]
    # one candle does not say how long it is, the frame does
    larger = LargerRun(indicator, timeframe, base=str(klines.attrs["timeframe"]) if row == 0 else None)
    columns, rows, times = larger.larger_candles(larger.prepare(klines.iloc[: row + 1]))
    here = [int(i) for i in np.flatnonzero(rows == row)]
    shown = here or ([len(rows) - 1] if len(rows) else [])
    found = []
    for i in shown:
        opened = pd.Timestamp(int(times[i]), unit="ms", tz="UTC")
        found += [
            _apply(label, indicator, rule, columns, i, opened, None if here else timeframe)
            for rule in indicator.rules
        ]
    if not shown:
        why = f"no candle of {timeframe} has closed yet"
        found = [_waiting(label, indicator, rule, why) for rule in indicator.rules]
    return found


def _apply(
    label: str,
    indicator: Indicator,
    rule: Rule,
    columns: Mapping[str, Array],
    i: int,
    opened: pd.Timestamp | None,
    waiting: str | None = None,
) -> Explanation:
    """A rule at candle `i`, by the same comparisons as `toolkit.rules`: this candle and the one before decide
    all of it.
    """
    condition, params = rule.condition, indicator.params
    value, previous = _at(columns, params, condition.left, i), _at(columns, params, condition.left, i - 1)
    threshold = _at(columns, params, condition.right, i)
    before = _at(columns, params, condition.right, i - 1)
    needed = rule.needs is None or _at(columns, params, rule.needs, i) == _at(columns, params, rule.needs, i)
    needed_before = i > 0 and (
        rule.needs is None
        or _at(columns, params, rule.needs, i - 1) == _at(columns, params, rule.needs, i - 1)
    )
    gap, gap_before = condition.direction * (value - threshold), condition.direction * (previous - before)
    known = i > 0 and gap_before == gap_before and needed_before
    holds = gap > 0.0 or (gap == 0.0 and not condition.strict)
    held = known and (gap_before > 0.0 or (gap_before == 0.0 and not condition.strict))
    sides = ("above", "below") if condition.direction > 0 else ("below", "above")
    numbers = f"{condition.left} {_text(value)}, {condition.right} {_text(threshold)}"
    outcome: Outcome
    distance = confidence = np.nan
    if gap != gap or not needed:
        outcome = "undefined"
        lacking = next(
            (n for n in rule.names if _at(columns, params, n, i) != _at(columns, params, n, i)),
            condition.left,
        )
        reason = (
            f"warm-up: candle {i + 1:,}, and all values are there from {indicator.warmup + 1:,} on"
            if i < indicator.warmup
            else f"{lacking} has no value here"
        )
    elif not holds:
        outcome, distance = "not met", -gap
        reason = f"not {sides[0]}: {numbers}" + (
            f", {_text(distance)} away" if distance > 0 else ", exactly there"
        )
    elif condition.crossing and not known:
        outcome, distance = "first", 0.0
        reason = f"{sides[0]}, and nothing is known of the candle before, so that it crosses nothing"
    elif (condition.crossing and gap_before > 0.0) or (not condition.crossing and held):
        outcome, distance = "held already", 0.0
        reason = f"no entry: it was so at the candle before ({condition.left} {_text(previous)})"
    else:
        outcome, distance = "fired", 0.0
        step = gap - gap_before
        confidence = gap / step if known and step > 0.0 and gap_before <= 0.0 else 0.0
        reason = f"fires: {numbers}, before {_text(previous)} and {_text(before)}"
    if waiting is not None:
        outcome, confidence = "waiting", np.nan
        reason = f"no {waiting} candle closes with this one; at the last that closed: {reason}"
    return Explanation(
        label=label,
        signal_type=rule.signal_type,
        text=indicator.rule_text(rule),
        open_time=opened,
        outcome=outcome,
        reason=reason,
        left=condition.left,
        value=value,
        previous=previous,
        right=str(condition.right),
        threshold=threshold,
        previous_threshold=before,
        distance=distance,
        confidence=confidence,
    )


def _waiting(label: str, indicator: Indicator, rule: Rule, why: str) -> Explanation:
    condition = rule.condition
    threshold = _at({}, indicator.params, condition.right, 0)
    return Explanation(
        label=label,
        signal_type=rule.signal_type,
        text=indicator.rule_text(rule),
        open_time=None,
        outcome="waiting",
        reason=why,
        left=condition.left,
        value=np.nan,
        previous=np.nan,
        right=str(condition.right),
        threshold=threshold,
        previous_threshold=threshold,
        distance=np.nan,
        confidence=np.nan,
    )


def _at(columns: Mapping[str, Array], params: Mapping[str, Any], operand: str | float, i: int) -> float:
    """An operand at a candle; NaN before the first one."""
    if isinstance(operand, str):
        if operand in columns:
            return float(columns[operand][i]) if i >= 0 else np.nan
        return float(params[operand]) if operand in params else np.nan
    return float(operand)


def _text(value: float) -> str:
    return "–" if value != value else f"{value:,.6g}"
