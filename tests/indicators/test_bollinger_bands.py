"""Bollinger Bands against TA-Lib and exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
import talib
from market import flat_candles, random_candles

from toolkit import BollingerBands, KLineDataLoader


def differences(klines, period, std_dev):
    close = klines["close"].to_numpy()
    ours = BollingerBands(period=period, std_dev=std_dev).calculate(klines)
    theirs = talib.BBANDS(close, period, std_dev, std_dev)
    for name, reference in zip(("bb_upper", "bb_middle", "bb_lower"), theirs, strict=True):
        assert np.array_equal(ours[name].isna(), np.isnan(reference))
        yield float(np.nanmax(np.abs(ours[name].to_numpy() / reference - 1)))


@pytest.mark.parametrize(("period", "std_dev"), [(2, 1.0), (5, 2.0), (20, 2.0), (200, 2.5)])
def test_equals_talib_on_random_candles(period, std_dev):
    assert max(differences(random_candles(3_000, seed=1, flat_share=0), period, std_dev)) < 1e-9


@pytest.mark.parametrize(("symbol", "timeframe"), [("BTCUSDT", "15m"), ("ETHUSDT", "1h"), ("SOLUSDT", "15m")])
def test_equals_talib_on_real_candles(real_candles, symbol, timeframe):
    klines = KLineDataLoader.load_klines(symbol, timeframe, source=real_candles)
    assert max(differences(klines, 20, 2.0)) < 1e-9


def exact_deviation(window):
    """Population standard deviation in rational arithmetic, rounded once."""
    values = [Fraction(value) for value in window]
    mean = sum(values) / len(values)
    return float(sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5


@pytest.mark.parametrize("period", [2, 20, 150])
@pytest.mark.parametrize("level", [30_000.0, 0.0007, 1e-8])
def test_keeps_its_digits_at_any_price_and_in_flat_stretches(period, level):
    """TA-Lib's sums of squares lose theirs there, so this one compares with exact arithmetic."""
    klines = random_candles(700, seed=12, level=level, flat_share=0.6)
    values = BollingerBands(period=period, std_dev=1.0).calculate(klines)
    close = klines["close"].to_numpy()
    for i in range(period - 1, len(klines), 3):
        expected = exact_deviation(close[i - period + 1 : i + 1])
        deviation = values["bb_upper"].iloc[i] - values["bb_middle"].iloc[i]
        assert deviation == pytest.approx(expected, rel=1e-9, abs=4e-16 * level)


def test_equals_exact_arithmetic_on_real_candles_below_a_cent(real_candles):
    klines = KLineDataLoader.load_klines("ZRXUSDT", "1h", source=real_candles).iloc[:3_000]
    klines[["open", "high", "low", "close"]] *= 1e-4
    values = BollingerBands(std_dev=1.0).calculate(klines)
    close = klines["close"].to_numpy()
    for i in range(19, len(klines), 7):
        deviation = values["bb_upper"].iloc[i] - values["bb_middle"].iloc[i]
        assert deviation == pytest.approx(
            exact_deviation(close[i - 19 : i + 1]), rel=1e-9, abs=4e-16 * close[i]
        )


def test_width_and_position():
    klines = random_candles(1_000, seed=2, flat_share=0)
    values = BollingerBands().calculate(klines).iloc[19:]
    assert (values["bb_width"] == values["bb_upper"] - values["bb_lower"]).all()
    position = (values["close"] - values["bb_lower"]) / values["bb_width"]
    assert np.allclose(values["bb_position"], position, rtol=1e-12)
    assert (values["bb_position"] > 1).any()
    assert (values["bb_position"] < 0).any()


def test_bands_of_no_width():
    values = BollingerBands().calculate(flat_candles(60, price=0.1)).iloc[19:]
    assert (values["bb_width"] == 0).all()
    assert (values["bb_middle"] == 0.1).all()
    assert values["bb_position"].isna().all()


def test_signals_by_the_definition():
    klines = random_candles(5_000, seed=6)
    values = BollingerBands().calculate(klines)
    mean_width = values["bb_width"].rolling(20).mean()
    defined = values["bb_position"].notna()
    conditions = {
        "BUY": defined & (values["low"] <= values["bb_lower"]),
        "SELL": defined & (values["high"] >= values["bb_upper"]),
        "BAND_SQUEEZE": values["bb_width"] < 0.8 * mean_width,
    }
    signals = BollingerBands().get_signals(klines)
    for kind, holds in conditions.items():
        entries = np.flatnonzero(holds & ~holds.shift(fill_value=False))
        assert np.array_equal(signals.of_type(kind).position, entries), kind
        assert len(entries) > 20
    assert list(signals.position) == sorted(signals.position)


def test_the_squeeze_follows_its_parameters():
    klines = random_candles(5_000, seed=6)
    values = BollingerBands().calculate(klines)
    holds = values["bb_width"] < 0.5 * values["bb_width"].rolling(50).mean()
    entries = np.flatnonzero(holds & ~holds.shift(fill_value=False))
    found = BollingerBands(squeeze_period=50, squeeze_ratio=0.5).get_signals(klines).of_type("BAND_SQUEEZE")
    assert np.array_equal(found.position, entries)
    assert len(entries)
