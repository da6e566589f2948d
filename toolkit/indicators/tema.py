"""Triple exponential moving average."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import EMA_MEMORY, TILE, Array, compiled, ema, fill, settle
from toolkit.rules import Rule, crosses_above, crosses_below


class TEMA(Indicator):
    """Triple exponential moving average `3 * ema - 3 * ema(ema) + ema(ema(ema))`, with less lag than a DEMA
    (Mulloy, 1994).

    Each EMA is seeded, as in TA-Lib, with the mean of its first `period` values. Units: price. Where it
    differs from the price by rounding alone it is the price, so that a market that stands still crosses
    nothing.
    """

    family = "trend"
    period: Period = 20
    source: Source = "close"

    inputs = ("price",)
    outputs = (Line("tema"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("price", "tema")),
        Rule("SELL", crosses_below("price", "tema")),
    )

    @property
    def warmup(self) -> int:
        return 3 * (self.period - 1)

    @property
    def state_size(self) -> int:
        return 1 + 3 * EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, tema: Array) -> None:
        seen, alpha = int(state[0]), 2.0 / (period + 1)
        memory = state[1:].reshape(3, EMA_MEMORY)
        means = np.empty((2, min(TILE, len(price))))
        for at in range(0, len(price), TILE):
            now, thrice = price[at : at + TILE], tema[at : at + TILE]
            once, twice = means[0, : len(now)], means[1, : len(now)]
            first = min(len(now), max(0, period - 1 - seen))
            second = min(len(now), max(0, 2 * (period - 1) - seen))
            ema(memory[0], now, period, alpha, once)
            ema(memory[1], once[first:], period, alpha, twice[first:])
            ema(memory[2], twice[second:], period, alpha, thrice[second:])
            fill(twice[:first], np.nan)
            fill(thrice[:second], np.nan)
            for i in range(len(now)):
                thrice[i] = 3.0 * once[i] - 3.0 * twice[i] + thrice[i]
            settle(now, thrice)
            seen += len(now)
        state[0] = seen
