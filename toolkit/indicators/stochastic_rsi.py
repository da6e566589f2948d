"""Stochastic RSI."""

from typing import Annotated

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Level, Period, Source
from toolkit.kernels import (
    GAIN_SHARE_MEMORY,
    NOISE,
    TILE,
    Array,
    compiled,
    gain_share,
    rolling_channel,
    rolling_channel_memory,
    rolling_mean,
    rolling_mean_memory,
)
from toolkit.rules import Rule, at_or_above, at_or_below, crosses_above, crosses_below


class StochasticRSI(Indicator):
    """Where the RSI lies between its own lowest (0) and highest (100) of `stochastic_period` candles (Chande
    and Kroll, 1994).

    %K is smoothed by a simple mean of `k_smoothing` values, and %D is the simple mean of `d_period` values
    of %K, as charts show it; with `k_smoothing=1` it is TA-Lib's STOCHRSI. Undefined where the RSI has not
    moved, or is itself undefined, within the window.
    """

    name = "Stochastic RSI"
    family = "momentum"
    rsi_period: Annotated[int, Bounds(2, 1000, description="candles")] = 14
    stochastic_period: Annotated[int, Bounds(2, 1000, description="candles")] = 14
    k_smoothing: Period = 3
    d_period: Period = 3
    overbought: Level = 80
    oversold: Level = 20
    source: Source = "close"

    increasing = (("oversold", "overbought"),)
    inputs = ("price",)
    outputs = (Line("stochrsi_k", unit="percent"), Line("stochrsi_d", unit="percent"))
    levels = ("overbought", "oversold")
    value_range = (0.0, 100.0)
    rules = (
        Rule("OVERBOUGHT", at_or_above("stochrsi_k", "overbought")),
        Rule("OVERSOLD", at_or_below("stochrsi_k", "oversold")),
        Rule("BUY", crosses_above("stochrsi_k", "stochrsi_d")),
        Rule("SELL", crosses_below("stochrsi_k", "stochrsi_d")),
    )

    @property
    def warmup(self) -> int:
        return self.rsi_period + self.stochastic_period + self.k_smoothing + self.d_period - 3

    @property
    def state_size(self) -> int:
        means = rolling_mean_memory(self.k_smoothing) + rolling_mean_memory(self.d_period)
        return GAIN_SHARE_MEMORY + rolling_channel_memory(self.stochastic_period) + means

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        price: Array,
        rsi_period: int,
        stochastic_period: int,
        k_smoothing: int,
        d_period: int,
        stochrsi_k: Array,
        stochrsi_d: Array,
    ) -> None:
        windows = state[GAIN_SHARE_MEMORY:]
        smoothed = windows[rolling_channel_memory(stochastic_period) :]
        line = smoothed[rolling_mean_memory(k_smoothing) :]
        room = min(TILE, len(price))
        strength, lower, upper, nothing = np.empty(room), np.empty(room), np.empty(room), np.empty(0)
        for at in range(0, len(price), TILE):
            k, d = stochrsi_k[at : at + TILE], stochrsi_d[at : at + TILE]
            rsi, low, high = strength[: len(k)], lower[: len(k)], upper[: len(k)]
            gain_share(state, price[at : at + TILE], rsi_period, rsi)
            for i in range(len(k)):  # one undefined value leaves its whole window without a share
                high[i] = rsi[i] if rsi[i] == rsi[i] else np.inf
                low[i] = rsi[i] if rsi[i] == rsi[i] else -np.inf
            rolling_channel(windows, high, low, stochastic_period, k, nothing, d)
            for i in range(len(k)):
                reach = k[i] - d[i]
                share = 100.0 * ((rsi[i] - d[i]) / reach)
                k[i] = share if 100.0 * NOISE < reach < np.inf else np.nan
            rolling_mean(smoothed, k, k_smoothing, k)
            rolling_mean(line, k, d_period, d)
