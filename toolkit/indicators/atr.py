"""Average True Range."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period
from toolkit.kernels import AVERAGE_TRUE_RANGE_MEMORY, Array, average_true_range, compiled


class ATR(Indicator):
    """Wilder's average of the candles' true ranges: how far the price moves in a candle (Wilder, 1978).

    The first candle has no true range; the average is seeded with the mean of the next `period`, as in
    TA-Lib. Units: price. It says how much, not which way, and so gives no signals.
    """

    family = "volatility"
    period: Period = 14

    inputs = ("high", "low", "close")
    outputs = (Line("atr"),)

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return AVERAGE_TRUE_RANGE_MEMORY

    @staticmethod
    @compiled
    def kernel(state: Array, high: Array, low: Array, close: Array, period: int, atr: Array) -> None:
        average_true_range(state, high, low, close, period, atr)
