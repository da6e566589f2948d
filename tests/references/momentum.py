"""References of the momentum indicators."""

import numpy as np
import pandas as pd
import talib

from references.reference import Reference, arrays, price


def source(klines, params):
    """The series that the parameter `source` names."""
    parts = {
        "hl2": ["high", "low"],
        "hlc3": ["high", "low", "close"],
        "ohlc4": ["open", "high", "low", "close"],
    }
    return klines[parts.get(params["source"], [params["source"]])].mean(axis=1)


def macd(klines, params):
    _, _, _, close, _ = arrays(klines)
    fast, slow, signal = params["fast_period"], params["slow_period"], params["signal_period"]
    values = talib.MACD(close, fast, slow, signal)
    return dict(zip(("macd", "macd_signal", "macd_histogram"), values, strict=True))


def rsi(klines, params):
    _, _, _, close, _ = arrays(klines)
    return {"rsi": talib.RSI(close, params["period"])}


def stochastic(klines, params):
    _, high, low, close, _ = arrays(klines)
    smoothing = params["k_smoothing"], 0, params["d_period"], 0
    k, d = talib.STOCH(high, low, close, params["k_period"], *smoothing)
    return {"stoch_k": k, "stoch_d": d}


def stochastic_rsi(klines, params):
    """TA-Lib's STOCHRSI, and with a smoothed %K the same of its parts, RSI and STOCH."""
    close, period, fast = klines["close"].to_numpy(), params["rsi_period"], params["stochastic_period"]
    if params["k_smoothing"] == 1:
        k, d = talib.STOCHRSI(close, period, fast, params["d_period"], 0)
        return {"stochrsi_k": k, "stochrsi_d": d}
    strength = talib.RSI(close, period)[period:]
    values = talib.STOCH(strength, strength, strength, fast, params["k_smoothing"], 0, params["d_period"], 0)
    k, d = (np.r_[np.full(period, np.nan), column] for column in values)
    return {"stochrsi_k": k, "stochrsi_d": d}


def cci(klines, params):
    _, high, low, close, _ = arrays(klines)
    return {"cci": talib.CCI(high, low, close, params["period"])}


def roc(klines, params):
    return {"roc": talib.ROC(source(klines, params).to_numpy(), params["period"])}


def williams_r(klines, params):
    _, high, low, close, _ = arrays(klines)
    return {"willr": talib.WILLR(high, low, close, params["period"])}


def seeded_mean(values, period):
    """Exponential mean by pandas' recurrence, seeded with the mean of the first `period` defined values."""
    defined = values.dropna()
    seeded = defined.iloc[period - 1 :].copy()
    seeded.iloc[0] = defined.iloc[:period].mean()
    return seeded.ewm(span=period, adjust=False).mean().reindex(values.index)


def tsi(klines, params):
    """Blau's formula."""
    step = source(klines, params).diff()
    once = [seeded_mean(values, params["slow_period"]) for values in (step, step.abs())]
    twice = [seeded_mean(values, params["fast_period"]) for values in once]
    share = 100.0 * twice[0] / twice[1]
    return {
        "tsi": share.to_numpy(),
        "tsi_signal": seeded_mean(share, params["signal_period"]).to_numpy(),
    }


def awesome_oscillator(klines, params):
    """The difference of TA-Lib's means."""
    middle = source(klines, params).to_numpy()
    apart = talib.SMA(middle, params["fast_period"]) - talib.SMA(middle, params["slow_period"])
    return {"ao": apart, "ao_change": np.r_[np.nan, np.diff(apart)]}


def never_moved(klines, params):
    moved = klines["close"].diff().abs().cumsum().to_numpy()
    return ~(moved > 0)


def no_range(klines, period, smoothing=1):
    """Candles whose last `smoothing` windows of `period` candles include one in which nothing moved."""
    reach = klines["high"].rolling(period).max() - klines["low"].rolling(period).min()
    return (reach <= 1e-9 * klines["close"]).rolling(smoothing, min_periods=1).max().to_numpy() > 0


def no_deviation(klines, params):
    typical = source(klines, params).rolling(params["period"])
    return (typical.max() - typical.min() <= 1e-9 * klines["close"]).to_numpy()


def strength_stood_still(klines, params):
    """Candles whose last windows include one in which the RSI hardly moved, so that rounding decides."""
    strength = pd.Series(talib.RSI(klines["close"].to_numpy(), params["rsi_period"]), klines.index)
    window = strength.rolling(params["stochastic_period"])
    still = (window.max() - window.min() < 1e-3) | pd.Series(never_moved(klines, params), klines.index).shift(
        -1, fill_value=False
    )
    smoothing = params["stochastic_period"] + params["k_smoothing"] + params["d_period"]
    return still.rolling(smoothing, min_periods=1).max().to_numpy() > 0


def hundred(klines):
    """What is measured in percent, and crosses zero, is compared beside a hundred."""
    return np.full(len(klines), 100.0)


REFERENCES: dict[str, Reference] = {
    "MACD": Reference("TA-Lib", macd, ({"fast_period": 5, "slow_period": 35},), beside=price),
    "RSI": Reference(
        "TA-Lib", rsi, ({"period": 3},), exempt=never_moved, why="TA-Lib says 0 while nothing ever moved"
    ),
    "Stochastic": Reference(
        "TA-Lib",
        stochastic,
        (
            {"k_period": 5, "k_smoothing": 1, "d_period": 3},
            {"k_period": 100, "k_smoothing": 10, "d_period": 7},
        ),
        beside=hundred,
        exempt=lambda klines, p: no_range(klines, p["k_period"], p["k_smoothing"] + p["d_period"]),
        why="TA-Lib says 0 where the window has no range",
    ),
    "Stochastic RSI": Reference(
        "TA-Lib",
        stochastic_rsi,
        ({"k_smoothing": 1}, {"rsi_period": 5, "stochastic_period": 30, "k_smoothing": 1, "d_period": 9}),
        beside=hundred,
        exempt=strength_stood_still,
        why="where the RSI stood still TA-Lib divides rounding by rounding",
    ),
    "CCI": Reference(
        "TA-Lib",
        cci,
        ({"period": 5}, {"period": 100}),
        beside=hundred,
        exempt=no_deviation,
        why="TA-Lib says 0 where the window has no deviation, or divides rounding by rounding",
    ),
    "ROC": Reference("TA-Lib", roc, ({"period": 1}, {"period": 100, "source": "hl2"}), beside=hundred),
    "Williams %R": Reference(
        "TA-Lib",
        williams_r,
        ({"period": 100},),
        beside=hundred,
        exempt=lambda klines, p: no_range(klines, p["period"]),
        why="TA-Lib says 0 where the window has no range",
    ),
    "TSI": Reference(
        "Blau's formula in pandas",
        tsi,
        ({"fast_period": 5, "slow_period": 40, "signal_period": 1, "source": "hl2"},),
        beside=hundred,
    ),
    "Awesome Oscillator": Reference(
        "TA-Lib's SMA",
        awesome_oscillator,
        ({"fast_period": 10, "slow_period": 12, "source": "close"},),
        beside=price,
    ),
}
