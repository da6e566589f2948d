"""Chaikin money flow."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period
from toolkit.kernels import NOISE, TILE, Array, compiled, money_flow, rolling_mean, rolling_mean_memory
from toolkit.rules import Rule, crosses_above, crosses_below


class ChaikinMoneyFlow(Indicator):
    """Share of the last `period` candles' volume that flowed in, less that which flowed out, from -1 to 1
    (Chaikin).

    Each candle's volume counts from -1, where it closed at its low, to 1, where at its high, and 0 where it
    has no range. Undefined where nothing was traded in `period` candles. Units: a ratio.
    """

    name = "Chaikin Money Flow"
    family = "volume"
    period: Period = 20

    inputs = ("high", "low", "close", "volume")
    outputs = (Line("cmf", unit="ratio"),)
    levels = (0.0,)
    rules = (
        Rule("BUY", crosses_above("cmf", 0.0)),
        Rule("SELL", crosses_below("cmf", 0.0)),
    )

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return 2 * rolling_mean_memory(self.period)

    @staticmethod
    @compiled
    def kernel(
        state: Array, high: Array, low: Array, close: Array, volume: Array, period: int, cmf: Array
    ) -> None:
        split = rolling_mean_memory(period)
        flows, traded = np.empty((2, min(TILE, len(close))))
        for at in range(0, len(close), TILE):
            to = at + TILE
            size, out = volume[at:to], cmf[at:to]
            flow, total = flows[: len(out)], traded[: len(out)]
            money_flow(high[at:to], low[at:to], close[at:to], size, flow)
            rolling_mean(state[:split], flow, period, out)
            rolling_mean(state[split:], size, period, total)
            for i in range(len(out)):
                share = out[i] / total[i]
                share = share if abs(share) > NOISE else 0.0
                out[i] = share if total[i] > 0.0 else np.nan
