"""How many candles it takes until it no longer matters where a series began: measured, not declared.

python -m toolkit.indicators.settling     writes measured_warmup.json for all that are in this folder
"""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from toolkit.indicators.base import Indicator

STORED = Path(__file__).with_name("measured_warmup.json")
_AGREED = 1e-9
_STARTS = (400, 1_111, 2_500)
_CANDLES = 24_000


@lru_cache(maxsize=2)
def practice_candles(count: int = _CANDLES) -> pd.DataFrame:
    """Made-up candles for trying indicators on, always the same; a random walk that is nobody's market."""
    random = np.random.default_rng(20_240_101)
    change = random.standard_t(5, count) * 0.004
    close = 100.0 * np.exp(np.cumsum(change - change.mean()))
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) * (1 + np.abs(random.normal(0, 0.002, count)))
    low = np.minimum(open_, close) * (1 - np.abs(random.normal(0, 0.002, count)))
    volume = random.gamma(2.0, 50.0, count)
    index = pd.date_range("2024-01-01", periods=count, freq="1h", tz="UTC", name="open_time").as_unit("ms")
    frame = pd.DataFrame(
        {"open": open_, "high": high, "low": low, "close": close, "volume": volume}, index=index
    )
    frame.attrs = {"timeframe": "1h", "source": "practice", "synthetic": True}
    return frame


def measured_warmup(indicator: Indicator) -> int | None:
    """Candles until every output agrees to 1e-9 with that of a series which began earlier, whatever its
    beginning was; None where that never comes, as with a running total.

    The largest number for several beginnings on `practice_candles`. A difference counts beside the price for
    outputs in its unit, and else beside the output's usual size.
    """
    klines = practice_candles()
    names = [output.name for output in indicator.outputs]
    whole = indicator.calculate(klines)[names].to_numpy()
    price = klines["close"].to_numpy()
    scale = np.column_stack(
        [
            price if output.unit == "price" else np.full(len(klines), np.nanmean(np.abs(whole[:, i])))
            for i, output in enumerate(indicator.outputs)
        ]
    )
    longest = 0
    for start in _STARTS:
        late = indicator.calculate(klines.iloc[start:])[names].to_numpy()
        early, size = whole[start:], scale[start:]
        with np.errstate(invalid="ignore"):
            agrees = np.abs(late - early) <= _AGREED * np.maximum(size, np.abs(early))
        apart = np.flatnonzero(~(agrees | (np.isnan(late) & np.isnan(early))).all(axis=1))
        needed = int(apart[-1]) + 1 if len(apart) else 0
        if needed > 0.95 * len(late):
            return None
        longest = max(longest, needed)
    return longest


@lru_cache(maxsize=1)
def stored() -> dict[str, int | None]:
    """The measured warm-up of the indicators of this folder with their defaults, by display name."""
    found: dict[str, int | None] = json.loads(STORED.read_text(encoding="utf-8"))
    return found
