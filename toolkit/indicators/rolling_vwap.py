"""Rolling volume weighted average price."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import TILE, Array, compiled, rolling_mean, rolling_mean_memory, settle
from toolkit.rules import Rule, crosses_above, crosses_below


class RollingVWAP(Indicator):
    """Volume weighted average price of the last `period` candles, by default of the typical price `(high +
    low + close) / 3`; also known as VWMA.

    `sum(price * volume) / sum(volume)`; undefined where nothing was traded in `period` candles. Units:
    price. Where it differs from the close by rounding alone it is the close, so that a market that stands
    still crosses nothing.
    """

    name = "Rolling VWAP"
    family = "trend"
    period: Period = 20
    source: Source = "hlc3"

    inputs = ("price", "close", "volume")
    outputs = (Line("rolling_vwap"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("close", "rolling_vwap")),
        Rule("SELL", crosses_below("close", "rolling_vwap")),
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
        state: Array, price: Array, close: Array, volume: Array, period: int, rolling_vwap: Array
    ) -> None:
        split = rolling_mean_memory(period)
        values, traded = np.empty((2, min(TILE, len(price))))
        for at in range(0, len(price), TILE):
            now, out = price[at : at + TILE], rolling_vwap[at : at + TILE]
            size, value, total = volume[at : at + TILE], values[: len(now)], traded[: len(now)]
            for i in range(len(now)):
                value[i] = now[i] * size[i]
            rolling_mean(state[:split], value, period, out)
            rolling_mean(state[split:], size, period, total)
            for i in range(len(now)):
                share = out[i] / total[i]
                out[i] = share if total[i] > 0.0 else np.nan
            settle(close[at : at + TILE], out)
