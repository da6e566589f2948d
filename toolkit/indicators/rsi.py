"""Relative Strength Index."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Level, Period, Source
from toolkit.kernels import GAIN_SHARE_MEMORY, Array, compiled, gain_share
from toolkit.rules import Rule, at_or_above, at_or_below, crosses_above, crosses_below


class RSI(Indicator):
    """Share of the gains in all movement, 0 to 100, smoothed by Wilder's average (Wilder, 1978).

    `100 * gain / (gain + loss)` of the prices' changes, both averages seeded with the mean of the first
    `period`. Undefined while the market has never moved, or so long ago that the averages have vanished.
    """

    family = "momentum"
    period: Period = 14
    overbought: Level = 70
    oversold: Level = 30
    source: Source = "close"

    increasing = (("oversold", "overbought"),)
    inputs = ("price",)
    outputs = (Line("rsi", unit="percent"),)
    levels = ("overbought", "oversold")
    value_range = (0.0, 100.0)
    rules = (
        Rule("OVERBOUGHT", at_or_above("rsi", "overbought")),
        Rule("OVERSOLD", at_or_below("rsi", "oversold")),
        Rule("BUY", crosses_above("rsi", "oversold")),
        Rule("SELL", crosses_below("rsi", "overbought")),
    )

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return GAIN_SHARE_MEMORY

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, rsi: Array) -> None:
        gain_share(state, price, period, rsi)
