"""Whole frames with their indicators, and signals, beside TA-Lib, pandas and a plain loop, in turn.

    python benchmarks/core.py            300,000 candles
    python benchmarks/core.py --quick    60,000 candles, fewer rounds

Ratios tell more than times: above 1 x, the peer is slower than we are. TA-Lib and pandas make fresh
output arrays at each call; so do `calculate` and `get_signals`, which also check their input.
"""

import argparse

import numpy as np
import pandas as pd
import talib
from measure import report, side_by_side

from toolkit import MACD, RSI, BollingerBands, KLineDataLoader


def pandas_macd(close: pd.Series) -> pd.DataFrame:
    distance = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    signal = distance.ewm(span=9, adjust=False).mean()
    return pd.DataFrame({"macd": distance, "signal": signal, "histogram": distance - signal})


def pandas_rsi(close: pd.Series) -> pd.Series:
    change = close.diff()
    gain = change.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    loss = (-change).clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    return 100 * gain / (gain + loss)


def pandas_bands(close: pd.Series) -> pd.DataFrame:
    rolling = close.rolling(20)
    mean, reach = rolling.mean(), 2 * rolling.std(ddof=0)
    return pd.DataFrame({"upper": mean + reach, "middle": mean, "lower": mean - reach})


def loop_over_rows(frame: pd.DataFrame) -> list[tuple[pd.Timestamp, str]]:
    """How signals are often found: row by row, through `iloc`."""
    found = []
    for i in range(1, len(frame)):
        before, now = frame.iloc[i - 1], frame.iloc[i]
        if before["macd"] <= before["macd_signal"] and now["macd"] > now["macd_signal"]:
            found.append((frame.index[i], "BUY"))
        elif before["macd"] >= before["macd_signal"] and now["macd"] < now["macd_signal"]:
            found.append((frame.index[i], "SELL"))
    return found


def candles(count: int) -> pd.DataFrame:
    """Sample candles, repeated as often as needed; their times go on."""
    klines = KLineDataLoader.load_klines("BTCUSDT", "15m", source="sample")
    frame = pd.concat([klines] * (count // len(klines) + 1)).iloc[:count]
    frame.index = pd.date_range(klines.index[0], periods=count, freq="15min", name="open_time").as_unit("ms")
    frame.attrs = dict(klines.attrs)
    return frame


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="60,000 candles, fewer rounds")
    quick = parser.parse_args().quick
    count, rounds = (60_000, 7) if quick else (300_000, 21)
    klines = candles(count)
    series = klines["close"]
    close = series.to_numpy()
    print(f"{count:,} candles, {rounds} rounds; medians, and ratios with the middle half of the rounds")

    target = np.empty_like(close)
    for indicator, theirs, by_pandas in (
        (MACD(), lambda: talib.MACD(close, 12, 26, 9), lambda: pandas_macd(series)),
        (RSI(), lambda: talib.RSI(close, 14), lambda: pandas_rsi(series)),
        (BollingerBands(), lambda: talib.BBANDS(close, 20, 2.0, 2.0), lambda: pandas_bands(series)),
    ):
        contenders = {
            "toolkit calculate": lambda indicator=indicator: indicator.calculate(klines),
            "TA-Lib": theirs,
            "pandas": by_pandas,
            "copying the closes": lambda: np.copyto(target, close),
        }
        report(f"{indicator.name}: values", side_by_side(contenders, rounds), unit="µs")

    rows = 1_000 if quick else 3_000
    short = MACD().calculate(klines).iloc[:rows]
    ours = side_by_side({"toolkit": lambda: MACD().get_signals(klines)}, rounds)["toolkit"]
    loop = side_by_side({"loop": lambda: loop_over_rows(short)}, 3)["loop"]
    length = min(len(ours), len(loop))
    report(
        f"MACD: signals, per candle (the loop over {rows:,}, values given; ours over all, values too)",
        {
            "toolkit get_signals": [seconds / count for seconds in ours[:length]],
            "loop over iloc": [seconds / rows for seconds in loop[:length]],
        },
        unit="ns",
    )


if __name__ == "__main__":
    main()
