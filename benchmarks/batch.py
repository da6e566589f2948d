"""MACD, RSI and Bollinger Bands of many series, beside TA-Lib and a copy, on one thread and on two.

    python benchmarks/batch.py            38 series of 300,000 candles
    python benchmarks/batch.py --quick    8 series of 30,000

Ours makes nine columns, and inside the width that a squeeze is measured by, and fills buffers that each
thread keeps; TA-Lib makes seven of them, each time in new arrays.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import talib
from market import arrays, candles
from measure import report, side_by_side

from toolkit import MACD, RSI, BollingerBands

INDICATORS = MACD(), RSI(), BollingerBands()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="8 series of 30,000 candles, few rounds")
    quick = parser.parse_args().quick
    count, length, rounds = (8, 30_000, 5) if quick else (38, 300_000, 9)
    series = [arrays(candles(length, seed)) for seed in range(count)]
    names = [output.name for indicator in INDICATORS for output in indicator.outputs]
    source = np.ones((len(names), length))

    def buffers() -> dict[str, np.ndarray]:
        return dict(zip(names, np.empty((len(names), length)), strict=True))

    def ours(part: list[dict[str, np.ndarray]], out: dict[str, np.ndarray]) -> None:
        for columns in part:
            for indicator in INDICATORS:
                indicator.compute(columns, out=out, checked=True)

    def theirs(part: list[dict[str, np.ndarray]], _: dict[str, np.ndarray]) -> None:
        for columns in part:
            close = columns["close"]
            talib.MACD(close, 12, 26, 9)
            talib.RSI(close, 14)
            talib.BBANDS(close, 20, 2.0, 2.0)

    def copying(part: list[dict[str, np.ndarray]], out: dict[str, np.ndarray]) -> None:
        for _ in part:
            for values, target in zip(source, out.values(), strict=True):
                np.copyto(target, values)

    with ThreadPoolExecutor(2) as pool:
        kept = [buffers(), buffers()]

        def on(threads: int, work: Callable[..., None]) -> Callable[[], None]:
            parts = [series[number::threads] for number in range(threads)]
            return lambda: [*pool.map(work, parts, kept)] and None

        contenders = {
            f"{name}, {threads} thread{'s' * (threads > 1)}": on(threads, work)
            for name, work in (("ours", ours), ("TA-Lib", theirs), ("copying", copying))
            for threads in (1, 2)
        }
        report(f"{count} series x {length:,} candles, {len(names)} outputs", side_by_side(contenders, rounds))


if __name__ == "__main__":
    main()
