"""True Strength Index."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import (
    CHANGE_MEMORY,
    EMA_MEMORY,
    NOISE,
    TILE,
    VANISHED,
    Array,
    change,
    compiled,
    ema,
)
from toolkit.rules import Rule, crosses_above, crosses_below


class TSI(Indicator):
    """Doubly smoothed change of the price over doubly smoothed size of the change, -100 to 100 (Blau, 1991).

    Exponential means of `slow_period`, then of `fast_period`, and over the result a signal line of
    `signal_period`, each seeded with the mean of its first values. Undefined while nothing has ever moved. A
    distance from the signal line that is only rounding counts as zero.
    """

    family = "momentum"
    fast_period: Period = 13
    slow_period: Period = 25
    signal_period: Period = 13
    source: Source = "close"

    increasing = (("fast_period", "slow_period"),)
    inputs = ("price",)
    outputs = (Line("tsi", unit="percent"), Line("tsi_signal", unit="percent"))
    levels = (0.0,)
    rules = (
        Rule("BUY", crosses_above("tsi", "tsi_signal")),
        Rule("SELL", crosses_below("tsi", "tsi_signal")),
    )

    @property
    def warmup(self) -> int:
        return self.slow_period + self.fast_period + self.signal_period - 2

    @property
    def state_size(self) -> int:
        return 1 + CHANGE_MEMORY + 5 * EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        price: Array,
        fast_period: int,
        slow_period: int,
        signal_period: int,
        tsi: Array,
        tsi_signal: Array,
    ) -> None:
        memory = state[1 + CHANGE_MEMORY :].reshape(5, EMA_MEMORY)
        room = min(TILE, len(price))
        steps, sizes = np.empty(room), np.empty(room)
        for at in range(0, len(price), TILE):
            now, out, line = price[at : at + TILE], tsi[at : at + TILE], tsi_signal[at : at + TILE]
            step, size = steps[: len(now)], sizes[: len(now)]
            change(state[1:], now, step)
            for i in range(len(now)):
                size[i] = abs(step[i])
            for n in range(2):
                moved = step if n == 0 else size
                for m in range(2):  # from where it is defined: one candle late, then as late as the slow mean
                    begin = 1 if m == 0 else slow_period
                    period = slow_period if m == 0 else fast_period
                    late = min(len(now), max(0, begin - int(state[0])))
                    ema(memory[2 * n + m], moved[late:], period, 2.0 / (period + 1), moved[late:])
            for i in range(len(now)):
                share = 100.0 * (step[i] / size[i])
                out[i] = share if size[i] > VANISHED else np.nan
            begin = end = 0
            while end < len(now):  # the signal line knows only what is defined, and begins anew after a gap
                begin = end
                defined = out[begin] == out[begin]
                while end < len(now) and (out[end] == out[end]) == defined:
                    end += 1
                if defined:
                    alpha = 2.0 / (signal_period + 1)
                    ema(memory[4], out[begin:end], signal_period, alpha, line[begin:end])
                else:
                    line[begin:end] = np.nan
                    memory[4] = 0.0
            for i in range(len(now)):
                line[i] = out[i] if abs(out[i] - line[i]) <= 100.0 * NOISE else line[i]
            state[0] += len(now)
