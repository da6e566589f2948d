"""Williams %R."""

from typing import Annotated

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Period
from toolkit.kernels import TILE, Array, compiled, rolling_channel, rolling_channel_memory
from toolkit.rules import Rule, at_or_above, at_or_below, crosses_above, crosses_below


class WilliamsR(Indicator):
    """How far the close lies below the highest high of `period` candles, in percent of their range: 0 at the
    high, -100 at the low (Williams, 1973).

    Undefined where the window has no range.
    """

    name = "Williams %R"
    family = "momentum"
    period: Period = 14
    overbought: Annotated[float, Bounds(-100, 0, 1)] = -20.0
    oversold: Annotated[float, Bounds(-100, 0, 1)] = -80.0

    increasing = (("oversold", "overbought"),)
    inputs = ("high", "low", "close")
    outputs = (Line("willr", unit="percent"),)
    levels = ("overbought", "oversold")
    value_range = (-100.0, 0.0)
    rules = (
        Rule("OVERBOUGHT", at_or_above("willr", "overbought")),
        Rule("OVERSOLD", at_or_below("willr", "oversold")),
        Rule("BUY", crosses_above("willr", "oversold")),
        Rule("SELL", crosses_below("willr", "overbought")),
    )

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return rolling_channel_memory(self.period)

    @staticmethod
    @compiled
    def kernel(state: Array, high: Array, low: Array, close: Array, period: int, willr: Array) -> None:
        scratch, nothing = np.empty(min(TILE, len(close))), np.empty(0)
        for at in range(0, len(close), TILE):
            now, out = close[at : at + TILE], willr[at : at + TILE]
            lowest = scratch[: len(now)]
            rolling_channel(state, high[at : at + TILE], low[at : at + TILE], period, out, nothing, lowest)
            for i in range(len(now)):
                reach = out[i] - lowest[i]
                share = -100.0 * ((out[i] - now[i]) / reach)
                out[i] = share if reach > 0.0 else np.nan
