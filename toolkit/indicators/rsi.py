"""Relative Strength Index."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Level, Period, Source
from toolkit.kernels import EMA_MEMORY, TILE, VANISHED, Array, compiled, ema
from toolkit.rules import Rule, at_or_above, at_or_below, crosses_above, crosses_below


class RSI(Indicator):
    """Share of the gains in all movement, 0 to 100, smoothed by Wilder's average (Wilder, 1978).

    `100 * gain / (gain + loss)` of the prices' changes, both averages seeded with the mean of the first
    `period`. Undefined while the market has never moved, or so long ago that the averages have vanished.
    """

    family = "momentum"
    period: Period = 14
    overbought: Level = 70
    oversold: Level = 30
    source: Source = "close"

    increasing = (("oversold", "overbought"),)
    inputs = ("price",)
    outputs = (Line("rsi", unit="percent"),)
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
    def kernel(state: Array, price: Array, period: int, rsi: Array) -> None:
        gains, losses = state[2:5], state[5:8]
        started, previous = state[0] != 0.0, state[1]
        up, down = np.empty(min(TILE, len(price))), np.empty(min(TILE, len(price)))
        begin = 0
        if not started:  # the first price has no change
            rsi[0] = np.nan
            previous = price[0]
            begin = 1
        for at in range(begin, len(price), TILE):
            now, out = price[at : at + TILE], rsi[at : at + TILE]
            count = len(now)
            gain, loss = up[:count], down[:count]
            loss[0] = now[0] - previous
            for i in range(1, count):
                loss[i] = now[i] - now[i - 1]
            previous = now[-1]
            for i in range(count):  # exact: half of twice the change, or zero
                change, size = loss[i], abs(loss[i])
                gain[i] = 0.5 * (size + change)
                loss[i] = 0.5 * (size - change)
            ema(gains, gain, period, 1.0 / period, gain)
            ema(losses, loss, period, 1.0 / period, loss)
            for i in range(count):
                total = gain[i] + loss[i]
                share = 100.0 * (gain[i] / total)
                out[i] = share if total > VANISHED else np.nan
        state[0], state[1] = 1.0, previous
