"""Candles for the benchmarks, and what their peers make of the same indicator."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import talib

from toolkit import Indicator

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the references that the tests hold us to

Candles = Mapping[str, np.ndarray]
Peer = Callable[[Candles, Mapping[str, Any]], object]


def candles(count: int, seed: int = 1) -> pd.DataFrame:
    """A random walk of 15m candles with a spread, for timing only."""
    random = np.random.default_rng(seed)
    close = 30_000.0 * np.exp(np.cumsum(random.standard_t(4, count) * 0.002))
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) * (1 + np.abs(random.normal(0, 0.001, count)))
    low = np.minimum(open_, close) * (1 - np.abs(random.normal(0, 0.001, count)))
    index = pd.date_range("2017-01-01", periods=count, freq="15min", tz="UTC", name="open_time").as_unit("ms")
    columns = {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": random.gamma(2.0, 50.0, count),
    }
    frame = pd.DataFrame(columns, index=index)
    frame.attrs = {"symbol": "RANDOM", "timeframe": "15m", "synthetic": True}
    return frame


def arrays(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns as `Indicator.compute` takes them."""
    columns = {name: np.ascontiguousarray(frame[name].to_numpy()) for name in frame.columns}
    return columns | {"open_time": frame.index.as_unit("ms").asi8.astype(np.float64)}


def _of_close(function: Callable[..., object], *names: str) -> Peer:
    return lambda c, p: function(c["close"], *(p[name] for name in names))


def _of_range(function: Callable[..., object], *names: str) -> Peer:
    return lambda c, p: function(c["high"], c["low"], c["close"], *(p[name] for name in names))


def _adx(c: Candles, p: Mapping[str, Any]) -> object:
    range_ = c["high"], c["low"], c["close"]
    period = p["period"]
    return talib.ADX(*range_, period), talib.PLUS_DI(*range_, period), talib.MINUS_DI(*range_, period)


def _bands(close: np.ndarray, p: Mapping[str, Any]) -> object:
    upper, _, lower = talib.BBANDS(close, p["period"], p["std_dev"], p["std_dev"])
    width = upper - lower
    return width, (close - lower) / width


# TA-Lib's functions for the same outputs, where it has them; numpy makes of them a middle, a width and a
# difference that TA-Lib has no function for.
TALIB: dict[str, Peer] = {
    "MACD": _of_close(talib.MACD, "fast_period", "slow_period", "signal_period"),
    "RSI": _of_close(talib.RSI, "period"),
    "Bollinger Bands": lambda c, p: _bands(c["close"], p),
    "Stochastic": lambda c, p: talib.STOCH(
        *(c["high"], c["low"], c["close"], p["k_period"], p["k_smoothing"], 0, p["d_period"], 0)
    ),
    "Stochastic RSI": lambda c, p: talib.STOCHRSI(
        c["close"], p["rsi_period"], p["stochastic_period"], p["d_period"], 0
    ),
    "CCI": _of_range(talib.CCI, "period"),
    "ROC": _of_close(talib.ROC, "period"),
    "Williams %R": _of_range(talib.WILLR, "period"),
    "SMA": _of_close(talib.SMA, "period"),
    "EMA": _of_close(talib.EMA, "period"),
    "WMA": _of_close(talib.WMA, "period"),
    "DEMA": _of_close(talib.DEMA, "period"),
    "TEMA": _of_close(talib.TEMA, "period"),
    "KAMA": _of_close(talib.KAMA, "period"),
    "MFI": lambda c, p: talib.MFI(c["high"], c["low"], c["close"], c["volume"], p["period"]),
    "OBV": lambda c, p: talib.EMA(talib.OBV(c["close"], c["volume"]), p["signal_period"]),
    "Accumulation/Distribution": lambda c, p: talib.EMA(
        talib.AD(c["high"], c["low"], c["close"], c["volume"]), p["signal_period"]
    ),
    "Volume Average": lambda c, p: talib.SMA(c["volume"], p["period"]),
    "Parabolic SAR": lambda c, p: talib.SAR(c["high"], c["low"]),
    "ADX": _adx,
    "Aroon": lambda c, p: np.subtract(*talib.AROON(c["high"], c["low"], p["period"])[::-1]),
    "ATR": _of_range(talib.ATR, "period"),
    "Donchian Channels": lambda c, p: (
        0.5 * (talib.MAX(c["high"], p["period"]) + talib.MIN(c["low"], p["period"]))
    ),
}

# pandas-ta-classic's: the function's name, and the columns that it takes.
PANDAS_TA: dict[str, tuple[str, str]] = {
    "MACD": ("macd", "close"),
    "RSI": ("rsi", "close"),
    "Bollinger Bands": ("bbands", "close"),
    "Stochastic": ("stoch", "high low close"),
    "Stochastic RSI": ("stochrsi", "close"),
    "CCI": ("cci", "high low close"),
    "ROC": ("roc", "close"),
    "Williams %R": ("willr", "high low close"),
    "TSI": ("tsi", "close"),
    "Awesome Oscillator": ("ao", "high low"),
    "SMA": ("sma", "close"),
    "EMA": ("ema", "close"),
    "WMA": ("wma", "close"),
    "DEMA": ("dema", "close"),
    "TEMA": ("tema", "close"),
    "HMA": ("hma", "close"),
    "KAMA": ("kama", "close"),
    "VWAP": ("vwap", "high low close volume"),
    "Supertrend": ("supertrend", "high low close"),
    "Parabolic SAR": ("psar", "high low"),
    "Ichimoku": ("ichimoku", "high low close"),
    "ADX": ("adx", "high low close"),
    "Aroon": ("aroon", "high low"),
    "MFI": ("mfi", "high low close volume"),
    "ATR": ("atr", "high low close"),
    "Keltner Channels": ("kc", "high low close"),
    "Donchian Channels": ("donchian", "high low"),
    "OBV": ("obv", "close volume"),
    "Accumulation/Distribution": ("ad", "high low close volume"),
    "Chaikin Money Flow": ("cmf", "high low close volume"),
}
_OWN_LENGTH = {"period": "length", "fast_period": "fast", "slow_period": "slow", "signal_period": "signal"}


def by_talib(indicator: Indicator, candles: Candles) -> Callable[[], object] | None:
    """TA-Lib's computation of the same outputs."""
    peer = TALIB.get(indicator.name)
    return None if peer is None else lambda: peer(candles, indicator.params)


def by_pandas_ta(indicator: Indicator, frame: pd.DataFrame) -> Callable[[], object] | None:
    """pandas-ta-classic's own computation, which would else call TA-Lib where that is installed."""
    try:
        import pandas_ta_classic
    except ImportError:
        return None
    if indicator.name not in PANDAS_TA:
        return None
    name, columns = PANDAS_TA[indicator.name]
    function = getattr(pandas_ta_classic, name)
    taken = function.__code__.co_varnames[: function.__code__.co_argcount]
    options = {
        theirs: indicator.params[ours]
        for ours, theirs in _OWN_LENGTH.items()
        if ours in indicator.params and theirs in taken
    }
    if "talib" in taken:
        options["talib"] = False
    series = [frame[column] for column in columns.split()]
    return lambda: function(*series, **options)
