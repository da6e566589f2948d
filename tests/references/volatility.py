"""References of the volatility indicators."""

import talib

from references.reference import Reference, arrays, price


def bollinger_bands(klines, params):
    _, _, _, close, _ = arrays(klines)
    upper, middle, lower = talib.BBANDS(close, params["period"], params["std_dev"], params["std_dev"])
    return {"bb_upper": upper, "bb_middle": middle, "bb_lower": lower, "bb_width": upper - lower}


REFERENCES: dict[str, Reference] = {
    "Bollinger Bands": Reference("TA-Lib", bollinger_bands, ({"period": 100, "std_dev": 3.0},), beside=price),
}
