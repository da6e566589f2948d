"""Aroon."""

from toolkit.indicators.base import Histogram, Indicator, Line
from toolkit.indicators.parameters import Period
from toolkit.kernels import TILE, Array, compiled, rolling_age_memory, rolling_max_age, rolling_min_age
from toolkit.rules import Rule, crosses_above, crosses_below


class Aroon(Indicator):
    """How lately the highest high and the lowest low of `period` candles and this one were (Chande, 1995).

    `100 * (period - candles since) / period` for each: 100 at this candle, 0 `period` candles ago; the later
    of two equal ones counts, as in TA-Lib. The oscillator is up less down, -100 to 100.
    """

    family = "trend"
    period: Period = 14

    inputs = ("high", "low")
    outputs = (
        Line("aroon_up", unit="percent"),
        Line("aroon_down", unit="percent"),
        Histogram("aroon_oscillator", unit="percent"),
    )
    value_range = (-100.0, 100.0)
    rules = (
        Rule("BUY", crosses_above("aroon_up", "aroon_down")),
        Rule("SELL", crosses_below("aroon_up", "aroon_down")),
    )

    @property
    def warmup(self) -> int:
        return self.period

    @property
    def state_size(self) -> int:
        return 2 * rolling_age_memory(self.period + 1)

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        high: Array,
        low: Array,
        period: int,
        aroon_up: Array,
        aroon_down: Array,
        aroon_oscillator: Array,
    ) -> None:
        split = rolling_age_memory(period + 1)
        for at in range(0, len(high), TILE):
            up, down = aroon_up[at : at + TILE], aroon_down[at : at + TILE]
            apart = aroon_oscillator[at : at + TILE]
            rolling_max_age(state[:split], high[at : at + TILE], period + 1, up)
            rolling_min_age(state[split:], low[at : at + TILE], period + 1, down)
            for i in range(len(up)):
                up[i] = 100.0 * (period - up[i]) / period
            for i in range(len(up)):
                down[i] = 100.0 * (period - down[i]) / period
                apart[i] = up[i] - down[i]
