"""Rate of Change."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import TILE, Array, compiled, delay, delay_memory
from toolkit.rules import Rule, crosses_above, crosses_below


class ROC(Indicator):
    """Change of the price over `period` candles, in percent of what it was then (Appel and Hitschler,
    1980).
    """

    family = "momentum"
    period: Period = 10
    source: Source = "close"

    inputs = ("price",)
    outputs = (Line("roc", unit="percent"),)
    levels = (0.0,)
    rules = (
        Rule("BUY", crosses_above("roc", 0.0)),
        Rule("SELL", crosses_below("roc", 0.0)),
    )

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return delay_memory(self.period)

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, roc: Array) -> None:
        for at in range(0, len(price), TILE):
            now, out = price[at : at + TILE], roc[at : at + TILE]
            delay(state, now, period, out)
            for i in range(len(now)):
                out[i] = 100.0 * (now[i] / out[i] - 1.0)
