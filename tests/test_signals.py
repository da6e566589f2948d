"""Signals read like a list and turn into a frame."""

import pandas as pd
import pytest
from market import random_candles

from toolkit import RSI, BollingerBands, IndicatorSignal
from toolkit.signals import concatenate

KLINES = random_candles(3_000, seed=9)
SIGNALS = BollingerBands().get_signals(KLINES)


def test_indexing_slicing_and_iterating():
    listed = list(SIGNALS)
    assert len(listed) == len(SIGNALS) > 100
    assert all(isinstance(signal, IndicatorSignal) for signal in listed)
    assert SIGNALS[-1] == listed[-1]
    assert list(SIGNALS[-5:]) == listed[-5:]
    assert list(SIGNALS[::3]) == listed[::3]
    assert list(reversed(SIGNALS)) == listed[::-1]
    assert len(SIGNALS[:0]) == 0
    with pytest.raises(IndexError):
        SIGNALS[len(SIGNALS)]


def test_a_signal_is_known_at_the_close_of_its_candle():
    for signal in SIGNALS[:20]:
        assert signal.timestamp in KLINES.index
        assert signal.known_at == signal.timestamp + pd.Timedelta("1h")
        assert 0 <= signal.confidence <= 1
        assert signal.probability is None
        assert signal.name == "Bollinger Bands"
        assert signal.timestamp.tzinfo is not None


def test_metadata_holds_only_what_its_rule_compares():
    buy = SIGNALS.of_type("BUY")[0]
    assert buy.metadata.keys() == {"rule", "low", "bb_lower", "bb_position"}
    assert buy.metadata["low"] <= buy.metadata["bb_lower"]
    assert buy.value == KLINES["low"].loc[buy.timestamp]
    squeeze = SIGNALS.of_type("BAND_SQUEEZE")[0]
    assert squeeze.metadata.keys() == {"rule", "bb_width", "squeeze_width"}


def test_of_type():
    assert {signal.signal_type for signal in SIGNALS.of_type("BUY", "SELL")} == {"BUY", "SELL"}
    assert len(SIGNALS.of_type("NEVER")) == 0


def test_to_frame():
    frame = SIGNALS.to_frame()
    assert list(frame.columns[:6]) == ["name", "timestamp", "known_at", "signal_type", "value", "confidence"]
    assert len(frame) == len(SIGNALS)
    assert frame["signal_type"].tolist() == [signal.signal_type for signal in SIGNALS]
    assert frame["timestamp"].tolist() == [signal.timestamp for signal in SIGNALS]
    assert str(frame["timestamp"].dtype) == "datetime64[ms, UTC]"
    assert len(SIGNALS[:0].to_frame()) == 0


def test_equality_and_joining():
    assert concatenate([SIGNALS[:10], SIGNALS[10:10], SIGNALS[10:]]) == SIGNALS
    assert SIGNALS[:10] != SIGNALS[:11]
    assert RSI().get_signals(KLINES) != SIGNALS
    assert list(SIGNALS) != SIGNALS
    with pytest.raises(ValueError, match="at least one part"):
        concatenate([])


def test_repr_counts_the_types():
    buys = len(SIGNALS.of_type("BUY"))
    assert f"{buys} BUY" in repr(SIGNALS)
    assert repr(SIGNALS[:0]) == "<Signals Bollinger Bands: none>"


def test_a_frame_without_times_gives_signals_without_times():
    signals = RSI().get_signals(KLINES.reset_index(drop=True))
    assert len(signals) > 10
    assert pd.isna(signals[0].timestamp)
    assert pd.isna(signals[0].known_at)


def test_naive_times_are_utc_and_the_timeframe_is_inferred():
    naive = KLINES.tz_localize(None)
    naive.attrs = {}
    assert RSI().get_signals(naive) == RSI().get_signals(KLINES)
