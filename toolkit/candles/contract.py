"""What a candle frame is: names, symbols, timeframes, and the check of a finished frame."""

from __future__ import annotations

import contextlib
import difflib
import functools
import re
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "EXTRA_COLUMNS",
    "PRICE_COLUMNS",
    "SYMBOLS",
    "TIMEFRAMES",
    "CandleError",
    "find_symbol",
    "find_timeframe",
    "is_synthetic",
    "length_of",
    "origin_of",
    "step_of",
    "timeframe_of",
    "validate",
]

PRICE_COLUMNS = ("open", "high", "low", "close", "volume")
"""Columns every candle frame has."""

EXTRA_COLUMNS = (
    "quote_asset_volume",
    "number_of_trades",
    "taker_buy_base_asset_volume",
    "taker_buy_quote_asset_volume",
)
"""Columns of the exchange that a candle frame has where they are known."""

TIMEFRAMES: dict[str, pd.Timedelta] = {
    name: pd.Timedelta(length).as_unit("ms")
    for name, length in (("15m", "15min"), ("1h", "1h"), ("1d", "1D"))
}
"""Supported timeframes and their lengths, shortest first."""

_BASES = """
    AAVE ADA ALGO ARB ATOM AVAX BAL BAT BCH BNB BTC COMP CRV DOGE DOT ENJ ENS ETC ETH FIL GALA GRT IMX
    KAVA LINK LTC MANA MATIC MKR NEAR OP SAND SNX SOL SPELL UNI XRP ZRX
"""
SYMBOLS: tuple[str, ...] = tuple(f"{base}USDT" for base in _BASES.split())
"""The 38 supported pairs, sorted."""


_UNITS: dict[str, Any] = {"m": "min", "h": "h", "d": "D", "w": "W"}
_WEEK = 7 * 24 * 60 * 60 * 1000
_WEEK_ORIGIN = 4 * 24 * 60 * 60 * 1000
"""Monday, 1970-01-05, in ms: weeks begin on Mondays, and 1970 began on a Thursday."""


class CandleError(ValueError):
    """Candles that cannot be used, or a symbol, timeframe or time that cannot be asked for."""


def find_symbol(symbol: str) -> str:
    """The supported pair that ``symbol`` means: ``"BTCUSDT"``, ``"btc"``, ``"BTC/USDT"``, ``"btc-usdt"``.

    Raises:
        CandleError: it is none of :data:`SYMBOLS`; the message says what is near.
    """
    if not isinstance(symbol, str):
        raise CandleError(f"symbol: {symbol!r} is not a text such as 'BTCUSDT'")
    key = re.sub(r"[\s/_:.-]", "", symbol).upper()
    # One separator: "../etc" is a path, and not Ethereum Classic.
    if re.fullmatch(r"\s*[A-Za-z0-9]+([\s/_:.-][A-Za-z0-9]+)?\s*", symbol):
        for name in (key, f"{key}USDT"):
            if name in SYMBOLS:
                return name
    near = difflib.get_close_matches(key.removesuffix("USDT") + "USDT", SYMBOLS, n=3, cutoff=0.6)
    hint = f"did you mean {_either(near)}?" if near else f"supported are {', '.join(SYMBOLS)}"
    raise CandleError(f"symbol: {symbol!r} is not supported; {hint}")


def find_timeframe(timeframe: str) -> str:
    """The supported timeframe that ``timeframe`` means; letter case does not matter.

    Raises:
        CandleError: it is none of :data:`TIMEFRAMES`.
    """
    if isinstance(timeframe, str) and timeframe.strip().lower() in TIMEFRAMES:
        return timeframe.strip().lower()
    raise CandleError(f"timeframe: {timeframe!r} is not supported; allowed are {_either(list(TIMEFRAMES))}")


@functools.cache
def length_of(timeframe: str) -> pd.Timedelta:
    """The length of any timeframe of minutes, hours, days or weeks: ``"5m"``, ``"4h"``, ``"3d"``, ``"1w"``.

    The loader's own are in :data:`TIMEFRAMES`; others come from resampling, or from a frame of the user's.

    Raises:
        CandleError: it is none of that form.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,3})([mhdw])", timeframe) if isinstance(timeframe, str) else None
    if found is None:
        raise CandleError(
            f"timeframe: {timeframe!r} is not a whole number of minutes, hours, days or weeks,"
            " such as '15m', '4h', '1d' or '1w'"
        )
    return pd.Timedelta(int(found[1]), unit=_UNITS[found[2]]).as_unit("ms")


def step_of(timeframe: str) -> int:
    """:func:`length_of` in ms."""
    return int(length_of(timeframe) // pd.Timedelta(1, "ms"))


def origin_of(step: int) -> int:
    """Where the grid of a timeframe of ``step`` ms begins, in ms since 1970.

    Candles open at whole multiples of their length in UTC; those of weeks on a Monday.
    """
    return _WEEK_ORIGIN if step % _WEEK == 0 else 0


def is_synthetic(frame: pd.DataFrame) -> bool:
    """Whether any candle of the frame is made up: by its ``attrs``, or by a ``synthetic`` column.

    Columns renamed by a join (``synthetic_x``) and columns under a key (``("BTCUSDT", "synthetic")``) count.
    """
    if frame.attrs.get("synthetic") is True:
        return True
    for position, name in enumerate(frame.columns):
        parts = name if isinstance(name, tuple) else (name,)
        if any(isinstance(part, str) and part.startswith("synthetic") for part in parts):
            values = frame.iloc[:, position]
            if bool((values.to_numpy(dtype=object, na_value=False) == True).any()):  # noqa: E712
                return True
    return False


def timeframe_of(frame: pd.DataFrame) -> pd.Timedelta | None:
    """Length of the frame's candles: by its ``attrs``, else the smallest step of its index, else None."""
    named = frame.attrs.get("timeframe")
    if isinstance(named, str):
        with contextlib.suppress(CandleError):
            return length_of(named)
    if not isinstance(frame.index, pd.DatetimeIndex):
        return None
    times = frame.index.dropna()
    steps = np.diff(times.asi8)
    steps = steps[steps > 0]
    return pd.Timedelta(int(steps.min()), unit=times.unit).as_unit(times.unit) if len(steps) else None


