"""Simple moving average."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import Array, compiled, rolling_mean_memory, settled_mean
from toolkit.rules import Rule, crosses_above, crosses_below


class SMA(Indicator):
    """Simple moving average: the mean of the last `period` prices, each counting the same.

    Units: price. Where the mean differs from the price by rounding alone it is the price, so that a market
    that stands still crosses nothing.
    """

    family = "trend"
    period: Period = 20
    source: Source = "close"

    inputs = ("price",)
    outputs = (Line("sma"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("price", "sma")),
        Rule("SELL", crosses_below("price", "sma")),
    )

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return rolling_mean_memory(self.period)

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, sma: Array) -> None:
        settled_mean(state, price, period, sma)
