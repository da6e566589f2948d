"""Bollinger Bands."""

from typing import Annotated

import numpy as np

from toolkit.indicators.base import Indicator, Line
from toolkit.indicators.parameters import Bounds, Source
from toolkit.kernels import (
    NOISE,
    TILE,
    Array,
    compiled,
    fill,
    rolling_mean,
    rolling_mean_memory,
    rolling_mean_std,
    rolling_mean_std_memory,
)
from toolkit.rules import Rule, at_or_above, at_or_below, below


class BollingerBands(Indicator):
    """Mean of the prices, and bands `std_dev` population standard deviations above and below it (Bollinger,
    1983).

    `bb_width = bb_upper - bb_lower`, in units of price; `bb_position` is 0 at the lower band and 1 at the
    upper, not clipped, and undefined where the bands have no width. A squeeze is a width below
    `squeeze_ratio` of its own mean over `squeeze_period` candles.
    """

    name = "Bollinger Bands"
    family = "volatility"
    period: Annotated[int, Bounds(2, 1000, description="candles")] = 20
    std_dev: Annotated[float, Bounds(0.1, 10, 0.1, "standard deviations")] = 2.0
    squeeze_period: Annotated[int, Bounds(2, 1000, description="candles")] = 20
    squeeze_ratio: Annotated[float, Bounds(0.05, 1, 0.05, "of the mean width")] = 0.8
    source: Source = "close"

    inputs = ("price", "high", "low")
    outputs = (
        Line("bb_upper"),
        Line("bb_middle"),
        Line("bb_lower"),
        Line("bb_width", drawn=False),
        Line("bb_position", drawn=False, unit="ratio"),
    )
    internals = ("squeeze_width",)
    internals_optional = True
    pane = "price"
    fills = (("bb_upper", "bb_lower"),)
    rules = (
        Rule("BUY", at_or_below("low", "bb_lower"), needs="bb_position"),
        Rule("SELL", at_or_above("high", "bb_upper"), needs="bb_position"),
        Rule("BAND_SQUEEZE", below("bb_width", "squeeze_width")),
    )

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return 1 + rolling_mean_std_memory(self.period) + rolling_mean_memory(self.squeeze_period)

    @staticmethod
    @compiled
    def kernel(
        state: Array,
        price: Array,
        period: int,
        std_dev: float,
        squeeze_period: int,
        squeeze_ratio: float,
        bb_upper: Array,
        bb_middle: Array,
        bb_lower: Array,
        bb_width: Array,
        bb_position: Array,
        squeeze_width: Array,
    ) -> None:
        seen, split = int(state[0]), 1 + rolling_mean_std_memory(period)
        for at in range(0, len(price), TILE):
            to = at + TILE
            now, middle, width = price[at:to], bb_middle[at:to], bb_width[at:to]
            upper, lower = bb_upper[at:to], bb_lower[at:to]
            position, squeeze = bb_position[at:to], squeeze_width[at:to]
            rolling_mean_std(state[1:split], now, period, middle, width)
            for i in range(len(now)):
                reach = std_dev * width[i]
                upper[i] = middle[i] + reach
                lower[i] = middle[i] - reach
            for i in range(len(now)):
                width[i] = upper[i] - lower[i]
            for i in range(len(now)):
                share = (now[i] - lower[i]) / width[i]
                position[i] = share if width[i] > NOISE * middle[i] else np.nan
            if len(squeeze):
                first = min(len(now), max(0, period - 1 - seen))
                fill(squeeze[:first], np.nan)
                rolling_mean(state[split:], width[first:], squeeze_period, squeeze[first:])
                for i in range(len(squeeze)):
                    squeeze[i] *= squeeze_ratio
            seen += len(now)
        state[0] = seen
