"""Keltner Channels."""

from typing import Annotated

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Period, Source
from toolkit.kernels import (
    AVERAGE_TRUE_RANGE_MEMORY,
    EMA_MEMORY,
    NOISE,
    TILE,
    Array,
    average_true_range,
    compiled,
    ema,
)
from toolkit.rules import Rule, crosses_above, crosses_below


class KeltnerChannels(Indicator):
    """Exponential mean of the prices, and bands `multiplier` average true ranges above and below it
    (Keltner, 1960, in the form of Raschke).

    The mean is seeded with that of the first `period` prices; the true range's average is Wilder's, as in
    ATR. A mean that differs from the price by rounding alone counts as equal to it, so that a market that
    stands still crosses nothing.
    """

    name = "Keltner Channels"
    family = "volatility"
    period: Period = 20
    atr_period: Period = 10
    multiplier: Annotated[float, Bounds(0.1, 10, 0.1, "average true ranges")] = 2.0
    source: Source = "close"

    inputs = ("price", "high", "low", "close")
    outputs = (Line("kc_upper"), Line("kc_middle"), Line("kc_lower"))
    pane = "price"
    fills = (("kc_upper", "kc_lower"),)
    rules = (
        Rule("BUY", crosses_above("close", "kc_upper")),
        Rule("SELL", crosses_below("close", "kc_lower")),
    )

    @property
    def warmup(self) -> int:
        return max(self.period - 1, self.atr_period)

    @property
    def state_size(self) -> int:
        return EMA_MEMORY + AVERAGE_TRUE_RANGE_MEMORY

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        price: Array,
        high: Array,
        low: Array,
        close: Array,
        period: int,
        atr_period: int,
        multiplier: float,
        kc_upper: Array,
        kc_middle: Array,
        kc_lower: Array,
    ) -> None:
        for start in range(0, len(close), TILE):
            stop = min(start + TILE, len(close))
            value, mean, reach = price[start:stop], kc_middle[start:stop], kc_lower[start:stop]
            ema(state[:EMA_MEMORY], value, period, 2.0 / (period + 1), mean)
            top, bottom, last = high[start:stop], low[start:stop], close[start:stop]
            average_true_range(state[EMA_MEMORY:], top, bottom, last, atr_period, reach)
            upper = kc_upper[start:stop]
            for i in range(len(value)):
                centre = value[i] if abs(mean[i] - value[i]) <= NOISE * value[i] else mean[i]
                away = multiplier * reach[i]
                mean[i], upper[i], reach[i] = centre, centre + away, centre - away
