"""Which indicators are on: copies out, all or nothing in."""

import json

import pytest
from market import random_candles, same_bits

from toolkit import MACD, ConfigurationError, IndicatorConfiguration, IndicatorRegistry, ParameterError


@pytest.fixture
def configuration():
    return IndicatorConfiguration()


def test_three_are_on_at_first(configuration):
    assert configuration.get_enabled_indicators() == ["MACD", "RSI", "Bollinger Bands"]
    configuration.set_indicator_enabled("rsi", False)
    assert configuration.get_enabled_indicators() == ["MACD", "Bollinger Bands"]
    configuration.set_indicator_enabled("RSI", True)
    assert configuration.get_enabled_indicators() == ["MACD", "RSI", "Bollinger Bands"]


def test_parameters_change_in_part(configuration):
    configuration.set_indicator_params("MACD", {"fast_period": 8})
    assert configuration.get_indicator_params("MACD") == {
        "fast_period": 8,
        "slow_period": 26,
        "signal_period": 9,
        "source": "close",
    }
    configuration.set_indicator_params("MACD", {"signal_period": 5})
    assert configuration.pipeline().indicators["MACD"] == MACD(fast_period=8, signal_period=5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MACD": {"params": {"slow_period": 5}}}, "fast_period=12 is not allowed with slow_period=5"),
        ({"RSI": {"params": {"period": 21, "overbought": 101}}}, "RSI: overbought=101 is not allowed"),
        ({"RSI": {"enabled": "yes"}}, "RSI: enabled='yes' is not allowed"),
        ({"RSI": {"enabled": False}, "rsi": {"enabled": True}}, "RSI: is named twice"),
        ({"RSI": {"on": True}}, "RSI: unknown 'on'; allowed are 'enabled' and 'params'"),
        ({"RSI": True}, "RSI: True; allowed are"),
        ({"RSI": {"params": 5}}, "RSI: params=5 is not a mapping"),
        ({"RSX": {}}, "no indicator named 'RSX'; did you mean RSI"),
        ([], "is not a mapping"),
    ],
)
def test_a_change_is_made_whole_or_not_at_all(configuration, changes, message):
    before, calls = configuration.to_dict(), []
    configuration.observe(calls.append)
    wrong = {"Bollinger Bands": {"enabled": False}, **changes} if isinstance(changes, dict) else changes
    with pytest.raises((ConfigurationError, ParameterError, KeyError), match=message):
        configuration.update(wrong)
    assert configuration.to_dict() == before
    assert calls == []


def test_what_is_handed_out_are_copies(configuration):
    before = configuration.to_dict()
    configuration.to_dict()["MACD"]["params"]["fast_period"] = 99
    configuration.get_indicator_params("MACD")["fast_period"] = 99
    configuration.get_enabled_indicators().clear()
    configuration.pipeline().clear()
    assert configuration.to_dict() == before


def test_observers_hear_of_changes_and_only_of_changes(configuration):
    heard = []
    stop = configuration.observe(lambda changed: heard.append(changed.get_indicator_params("RSI")["period"]))
    configuration.set_indicator_params("RSI", {"period": 21})
    configuration.set_indicator_params("RSI", {"period": 21})
    configuration.set_indicator_enabled("RSI", True)
    configuration.update({})
    stop()
    stop()
    configuration.set_indicator_params("RSI", {"period": 5})
    assert heard == [21]


def test_round_trips(configuration, tmp_path):
    configuration.update({"MACD": {"enabled": False}, "Bollinger Bands": {"params": {"std_dev": 2.5}}})
    again = IndicatorConfiguration.from_dict(json.loads(json.dumps(configuration.to_dict())))
    assert again == configuration
    path = tmp_path / "mine.json"
    configuration.save(path)
    configuration.save(path)
    assert IndicatorConfiguration.load(path) == configuration
    assert [file.name for file in tmp_path.iterdir()] == ["mine.json"]
    assert IndicatorConfiguration() != configuration


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"version": 1}',
        '{"version": 9, "indicators": {}}',
        '{"version": 1, "indicators": []}',
        '{"version": 1, "indicators": {"RSX": {}}}',
        '{"version": 1, "indicators": {"RSI": {"params": {"period": NaN}}}}',
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"mine\.json: "):
        IndicatorConfiguration.load(path)


