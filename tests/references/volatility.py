"""References of the volatility indicators."""

import numpy as np
import talib

from references.reference import Reference, arrays, price


def atr(klines, params):
    _, high, low, close, _ = arrays(klines)
    return {"atr": talib.ATR(high, low, close, params["period"])}


def bollinger_bands(klines, params):
    _, _, _, close, _ = arrays(klines)
    upper, middle, lower = talib.BBANDS(close, params["period"], params["std_dev"], params["std_dev"])
    return {"bb_upper": upper, "bb_middle": middle, "bb_lower": lower, "bb_width": upper - lower}


def donchian_channels(klines, params):
    _, high, low, _, _ = arrays(klines)
    upper, lower = talib.MAX(high, params["period"]), talib.MIN(low, params["period"])
    return {"dc_upper": upper, "dc_middle": (upper + lower) / 2, "dc_lower": lower}


def keltner_channels(klines, params):
    _, high, low, close, _ = arrays(klines)
    middle = talib.EMA(close, params["period"])
    reach = params["multiplier"] * talib.ATR(high, low, close, params["atr_period"])
    return {"kc_upper": middle + reach, "kc_middle": middle, "kc_lower": middle - reach}


def realised_volatility(klines, params):
    close, period = klines["close"].to_numpy(), params["period"]
    returns = np.log1p(np.diff(close) / close[:-1])  # log(b / a) has too few digits where they hardly differ
    windows = np.lib.stride_tricks.sliding_window_view(returns, period)
    deviation = [part.std(axis=1, ddof=1) for part in np.array_split(windows, 1 + len(windows) // 10_000)]
    scale = 100 * np.sqrt(params["periods_per_year"])
    return {"realised_volatility": np.r_[np.full(period, np.nan), scale * np.concatenate(deviation)]}


REFERENCES: dict[str, Reference] = {
    "ATR": Reference("TA-Lib", atr, ({"period": 2}, {"period": 100})),
    "Bollinger Bands": Reference("TA-Lib", bollinger_bands, ({"period": 100, "std_dev": 3.0},), beside=price),
    "Donchian Channels": Reference("TA-Lib", donchian_channels, ({"period": 5}, {"period": 100})),
    "Keltner Channels": Reference(
        "TA-Lib", keltner_channels, ({"period": 10, "atr_period": 30, "multiplier": 1.5},)
    ),
    "Realised Volatility": Reference(
        "numpy", realised_volatility, ({"period": 3}, {"period": 20, "periods_per_year": 365})
    ),
}
