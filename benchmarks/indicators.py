"""Every indicator on one series, beside TA-Lib, pandas-ta-classic and a copy of the same bytes, in turn.

    python benchmarks/indicators.py            3,000, 75,000 and 300,000 candles
    python benchmarks/indicators.py --quick    30,000 candles, few rounds
    python benchmarks/indicators.py --table    Markdown: agreement on real candles, lines, warm-up, time
    python benchmarks/indicators.py RSI MACD   these only

Times are those of the thread on its processor, so that others on the machine count less. Ratios are medians
of those within a round, with the middle half of the rounds: above 1, the peer is slower.
Ours fills arrays that are there (`compute(out=, checked=True)`: TA-Lib does not look either whether the
candles are finite); TA-Lib and pandas make new ones at each call, as they can
do nothing else. The copy is of as many arrays as come out. `--table` compares with the reference of
tests/references on the candles that `SYSTEM_V4_CANDLES` names.
"""

import argparse
import inspect
import math
import os
import statistics
import time
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from market import arrays, by_pandas_ta, by_talib, candles
from measure import ratio, side_by_side

from toolkit import Indicator, IndicatorRegistry, KLineDataLoader

REAL = (("BTCUSDT", "15m"), ("ETHUSDT", "1h"), ("ZRXUSDT", "1h"))


def timed(indicator: Indicator, frame: pd.DataFrame, rounds: int, peers: bool) -> dict[str, list[float]]:
    """Seconds of each round: ours, and TA-Lib's, pandas-ta-classic's and a copy's where there are such."""
    columns = arrays(frame)
    out = {output.name: np.empty(len(frame)) for output in indicator.outputs}
    contenders = {"ours": lambda: indicator.compute(columns, out=out, checked=True)}
    if (theirs := by_talib(indicator, columns)) is not None:
        contenders["TA-Lib"] = theirs
    seconds = side_by_side(contenders, rounds, time.thread_time)
    if peers:
        source = np.ones((len(indicator.outputs), len(frame)))
        target = np.empty_like(source)
        copied = {"ours": contenders["ours"], "copy": lambda: np.copyto(target, source)}
        apart = side_by_side(copied, rounds, time.thread_time)
        seconds |= {"copy": apart["copy"], "ours beside copy": apart["ours"]}
    if peers and (theirs := by_pandas_ta(indicator, frame)) is not None:
        # Some of these take seconds: a few rounds of their own, beside ours again.
        slow = side_by_side({"ours": contenders["ours"], "pandas-ta": theirs}, 2, time.thread_time)
        seconds |= {"pandas-ta": slow["pandas-ta"], "ours beside pandas-ta": slow["ours"]}
    return seconds


def mean_of(ratios: Sequence[float]) -> float:
    """Geometric mean."""
    return math.exp(statistics.fmean(map(math.log, ratios)))


def compare(indicators: Sequence[Indicator], count: int, rounds: int) -> None:
    frame = candles(count)
    print(f"\n{count:,} candles, {rounds} rounds")
    print(f"{'':<28}{'µs':>9}  {'TA-Lib':>22}  {'pandas-ta-classic':>24}  {'copy':>20}")
    found: dict[str, list[float]] = {"TA-Lib": [], "pandas-ta": [], "copy": []}
    slower = []
    for indicator in indicators:
        seconds = timed(indicator, frame, rounds, peers=True)
        line = f"{indicator.name:<28}{statistics.median(seconds['ours']) * 1e6:>9,.0f}"
        for peer, width in (("TA-Lib", 22), ("pandas-ta", 24), ("copy", 20)):
            text = ""
            if peer in seconds:
                ours = seconds.get(f"ours beside {peer}", seconds["ours"])
                middle, low, high = ratio(seconds[peer], ours)
                found[peer].append(middle)
                text = f"{middle:,.2f} ({low:,.2f} to {high:,.2f})"
                if peer == "TA-Lib" and middle < 1:
                    slower.append(f"{indicator.name} ({middle:.2f})")
            line += f"  {text:>{width}}"
        print(line, flush=True)
    means = (f"{peer} {mean_of(values):.2f} ({len(values)})" for peer, values in found.items() if values)
    print(f"Geometric means (of so many indicators): {', '.join(means)}")
    print(f"Slower than TA-Lib: {', '.join(slower) or 'none'}")


def largest_difference(indicator: Indicator, real: Sequence[pd.DataFrame]) -> str:
    """From the reference, on real candles."""
    from references import REFERENCES
    from references.reference import difference

    if not real or indicator.name not in REFERENCES:
        return "–"
    reference = REFERENCES[indicator.name]
    return max(
        difference(reference, klines, indicator.calculate(klines), indicator.params, indicator.warmup)
        for klines in real
    ).__format__(".1e")


def table(indicators: Sequence[Indicator], count: int, rounds: int) -> None:
    from references import REFERENCES

    frame = candles(count)
    folder = os.environ.get("SYSTEM_V4_CANDLES")
    real = [KLineDataLoader.load_klines(*pair, source=folder) for pair in REAL] if folder else []
    listed = IndicatorRegistry.list_indicators()
    print("| indicator | reference | largest difference | lines | warm-up | measured | µs | × TA-Lib |")
    print("|---|---|---|---|---|---|---|---|")
    ratios = []
    for indicator in indicators:
        name = indicator.name
        library = REFERENCES[name].library if name in REFERENCES else "–"
        seconds = timed(indicator, frame, rounds, peers=False)
        times = "–"
        if "TA-Lib" in seconds:
            middle, low, high = ratio(seconds["TA-Lib"], seconds["ours"])
            ratios.append(middle)
            times = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        lines = len(inspect.getsource(inspect.getmodule(type(indicator))).splitlines())
        measured = listed[name].get("measured_warmup")
        cells = [
            *(name, library, largest_difference(indicator, real), str(lines), str(indicator.warmup)),
            "never" if measured is None else str(measured),
            *(f"{statistics.median(seconds['ours']) * 1e6:,.0f}", times),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
    if ratios:
        print(f"\n{count:,} candles; geometric mean of the ratios: {mean_of(ratios):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="these indicators only")
    parser.add_argument("--quick", action="store_true", help="30,000 candles, few rounds")
    parser.add_argument("--table", action="store_true", help="Markdown, with agreement and warm-up")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # those of peers
    indicators = [IndicatorRegistry.get(name) for name in asked.names or IndicatorRegistry.names()]
    if asked.table:
        table(indicators, *((30_000, 7) if asked.quick else (300_000, 31)))
        return
    for count, rounds in [(30_000, 5)] if asked.quick else [(3_000, 101), (75_000, 31), (300_000, 21)]:
        compare(indicators, count, rounds)


if __name__ == "__main__":
    main()
