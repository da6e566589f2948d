"""Average Directional Index."""

from typing import Annotated

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Level
from toolkit.kernels import (
    DIRECTIONAL_MOVEMENT_MEMORY,
    EMA_MEMORY,
    TILE,
    TRUE_RANGE_MEMORY,
    VANISHED,
    Array,
    compiled,
    directional_movement,
    ema,
    fill,
    true_range,
)
from toolkit.rules import Rule, crosses_above, crosses_below


class ADX(Indicator):
    """Strength of a trend, 0 to 100, and the shares of its two directions in all movement (Wilder, 1978).

    `plus_di` and `minus_di` are 100 times Wilder's average of the movement up, and down, over that of the
    true range; `adx` is Wilder's average of `100 * |plus_di - minus_di| / (plus_di + minus_di)`. Seeded as
    in TA-Lib: the averages with the first `period - 1` movements and a zero, the ADX with the mean of its
    first `period` values. Undefined while the market has never moved, or so long ago that the averages have
    vanished; the ADX then goes on from where it was.
    """

    family = "trend"
    period: Annotated[int, Bounds(2, 1000, description="candles")] = 14
    threshold: Level = 25

    inputs = ("high", "low", "close")
    outputs = (
        Line("adx", unit="percent"),
        Line("plus_di", unit="percent"),
        Line("minus_di", unit="percent"),
    )
    levels = ("threshold",)
    value_range = (0.0, 100.0)
    rules = (
        Rule("BUY", crosses_above("plus_di", "minus_di")),
        Rule("SELL", crosses_below("plus_di", "minus_di")),
        Rule("STRONG_TREND", crosses_above("adx", "threshold")),
    )

    @property
    def warmup(self) -> int:
        return 2 * self.period - 1

    @property
    def state_size(self) -> int:
        return 2 + DIRECTIONAL_MOVEMENT_MEMORY + TRUE_RANGE_MEMORY + 4 * EMA_MEMORY

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        high: Array,
        low: Array,
        close: Array,
        period: int,
        adx: Array,
        plus_di: Array,
        minus_di: Array,
    ) -> None:
        moves, rest = state[2 : 2 + DIRECTIONAL_MOVEMENT_MEMORY], state[2 + DIRECTIONAL_MOVEMENT_MEMORY :]
        ranges, means = rest[:TRUE_RANGE_MEMORY], rest[TRUE_RANGE_MEMORY:].reshape(4, EMA_MEMORY)
        ups, downs, widths, strengths = means[0], means[1], means[2], means[3]
        seen, last, alpha = int(state[0]), state[1], 1.0 / period
        scratch = np.empty((2, min(TILE, len(close))))
        for start in range(0, len(close), TILE):
            stop = min(start + TILE, len(close))
            up, down, mean = plus_di[start:stop], minus_di[start:stop], adx[start:stop]
            width, dx = scratch[0, : stop - start], scratch[1, : stop - start]
            directional_movement(moves, high[start:stop], low[start:stop], up, down)
            true_range(ranges, high[start:stop], low[start:stop], close[start:stop], width)
            if seen == 0:
                width[0] = 0.0
            ema(ups, up, period, alpha, up)
            ema(downs, down, period, alpha, down)
            ema(widths, width, period, alpha, width)
            first = min(len(dx), max(0, period - seen))
            undefined = 0
            for i in range(len(dx)):
                both = up[i] + down[i]
                share = 100.0 / width[i] if width[i] > VANISHED else np.nan
                dx[i] = 100.0 * abs(up[i] - down[i]) / both
                undefined += 0 if both > VANISHED else 1
                width[i] = both
                up[i] *= share
                down[i] *= share
            fill(up[:first], np.nan)
            fill(down[:first], np.nan)
            fill(mean[:first], np.nan)
            for i in range(first, len(dx) if undefined else 0):
                dx[i] = last = dx[i] if width[i] > VANISHED else last
            last = dx[-1] if first < len(dx) else last
            ema(strengths, dx[first:], period, alpha, mean[first:])
            for i in range(first, len(dx) if undefined else 0):
                mean[i] = mean[i] if width[i] > VANISHED else np.nan
            seen += len(dx)
        state[0], state[1] = seen, last
