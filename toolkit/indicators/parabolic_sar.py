"""Parabolic SAR."""

from typing import Annotated

import numpy as np

from toolkit.indicators.base import Dots, Indicator
from toolkit.indicators.parameters import Bounds
from toolkit.kernels import Array, compiled
from toolkit.rules import Rule, crosses_above, crosses_below


class ParabolicSAR(Indicator):
    """A stop that closes in on the price, and turns the position round where the price meets it (Wilder,
    1978).

    Each candle moves it by a share of its distance from the trend's extreme: `acceleration` at first, more by
    that at each new extreme, `maximum` at most; never into the last two candles. As in TA-Lib, the first
    trend falls if the second candle's low reaches further down than its high does up, and rises otherwise,
    and the stop begins at the first candle's high or low.
    """

    name = "Parabolic SAR"
    family = "trend"
    acceleration: Annotated[float, Bounds(0.001, 0.5, 0.001, "of the distance a candle")] = 0.02
    maximum: Annotated[float, Bounds(0.01, 1, 0.01, "of the distance a candle")] = 0.2

    increasing = (("acceleration", "maximum"),)
    inputs = ("high", "low", "close")
    outputs = (Dots("psar"),)
    pane = "price"
    rules = (Rule("BUY", crosses_above("close", "psar")), Rule("SELL", crosses_below("close", "psar")))

    @property
    def warmup(self) -> int:
        return 1

    @property
    def state_size(self) -> int:
        return 7

    @staticmethod
    @compiled
    def kernel(
        state: Array, high: Array, low: Array, acceleration: float, maximum: float, psar: Array
    ) -> None:
        seen, rising, stop, extreme, share = state[0], state[1] != 0.0, state[2], state[3], state[4]
        high_before, low_before = state[5], state[6]
        begin = 0
        if seen == 0.0:
            psar[0] = np.nan
            high_before, low_before = high[0], low[0]
            begin = 1
        if seen + len(high) > 1.0 and seen < 2.0:
            top, bottom = high[begin], low[begin]
            rising = not 0.0 < low_before - bottom > top - high_before
            stop, extreme = (low_before, top) if rising else (high_before, bottom)
            high_before, low_before, share = top, bottom, acceleration
        for i in range(begin, len(high)):
            top, bottom = high[i], low[i]
            highest, lowest = max(high_before, top), min(low_before, bottom)
            high_before, low_before = top, bottom
            if rising and bottom > stop:
                psar[i] = stop
                if top > extreme:
                    extreme, share = top, min(share + acceleration, maximum)
                stop = min(lowest, stop + share * (extreme - stop))
            elif not rising and top < stop:
                psar[i] = stop
                if bottom < extreme:
                    extreme, share = bottom, min(share + acceleration, maximum)
                stop = max(highest, stop + share * (extreme - stop))
            elif rising:  # the price met it: the trend turns
                rising, stop = False, max(extreme, highest)
                psar[i] = stop
                extreme, share = bottom, acceleration
                stop = max(highest, stop + share * (extreme - stop))
            else:
                rising, stop = True, min(extreme, lowest)
                psar[i] = stop
                extreme, share = top, acceleration
                stop = min(lowest, stop + share * (extreme - stop))
        state[0], state[1], state[2], state[3], state[4] = seen + len(high), rising, stop, extreme, share
        state[5], state[6] = high_before, low_before
