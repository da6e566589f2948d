"""Awesome Oscillator."""

from toolkit.indicators.base import Histogram, Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import (
    CHANGE_MEMORY,
    NOISE,
    TILE,
    Array,
    change,
    compiled,
    rolling_mean,
    rolling_mean_memory,
)
from toolkit.rules import Rule, crosses_above, crosses_below


class AwesomeOscillator(Indicator):
    """Distance between two simple means of the candles' middle, in units of price (Williams, 1995).

    `ao_change`, what it gained on the candle before, gives the bars their colour. A distance that is only
    rounding beside the price counts as zero.
    """

    name = "Awesome Oscillator"
    family = "momentum"
    fast_period: Period = 5
    slow_period: Period = 34
    source: Source = "hl2"

    increasing = (("fast_period", "slow_period"),)
    inputs = ("price",)
    outputs = (Histogram("ao", colored_by="ao_change"), Line("ao_change", drawn=False))
    levels = (0.0,)
    rules = (
        Rule("BUY", crosses_above("ao", 0.0)),
        Rule("SELL", crosses_below("ao", 0.0)),
    )

    @property
    def warmup(self) -> int:
        return self.slow_period

    @property
    def state_size(self) -> int:
        means = rolling_mean_memory(self.fast_period) + rolling_mean_memory(self.slow_period)
        return CHANGE_MEMORY + means

    @staticmethod
    @compiled
    def kernel(
        state: Array, price: Array, fast_period: int, slow_period: int, ao: Array, ao_change: Array
    ) -> None:
        fast = state[CHANGE_MEMORY:]
        slow = fast[rolling_mean_memory(fast_period) :]
        for at in range(0, len(price), TILE):
            now, out, gained = price[at : at + TILE], ao[at : at + TILE], ao_change[at : at + TILE]
            rolling_mean(fast, now, fast_period, out)
            rolling_mean(slow, now, slow_period, gained)
            for i in range(len(now)):
                apart = out[i] - gained[i]
                out[i] = 0.0 if abs(apart) <= NOISE * now[i] else apart
            change(state, out, gained)
