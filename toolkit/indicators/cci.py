"""Commodity Channel Index."""

from typing import Annotated

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Source
from toolkit.kernels import (
    NOISE,
    TILE,
    Array,
    compiled,
    rolling_mean,
    rolling_mean_deviation,
    rolling_mean_deviation_memory,
    rolling_mean_memory,
)
from toolkit.rules import Rule, at_or_above, at_or_below, crosses_above, crosses_below


class CCI(Indicator):
    """Distance of the typical price from its simple mean, in units of 0.015 mean deviations (Lambert, 1980).

    `(price - mean) / (0.015 * mean deviation)`: about three quarters of the values lie between -100 and 100.
    Undefined where the window has no deviation.
    """

    family = "momentum"
    period: Annotated[int, Bounds(2, 1000, description="candles")] = 20
    overbought: Annotated[float, Bounds(0, 500, 5)] = 100.0
    oversold: Annotated[float, Bounds(-500, 0, 5)] = -100.0
    source: Source = "hlc3"

    increasing = (("oversold", "overbought"),)
    inputs = ("price",)
    outputs = (Line("cci", unit="ratio"),)
    levels = ("overbought", "oversold")
    rules = (
        Rule("OVERBOUGHT", at_or_above("cci", "overbought")),
        Rule("OVERSOLD", at_or_below("cci", "oversold")),
        Rule("BUY", crosses_above("cci", "oversold")),
        Rule("SELL", crosses_below("cci", "overbought")),
    )

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return rolling_mean_memory(self.period) + rolling_mean_deviation_memory(self.period)

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, period: int, cci: Array) -> None:
        means, deviations = state[: rolling_mean_memory(period)], state[rolling_mean_memory(period) :]
        scratch = np.empty(min(TILE, len(price)))
        for at in range(0, len(price), TILE):
            now, out = price[at : at + TILE], cci[at : at + TILE]
            mean = scratch[: len(now)]
            rolling_mean(means, now, period, mean)
            rolling_mean_deviation(deviations, now, mean, period, out)
            for i in range(len(now)):
                distance = (now[i] - mean[i]) / (0.015 * out[i])
                out[i] = distance if out[i] > NOISE * mean[i] else np.nan