def validate(frame: object) -> tuple[bool, list[str]]:
    """Whether ``frame`` keeps the candle contract, and each way in which it does not.

    Gaps and candles without volume are facts of a market, not issues; the report lists them. Never raises.

    Returns:
        ``(True, [])``, or ``(False, issues)`` with one text for each kind of fault, how often it was
        found and where first.
    """
    if not isinstance(frame, pd.DataFrame):
        return False, [f"is a {type(frame).__name__}, not a DataFrame"]
    issues = _index_issues(frame)
    absent = [name for name in PRICE_COLUMNS if name not in frame.columns]
    if absent:
        issues.append(f"column missing: {', '.join(absent)}")
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()].unique()
        issues.append(f"column more than once: {', '.join(map(str, repeated))}")
        return False, issues
    for name in (*PRICE_COLUMNS, *EXTRA_COLUMNS):
        if name in frame.columns and frame[name].dtype != np.float64:
            issues.append(f"column {name} is {frame[name].dtype}, not float64")
    if not len(frame):
        issues.append("holds no candle")
    elif not absent and all(frame[name].dtype == np.float64 for name in PRICE_COLUMNS):
        columns = [frame[name].to_numpy() for name in PRICE_COLUMNS]
        issues += [_where(what, bad, frame.index) for what, bad in impossible(*columns)]
    return not issues, issues


def impossible(
    open_: np.ndarray[Any, Any],
    high: np.ndarray[Any, Any],
    low: np.ndarray[Any, Any],
    close: np.ndarray[Any, Any],
    volume: np.ndarray[Any, Any],
) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """Every kind of impossible candle that occurs: a reason, and which rows it holds for (a bool array)."""
    # One pass settles the usual case; a comparison with NaN is False, so NaN cannot slip through.
    possible = low > 0
    possible &= high < np.inf
    possible &= low <= open_
    possible &= low <= close
    possible &= open_ <= high
    possible &= close <= high
    possible &= volume >= 0
    possible &= volume < np.inf
    if possible.all():
        return []
    named = dict(zip(PRICE_COLUMNS, (open_, high, low, close, volume), strict=True))
    found = [(f"{name} is not a finite number", ~np.isfinite(values)) for name, values in named.items()]
    with np.errstate(invalid="ignore"):
        found += [(f"{name} is not above zero", named[name] <= 0) for name in PRICE_COLUMNS[:4]]
        found.append(("volume is negative", volume < 0))
        found.append(("high is below low", high < low))
        found += [
            (f"{name} is outside low to high", (named[name] < low) | (named[name] > high))
            for name in ("open", "close")
        ]
    return [(what, bad) for what, bad in found if bad.any()]


def _index_issues(frame: pd.DataFrame) -> list[str]:
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        return [f"index is a {type(index).__name__}, not a UTC DatetimeIndex named open_time"]
    issues = []
    if index.name != "open_time":
        issues.append(f"index is named {index.name!r}, not 'open_time'")
    if str(index.tz) != "UTC":
        issues.append(f"index has the time zone {index.tz}, not UTC")
    if index.hasnans:
        issues.append(_where("open_time is missing", np.asarray(index.isna()), index))
        return issues
    times = index.asi8
    if len(times) > 1:
        steps = np.diff(times)
        if (steps < 0).any():
            issues.append(_where("open_time is earlier than the one before", np.r_[False, steps < 0], index))
        if not index.is_unique:
            issues.append(_where("open_time occurs more than once", np.asarray(index.duplicated()), index))
    declared = frame.attrs.get("timeframe")
    if declared is None or not len(times):
        return issues
    try:
        step = step_of(declared)
    except CandleError as error:
        return [*issues, str(error)]
    per_ms = int(pd.Timedelta(1, "ms") / pd.Timedelta(1, index.unit)) or 1
    per_unit = max(int(pd.Timedelta(1, index.unit) / pd.Timedelta(1, "ms")), 1)
    off = (times * per_unit - origin_of(step) * per_ms) % (step * per_ms) != 0
    if off.any():
        issues.append(_where(f"open_time is not on the {declared} grid", off, index))
    return issues


def _where(what: str, bad: np.ndarray[Any, Any], index: pd.Index) -> str:
    first = int(np.argmax(bad))
    return f"{what}: {int(bad.sum()):,} candles, the first at {index[first]} (row {first})"


def _either(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
