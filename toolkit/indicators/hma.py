"""Hull moving average."""

from typing import Annotated

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Source
from toolkit.kernels import TILE, Array, compiled, fill, settle, weighted_mean, weighted_mean_memory
from toolkit.rules import Rule, crosses_above, crosses_below


class HMA(Indicator):
    """Hull moving average: the weighted mean over `sqrt(period)` candles of `2 * wma(period / 2) -
    wma(period)`, both periods rounded down (Hull, 2005).

    Units: price. Where it differs from the price by rounding alone it is the price, so that a market that
    stands still crosses nothing.
    """

    family = "trend"
    period: Annotated[int, Bounds(2, 1000, description="candles")] = 20
    source: Source = "close"

    inputs = ("price",)
    outputs = (Line("hma"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("price", "hma")),
        Rule("SELL", crosses_below("price", "hma")),
    )

    @property
    def warmup(self) -> int:
        return self.period + int(np.sqrt(self.period)) - 2

    @property
    def state_size(self) -> int:
        periods = (self.period // 2, self.period, int(np.sqrt(self.period)))
        return 1 + sum(weighted_mean_memory(period) for period in periods)

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, hma: Array) -> None:
        seen, half, root = int(state[0]), period // 2, int(np.sqrt(period))
        slow = 1 + weighted_mean_memory(half)
        smooth = slow + weighted_mean_memory(period)
        means = np.empty((2, min(TILE, len(price))))
        for at in range(0, len(price), TILE):
            now, mean = price[at : at + TILE], hma[at : at + TILE]
            fast_mean, raw = means[0, : len(now)], means[1, : len(now)]
            first = min(len(now), max(0, period - 1 - seen))
            weighted_mean(state[1:slow], now, half, fast_mean)
            weighted_mean(state[slow:smooth], now, period, raw)
            for i in range(len(now)):
                raw[i] = 2.0 * fast_mean[i] - raw[i]
            fill(mean[:first], np.nan)
            weighted_mean(state[smooth:], raw[first:], root, mean[first:])
            settle(now, mean)
            seen += len(now)
        state[0] = seen
