"""One more candle of MACD, RSI and Bollinger Bands, beside TA-Lib, talib.stream and talipp.

    python benchmarks/stream.py            2,000 candles after a history of 1,000; 114 series at once
    python benchmarks/stream.py --quick    300 candles

`PipelineRun.update` also checks the candle and finds signals. TA-Lib computes a tail of 250 candles anew, as
it is often done; its `stream` functions compute only the last value of such a tail; talipp keeps what it
needs. For many series, ours takes the next candle of all in
one call.
"""

import argparse
import itertools
import time

import numpy as np
import pandas as pd
import talib
from market import arrays, candles
from measure import report, side_by_side

from toolkit import MACD, RSI, BollingerBands, IndicatorPipeline
from toolkit.indicators.many import ManyRuns

HISTORY, TAIL = 1_000, 250


def by_talib(module: object, close: np.ndarray) -> None:
    module.MACD(close, 12, 26, 9)
    module.RSI(close, 14)
    module.BBANDS(close, 20, 2.0, 2.0)


def one_series(count: int) -> None:
    frame = candles(HISTORY + 30)
    close, row = frame["close"].to_numpy(), frame.iloc[-1].to_dict()
    tail = np.ascontiguousarray(close[-TAIL:])
    run = IndicatorPipeline().add("MACD").add("RSI").add("Bollinger Bands").stream(timeframe="15m")
    run.feed(frame)
    times = (frame.index[-1] + pd.Timedelta("15min") * n for n in itertools.count(1))
    rows = ({**row, "open_time": time} for time in [next(times) for _ in range(count + 1)])
    contenders = {
        "ours: PipelineRun.update": lambda: run.update(next(rows)),
        "TA-Lib on a tail of 250": lambda: by_talib(talib, tail),
        "talib.stream on a tail of 250": lambda: by_talib(talib.stream, tail),
    }
    try:
        from talipp.indicators import BB
        from talipp.indicators import MACD as TalippMACD
        from talipp.indicators import RSI as TalippRSI
    except ImportError:
        print("talipp is not installed: make bench installs it")
    else:
        history = close.tolist()
        kept = TalippMACD(12, 26, 9, history), TalippRSI(14, history), BB(20, 2.0, history)
        values = itertools.cycle(history[-100:])

        def by_talipp() -> None:
            value = next(values)
            for indicator in kept:
                indicator.add(value)

        contenders["talipp"] = by_talipp
    report(
        "One candle of one series, 3 indicators", side_by_side(contenders, count, time.thread_time), unit="µs"
    )


def many_series(count: int, series: int = 114) -> None:
    names = [f"series {number}" for number in range(series)]
    histories = [arrays(candles(HISTORY, seed)) for seed in range(series)]
    many = [ManyRuns(indicator, names) for indicator in (MACD(), RSI(), BollingerBands())]
    for runs in many:
        for name, history in zip(names, histories, strict=True):
            runs.feed(name, history)
    columns = ("high", "low", "close")
    latest = itertools.cycle(  # prices that move: a window that stands still is another case
        {column: np.array([history[column][-k] for history in histories]) for column in columns}
        for k in range(100, 0, -1)
    )
    tails = [np.ascontiguousarray(history["close"][-TAIL:]) for history in histories]

    def ours() -> None:
        candles_now = next(latest)
        for runs in many:
            runs.update(candles_now)

    def theirs() -> None:
        for tail in tails:
            by_talib(talib.stream, tail)

    contenders = {"ours: ManyRuns.update": ours, "talib.stream on tails of 250": theirs}
    seconds = side_by_side(contenders, count, time.thread_time)
    report(f"One candle of {series} series, 3 indicators, per series", seconds, per=series, unit="ns")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="300 candles")
    quick = parser.parse_args().quick
    one_series(300 if quick else 2_000)
    many_series(30 if quick else 300)


if __name__ == "__main__":
    main()