def test_its_pipeline_gives_the_same_values(configuration):
    klines = random_candles(300)
    names = ["macd", "macd_signal", "macd_histogram"]
    assert same_bits(configuration.pipeline().calculate(klines)[names], MACD().calculate(klines)[names])


def test_every_registered_indicator_can_be_switched_on(configuration):
    for name in IndicatorRegistry.names():
        configuration.set_indicator_enabled(name, True)
    assert configuration.get_enabled_indicators() == IndicatorRegistry.names()
    assert len(configuration.pipeline()) == len(IndicatorRegistry.names())


def test_an_indicator_can_be_there_twice_in_any_order_on_a_larger_timeframe(configuration):
    told = []
    configuration.observe(lambda c: told.append(c.get_enabled_indicators()))
    assert configuration.duplicate("RSI") == "RSI 2"
    configuration.set_indicator_params("rsi 2", {"period": 50})
    assert configuration.get_enabled_indicators() == ["MACD", "RSI", "RSI 2", "Bollinger Bands"]
    configuration.move("RSI 2", 0)
    assert told[-1] == ["RSI 2", "MACD", "RSI", "Bollinger Bands"]
    configuration.set_indicator_timeframe("RSI", "1d")
    pipeline = configuration.pipeline()
    assert list(pipeline.indicators) == ["RSI 2", "MACD", "RSI 1d", "Bollinger Bands"]
    assert pipeline.columns("RSI 2") == {"rsi": "RSI 2.rsi"}
    assert [configuration.pipeline_label(name) for name in ("RSI", "RSI 2")] == ["RSI 1d", "RSI 2"]
    assert configuration.add("RSI", {"period": 3}, label="fast") == "fast"
    configuration.remove("RSI 2")
    configuration.remove("RSI")
    assert configuration.get_enabled_indicators() == ["MACD", "Bollinger Bands", "fast"]
    assert configuration.get_indicator_params("RSI")["period"] == 14


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda c: c.add("RSI", label="macd"), "the label 'macd' is used already"),
        (lambda c: c.add("RSI", label=""), "label='' is not allowed"),
        (lambda c: c.add("RSI", label="x" * 41), "it must be text of 1 to 40 characters"),
        (lambda c: c.add("RSI", {"period": 0}), "RSI: period=0 is not allowed"),
        (lambda c: c.add("RSI", timeframe="1x"), "timeframe: '1x'"),
        (lambda c: c.update({"mine": {"params": {}}}), "no indicator named 'mine'"),
        (lambda c: c.update({"MACD": {"indicator": "RSI"}}), "it is one of MACD"),
        (
            lambda c: (c.add("RSI", label="RSI 1d"), c.update({"RSI": {"timeframe": "1d"}})),
            "'RSI 1d' is already",
        ),
        (lambda c: c.move("RSI", 3), "place=3 is not allowed: it must be a whole number from 0 to 2"),
        (lambda c: c.move("ATR", 0), "ATR: is not on"),
    ],
)
def test_what_makes_no_pipeline_is_refused(configuration, action, message):
    with pytest.raises((ValueError, KeyError), match=message):
        action(configuration)
    configuration.pipeline()


def test_further_entries_and_the_order_are_saved(configuration, tmp_path):
    configuration.duplicate("MACD")
    configuration.set_indicator_timeframe("MACD 2", "1d")
    configuration.move("Bollinger Bands", 0)
    configuration.save(tmp_path / "c.json")
    loaded = IndicatorConfiguration.load(tmp_path / "c.json")
    assert loaded == configuration
    assert loaded.enabled_entries() == configuration.enabled_entries()
