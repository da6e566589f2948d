"""MACD against TA-Lib."""

import numpy as np
import pytest
import talib
from market import flat_candles, random_candles

from toolkit import MACD, KLineDataLoader

PARAMETERS = [(12, 26, 9), (2, 3, 1), (5, 35, 5), (30, 200, 50)]


def differences(klines, fast, slow, signal):
    """Largest difference from TA-Lib beside the price (MACD crosses zero), where TA-Lib has values."""
    close = klines["close"].to_numpy()
    ours = MACD(fast_period=fast, slow_period=slow, signal_period=signal).calculate(klines)
    theirs = talib.MACD(close, fast, slow, signal)
    names = ("macd", "macd_signal", "macd_histogram")
    first = slow + signal - 2
    for name, reference in zip(names, theirs, strict=True):
        assert np.flatnonzero(~np.isnan(reference))[0] == first
        assert ours[name].iloc[first:].notna().all()
        yield float(np.max(np.abs(ours[name].to_numpy()[first:] - reference[first:]) / close[first:]))


@pytest.mark.parametrize("periods", PARAMETERS)
@pytest.mark.parametrize("level", [30_000.0, 1.0, 0.0007])
def test_equals_talib_on_random_candles(periods, level):
    assert max(differences(random_candles(3_000, seed=1, level=level), *periods)) < 1e-13


@pytest.mark.parametrize(("symbol", "timeframe"), [("BTCUSDT", "15m"), ("ETHUSDT", "1h"), ("ZRXUSDT", "1h")])
def test_equals_talib_on_real_candles(real_candles, symbol, timeframe):
    klines = KLineDataLoader.load_klines(symbol, timeframe, source=real_candles)
    assert max(differences(klines, 12, 26, 9)) < 1e-12
    klines[["open", "high", "low", "close"]] *= 1e-6
    assert max(differences(klines, 12, 26, 9)) < 1e-12


def test_the_first_values_lie_where_talib_has_them():
    values = MACD().calculate(random_candles(100, flat_share=0))
    assert values["macd"].first_valid_index() == values.index[25]
    assert values["macd_signal"].first_valid_index() == values.index[33]
    assert MACD().warmup == 33


def test_the_histogram_is_the_distance():
    values = MACD().calculate(random_candles(2_000, seed=2)).iloc[33:]
    assert (values["macd_histogram"] == values["macd"] - values["macd_signal"]).all()


def test_signals_are_the_crossings():
    klines = random_candles(3_000, seed=5)
    values = MACD().calculate(klines)
    expected = []
    for i in range(1, len(values)):
        before = values["macd"].iloc[i - 1] - values["macd_signal"].iloc[i - 1]
        now = values["macd"].iloc[i] - values["macd_signal"].iloc[i]
        if before <= 0 < now:
            expected.append((values.index[i], "BUY", now / (now - before)))
        elif before >= 0 > now:
            expected.append((values.index[i], "SELL", now / (now - before)))
    signals = MACD().get_signals(klines)
    assert [(s.timestamp, s.signal_type) for s in signals] == [(t, kind) for t, kind, _ in expected]
    assert [s.confidence for s in signals] == pytest.approx([c for _, _, c in expected])
    assert len(expected) > 100
    signal = signals[0]
    row = values.loc[signal.timestamp]
    assert signal.value == row["macd"]
    assert signal.metadata == {
        "rule": f"macd crosses {'above' if signal.signal_type == 'BUY' else 'below'} macd_signal",
        "macd": row["macd"],
        "macd_signal": row["macd_signal"],
    }


def test_fast_must_be_less_than_slow():
    with pytest.raises(
        ValueError, match=r"MACD: fast_period=26 is not allowed with slow_period=26: fast_period must be less"
    ):
        MACD(fast_period=26)


def test_a_flat_market_is_exactly_zero():
    values = MACD().calculate(flat_candles(100, price=0.1))
    assert (values[["macd", "macd_signal", "macd_histogram"]].iloc[33:] == 0).all(axis=None)


def test_a_steady_rise_crosses_nothing_once_it_is_steady():
    """Distance and signal line become equal; only rounding is left between them."""
    klines = random_candles(4_000)
    klines["close"] = 1_000.0 + 0.1 * np.arange(4_000)
    assert not (MACD().get_signals(klines).position > 40).any()
