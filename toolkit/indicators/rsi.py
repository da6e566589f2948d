"""Relative Strength Index."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Level, Period
from toolkit.kernels import EMA_MEMORY, TILE, VANISHED, Array, compiled, ema
from toolkit.rules import Rule, at_or_above, at_or_below, crosses_above, crosses_below


class RSI(Indicator):
    """Share of the gains in all movement, 0 to 100, smoothed by Wilder's average (Wilder, 1978).

    `100 * gain / (gain + loss)` of the closes' changes, both averages seeded with the mean of the first
    `period`. Undefined while the market has never moved, or so long ago that the averages have vanished.
    """

    period: Period = 14
    overbought: Level = 70
    oversold: Level = 30

    increasing = (("oversold", "overbought"),)
    inputs = ("close",)
    outputs = (Line("rsi"),)
    levels = ("overbought", "oversold")
    value_range = (0.0, 100.0)
    rules = (
        Rule("OVERBOUGHT", at_or_above("rsi", "overbought")),
        Rule("OVERSOLD", at_or_below("rsi", "oversold")),
        Rule("BUY", crosses_above("rsi", "oversold")),
        Rule("SELL", crosses_below("rsi", "overbought")),
    )

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return 2 + 2 * EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(state: Array, close: Array, period: int, rsi: Array) -> None:
        gains, losses = state[2:5], state[5:8]
        started, previous = state[0] != 0.0, state[1]
        size = min(TILE, len(close))
        gain, loss = np.empty(size), np.empty(size)
        begin = 0
        if not started:  # the first close has no change
            rsi[0] = np.nan
            previous = close[0]
            begin = 1
        for at in range(begin, len(close), TILE):
            count = min(TILE, len(close) - at)
            for i in range(count):
                change = close[at + i] - (close[at + i - 1] if i else previous)
                gain[i] = max(change, 0.0)
                loss[i] = max(-change, 0.0)
            previous = close[at + count - 1]
            ema(gains, gain[:count], period, 1.0 / period, gain[:count])
            ema(losses, loss[:count], period, 1.0 / period, loss[:count])
            for i in range(count):
                total = gain[i] + loss[i]
                rsi[at + i] = 100.0 * (gain[i] / total) if total > VANISHED else np.nan
        state[0], state[1] = 1.0, previous
