"""Stochastic oscillator."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Level, Period
from toolkit.kernels import (
    TILE,
    Array,
    compiled,
    rolling_channel,
    rolling_channel_memory,
    rolling_mean,
    rolling_mean_memory,
)
from toolkit.rules import Rule, at_or_above, at_or_below, crosses_above, crosses_below


class Stochastic(Indicator):
    """Where the close lies between the lowest low (0) and the highest high (100) of `k_period` candles (Lane,
    1984).

    %K is smoothed by a simple mean of `k_smoothing` values (1: the fast stochastic), and %D is the simple
    mean of `d_period` values of %K, as TA-Lib's STOCH. Undefined where the window has no range.
    """

    family = "momentum"
    k_period: Period = 14
    k_smoothing: Period = 3
    d_period: Period = 3
    overbought: Level = 80
    oversold: Level = 20

    increasing = (("oversold", "overbought"),)
    inputs = ("high", "low", "close")
    outputs = (Line("stoch_k", unit="percent"), Line("stoch_d", unit="percent"))
    levels = ("overbought", "oversold")
    value_range = (0.0, 100.0)
    rules = (
        Rule("OVERBOUGHT", at_or_above("stoch_k", "overbought")),
        Rule("OVERSOLD", at_or_below("stoch_k", "oversold")),
        Rule("BUY", crosses_above("stoch_k", "stoch_d")),
        Rule("SELL", crosses_below("stoch_k", "stoch_d")),
    )

    @property
    def warmup(self) -> int:
        return self.k_period + self.k_smoothing + self.d_period - 3

    @property
    def state_size(self) -> int:
        means = rolling_mean_memory(self.k_smoothing) + rolling_mean_memory(self.d_period)
        return rolling_channel_memory(self.k_period) + means

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        high: Array,
        low: Array,
        close: Array,
        k_period: int,
        k_smoothing: int,
        d_period: int,
        stoch_k: Array,
        stoch_d: Array,
    ) -> None:
        smoothed = state[rolling_channel_memory(k_period) :]
        line = smoothed[rolling_mean_memory(k_smoothing) :]
        nothing = np.empty(0)
        for at in range(0, len(close), TILE):
            now, k, d = close[at : at + TILE], stoch_k[at : at + TILE], stoch_d[at : at + TILE]
            rolling_channel(state, high[at : at + TILE], low[at : at + TILE], k_period, k, nothing, d)
            for i in range(len(now)):
                reach = k[i] - d[i]
                share = 100.0 * ((now[i] - d[i]) / reach)
                k[i] = share if reach > 0.0 else np.nan
            rolling_mean(smoothed, k, k_smoothing, k)
            rolling_mean(line, k, d_period, d)
