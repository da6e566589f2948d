"""References of the trend indicators."""

import numpy as np
import pandas as pd
import talib

from references.reference import Reference, arrays


def mean(function, name):
    """A mean of TA-Lib's over the closes."""

    def columns(klines, params):
        _, _, _, close, _ = arrays(klines)
        return {name: function(close, params["period"])}

    return columns


def kama(klines, params):
    """Kaufman (1995), candle by candle. TA-Lib knows no other constants than 2 and 30, and its running sum
    keeps some rounding, so that after a move it takes a flat market for a noisy one.
    """
    close, period = klines["close"], params["period"]
    moved = (close - close.shift(period)).abs()
    steps = close.diff().abs().to_numpy()[1:]
    path = np.lib.stride_tricks.sliding_window_view(steps, period).sum(axis=1) if len(steps) >= period else []
    path = np.r_[np.full(len(close) - len(path), np.nan), path]
    with np.errstate(invalid="ignore"):
        efficiency = np.where(path > 0, np.minimum(moved / path, 1), 1)
    fast, slow = 2 / (params["fast_period"] + 1), 2 / (params["slow_period"] + 1)
    weight = (efficiency * (fast - slow) + slow) ** 2
    values, level = np.full(len(close), np.nan), close.iloc[period - 1]
    for i in range(period, len(close)):
        level += weight[i] * (close.iat[i] - level)
        values[i] = level
    return {"kama": values}


def vwap(klines, params):
    """Sums by day, or by week from Monday on."""
    day = klines.index.floor("D")
    anchor = day if params["anchor"] == "day" else day - pd.to_timedelta(day.day_of_week, unit="D")
    value = (klines["high"] + klines["low"] + klines["close"]) / 3 * klines["volume"]
    traded = klines["volume"].groupby(anchor).cumsum().to_numpy()
    with np.errstate(invalid="ignore"):
        return {"vwap": value.groupby(anchor).cumsum().to_numpy() / traded}


def rolling_vwap(klines, params):
    high, low, close, volume = (klines[name].to_numpy() for name in ("high", "low", "close", "volume"))
    return {"rolling_vwap": talib.VWMA((high + low + close) / 3, volume, params["period"])}


def no_volume(klines, params):
    return (klines["volume"].rolling(params["period"]).max() == 0).to_numpy()


REFERENCES: dict[str, Reference] = {
    "SMA": Reference("TA-Lib", mean(talib.SMA, "sma"), ({"period": 3}, {"period": 200})),
    "EMA": Reference("TA-Lib", mean(talib.EMA, "ema"), ({"period": 3}, {"period": 200})),
    "WMA": Reference("TA-Lib", mean(talib.WMA, "wma"), ({"period": 3}, {"period": 200})),
    "DEMA": Reference("TA-Lib", mean(talib.DEMA, "dema"), ({"period": 3}, {"period": 100})),
    "TEMA": Reference("TA-Lib", mean(talib.TEMA, "tema"), ({"period": 3}, {"period": 100})),
    "KAMA": Reference(
        "textbook",
        kama,
        ({"period": 2, "fast_period": 3, "slow_period": 10}, {"period": 200}),
    ),
    "VWAP": Reference("pandas", vwap, ({"anchor": "week"},)),
    "Rolling VWAP": Reference(
        "TA-Lib",
        rolling_vwap,
        ({"period": 3}, {"period": 200}),
        exempt=no_volume,
        why="TA-Lib divides the rounding that its running sums kept where nothing was traded",
    ),
    "HMA": Reference("TA-Lib", mean(talib.HMA, "hma"), ({"period": 5}, {"period": 100})),
}
