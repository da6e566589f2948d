"""RSI against TA-Lib."""

import numpy as np
import pytest
import talib
from market import flat_candles, random_candles

from toolkit import RSI, KLineDataLoader


def difference(klines, period):
    """Largest relative difference from TA-Lib, from the first value on.

    Exempt is a market that has never moved: TA-Lib says 0 there, we say undefined.
    """
    close = klines["close"].to_numpy()
    ours, theirs = RSI(period=period).calculate(klines)["rsi"].to_numpy(), talib.RSI(close, period)
    moved = int(np.argmax(close != close[0]))
    first = max(period, moved)
    assert np.isnan(ours[:first]).all()
    assert (theirs[period:first] == 0).all()
    ours, theirs = ours[first:], theirs[first:]
    assert np.isfinite(ours).all()
    return float(np.max(np.abs(ours - theirs) / np.maximum(theirs, 1e-3)))


@pytest.mark.parametrize("period", [2, 3, 14, 200])
@pytest.mark.parametrize("level", [30_000.0, 1.0])
def test_equals_talib_on_random_candles(period, level):
    assert difference(random_candles(3_000, seed=1, level=level, flat_share=0), period) < 1e-9


@pytest.mark.parametrize(("symbol", "timeframe"), [("BTCUSDT", "15m"), ("ETHUSDT", "1h"), ("ZRXUSDT", "1h")])
def test_equals_talib_on_real_candles(real_candles, symbol, timeframe):
    klines = KLineDataLoader.load_klines(symbol, timeframe, source=real_candles)
    assert difference(klines, 14) < 1e-9
    klines[["open", "high", "low", "close"]] *= 2.0**-20  # SPELL's prices; the changes stay the same numbers
    assert difference(klines, 14) < 1e-9


def test_equals_the_textbook():
    """Wilder's averages by pandas' own recurrence, for the candles after the seed."""
    klines = random_candles(2_000, seed=7)
    change = klines["close"].diff()
    averages = []
    for part in (change.clip(lower=0), (-change).clip(lower=0)):
        seeded = part.iloc[14:].copy()
        seeded.iloc[0] = part.iloc[1:15].mean()
        averages.append(seeded.ewm(alpha=1 / 14, adjust=False).mean())
    expected = 100 * averages[0] / (averages[0] + averages[1])
    ours = RSI().calculate(klines)["rsi"]
    assert ours.iloc[:14].isna().all()
    assert np.allclose(ours.iloc[14:], expected, rtol=1e-12, atol=0)


def test_undefined_while_nothing_moved_and_defined_from_the_first_move():
    klines = flat_candles(60)
    klines.iloc[40:, klines.columns.get_loc("close")] = 101.0
    values = RSI().calculate(klines)["rsi"]
    assert values.iloc[:40].isna().all()
    assert (values.iloc[40:] == 100).all()


def test_signals_by_the_definition():
    klines = random_candles(6_000, seed=9)
    values = RSI().calculate(klines)["rsi"].to_numpy()
    expected = []
    for i in range(1, len(values)):
        before, now = values[i - 1], values[i]
        if now >= 70 and not before >= 70:
            expected.append((i, "OVERBOUGHT"))
        if now <= 30 and not before <= 30:
            expected.append((i, "OVERSOLD"))
        if before <= 30 < now:
            expected.append((i, "BUY"))
        if before >= 70 > now:
            expected.append((i, "SELL"))
    signals = RSI().get_signals(klines)
    assert list(zip(signals.position, signals.signal_type, strict=True)) == expected
    assert {kind for _, kind in expected} == {"OVERBOUGHT", "OVERSOLD", "BUY", "SELL"}


def test_levels_are_parameters():
    klines = random_candles(3_000, seed=9)
    high = RSI(overbought=80, oversold=20)
    assert len(high.get_signals(klines)) < len(RSI().get_signals(klines))
    assert high.rule_text(high.rules[2]) == "rsi crosses above oversold (20)"
    with pytest.raises(ValueError, match=r"oversold=70.0 is not allowed with overbought=70.0"):
        RSI(oversold=70)
