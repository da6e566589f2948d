"""References of the trend indicators."""

import numpy as np
import talib

from references.reference import Reference, arrays


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
