"""Kaufman's adaptive moving average."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import Array, adaptive_mean, adaptive_mean_memory, compiled
from toolkit.rules import Rule, crosses_above, crosses_below


class KAMA(Indicator):
    """Kaufman's adaptive moving average (1995): `y += weight * (price - y)`, quick in a market that goes
    straight, slow in one that goes to and fro.

    `weight` is the square of a value between `2 / (slow_period + 1)` and `2 / (fast_period + 1)`, by the
    efficiency ratio of the last `period` changes: how far the price came, as a share of the way it went (1
    where it did not move, as in TA-Lib). Starts, as in TA-Lib, at the price of candle `period - 1`. Units:
    price. Where it differs from the price by rounding alone it is the price, so that a market that stands
    still crosses nothing.
    """

    family = "trend"
    period: Period = 10
    fast_period: Period = 2
    slow_period: Period = 30
    source: Source = "close"

    increasing = (("fast_period", "slow_period"),)
    inputs = ("price",)
    outputs = (Line("kama"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("price", "kama")),
        Rule("SELL", crosses_below("price", "kama")),
    )

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return adaptive_mean_memory(self.period)

    @staticmethod
    @compiled
    def kernel(
        state: Array, price: Array, period: int, fast_period: int, slow_period: int, kama: Array
    ) -> None:
        adaptive_mean(state, price, period, 2.0 / (fast_period + 1), 2.0 / (slow_period + 1), kama)
