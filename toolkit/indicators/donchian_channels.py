"""Donchian Channels."""

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Period
from toolkit.kernels import (
    Array,
    compiled,
    delay,
    delay_memory,
    rolling_channel,
    rolling_channel_memory,
)
from toolkit.rules import Rule, above, below


class DonchianChannels(Indicator):
    """Highest high and lowest low of the last `period` candles, this one included (Donchian, 1960).

    A breakout is a close beyond the channel of the candle before; of several in a row the first counts.
    """

    name = "Donchian Channels"
    family = "volatility"
    period: Period = 20

    inputs = ("high", "low", "close")
    outputs = (Line("dc_upper"), Line("dc_middle"), Line("dc_lower"))
    internals = ("upper_before", "lower_before")
    internals_optional = True
    pane = "price"
    fills = (("dc_upper", "dc_lower"),)
    rules = (Rule("BUY", above("close", "upper_before")), Rule("SELL", below("close", "lower_before")))

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return rolling_channel_memory(self.period) + 2 * delay_memory(1)

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        high: Array,
        low: Array,
        period: int,
        dc_upper: Array,
        dc_middle: Array,
        dc_lower: Array,
        upper_before: Array,
        lower_before: Array,
    ) -> None:
        before = state[rolling_channel_memory(period) :]
        rolling_channel(state, high, low, period, dc_upper, dc_middle, dc_lower)
        if len(upper_before):
            delay(before[: delay_memory(1)], dc_upper, 1, upper_before)
            delay(before[delay_memory(1) :], dc_lower, 1, lower_before)
