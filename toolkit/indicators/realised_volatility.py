"""Realised volatility."""

import math
from typing import Annotated

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Source
from toolkit.kernels import (
    LOG_CHANGE_MEMORY,
    TILE,
    Array,
    compiled,
    log_change,
    rolling_mean_std,
    rolling_mean_std_memory,
)


class RealisedVolatility(Indicator):
    """Standard deviation of the logarithmic returns of `period` candles, in percent (Hull, "Options, Futures,
    and Other Derivatives").

    The sample's deviation, of `period - 1` degrees of freedom, times the square root of `periods_per_year`.
    As it stands, at 1, that is the volatility of one candle, whatever its length. For a year's, give the
    candles in a year: crypto markets never close, so 365 of 1d, 8760 of 1h and 35040 of 15m. It says how
    much, not which way, and so gives no signals.
    """

    name = "Realised Volatility"
    family = "volatility"
    period: Annotated[int, Bounds(2, 1000, description="returns")] = 30
    periods_per_year: Annotated[int, Bounds(1, 525_600, description="candles in a year, or 1")] = 1
    source: Source = "close"

    inputs = ("price",)
    outputs = (Line("realised_volatility", unit="percent"),)

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return LOG_CHANGE_MEMORY + rolling_mean_std_memory(self.period)

    @staticmethod
    @compiled
    def kernel(
        state: Array, price: Array, period: int, periods_per_year: int, realised_volatility: Array
    ) -> None:
        first = 1 if state[0] == 0.0 else 0
        scale = 100.0 * math.sqrt(periods_per_year * (period / (period - 1.0)))
        scratch = np.empty((2, min(TILE, len(price))))
        for start in range(0, len(price), TILE):
            value, deviation = price[start : start + TILE], realised_volatility[start : start + TILE]
            change, mean = scratch[0, : len(value)], scratch[1, : len(value)]
            log_change(state[:LOG_CHANGE_MEMORY], value, change)
            rolling_mean_std(
                state[LOG_CHANGE_MEMORY:], change[first:], period, mean[first:], deviation[first:]
            )
            deviation[:first] = np.nan
            first = 0
            for i in range(len(value)):
                deviation[i] *= scale
