"""Presets: kept whole, migrated, and refused saying why."""

import json

import pytest

from toolkit import IndicatorConfiguration
from toolkit.presets import PresetError, Presets


@pytest.fixture
def presets(tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    return Presets()


@pytest.fixture
def configuration():
    configuration = IndicatorConfiguration()
    configuration.set_indicator_params("RSI", {"period": 21})
    label = configuration.duplicate("RSI")
    configuration.update({label: {"params": {"period": 50}, "timeframe": "1d"}})
    configuration.move(label, 0)
    configuration.set_indicator_enabled("MACD", False)
    return configuration


def test_what_is_on_comes_back_whatever_was_on_meanwhile(presets, configuration, tmp_path):
    assert presets.save("  My   trend ", configuration) == "My trend"
    other = IndicatorConfiguration()
    other.set_indicator_enabled("ATR", True)
    other.add("EMA", {"period": 9})
    presets.apply("My trend", other)
    assert other.get_enabled_indicators() == ["RSI 2", "RSI", "Bollinger Bands"]
    assert other.enabled_entries() == configuration.enabled_entries()
    assert other.pipeline().timeframes == {"RSI 2": "1d"}
    assert "EMA 2" not in other
    [file] = (tmp_path / "presets").iterdir()
    assert json.loads(file.read_text())["version"] == 2


def test_names_are_taken_renamed_and_deleted(presets, configuration):
    presets.save("one", configuration)
    with pytest.raises(PresetError, match="preset 'one': there is one of that name already"):
        presets.save("one", configuration)
    presets.save("one", IndicatorConfiguration(), replace=True)
    presets.save("../../etc/passwd", configuration)
    assert presets.rename("../../etc/passwd", "Ünusual / name.") == "Ünusual / name."
    assert presets.names() == ["one", "Ünusual / name."]
    with pytest.raises(PresetError, match="there is one of that name"):
        presets.rename("one", "Ünusual / name.")
    presets.delete("one")
    with pytest.raises(PresetError, match="preset 'one': there is none of that name; there are: Ünusual"):
        presets.load("one")
    for name in ("", "   ", "x" * 61, "line\x00", None, 5):
        with pytest.raises(PresetError, match=r"preset: name=.* is not allowed"):
            presets.save(name, configuration)


def put(tmp_path, content):
    folder = tmp_path / "presets"
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "old.json").write_text(text)


def test_version_1_is_migrated_and_its_file_stays(presets, tmp_path):
    """It was what `IndicatorConfiguration.save` wrote then."""
    held = {"MACD": {"enabled": False, "params": {}}, "RSI": {"enabled": True, "params": {"period": 9}}}
    put(tmp_path, {"version": 1, "indicators": held})
    before = (tmp_path / "presets" / "old.json").read_bytes()
    configuration = IndicatorConfiguration()
    presets.apply("old", configuration)
    assert configuration.get_enabled_indicators() == ["RSI"]
    assert configuration.get_indicator_params("RSI")["period"] == 9
    assert (tmp_path / "presets" / "old.json").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ([], "is no preset; understood are 1 to 2"),
        ({"version": True}, "is no preset"),
        ({"version": 3, "indicators": []}, "is of version 3, of a newer toolkit; understood are 1 to 2"),
        ({"version": 2}, "indicators: must be a list"),
        ({"version": 2, "indicators": [{"indicator": "RSX"}]}, "no indicator named 'RSX'; did you mean RSI"),
        (
            {
                "version": 2,
                "indicators": [
                    {"indicator": "RSI", "params": {"length": 3}},
                    {"indicator": "MACD", "params": {"fast_period": 0}},
                ],
            },
            "RSI: unknown parameter length=3; it has: period.*MACD: fast_period=0 is not allowed",
        ),
        ({"version": 2, "indicators": [{"indicator": "RSI", "timeframe": "soon"}]}, "timeframe: 'soon'"),
        ({"version": 2, "indicators": [{"indicator": "RSI", "colour": 1}]}, "unknown colour"),
        (
            {"version": 2, "indicators": [{"indicator": "RSI"}, {"indicator": "rsi"}]},
            "is used twice|named twice",
        ),
        ({"version": 1, "indicators": []}, "must be a mapping"),
    ],
)
def test_what_cannot_be_understood_is_refused_and_nothing_changes(presets, tmp_path, content, message):
    put(tmp_path, content)
    configuration = IndicatorConfiguration()
    configuration.add("RSI")
    before = configuration.to_dict()
    with pytest.raises(PresetError, match=f"preset 'old': .*({message})"):
        presets.apply("old", configuration)
    assert configuration.to_dict() == before
