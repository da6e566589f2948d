"""How candles came about, told by candles of a smaller timeframe: for a replay's candles that still form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from toolkit.candles import EXTRA_COLUMNS, PRICE_COLUMNS, CandleError, is_synthetic, length_of, validate
from toolkit.candles.contract import step_of
from toolkit.candles.resample import Bars, aggregate

__all__ = ["Forming"]

_SAME_VOLUME = 1e-9
"""Share by which volumes may differ: sums of decimals, rounded elsewhere. Prices must be the same bits."""


class Forming:
    """The steps in which stored candles formed, simulated from the stored candles of a smaller timeframe.

    After each smaller candle but the last, the larger one stands as :func:`toolkit.candles.aggregate` makes
    it of those that there are (a candle in which nothing was traded takes no part). Where smaller candles
    are missing, or do not add up to the candle that is stored (they come from another exchange, perhaps),
    the candle has no steps: nothing is made up.

    Args:
        klines: checked candles.
        smaller: checked candles of the same market, of a timeframe that goes into that of `klines`.

    Raises:
        CandleError: `smaller` is of another market or timeframe than it may be, or only one of the two is
            synthetic.
    """

    def __init__(self, klines: pd.DataFrame, smaller: pd.DataFrame) -> None:
        symbol, self.timeframe = _name(klines, smaller)
        long, short = step_of(klines.attrs["timeframe"]), step_of(self.timeframe)
        if long <= short or long % short:
            raise CandleError(
                f"Forming: smaller={self.timeframe!r} is not allowed: {symbol} {klines.attrs['timeframe']}"
                " can be made only of shorter candles that go into it without rest"
            )
        self.length = length_of(self.timeframe)
        self._steps, self._long = long // short, long
        times = pd.DatetimeIndex(smaller.index).as_unit("ms").asi8
        self._bars = Bars(times, *(smaller[name].to_numpy(np.float64) for name in PRICE_COLUMNS))
        self._extra = {
            name: smaller[name].to_numpy(np.float64)
            for name in EXTRA_COLUMNS
            if name in klines.columns and name in smaller.columns
        }
        opens = pd.DatetimeIndex(klines.index).as_unit("ms").asi8
        self._start = np.searchsorted(times, opens)
        present = np.searchsorted(times, opens + long) - self._start
        self._complete = present == self._steps
        self._adds_up = self._complete & self._compare(klines, opens, long)

    def _compare(self, klines: pd.DataFrame, opens: np.ndarray[Any, Any], long: int) -> np.ndarray[Any, Any]:
        """For each candle, whether all of its smaller ones together are that candle."""
        if not len(self._bars.millis) or not len(opens):
            return np.zeros(len(opens), bool)
        made = aggregate(self._bars, long)
        at = np.searchsorted(made.millis, opens)
        found = at < len(made.millis)
        at[~found] = 0
        same: np.ndarray[Any, Any] = found & (made.millis[at] == opens)
        for name, values in zip(PRICE_COLUMNS[:4], made[1:5], strict=True):
            same &= values[at] == klines[name].to_numpy()
        volume = klines["volume"].to_numpy()
        same &= np.abs(made.volume[at] - volume) <= _SAME_VOLUME * volume
        return same

    def steps(self, row: int) -> int:
        """How many times the candle in this row is seen before it closes; 0 where that is not known."""
        return self._steps - 1 if self._adds_up[row] else 0

    def candle(self, row: int, step: int) -> dict[str, float]:
        """The candle in this row as it stood after so many (1 to `steps(row)`) smaller candles."""
        rows = slice(int(self._start[row]), int(self._start[row]) + step)
        millis, *columns = self._bars
        made = aggregate(Bars(millis[rows], *(values[rows] for values in columns)), self._long)
        candle = {name: float(values[0]) for name, values in zip(PRICE_COLUMNS, made[1:], strict=True)}
        return candle | {name: float(values[rows].sum()) for name, values in self._extra.items()}

    def text(self, first: int, last: int) -> str:
        """What there is of the candles in rows `first` to `last` (exclusive), and what is not, and why."""
        rows = slice(first, last)
        known, complete = int(self._adds_up[rows].sum()), int(self._complete[rows].sum())
        count = last - first
        said = [f"Forming candles simulated from {self.timeframe}"]
        if not known:
            said = [f"No forming candles: those of {self.timeframe} do not tell how these came about"]
        if missing := count - complete:
            said.append(f"{missing:,} of {count:,} candles lack {self.timeframe} ones and come closed only")
        if different := complete - known:
            said.append(
                f"{different:,} of {count:,} candles are not the sum of their {self.timeframe} ones"
                " (another exchange, perhaps) and come closed only"
            )
        return "; ".join(said)


def _name(klines: pd.DataFrame, smaller: pd.DataFrame) -> tuple[str, str]:
    """Symbol and smaller timeframe, where the two frames go together."""
    ok, issues = validate(smaller)
    if not ok:
        raise CandleError(f"Forming: smaller holds no checked candles ({'; '.join(issues)})")
    symbol, other = klines.attrs["symbol"], smaller.attrs.get("symbol")
    if symbol != other:
        raise CandleError(f"Forming: smaller is not allowed to be of {other}: the candles are of {symbol}")
    if is_synthetic(klines) != is_synthetic(smaller):
        kinds = ["real", "synthetic"]
        raise CandleError(
            f"Forming: the candles of {symbol} are {kinds[is_synthetic(klines)]} and smaller is"
            f" {kinds[is_synthetic(smaller)]}; the two do not go together"
        )
    timeframe = smaller.attrs.get("timeframe")
    if not isinstance(timeframe, str):
        raise CandleError("Forming: smaller does not say its timeframe in attrs['timeframe']")
    return symbol, timeframe
