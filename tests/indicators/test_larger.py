"""Indicators on a larger timeframe: only what had closed, the same bits however the candles come."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market import random_candles, same_bits

from toolkit import RSI, IndicatorPipeline, KLineDataLoader, PipelineError, resample
from toolkit.candles import length_of
from toolkit.signals import concatenate

KLINES = random_candles(3_000, seed=31, timeframe="15m", flat_share=0.3)
PIPELINE = (
    IndicatorPipeline()
    .add("RSI")
    .add("RSI", {"period": 3}, timeframe="1h")
    .add("MACD", {"fast_period": 2, "slow_period": 4, "signal_period": 2}, timeframe="4h")
    .add("Bollinger Bands", {"period": 3}, timeframe="1d", label="day")
)


def with_holes(klines, seed, share=0.1):
    """Some candles are missing, the first never."""
    random = np.random.default_rng(seed)
    kept = random.random(len(klines)) > share
    for start in random.integers(0, len(klines), 3):
        kept[start : start + 130] = False
    kept[0] = True
    return klines[kept]


def floats(frame):
    """The number columns; times are compared apart."""
    return frame.select_dtypes("number")


@pytest.mark.parametrize(
    "klines", [KLINES, KLINES.iloc[37:], with_holes(KLINES, 1)], ids=["whole", "cut", "holes"]
)
@pytest.mark.parametrize("timeframe", ["1h", "4h", "1d"])
def test_a_candle_sees_the_last_resampled_one_that_closed_by_its_own_close(klines, timeframe):
    """Against `resample` and pandas' `merge_asof`, an independent way to the same."""
    frame = IndicatorPipeline().add("RSI", {"period": 3}, timeframe=timeframe).calculate(klines)
    larger = RSI(period=3).calculate(resample(klines, timeframe))
    short, length = length_of("15m"), length_of(timeframe)
    closes = pd.DataFrame({"closes": klines.index + short})
    known = pd.DataFrame(
        {"closes": larger.index + length, "rsi": larger["rsi"].to_numpy(), "opened": larger.index}
    )
    expected = pd.merge_asof(closes, known, on="closes")
    column = f"RSI {timeframe}"
    assert np.allclose(frame[f"{column}.rsi"], expected["rsi"], rtol=1e-12, equal_nan=True)
    opened = frame[f"{column}.open_time"]
    assert (opened.to_numpy() == expected["opened"].to_numpy())[opened.notna().to_numpy()].all()
    assert (opened.isna().to_numpy() == expected["opened"].isna().to_numpy()).all()
    # what is seen had become known by the candle's own close, and no earlier than it closed
    seen = frame[opened.notna()]
    assert (seen[f"{column}.known_at"] <= seen.index + short).all()
    assert (seen[f"{column}.known_at"] >= seen[f"{column}.open_time"] + length).all()


@given(seed=st.integers(0, 50), cuts=st.lists(st.integers(0, 2_000), max_size=6), start=st.integers(0, 120))
@settings(max_examples=12, deadline=None)
def test_batch_equals_chunks_and_states(seed, cuts, start):
    klines = with_holes(KLINES, seed).iloc[start:1_500]
    whole, signals = PIPELINE.calculate(klines), PIPELINE.get_all_signals(klines)
    run, outputs, parts = PIPELINE.stream(), [], []
    edges = sorted({0, *(min(cut, len(klines)) for cut in cuts), len(klines)})
    for begin, end in pairwise(edges):
        outputs.append(run.feed(klines.iloc[begin:end]))
        parts.append(run.new_signals)
        run = PIPELINE.stream(json.loads(json.dumps(run.state)))
    fed = pd.concat(outputs)
    assert same_bits(floats(fed), whole[floats(fed).columns])
    pd.testing.assert_frame_equal(fed.select_dtypes("datetimetz"), whole.select_dtypes("datetimetz"))
    for label, expected in signals.items():
        assert concatenate([part[label] for part in parts]) == expected


