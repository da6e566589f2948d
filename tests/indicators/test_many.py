"""Many series at once: whole frames on threads, and what is refused."""

import numpy as np
import pytest
from market import random_candles

from toolkit import MACD, RSI, IndicatorPipeline
from toolkit.indicators import Indicator, Line
from toolkit.indicators.many import ManyRuns, calculate_many


def test_many_frames_are_calculated_as_each_alone():
    frames = {(s, "1h"): random_candles(500 + s, seed=s) for s in range(6)}
    pipeline = IndicatorPipeline().add("MACD").add("RSI", timeframe="1d")
    found = calculate_many(pipeline, frames, threads=2)
    assert list(found) == list(frames)
    for key, frame in found.items():
        assert frame.equals(pipeline.calculate(frames[key]))


def test_an_error_says_which_series_it_comes_from():
    frames = {"good": random_candles(50), "bad": random_candles(50).drop(columns="close")}
    with pytest.raises(ValueError, match="no column 'close'") as caught:
        calculate_many(RSI(), frames)
    assert caught.value.__notes__ == ["while calculating 'bad'"]
    with pytest.raises(ValueError, match="threads=0 is not allowed"):
        calculate_many(RSI(), frames, threads=0)


class Plain(Indicator):
    """Written without compiling."""

    outputs = (Line("doubled"),)
    warmup = 0
    state_size = 0

    @staticmethod
    def kernel(state, close, doubled):
        doubled[:] = 2 * close


def test_a_users_own_indicator_works_too():
    assert ManyRuns(Plain(), ["a", "b"]).update({"close": np.array([1.0, 3.0])})["doubled"].tolist() == [
        2.0,
        6.0,
    ]


def test_what_does_not_fit_is_refused_and_feeds_nothing():
    runs = ManyRuns(RSI(period=2), ["a", "b"])
    state = runs.state
    for wrong, message in (
        ({"close": np.array([1.0])}, "1 candles for 2 series"),
        ({"close": np.array([1.0, np.inf])}, "not finite"),
        ({}, "no array 'close'"),
    ):
        with pytest.raises(ValueError, match=f"ManyRuns of RSI: .*{message}"):
            runs.update(wrong)
    assert runs.state == state
    with pytest.raises(KeyError, match="no series is named 'c'"):
        runs.feed("c", {"close": np.ones(3)})
    for series in ([], ["a", "a"]):
        with pytest.raises(ValueError, match="each once"):
            ManyRuns(RSI(), series)
    for changed in ({**state, "series": ["a"]}, {}, {**state, "memory": "AAAA"}):
        with pytest.raises(ValueError, match="this state can't be used"):
            ManyRuns(RSI(period=2), ["a", "b"], changed)
    with pytest.raises(ValueError, match="it is of indicator 'RSI', not 'MACD'"):
        ManyRuns(MACD(), ["a", "b"], state)
