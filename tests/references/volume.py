"""References of the volume indicators."""

import numpy as np
import pandas as pd
import talib

from references.reference import Reference, arrays


def obv(klines, params):
    _, _, _, close, volume = arrays(klines)
    line = talib.OBV(close, volume)
    return {"obv": line, "obv_signal": talib.EMA(line, params["signal_period"])}


def accumulation_distribution(klines, params):
    _, high, low, close, volume = arrays(klines)
    line = talib.AD(high, low, close, volume)
    return {"ad": line, "ad_signal": talib.EMA(line, params["signal_period"])}


def chaikin_money_flow(klines, params):
    _, high, low, close, volume = arrays(klines)
    return {"cmf": talib.CMF(high, low, close, volume, params["period"])}


def mfi(klines, params):
    """TA-Lib says 0 where less than one unit of money moved: so many more that none of that is left."""
    _, high, low, close, volume = arrays(klines)
    return {"mfi": talib.MFI(high, low, close, volume * 2.0**40, params["period"])}


def no_money_or_rounding(klines, params):
    """Windows in which no candle counts, or the typical price moved by rounding alone."""
    price = (klines["high"] + klines["low"] + klines["close"]) / 3
    change = price.diff().abs()
    rounding = (change > 0) & (change < 1e-13 * price)
    counts = (change > 0) & ~rounding & (klines["volume"] > 0)
    windows = pd.DataFrame({"counts": counts, "rounding": rounding}).rolling(params["period"]).max()
    return ((windows["counts"] == 0) | (windows["rounding"] == 1)).to_numpy()


def volume_average(klines, params):
    *_, volume = arrays(klines)
    return {"volume_sma": talib.SMA(volume, params["period"])}


def traded(klines):
    """All that was traded so far, which sums over the whole history are measured by."""
    return klines["volume"].cumsum().to_numpy()


def one(klines):
    return np.ones(len(klines))


def hundred(klines):
    return np.full(len(klines), 100.0)


def no_volume(klines, params):
    return (klines["volume"].rolling(params["period"]).max() == 0).to_numpy()


REFERENCES: dict[str, Reference] = {
    "OBV": Reference("TA-Lib", obv, ({"signal_period": 5},), beside=traded),
    "Accumulation/Distribution": Reference(
        "TA-Lib", accumulation_distribution, ({"signal_period": 5},), beside=traded
    ),
    "Chaikin Money Flow": Reference(
        "TA-Lib",
        chaikin_money_flow,
        ({"period": 3}, {"period": 200}),
        beside=one,
        exempt=no_volume,
        why="TA-Lib says 0 where nothing was traded",
    ),
    "MFI": Reference(
        "TA-Lib",
        mfi,
        ({"period": 3}, {"period": 100}),
        beside=hundred,
        exempt=no_money_or_rounding,
        why="TA-Lib divides rounding where no money moved, and counts a move that is only rounding",
    ),
    "Volume Average": Reference(
        "TA-Lib",
        volume_average,
        ({"period": 3}, {"period": 200}),
        exempt=no_volume,
        why="TA-Lib's running sum keeps some rounding where nothing was traded",
    ),
}