def test_one_by_one_equals_batch_and_peek_changes_nothing():
    klines = with_holes(KLINES, 5).iloc[:700]
    whole, signals = PIPELINE.calculate(klines), PIPELINE.get_all_signals(klines)
    run, outputs, parts, seen = PIPELINE.stream(timeframe="15m"), [], [], []
    for time, row in zip(klines.index, klines.to_dict("records"), strict=True):
        candle = {"open_time": time, **row}
        before = run.state if len(outputs) % 97 == 0 else None
        peeked = run.peek(candle)
        assert before is None or run.state == before
        outputs.append(run.update(candle))
        assert same_bits(list(peeked.values()), list(outputs[-1].values()))
        parts.append(run.new_signals)
        seen.append({name: times[0] for name, times in run.seen.items()})
    frame = pd.DataFrame(outputs)
    assert same_bits(frame, whole[frame.columns])
    for name in seen[0]:
        assert pd.DatetimeIndex([s[name] for s in seen], tz="UTC").equals(pd.DatetimeIndex(whole[name]))
    for label, expected in signals.items():
        assert concatenate([part[label] for part in parts]) == expected


@pytest.mark.parametrize("cut", [1, 50, 95, 96, 97, 1_000, 2_999])
def test_the_past_does_not_depend_on_the_future(cut):
    whole, part = PIPELINE.calculate(KLINES), PIPELINE.calculate(KLINES.iloc[:cut])
    assert same_bits(floats(part), floats(whole).iloc[:cut])
    for label, signals in PIPELINE.get_all_signals(KLINES).items():
        known = int(np.searchsorted(signals.position, cut))
        assert PIPELINE.get_all_signals(KLINES.iloc[:cut])[label] == signals[:known]


def test_signals_are_those_of_the_larger_candles_at_the_row_that_sees_them():
    signals = PIPELINE.get_all_signals(KLINES)["RSI 1h"]
    expected = RSI(period=3).get_signals(resample(KLINES, "1h"))
    assert len(signals) > 50
    assert signals.timestamp.equals(expected.timestamp)
    assert signals.known_at.equals(expected.known_at)
    assert (KLINES.index[signals.position] + pd.Timedelta("15min") == signals.known_at).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="'1x' is not a whole number of minutes"):
        IndicatorPipeline().add("RSI", timeframe="1x")
    with pytest.raises(PipelineError, match="RSI 5m: RSI on 5m: it is no multiple"):
        IndicatorPipeline().add("RSI", timeframe="5m").calculate(KLINES)
    run = IndicatorPipeline().add("RSI", timeframe="1h").stream()
    candle = {"open_time": KLINES.index[0], **KLINES.iloc[0].to_dict()}
    with pytest.raises(PipelineError, match="it must be known how long the candles are"):
        run.update(candle)
    with pytest.raises(PipelineError, match="need a DatetimeIndex"):
        run.feed(KLINES.reset_index(drop=True))
    timed = IndicatorPipeline().add("RSI", timeframe="1h").stream(timeframe="15m")
    with pytest.raises(PipelineError, match="has no 'open_time'"):
        timed.update({**candle, "open_time": None})
    state = timed.state
    held = state["indicators"]["RSI 1h"]
    for wrong in ({**held, "seen": 7}, {}, {**held, "timeframe": "1d"}):
        with pytest.raises(PipelineError, match="this state can't be used"):
            IndicatorPipeline().add("RSI", timeframe="1h").stream({**state, "indicators": {"RSI 1h": wrong}})


def test_a_15m_candle_sees_the_rsi_of_the_exchanges_own_days(real_candles):
    load = KLineDataLoader.load_klines
    daily = load("ETHUSDT", "1d", source=real_candles)
    klines = load("ETHUSDT", "15m", source=real_candles, start=daily.index[0])
    daily = daily[daily.index >= klines.index[0]]  # so that Wilder's averages have the same past
    expected = RSI().calculate(daily)["rsi"]
    seen = IndicatorPipeline().add("RSI", timeframe="1d").calculate(klines).dropna(subset="RSI 1d.rsi")
    assert len(seen) > 10_000
    assert np.allclose(seen["RSI 1d.rsi"], expected[seen["RSI 1d.open_time"]], rtol=1e-9)
