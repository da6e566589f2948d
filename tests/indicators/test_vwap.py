"""Where the volume weighted averages begin, and what they say while nothing is traded."""

import numpy as np
import pandas as pd
import pytest
from market import random_candles

from toolkit import IndicatorRegistry


@pytest.mark.parametrize(("anchor", "frequency"), [("day", "D"), ("week", "W-SUN")])
@pytest.mark.parametrize("begins", ["1969-12-26 05:00", "2024-02-28 13:30"])
def test_vwap_begins_anew_at_midnight_and_on_monday(anchor, frequency, begins):
    klines = random_candles(500, seed=2, flat_share=0)
    klines.index = pd.date_range(begins, periods=500, freq="1h", tz="UTC", name="open_time")
    ours = IndicatorRegistry.get("VWAP", {"anchor": anchor}).calculate(klines)["vwap"]
    typical = (klines["high"] + klines["low"] + klines["close"]) / 3
    period = klines.index.tz_localize(None).to_period(frequency)
    first = ~period.duplicated()
    assert first.sum() in {3, 4, 21, 22}
    restarted = np.isclose(ours, typical, rtol=1e-12, atol=0)
    assert restarted[first].all()
    assert not restarted[~first].any()


def test_vwap_is_held_while_nothing_is_traded_and_undefined_in_a_day_without_trades():
    klines = random_candles(72, seed=2, flat_share=0)
    klines.loc["2024-01-01 12:00":"2024-01-02 23:00", "volume"] = 0.0
    ours = IndicatorRegistry.get("VWAP").calculate(klines)["vwap"].to_numpy()
    assert (ours[11:24] == ours[11]).all()
    assert np.isnan(ours[24:48]).all()
    assert not np.isnan(ours[48:]).any()


@pytest.mark.parametrize(
    ("name", "column"), [("Rolling VWAP", "rolling_vwap"), ("Chaikin Money Flow", "cmf"), ("MFI", "mfi")]
)
def test_a_window_without_trades_is_undefined_and_fires_nothing(name, column):
    klines = random_candles(400, seed=5, flat_share=0)
    klines.iloc[100:200, klines.columns.get_loc("volume")] = 0.0
    indicator = IndicatorRegistry.get(name)
    ours = indicator.calculate(klines)[column].to_numpy()
    first = 99 + indicator.params["period"]
    assert np.isnan(ours[first:200]).all()
    assert not np.isnan(ours[indicator.warmup : first]).any()
    assert not np.isnan(ours[200:]).any()
    position = indicator.get_signals(klines).position
    assert not ((position >= first) & (position < 200)).any()


def test_a_spike_is_a_volume_above_twice_its_average():
    klines = random_candles(100, seed=5, flat_share=0)
    klines["volume"] = 10.0
    klines.iloc[[50, 51, 80], klines.columns.get_loc("volume")] = [40.0, 40.0, 21.0]
    signals = IndicatorRegistry.get("Volume Average").get_signals(klines)
    assert signals.position.tolist() == [50]
    assert signals[0].signal_type == "VOLUME_SPIKE"
