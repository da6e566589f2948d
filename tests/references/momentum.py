"""References of the momentum indicators."""

import talib

from references.reference import Reference, arrays, price


def macd(klines, params):
    _, _, _, close, _ = arrays(klines)
    fast, slow, signal = params["fast_period"], params["slow_period"], params["signal_period"]
    values = talib.MACD(close, fast, slow, signal)
    return dict(zip(("macd", "macd_signal", "macd_histogram"), values, strict=True))


def rsi(klines, params):
    _, _, _, close, _ = arrays(klines)
    return {"rsi": talib.RSI(close, params["period"])}


def never_moved(klines, params):
    moved = klines["close"].diff().abs().cumsum().to_numpy()
    return ~(moved > 0)


REFERENCES: dict[str, Reference] = {
    "MACD": Reference("TA-Lib", macd, ({"fast_period": 5, "slow_period": 35},), beside=price),
    "RSI": Reference(
        "TA-Lib", rsi, ({"period": 3},), exempt=never_moved, why="TA-Lib says 0 while nothing ever moved"
    ),
}
