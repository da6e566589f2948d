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
    """TA-Lib, which knows no other constants than 2 and 30; for others Kaufman's formula (1995), candle by
    candle.
    """
    if (params["fast_period"], params["slow_period"]) == (2, 30):
        return {"kama": talib.KAMA(klines["close"].to_numpy(), params["period"])}
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


def adx(klines, params):
    _, high, low, close, _ = arrays(klines)
    names = {"adx": talib.ADX, "plus_di": talib.PLUS_DI, "minus_di": talib.MINUS_DI}
    return {name: function(high, low, close, params["period"]) for name, function in names.items()}


def no_direction_yet(klines, _):
    moved = (klines["high"].diff() != -klines["low"].diff()).iloc[1:]
    return np.r_[True, ~moved.cummax().to_numpy()]


def aroon(klines, params):
    _, high, low, _, _ = arrays(klines)
    down, up = talib.AROON(high, low, params["period"])
    return {
        "aroon_up": up,
        "aroon_down": down,
        "aroon_oscillator": talib.AROONOSC(high, low, params["period"]),
    }


def ichimoku(klines, params):
    def middle(name):
        rolling = klines[["high", "low"]].rolling(params[name])
        return (rolling["high"].max() + rolling["low"].min()) / 2

    tenkan, kijun, lead_b = middle("tenkan_period"), middle("kijun_period"), middle("senkou_period")
    lead_a = (tenkan + kijun) / 2
    columns = {
        "tenkan": tenkan,
        "kijun": kijun,
        "lead_a": lead_a,
        "lead_b": lead_b,
        "chikou": klines["close"],
        "cloud_a": lead_a.shift(params["displacement"]),
        "cloud_b": lead_b.shift(params["displacement"]),
    }
    return {name: column.to_numpy() for name, column in columns.items()}


def parabolic_sar(klines, params):
    _, high, low, _, _ = arrays(klines)
    return {"psar": talib.SAR(high, low, params["acceleration"], params["maximum"])}


def supertrend(klines, params):
    """As TradingView documents it, candle by candle; its average true range is TA-Lib's."""
    _, high, low, close, _ = arrays(klines)
    reach = params["multiplier"] * talib.ATR(high, low, close, params["period"])
    above, below = (high + low) / 2 + reach, (high + low) / 2 - reach
    line, direction = np.full(len(close), np.nan), np.full(len(close), np.nan)
    trend = -1.0
    for i in range(params["period"], len(close)):
        if i > params["period"]:
            if not (below[i] > below[i - 1] or close[i - 1] < below[i - 1]):
                below[i] = below[i - 1]
            if not (above[i] < above[i - 1] or close[i - 1] > above[i - 1]):
                above[i] = above[i - 1]
        if trend < 0 and close[i] > above[i]:
            trend = 1.0
        elif trend > 0 and close[i] < below[i]:
            trend = -1.0
        line[i], direction[i] = (below if trend > 0 else above)[i], trend
    return {"supertrend": line, "supertrend_direction": direction}


REFERENCES: dict[str, Reference] = {
    "SMA": Reference("TA-Lib", mean(talib.SMA, "sma"), ({"period": 3}, {"period": 200})),
    "EMA": Reference("TA-Lib", mean(talib.EMA, "ema"), ({"period": 3}, {"period": 200})),
    "WMA": Reference("TA-Lib", mean(talib.WMA, "wma"), ({"period": 3}, {"period": 200})),
    "DEMA": Reference("TA-Lib", mean(talib.DEMA, "dema"), ({"period": 3}, {"period": 100})),
    "TEMA": Reference("TA-Lib", mean(talib.TEMA, "tema"), ({"period": 3}, {"period": 100})),
    "KAMA": Reference(
        "TA-Lib",
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
    "ADX": Reference(
        "TA-Lib",
        adx,
        ({"period": 7}, {"period": 50}),
        exempt=no_direction_yet,
        why="TA-Lib says 0 while nothing has moved in a direction",
    ),
    "Aroon": Reference("TA-Lib", aroon, ({"period": 25}, {"period": 100})),
    "Ichimoku": Reference(
        "pandas",
        ichimoku,
        (
            {"tenkan_period": 10, "kijun_period": 30, "senkou_period": 60, "displacement": 30},
            {"displacement": 1},
        ),
    ),
    "Parabolic SAR": Reference("TA-Lib", parabolic_sar, ({"acceleration": 0.05, "maximum": 0.1},)),
    "Supertrend": Reference(
        "numpy", supertrend, ({"period": 7, "multiplier": 1.5}, {"period": 30, "multiplier": 0.3})
    ),
}
