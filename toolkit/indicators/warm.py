"""Compiles every indicator that is not compiled yet: `python -m toolkit.indicators.warm`, or a share of them:
`... warm 0 2` and `... warm 1 2` beside it.

What was compiled lies in a cache folder named after a hash of all sources, so this costs seconds once a
version, and a moment afterwards. A served page starts it in the background, so that nobody waits for it.
"""

import os
import sys

import pandas as pd

from toolkit.indicators.registry import IndicatorRegistry
from toolkit.indicators.settling import practice_candles


def warm(share: int = 0, shares: int = 1) -> int:
    """Compile, or load, the kernels and rules of every registered indicator, or of a share of them; returns
    how many."""
    klines: pd.DataFrame = practice_candles().iloc[:64]
    names = IndicatorRegistry.names()[share::shares]
    for name in names:
        IndicatorRegistry.get(name).get_signals(klines)
    return len(names)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(15)  # whoever looks at the page goes first
    sys.stdout.write(f"{warm(*map(int, sys.argv[1:]))} indicators are compiled\n")
