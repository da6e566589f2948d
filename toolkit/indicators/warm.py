"""Compiles every indicator that is not compiled yet: `python -m toolkit.indicators.warm`.

What was compiled lies in a cache folder named after a hash of all sources, so this costs seconds once a
version, and a moment afterwards. A served page starts it in the background, so that nobody waits for it.
"""

import os
import sys

import pandas as pd

from toolkit.indicators.registry import IndicatorRegistry
from toolkit.indicators.settling import practice_candles


def warm() -> int:
    """Compile, or load, the kernels and rules of every registered indicator; returns how many there are."""
    klines: pd.DataFrame = practice_candles().iloc[:64]
    for name in IndicatorRegistry.names():
        IndicatorRegistry.get(name).get_signals(klines)
    return len(IndicatorRegistry.names())


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(15)  # whoever looks at the page goes first
    sys.stdout.write(f"{warm()} indicators are compiled\n")
