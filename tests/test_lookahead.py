"""The look-ahead audit: deliberate look-aheads are caught and named, honest functions are not."""

import numpy as np
import pandas as pd
import pytest
from market import random_candles

from toolkit import (
    RSI,
    Indicator,
    IndicatorPipeline,
    IndicatorRegistry,
    KLineDataLoader,
    LookAheadError,
    audit,
    resample,
)
from toolkit.indicators import Line

KLINES = random_candles(1_000, seed=17, timeframe="15m", flat_share=0.4)


def shift_of_one(klines):
    return klines["close"].shift(-1)


def centred_window(klines):
    return klines["close"].rolling(11, center=True).mean()


def whole_series_normalisation(klines):
    return (klines["close"] - klines["close"].mean()) / klines["close"].std()


def resampled_labelled_early(klines):
    """The day's close, on every candle of that day."""
    return klines["close"].resample("1D").last().reindex(klines.index, method="ffill")


def repainting_zigzag(klines, turn=0.02):
    """The last pivot moves for as long as the price goes on, and is drawn where it was."""
    close = klines["close"].to_numpy()
    pivots = np.full(len(close), np.nan)
    last, direction = 0, 1
    for i in range(1, len(close)):
        if direction * (close[i] - close[last]) >= 0:
            last = i
        elif direction * (close[last] - close[i]) > turn * close[last]:
            pivots[last] = close[last]
            last, direction = i, -direction
    pivots[last] = close[last]
    return pivots


def filled_backwards(klines):
    return klines["close"].where(klines["volume"] > 60).bfill()


def signals_on_tomorrow(klines):
    return [time for time, rises in (klines["close"].shift(-1) > klines["close"] * 1.005).items() if rises]


def one_candle_rarely(klines):
    """Peeks at the next candle only where this one has no volume."""
    peeked = klines["close"].shift(-1).where(klines["volume"] == 0, klines["close"])
    return peeked.ffill()


CHEATS = [
    shift_of_one,
    centred_window,
    whole_series_normalisation,
    resampled_labelled_early,
    repainting_zigzag,
    filled_backwards,
    signals_on_tomorrow,
]


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.__name__)
def test_every_look_ahead_is_caught_and_named(cheat):
    found = audit(cheat, KLINES)
    assert not found
    assert cheat.__name__ in str(found)
    assert str(found.change.open_time) in str(found)
    with pytest.raises(LookAheadError, match=f"{cheat.__name__} looks ahead"):
        found.raise_for_look_ahead()


def test_a_look_ahead_of_one_candle_is_named_to_the_candle():
    found = audit(shift_of_one, KLINES, cuts=[500, 700])
    assert (found.change.position, found.change.seen, found.changed) == (499, 500, 2)
    assert found.change.open_time == KLINES.index[499]
    assert np.isnan(found.change.known)
    assert found.change.later == KLINES["close"].iloc[500]
    assert found.change.column == "close"


def test_a_look_ahead_at_a_few_candles_is_caught_where_histories_end_at_them():
    quiet = np.flatnonzero((KLINES["volume"] == 0).to_numpy())
    found = audit(one_candle_rarely, KLINES, cuts=list(range(1, len(KLINES))))
    steps = KLINES["close"].diff().shift(-1).to_numpy()
    first = next(i for i in quiet if steps[i] != 0)
    assert (found.change.position, found.change.seen) == (first, first + 1)
    assert len(quiet) > 10


HONEST = {
    "rolling": lambda k: k["close"].rolling(50).mean(),
    "ewm": lambda k: k["close"].ewm(span=26).mean(),
    "expanding": lambda k: k["close"].expanding(100).std(),
    "several columns": lambda k: k.assign(back=k["close"].shift(3), rank=k["close"].rolling(30).rank()),
    "bools": lambda k: k["close"] > k["open"],
    "texts": lambda k: np.where(k["close"] > k["open"], "up", "down"),
    "times": lambda k: list(k.index[k["close"] > k["close"].rolling(20).max().shift()]),
    "yesterday": lambda k: k["close"].resample("1D").last().shift().reindex(k.index, method="ffill"),
    "left out": lambda k: k["close"].rolling(20).mean().dropna(),
    "mapping": lambda k: {"one": k["close"].diff(), "two": k["volume"].cumsum()},
}


@pytest.mark.parametrize("name", HONEST)
def test_no_false_alarm(name):
    found = audit(HONEST[name], KLINES)
    assert found, str(found)
    assert "nothing of the past changed" in str(found)


@pytest.mark.parametrize("name", IndicatorRegistry.names())
def test_the_whole_registry_passes(name):
    assert audit(IndicatorRegistry.get(name), KLINES, cuts=12, tolerance=0.0)


def test_pipelines_with_larger_timeframes_pass_on_real_candles(real_candles):
    klines = KLineDataLoader.load_klines("ZRXUSDT", "15m", source=real_candles, last=3_000)
    pipeline = IndicatorPipeline().add("MACD").add("RSI", timeframe="1d")
    assert audit(pipeline, klines, tolerance=0.0)


def test_a_resampled_indicator_without_care_is_caught():
    def careless(klines):
        daily = RSI(period=2).calculate(resample(klines, "1d"))["rsi"]
        return daily.reindex(klines.index, method="ffill")

    found = audit(careless, KLINES, cuts=[900])
    assert not found


class Peeking(Indicator):
    """Reads the next close of its chunk."""

    outputs = (Line("peeking"),)
    warmup = 0
    state_size = 0

    @staticmethod
    def kernel(state, close, peeking):
        peeking[:-1] = close[1:]
        peeking[-1] = np.nan


def test_registering_one_that_looks_ahead_is_refused():
    with pytest.raises(LookAheadError, match=r"Peeking\(\) looks ahead: peeking of the candle"):
        IndicatorRegistry.register(Peeking)
    assert not IndicatorRegistry.is_registered("Peeking")


def test_the_candles_are_not_changed_and_wrong_arguments_are_refused():
    def careless(klines):
        klines["close"] = 0.0
        return klines["open"]

    before = KLINES.copy()
    assert audit(careless, KLINES)
    pd.testing.assert_frame_equal(KLINES, before)
    with pytest.raises(TypeError, match="7 is neither an indicator"):
        audit(7, KLINES)
    with pytest.raises(ValueError, match="2 candles are too few"):
        audit(shift_of_one, KLINES.iloc[:2])
    with pytest.raises(ValueError, match="cuts=0 is not allowed"):
        audit(shift_of_one, KLINES, cuts=0)
    with pytest.raises(ValueError, match="a cut at 1000 is not allowed: it must be from 1 to 999"):
        audit(shift_of_one, KLINES, cuts=[1_000])
    with pytest.raises(TypeError, match="gives float of shape"):
        audit(lambda klines: 1.0, KLINES)
    with pytest.raises(ValueError, match="fails on the first"):
        audit(lambda klines: klines["nothing"], KLINES)
