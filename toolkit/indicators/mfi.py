"""Money flow index."""

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Level, Period, Source
from toolkit.kernels import NOISE, TILE, Array, compiled, copy, rolling_mean, rolling_mean_memory
from toolkit.rules import Rule, at_or_above, at_or_below, crosses_above, crosses_below


class MFI(Indicator):
    """Money flow index: how much of the money of the last `period` candles was traded while the price rose,
    in percent (Quong and Soudack, 1989).

    A candle's money is its typical price `(high + low + close) / 3` times its volume; where that price did
    not move (but for rounding), it counts on neither side. Undefined where no money counts at all.
    """

    family = "momentum"
    period: Period = 14
    overbought: Level = 80
    oversold: Level = 20
    source: Source = "hlc3"

    increasing = (("oversold", "overbought"),)
    inputs = ("price", "volume")
    outputs = (Line("mfi", unit="percent"),)
    levels = ("overbought", "oversold")
    value_range = (0.0, 100.0)
    rules = (
        Rule("OVERBOUGHT", at_or_above("mfi", "overbought")),
        Rule("OVERSOLD", at_or_below("mfi", "oversold")),
        Rule("BUY", crosses_above("mfi", "oversold")),
        Rule("SELL", crosses_below("mfi", "overbought")),
    )

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return 2 + 2 * rolling_mean_memory(self.period)

    @staticmethod
    @compiled
    def kernel(state: Array, price: Array, volume: Array, period: int, mfi: Array) -> None:
        begin, previous = 0, state[1]
        split = 2 + rolling_mean_memory(period)
        scratch = np.empty((2, min(TILE, len(price))))
        if state[0] == 0.0:  # the first price has no change
            mfi[0] = np.nan
            previous = price[0]
            begin = 1
        for at in range(begin, len(price), TILE):
            now, size, out = price[at : at + TILE], volume[at : at + TILE], mfi[at : at + TILE]
            count = len(now)
            rise, fall = scratch[0, :count], scratch[1, :count]
            fall[0] = previous
            copy(now, fall[1:])
            previous = now[-1]
            for i in range(count):
                change, noise = now[i] - fall[i], NOISE * now[i]
                money = now[i] * size[i]
                rise[i] = money if change > noise else 0.0
                fall[i] = money if change < -noise else 0.0
            rolling_mean(state[2:split], rise, period, out)
            rolling_mean(state[split:], fall, period, fall)
            for i in range(count):
                total = out[i] + fall[i]
                share = 100.0 * (out[i] / total)
                out[i] = share if total > 0.0 else np.nan
        state[0], state[1] = 1.0, previous
