"""Several indicators at once."""

import json

import pandas as pd
import pytest
from market import random_candles, same_bits

from toolkit import MACD, RSI, BollingerBands, IndicatorPipeline, PipelineError
from toolkit.pipeline import PipelineRun
from toolkit.signals import concatenate

KLINES = random_candles(1_200, seed=21)


@pytest.fixture
def pipeline():
    return IndicatorPipeline().add("MACD").add("RSI", {"period": 21}).add("bollinger bands")


def test_every_column_equals_its_indicators(pipeline):
    frame = pipeline.calculate(KLINES)
    for indicator in (MACD(), RSI(period=21), BollingerBands()):
        names = [output.name for output in indicator.outputs]
        assert same_bits(frame[names], indicator.calculate(KLINES)[names])
    assert list(frame.columns[:5]) == list(KLINES.columns)
    assert frame.attrs == KLINES.attrs
    assert list(pipeline.get_all_signals(frame)) == ["MACD", "RSI", "Bollinger Bands"]
    assert pipeline.get_all_signals(frame)["RSI"] == RSI(period=21).get_signals(KLINES)


def test_the_same_indicator_twice_under_two_labels():
    pipeline = IndicatorPipeline().add("RSI").add("RSI", {"period": 50}, label="slow").add(MACD(), label="m")
    frame = pipeline.calculate(KLINES)
    assert list(frame.columns[5:]) == ["rsi", "slow.rsi", "m.macd", "m.macd_signal", "m.macd_histogram"]
    assert pipeline.columns("slow") == {"rsi": "slow.rsi"}
    assert same_bits(frame["slow.rsi"], RSI(period=50).calculate(KLINES)["rsi"])
    assert pipeline.indicators == {"RSI": RSI(), "slow": RSI(period=50), "m": MACD()}


def test_remove_and_clear(pipeline):
    assert list(pipeline.remove("RSI").indicators) == ["MACD", "Bollinger Bands"]
    assert len(pipeline.clear()) == 0
    pd.testing.assert_frame_equal(pipeline.calculate(KLINES), KLINES)
    assert pipeline.get_all_signals(KLINES) == {}
    with pytest.raises(KeyError, match="no indicator is labelled 'RSI'; labels: none"):
        pipeline.remove("RSI")


def test_what_cannot_be_added_is_refused(pipeline):
    before = pipeline.indicators
    for arguments, keywords, message in [
        (("RSI",), {}, "the label 'RSI' is already used by RSI"),
        ((MACD(), {"fast_period": 3}), {}, "go with a name"),
        ((7,), {}, "must be a name or an Indicator"),
        (("RSI",), {"label": " "}, "label=' ' is not allowed"),
        (("RSI",), {"label": 7}, "label=7 is not allowed"),
        (("RSI", {"period": 0}), {"label": "x"}, "RSI: period=0"),
        (("RSJ",), {}, "did you mean RSI"),
    ]:
        with pytest.raises((ValueError, TypeError, KeyError), match=message):
            pipeline.add(*arguments, **keywords)
    assert pipeline.indicators == before


def test_an_error_names_its_indicator_and_keeps_the_cause(pipeline):
    with pytest.raises(
        PipelineError, match="Bollinger Bands: BollingerBands: the candles have no column 'high'"
    ) as error:
        pipeline.calculate(KLINES[["close"]])
    assert isinstance(error.value.__cause__, ValueError)


def test_the_stream_equals_the_batch(pipeline):
    whole, signals = pipeline.calculate(KLINES), pipeline.get_all_signals(KLINES)
    run = pipeline.stream()
    outputs = [run.feed(KLINES.iloc[:500])]
    parts = [run.new_signals]
    run = pipeline.stream(state=json.loads(json.dumps(run.state)))
    for time, row in zip(KLINES.index[500:], KLINES.iloc[500:].to_dict("records"), strict=True):
        candle = {"open_time": time, **row}
        peeked = run.peek(candle)
        updated = run.update(candle)
        assert same_bits(list(peeked.values()), list(updated.values()))
        outputs.append(pd.DataFrame([updated]))
        parts.append(run.new_signals)
    streamed = pd.concat(outputs)
    assert same_bits(streamed, whole[streamed.columns])
    for label, expected in signals.items():
        assert concatenate([part[label] for part in parts]) == expected


def test_candles_that_one_indicator_refuses_are_fed_to_none(pipeline):
    run = pipeline.stream()
    run.feed(KLINES.iloc[:50])
    before = run.state
    candle = {"open_time": KLINES.index[50], "close": 1.0, "high": float("nan"), "low": 1.0}
    for feed in (lambda: run.update(candle), lambda: run.feed(KLINES.iloc[50:60].drop(columns="low"))):
        with pytest.raises(PipelineError, match="Bollinger Bands"):
            feed()
        assert run.state == before


def test_a_state_of_other_labels_is_refused(pipeline):
    state = pipeline.stream().state
    for wrong in ({}, {**state, "version": 0}, {**state, "indicators": {}}, 7):
        with pytest.raises(ValueError, match="this state can't be used"):
            pipeline.stream(state=wrong)
    with pytest.raises(PipelineError, match=r"RSI: RSI: this state can't be used.*params"):
        PipelineRun(pipeline.remove("RSI").remove("Bollinger Bands").add("RSI").add("Bollinger Bands"), state)


def test_a_run_does_not_see_later_changes_of_its_pipeline(pipeline):
    run = pipeline.stream()
    pipeline.clear()
    assert "rsi" in run.feed(KLINES).columns
