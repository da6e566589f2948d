"""Why (no) signal: it agrees with the signals at every candle, of every indicator."""

import json
import math

import pandas as pd
import pytest
from market import flat_candles, random_candles

from toolkit import RSI, CandleError, IndicatorPipeline, IndicatorRegistry
from toolkit.explain import explain

KLINES = random_candles(260, seed=8, flat_share=0.3)


def agrees(label, indicator, klines, signals, timeframe=None, rows=None):
    """Each rule fires in the explanation where it did in the signals, with the same value and confidence."""
    fired = {}
    for row, rule, value, confidence in zip(
        signals.position, signals.rule, signals.value, signals.confidence, strict=True
    ):
        fired.setdefault(int(row), []).append((int(rule), float(value), float(confidence)))
    count = len(indicator.rules)
    for row in rows if rows is not None else range(len(klines)):
        found = explain(label, indicator, klines, row, timeframe=timeframe)
        told = [(i % count, one.value, one.confidence) for i, one in enumerate(found) if one.fired]
        assert sorted(told) == sorted(fired.get(row, [])), (label, row)
        for one in found:
            assert (one.outcome == "undefined") == math.isnan(one.distance) or one.outcome == "waiting"
            assert math.isnan(one.distance) or one.distance >= 0
            assert one.label == label
            assert one.reason


@pytest.mark.parametrize("name", IndicatorRegistry.names())
def test_it_agrees_with_the_signals_at_every_candle(name):
    indicator = IndicatorRegistry.get(name)
    # enough candles for some of what is long; every candle around each signal, and every fifth
    length = min(len(KLINES), indicator.warmup + 130)
    klines = KLINES.iloc[:length]
    signals = indicator.get_signals(klines)
    near = {int(row) + step for row in signals.position for step in (-1, 0, 1)}
    rows = sorted(row for row in near | set(range(0, length, 5)) if 0 <= row < length)
    agrees(name, indicator, klines, signals, rows=rows)


def test_it_agrees_at_every_candle_of_a_fast_indicator():
    indicator = RSI(period=3)
    agrees("RSI", indicator, KLINES, indicator.get_signals(KLINES))


def test_on_a_larger_timeframe_it_agrees_too_gaps_included():
    klines = random_candles(900, seed=3, timeframe="15m")
    klines = klines.drop(klines.index[[63, 64, 199, 407, 408, 409, 410, 411]])
    pipeline = IndicatorPipeline().add("RSI", {"period": 3}, timeframe="1h")
    pipeline.add("RSI", {"period": 2}, label="two", timeframe="30m")
    for label, signals in pipeline.get_all_signals(klines).items():
        rows = [*range(0, 120), *range(190, 210), *range(395, 425)]
        agrees(label, pipeline.indicators[label], klines, signals, pipeline.timeframes[label], rows)


def test_what_comes_later_changes_no_explanation():
    pipeline = IndicatorPipeline().add("MACD").add("RSI").add("Bollinger Bands").add("RSI", timeframe="1d")
    for row in (40, 120, 200):
        time = KLINES.index[row]
        told = pipeline.explain(KLINES, time)
        assert list(map(str, told)) == list(map(str, pipeline.explain(KLINES.iloc[: row + 1])))
        assert json.loads(json.dumps([one.to_dict() for one in told]))[0]["left"] == "macd"


def test_reasons_are_told_apart():
    warm = explain("RSI", RSI(), KLINES, 3)
    assert {one.outcome for one in warm} == {"undefined"}
    assert "warm-up: candle 4, and all values are there from 15 on" in warm[0].reason
    still = explain("RSI", RSI(), flat_candles(50), 40)
    assert "rsi has no value here" in still[0].reason
    signals = RSI(period=3).get_signals(KLINES).of_type("OVERBOUGHT")
    [one] = [one for one in explain("RSI", RSI(period=3), KLINES, int(signals.position[0])) if one.fired]
    assert one.distance == 0
    assert one.threshold == 70
    assert one.previous < 70 <= one.value == signals.value[0]
    low = explain("RSI", RSI(period=3, oversold=1), KLINES, 30)[1]
    assert low.outcome == "not met"
    assert low.distance == pytest.approx(low.value - 1)


def test_a_moment_without_a_candle_is_refused():
    pipeline = IndicatorPipeline().add("RSI")
    with pytest.raises(CandleError, match=r"no candle opens then; near is 2024-01-01T01:00:00\+00:00"):
        pipeline.explain(KLINES, "2024-01-01 00:30")
    with pytest.raises(CandleError, match="is no moment"):
        pipeline.explain(KLINES, "soon")
    assert pipeline.explain(KLINES, KLINES.index[50].isoformat()) == pipeline.explain(
        KLINES, pd.Timestamp(KLINES.index[50]).tz_localize(None)
    )
