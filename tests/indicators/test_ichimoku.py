"""What is known when: the cloud at a candle, and what is only drawn elsewhere."""

import numpy as np
import pytest
from market import random_candles, same_bits

from toolkit import IndicatorRegistry
from toolkit.indicators.ichimoku import Ichimoku
from toolkit.rules import Rule, above, crosses_above

KLINES = random_candles(600, seed=8)
COLUMNS = [output.name for output in Ichimoku.outputs]
SHORT = Ichimoku(tenkan_period=3, kijun_period=7, senkou_period=14, displacement=5)


def later_candles_changed(klines, after):
    changed = klines.copy()
    changed.loc[changed.index[after + 1] :, ["open", "high", "low", "close"]] *= 7.0
    return changed


def until(signals, after):
    last = KLINES.index[after]
    return [(s.timestamp, s.signal_type, s.value, s.confidence) for s in signals if s.timestamp <= last]


@pytest.mark.parametrize("indicator", [Ichimoku(), SHORT], ids=["defaults", "short"])
def test_nothing_that_can_be_read_depends_on_later_candles(indicator):
    values, signals = indicator.calculate(KLINES), indicator.get_signals(KLINES)
    assert set(signals.of_type("ABOVE_CLOUD").position)
    for after in (*range(76, 110), 400):
        changed = later_candles_changed(KLINES, after)
        others, other_signals = indicator.calculate(changed), indicator.get_signals(changed)
        assert same_bits(others[COLUMNS].iloc[: after + 1], values[COLUMNS].iloc[: after + 1])
        assert not same_bits(others[COLUMNS].iloc[after + 1 :], values[COLUMNS].iloc[after + 1 :])
        until, others_until = (
            [
                (s.timestamp, s.signal_type, s.value, s.confidence)
                for s in found
                if s.timestamp <= KLINES.index[after]
            ]
            for found in (signals, other_signals)
        )
        assert until == others_until


@pytest.mark.parametrize("displacement", [1, 25, 26, 250])
def test_a_displacement_of_n_is_a_shift_by_n(displacement):
    """26 is 26 candles: the cloud at a candle is the leads of 26 before it, as in `shift(26)`."""
    values = Ichimoku(displacement=displacement).calculate(KLINES)
    assert same_bits(values["cloud_a"], values["lead_a"].shift(displacement))
    assert same_bits(values["cloud_b"], values["lead_b"].shift(displacement))
    assert values["cloud_b"].first_valid_index() == KLINES.index[51 + displacement]


def test_what_is_drawn_ahead_is_only_drawn_ahead():
    indicator = Ichimoku(displacement=30)
    ahead = {output.name: indicator.candles_ahead(output) for output in indicator.outputs if output.drawn}
    assert ahead == {"tenkan": 0, "kijun": 0, "lead_a": 30, "lead_b": 30, "chikou": -30}
    values = indicator.calculate(KLINES)
    high, low = KLINES["high"].rolling(52).max(), KLINES["low"].rolling(52).min()
    assert same_bits(values["lead_b"], (high + low) / 2)  # the column stays where it is known
    assert same_bits(values["lead_a"], (values["tenkan"] + values["kijun"]) / 2)
    assert same_bits(values["chikou"], KLINES["close"])


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (Rule("BUY", crosses_above("close", "lead_a")), "lead_a"),
        (Rule("BUY", above("lead_a", "lead_b")), "lead_a"),
        (Rule("BUY", crosses_above("chikou", "close")), "chikou"),
        (Rule("BUY", crosses_above("close", "cloud_a"), needs="lead_b"), "lead_b"),
    ],
)
def test_no_rule_may_read_what_is_drawn_elsewhere(rule, name):
    with pytest.raises(TypeError, match=f"Early: its rule BUY reads '{name}', which is drawn at another"):
        type("Early", (Ichimoku,), {"rules": (rule,), "__module__": __name__})


def test_signals_are_the_crosses_and_the_leaving_of_the_cloud():
    values, signals = Ichimoku().calculate(KLINES), Ichimoku().get_signals(KLINES)
    top, bottom = values[["cloud_a", "cloud_b"]].max(axis=1), values[["cloud_a", "cloud_b"]].min(axis=1)
    known = values["cloud_b"].notna()
    gaps = {
        "BUY": values["tenkan"] - values["kijun"],
        "SELL": values["kijun"] - values["tenkan"],
        "ABOVE_CLOUD": (values["close"] - top).where(known),
        "BELOW_CLOUD": (bottom - values["close"]).where(known),
    }
    for kind, gap in gaps.items():
        expected = np.flatnonzero((gap > 0) & (gap.shift() <= 0))
        assert np.array_equal(signals.of_type(kind).position, expected), kind
        assert len(expected) > 2
    assert len(signals.of_type("ABOVE_CLOUD")) + len(signals.of_type("BELOW_CLOUD")) > 5
    assert IndicatorRegistry.get("Ichimoku") == Ichimoku()
