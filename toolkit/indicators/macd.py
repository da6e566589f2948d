"""MACD."""

from toolkit.indicators.base import Histogram, Indicator, Line
from toolkit.indicators.parameters import Period, Source
from toolkit.kernels import EMA_MEMORY, NOISE, TILE, Array, compiled, copy, ema
from toolkit.rules import Rule, crosses_above, crosses_below


class MACD(Indicator):
    """Distance between two exponential means, and a signal line over it (Appel, 1979).

    Both means are seeded at candle `slow_period - 1`, as in TA-Lib, each with the mean of its last prices;
    the signal line is seeded with the mean of its first `signal_period` values. Units: price. A distance
    that is only rounding beside the price counts as zero, so that a market that stands still crosses
    nothing.
    """

    family = "momentum"
    fast_period: Period = 12
    slow_period: Period = 26
    signal_period: Period = 9
    source: Source = "close"

    increasing = (("fast_period", "slow_period"),)
    inputs = ("price",)
    outputs = (Line("macd"), Line("macd_signal"), Histogram("macd_histogram"))
    levels = (0.0,)
    rules = (
        Rule("BUY", crosses_above("macd", "macd_signal")),
        Rule("SELL", crosses_below("macd", "macd_signal")),
    )

    @property
    def warmup(self) -> int:
        return self.slow_period + self.signal_period - 2

    @property
    def state_size(self) -> int:
        return 1 + 3 * EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        price: Array,
        fast_period: int,
        slow_period: int,
        signal_period: int,
        macd: Array,
        macd_signal: Array,
        macd_histogram: Array,
    ) -> None:
        seen, memory = int(state[0]), state[1:].reshape(3, EMA_MEMORY)
        fast, slow, signal = memory[0], memory[1], memory[2]
        for at in range(0, len(price), TILE):
            now, apart, line = price[at : at + TILE], macd[at : at + TILE], macd_signal[at : at + TILE]
            histogram = macd_histogram[at : at + TILE]
            late = min(len(now), max(0, slow_period - fast_period - seen))  # where the fast mean begins
            first = min(len(now), max(0, slow_period - 1 - seen))
            ema(fast, now[late:], fast_period, 2.0 / (fast_period + 1), apart[late:])
            ema(slow, now, slow_period, 2.0 / (slow_period + 1), line)
            copy(line[:first], apart[:first])
            for i in range(len(now)):
                distance = apart[i] - line[i]
                apart[i] = 0.0 if abs(distance) <= NOISE * now[i] else distance
            ema(signal, apart[first:], signal_period, 2.0 / (signal_period + 1), line[first:])
            for i in range(len(now)):
                mean = apart[i] if abs(apart[i] - line[i]) <= NOISE * now[i] else line[i]
                line[i], histogram[i] = mean, apart[i] - mean
            seen += len(now)
        state[0] = seen
