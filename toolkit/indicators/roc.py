"""Rate of Change."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import Array, compiled, delay_memory, percent_change
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
        percent_change(state, price, period, roc)
