"""Ichimoku."""

from typing import Annotated

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Period
from toolkit.kernels import (
    TILE,
    Array,
    compiled,
    copy,
    delay,
    delay_memory,
    rolling_channel_memory,
    rolling_midpoint,
)
from toolkit.rules import Rule, crosses_above, crosses_below


class Ichimoku(Indicator):
    """Mid prices of three windows, and a cloud between two of them that is drawn ahead (Hosoda, 1969).

    `tenkan`, `kijun` and `lead_b` are half way between the highest high and the lowest low of their periods,
    `lead_a` half way between `tenkan` and `kijun`; `chikou` is the close. The leads are drawn `displacement`
    candles ahead of the candle at which they are known, and `chikou` as many behind: columns stay where they
    are known. `cloud_a` and `cloud_b` are the cloud *at* this candle, the leads of `displacement` candles
    ago, and what rules read. (Counting the candle itself, as Hosoda and TradingView do, 26 is 25 here.)
    """

    family = "trend"
    tenkan_period: Period = 9
    kijun_period: Period = 26
    senkou_period: Period = 52
    displacement: Annotated[int, Bounds(1, 250, description="candles ahead and behind")] = 26

    increasing = (("tenkan_period", "kijun_period"), ("kijun_period", "senkou_period"))
    inputs = ("high", "low", "close")
    outputs = (
        Line("tenkan"),
        Line("kijun"),
        Line("lead_a", ahead="displacement"),
        Line("lead_b", ahead="displacement"),
        Line("chikou", behind="displacement"),
        Line("cloud_a", drawn=False),
        Line("cloud_b", drawn=False),
    )
    internals = ("cloud_top", "cloud_bottom")
    internals_optional = True
    pane = "price"
    clouds = (("lead_a", "lead_b"),)
    rules = (
        Rule("BUY", crosses_above("tenkan", "kijun")),
        Rule("SELL", crosses_below("tenkan", "kijun")),
        Rule("ABOVE_CLOUD", crosses_above("close", "cloud_top")),
        Rule("BELOW_CLOUD", crosses_below("close", "cloud_bottom")),
    )

    @property
    def warmup(self) -> int:
        return self.senkou_period - 1 + self.displacement

    @property
    def state_size(self) -> int:
        periods = (self.tenkan_period, self.kijun_period, self.senkou_period)
        return sum(map(rolling_channel_memory, periods)) + 2 * delay_memory(self.displacement)

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        high: Array,
        low: Array,
        close: Array,
        tenkan_period: int,
        kijun_period: int,
        senkou_period: int,
        displacement: int,
        tenkan: Array,
        kijun: Array,
        lead_a: Array,
        lead_b: Array,
        chikou: Array,
        cloud_a: Array,
        cloud_b: Array,
        cloud_top: Array,
        cloud_bottom: Array,
    ) -> None:
        second = rolling_channel_memory(tenkan_period)
        third = second + rolling_channel_memory(kijun_period)
        fourth = third + rolling_channel_memory(senkou_period)
        fifth = fourth + delay_memory(displacement)
        for start in range(0, len(close), TILE):
            stop = min(start + TILE, len(close))
            top, bottom, a, b = high[start:stop], low[start:stop], lead_a[start:stop], lead_b[start:stop]
            fast, slow = tenkan[start:stop], kijun[start:stop]
            rolling_midpoint(state[:second], top, bottom, tenkan_period, fast)
            rolling_midpoint(state[second:third], top, bottom, kijun_period, slow)
            rolling_midpoint(state[third:fourth], top, bottom, senkou_period, b)
            for i in range(len(fast)):
                a[i] = 0.5 * (fast[i] + slow[i])
            copy(close[start:stop], chikou[start:stop])
            now_a, now_b = cloud_a[start:stop], cloud_b[start:stop]
            delay(state[fourth:fifth], a, displacement, now_a)
            delay(state[fifth:], b, displacement, now_b)
            upper, lower = cloud_top[start:stop], cloud_bottom[start:stop]
            for i in range(len(upper)):  # b is the later one to be defined: both are b until it is
                upper[i] = now_a[i] if now_a[i] > now_b[i] else now_b[i]
                lower[i] = now_a[i] if now_a[i] < now_b[i] else now_b[i]
