"""Candles made for tests: random walks with flat stretches and candles without volume; random parameters."""

from typing import Any

import numpy as np
import pandas as pd

from toolkit import IndicatorRegistry, ParameterError


def random_candles(
    count: int, *, seed: int = 0, level: float = 30_000.0, timeframe: str = "1h", flat_share: float = 0.05
) -> pd.DataFrame:
    """A candle frame of `count` candles; about `flat_share` of them lie in stretches where nothing trades."""
    random = np.random.default_rng(seed)
    change = random.standard_t(4, count) * 0.004
    volume = np.abs(random.normal(50, 20, count))
    for start in np.flatnonzero(random.random(count) < flat_share / 30):
        stretch = slice(start, start + int(random.integers(1, 60)))
        change[stretch] = 0.0
        volume[stretch] = 0.0
    close = level * np.exp(np.cumsum(change))
    open_ = np.concatenate([close[:1], close[:-1]])
    quiet = volume == 0
    high = np.maximum(open_, close) * (1 + np.where(quiet, 0, np.abs(random.normal(0, 0.002, count))))
    low = np.minimum(open_, close) * (1 - np.where(quiet, 0, np.abs(random.normal(0, 0.002, count))))
    frequency = {"15m": "15min", "1h": "1h", "1d": "1D"}[timeframe]
    index = pd.date_range("2024-01-01", periods=count, freq=frequency, tz="UTC", name="open_time").as_unit(
        "ms"
    )
    frame = pd.DataFrame(
        {"open": open_, "high": high, "low": low, "close": close, "volume": volume}, index=index
    )
    frame.attrs = {"symbol": "BTCUSDT", "timeframe": timeframe}
    return frame


def flat_candles(count: int, price: float = 100.0) -> pd.DataFrame:
    """A market that never moves."""
    frame = random_candles(count)
    frame[["open", "high", "low", "close"]] = price
    frame["volume"] = 0.0
    return frame


def same_bits(left: pd.DataFrame | np.ndarray, right: pd.DataFrame | np.ndarray) -> bool:
    """Equal to the last bit; NaN equals NaN."""
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if a.shape != b.shape:
        return False
    return bool(np.array_equal(a[~np.isnan(a)].view(np.int64), b[~np.isnan(b)].view(np.int64))) and bool(
        np.array_equal(np.isnan(a), np.isnan(b))
    )


def arrays_of(frame: pd.DataFrame, indicator: Any) -> dict[str, np.ndarray]:
    """The arrays that an indicator reads, as `Indicator.compute` takes them."""
    arrays = {name: frame[name].to_numpy() for name in indicator.columns}
    if "open_time" in indicator.inputs:
        arrays["open_time"] = frame.index.as_unit("ms").asi8.astype(float)
    return arrays


def random_params(random, name):
    """Values within the bounds, some of them as usual."""
    while True:
        params = {}
        for key, parameter in IndicatorRegistry.get_class(name).parameters().items():
            if random.random() < 0.4:
                continue
            if parameter.kind == "choice":
                params[key] = str(random.choice(parameter.choices))
            elif parameter.kind == "integer":
                params[key] = int(random.integers(parameter.minimum, min(parameter.maximum, 60) + 1))
            else:
                params[key] = round(float(random.uniform(parameter.minimum, parameter.maximum)), 3)
        try:
            IndicatorRegistry.get(name, params)
        except ParameterError:
            continue
        return params
