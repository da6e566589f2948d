"""On-balance volume."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import (
    EMA_MEMORY,
    NOISE,
    RUNNING_SUM_MEMORY,
    TILE,
    Array,
    compiled,
    copy,
    ema,
    running_sum,
    settle,
)
from toolkit.rules import Rule, crosses_above, crosses_below


class OBV(Indicator):
    """On-balance volume: the volume of all candles that closed higher less that of all that closed lower
    (Granville, 1963), and its exponential mean.

    Starts, as in TA-Lib, with the first candle's volume; held where the price did not move or nothing was
    traded. Only its changes mean something: its level depends on where the history begins. Units: volume.
    """

    family = "volume"
    signal_period: Period = 20
    source: Source = "close"

    inputs = ("price", "volume")
    outputs = (Line("obv", unit="volume"), Line("obv_signal", unit="volume"))
    rules = (
        Rule("BUY", crosses_above("obv", "obv_signal")),
        Rule("SELL", crosses_below("obv", "obv_signal")),
    )

    @property
    def warmup(self) -> int:
        return self.signal_period - 1

    @property
    def state_size(self) -> int:
        return 2 + RUNNING_SUM_MEMORY + EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(
        state: Array, price: Array, volume: Array, signal_period: int, obv: Array, obv_signal: Array
    ) -> None:
        started, previous, split = state[0], state[1], 2 + RUNNING_SUM_MEMORY
        if started == 0.0:
            previous = 0.0
        before = np.empty(min(TILE, len(price)))
        for at in range(0, len(price), TILE):
            now, size = price[at : at + TILE], volume[at : at + TILE]
            total, mean = obv[at : at + TILE], obv_signal[at : at + TILE]
            before[0] = previous
            copy(now, before[1 : len(now)])
            previous = now[-1]
            for i in range(len(now)):
                change, noise = now[i] - before[i], NOISE * now[i]
                signed = size[i] if change > noise else -size[i]
                total[i] = signed if abs(change) > noise else 0.0
            running_sum(state[2:split], total, total)
            ema(state[split:], total, signal_period, 2.0 / (signal_period + 1), mean)
            settle(total, mean)
        state[0], state[1] = 1.0, previous
