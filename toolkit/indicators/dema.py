"""Double exponential moving average."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import EMA_MEMORY, TILE, Array, compiled, ema, fill, settle
from toolkit.rules import Rule, crosses_above, crosses_below


class DEMA(Indicator):
    """Double exponential moving average `2 * ema - ema(ema)`, with less lag than an EMA (Mulloy, 1994).

    Each EMA is seeded, as in TA-Lib, with the mean of its first `period` values. Units: price. Where it
    differs from the price by rounding alone it is the price, so that a market that stands still crosses
    nothing.
    """

    family = "trend"
    period: Period = 20
    source: Source = "close"

    inputs = ("price",)
    outputs = (Line("dema"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("price", "dema")),
        Rule("SELL", crosses_below("price", "dema")),
    )

    @property
    def warmup(self) -> int:
        return 2 * (self.period - 1)

    @property
    def state_size(self) -> int:
        return 1 + 2 * EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, dema: Array) -> None:
        seen, alpha = int(state[0]), 2.0 / (period + 1)
        once = np.empty(min(TILE, len(price)))
        for at in range(0, len(price), TILE):
            now, twice = price[at : at + TILE], dema[at : at + TILE]
            mean = once[: len(now)]
            first = min(len(now), max(0, period - 1 - seen))
            ema(state[1 : 1 + EMA_MEMORY], now, period, alpha, mean)
            fill(twice[:first], np.nan)
            ema(state[1 + EMA_MEMORY :], mean[first:], period, alpha, twice[first:])
            for i in range(len(now)):
                twice[i] = 2.0 * mean[i] - twice[i]
            settle(now, twice)
            seen += len(now)
        state[0] = seen
