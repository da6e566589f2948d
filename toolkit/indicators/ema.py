"""Exponential moving average."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import EMA_MEMORY, TILE, Array, compiled, settle
from toolkit.kernels import ema as exponential_mean
from toolkit.rules import Rule, crosses_above, crosses_below


class EMA(Indicator):
    """Exponential moving average `y += 2 / (period + 1) * (price - y)` (Brown, 1956; Haurlan, 1968).

    Seeded, as in TA-Lib, with the mean of the first `period` prices. Units: price. Where it differs from the
    price by rounding alone it is the price, so that a market that stands still crosses nothing.
    """

    family = "trend"
    period: Period = 20
    source: Source = "close"

    inputs = ("price",)
    outputs = (Line("ema"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("price", "ema")),
        Rule("SELL", crosses_below("price", "ema")),
    )

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, ema: Array) -> None:
        for at in range(0, len(price), TILE):
            now, mean = price[at : at + TILE], ema[at : at + TILE]
            exponential_mean(state, now, period, 2.0 / (period + 1), mean)
            settle(now, mean)
