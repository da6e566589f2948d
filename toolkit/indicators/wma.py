"""Weighted moving average."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import Array, compiled, settled_weighted_mean, weighted_mean_memory
from toolkit.rules import Rule, crosses_above, crosses_below


class WMA(Indicator):
    """Linearly weighted moving average: of the last `period` prices the newest has the weight `period`, the
    oldest 1.

    Units: price. Where it differs from the price by rounding alone it is the price, so that a market that
    stands still crosses nothing.
    """

    family = "trend"
    period: Period = 20
    source: Source = "close"

    inputs = ("price",)
    outputs = (Line("wma"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("price", "wma")),
        Rule("SELL", crosses_below("price", "wma")),
    )

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return weighted_mean_memory(self.period)

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, wma: Array) -> None:
        settled_weighted_mean(state, price, period, wma)
