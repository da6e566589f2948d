"""Supertrend."""

from typing import Annotated

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Period
from toolkit.kernels import AVERAGE_TRUE_RANGE_MEMORY, Array, average_true_range, compiled
from toolkit.rules import Rule, crosses_above, crosses_below


class Supertrend(Indicator):
    """A stop that trails the price, `multiplier` average true ranges away (Seban, 2008).

    Bands lie that far above and below half way between high and low. The lower one never falls while the
    last close was above it, nor does the upper rise while the last close was below it. In a falling trend
    (`supertrend_direction` -1) the upper band is the line, until a close above it turns the trend (1); and
    the other way round. As in TradingView the first trend falls, unless the first close already lies above;
    the true range's average is Wilder's, seeded as in ATR.
    """

    family = "trend"
    period: Period = 10
    multiplier: Annotated[float, Bounds(0.1, 20, 0.1, "average true ranges")] = 3.0

    inputs = ("high", "low", "close")
    outputs = (
        Line("supertrend", colored_by="supertrend_direction"),
        Line("supertrend_direction", drawn=False, unit="ratio"),
    )
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("close", "supertrend")),
        Rule("SELL", crosses_below("close", "supertrend")),
    )

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return 5 + AVERAGE_TRUE_RANGE_MEMORY

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        high: Array,
        low: Array,
        close: Array,
        period: int,
        multiplier: float,
        supertrend: Array,
        supertrend_direction: Array,
    ) -> None:
        seen, rising, upper, lower, before = int(state[0]), state[1] != 0.0, state[2], state[3], state[4]
        average_true_range(state[5:], high, low, close, period, supertrend)
        first = min(len(close), max(0, period - seen))
        supertrend_direction[:first] = np.nan
        if seen <= period:  # nothing to hold on to yet
            upper, lower, before = np.inf, -np.inf, 0.0
        for i in range(first, len(close)):
            middle, reach = 0.5 * (high[i] + low[i]), multiplier * supertrend[i]
            top, bottom = middle + reach, middle - reach
            upper = top if top < upper or before > upper else upper
            lower = bottom if bottom > lower or before < lower else lower
            before = close[i]
            rising = before >= lower if rising else before > upper
            supertrend[i] = lower if rising else upper
            supertrend_direction[i] = 1.0 if rising else -1.0
        state[0], state[1], state[2], state[3], state[4] = seen + len(close), rising, upper, lower, before
