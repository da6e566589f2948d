"""MACD."""

from toolkit.indicators.base import Histogram, Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import CONVERGENCE_MEMORY, Array, compiled, convergence
from toolkit.rules import Rule, crosses_above, crosses_below


class MACD(Indicator):
    """Distance between two exponential means, and a signal line over it (Appel, 1979).

    Both means are seeded at candle `slow_period - 1`, as in TA-Lib, each with the mean of its last prices;
    the signal line is seeded with the mean of its first `signal_period` values. Units: price. A distance
    that is only rounding beside the price counts as zero, so that a market that stands still crosses
    nothing.
    """

    family = "momentum"
    fast_period: Period = 12
    slow_period: Period = 26
    signal_period: Period = 9
    source: Source = "close"

    increasing = (("fast_period", "slow_period"),)
    inputs = ("price",)
    outputs = (Line("macd"), Line("macd_signal"), Histogram("macd_histogram"))
    levels = (0.0,)
    rules = (
        Rule("BUY", crosses_above("macd", "macd_signal")),
        Rule("SELL", crosses_below("macd", "macd_signal")),
    )

    @property
    def warmup(self) -> int:
        return self.slow_period + self.signal_period - 2

    @property
    def state_size(self) -> int:
        return CONVERGENCE_MEMORY

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        price: Array,
        fast_period: int,
        slow_period: int,
        signal_period: int,
        macd: Array,
        macd_signal: Array,
        macd_histogram: Array,
    ) -> None:
        convergence(state, price, fast_period, slow_period, signal_period, macd, macd_signal, macd_histogram)
