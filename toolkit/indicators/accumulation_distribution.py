"""Accumulation/distribution line."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period
from toolkit.kernels import (
    EMA_MEMORY,
    RUNNING_SUM_MEMORY,
    TILE,
    Array,
    compiled,
    ema,
    money_flow,
    running_sum,
    settle,
)
from toolkit.rules import Rule, crosses_above, crosses_below


class AccumulationDistribution(Indicator):
    """Accumulation/distribution line: the sum of every candle's volume, counted by where in its range the
    candle closed, from -1 at the low to 1 at the high (Chaikin, 1975); and its exponential mean.

    Starts, as in TA-Lib, with the first candle's own flow; held where a candle has no range or no volume.
    Only its changes mean something: its level depends on where the history begins. Units: volume.
    """

    name = "Accumulation/Distribution"
    family = "volume"
    signal_period: Period = 20

    inputs = ("high", "low", "close", "volume")
    outputs = (Line("ad", unit="volume"), Line("ad_signal", unit="volume"))
    rules = (
        Rule("BUY", crosses_above("ad", "ad_signal")),
        Rule("SELL", crosses_below("ad", "ad_signal")),
    )

    @property
    def warmup(self) -> int:
        return self.signal_period - 1

    @property
    def state_size(self) -> int:
        return RUNNING_SUM_MEMORY + EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        high: Array,
        low: Array,
        close: Array,
        volume: Array,
        signal_period: int,
        ad: Array,
        ad_signal: Array,
    ) -> None:
        for at in range(0, len(close), TILE):
            to = at + TILE
            total, mean = ad[at:to], ad_signal[at:to]
            money_flow(high[at:to], low[at:to], close[at:to], volume[at:to], total)
            running_sum(state[:RUNNING_SUM_MEMORY], total, total)
            ema(state[RUNNING_SUM_MEMORY:], total, signal_period, 2.0 / (signal_period + 1), mean)
            settle(total, mean)
