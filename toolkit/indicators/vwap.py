"""Volume weighted average price."""

from typing import Literal

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Source
from toolkit.kernels import Array, compiled, settle
from toolkit.rules import Rule, crosses_above, crosses_below

_DAY = 86_400_000.0  # milliseconds
_MONDAY = 4 * _DAY  # 1970-01-05, the first Monday of the count


class VWAP(Indicator):
    """Volume weighted average price since the day began (00:00 UTC), or since the week did on Monday
    (Berkowitz, Logue and Noser, 1988).

    `sum(price * volume) / sum(volume)` of the candles that opened since then, by default of the typical
    price `(high + low + close) / 3`. Undefined from the beginning of a day until something is traded, and
    held while nothing more is. Units: price. Where it differs from the close by rounding alone it is the
    close, so that a market that stands still crosses nothing.
    """

    family = "trend"
    anchor: Literal["day", "week"] = "day"
    source: Source = "hlc3"

    inputs = ("open_time", "price", "close", "volume")
    outputs = (Line("vwap"),)
    pane = "price"
    rules = (
        Rule("BUY", crosses_above("close", "vwap")),
        Rule("SELL", crosses_below("close", "vwap")),
    )

    @property
    def warmup(self) -> int:
        return 0

    @property
    def state_size(self) -> int:
        return 4

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        open_time: Array,
        price: Array,
        close: Array,
        volume: Array,
        anchor: int,
        vwap: Array,
    ) -> None:
        begun, end, value, traded = state[0], state[1], state[2], state[3]
        length, first = (7.0 * _DAY, _MONDAY) if anchor else (_DAY, 0.0)
        for i in range(len(price)):
            if begun == 0.0 or open_time[i] >= end:
                begun, value, traded = 1.0, 0.0, 0.0
                end = first + (np.floor((open_time[i] - first) / length) + 1.0) * length
            value += price[i] * volume[i]
            traded += volume[i]
            vwap[i] = value / traded if traded > 0.0 else np.nan
        settle(close, vwap)
        state[0], state[1], state[2], state[3] = begun, end, value, traded
