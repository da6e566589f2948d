"""Finding indicators by name, and adding one's own."""

import pytest

from toolkit import MACD, RSI, BollingerBands, Indicator, IndicatorRegistry, UnknownIndicatorError
from toolkit.indicators import Line


@pytest.fixture
def registry():
    """The registry, and afterwards again as it was."""
    IndicatorRegistry.names()
    before = dict(IndicatorRegistry._classes)
    yield IndicatorRegistry
    IndicatorRegistry._classes = before


def cell(output: str = "mine", qualname: str = "Mine") -> type[Indicator]:
    """What running a notebook cell does: a new class of the same name."""
    namespace: dict = {}
    exec(f"def kernel(state, close, {output}):\n    {output}[:] = close", namespace)
    body = {
        "__module__": "__main__",
        "__qualname__": qualname,
        "outputs": (Line(output),),
        "kernel": staticmethod(namespace["kernel"]),
        "warmup": 0,
        "state_size": 0,
    }
    return type("Mine", (Indicator,), body)


def test_names_are_found_however_they_are_written():
    for name in ("Bollinger Bands", "bollinger_bands", "BOLLINGERBANDS", "bollinger bands"):
        assert IndicatorRegistry.get(name) == BollingerBands()
        assert IndicatorRegistry.is_registered(name)
    assert IndicatorRegistry.get("rsi", {"period": 21}) == RSI(period=21)


def test_the_usual_three_come_first():
    assert IndicatorRegistry.names()[:3] == ["MACD", "RSI", "Bollinger Bands"]


def test_an_unknown_name_says_what_is_near():
    with pytest.raises(UnknownIndicatorError, match="no indicator named 'MACDD'; did you mean MACD"):
        IndicatorRegistry.get("MACDD")
    with pytest.raises(UnknownIndicatorError, match="no indicator named 'zzzz'; known: MACD, RSI"):
        IndicatorRegistry.get_params("zzzz")
    assert not IndicatorRegistry.is_registered("zzzz")
    with pytest.raises(TypeError, match="must be text, not 7"):
        IndicatorRegistry.get(7)


def test_parameters_are_listed_with_bounds():
    assert IndicatorRegistry.get_params("MACD")["fast_period"] == {
        "name": "fast_period",
        "kind": "integer",
        "default": 12,
        "minimum": 1,
        "maximum": 1000,
        "step": 1,
        "description": "candles",
    }
    listed = IndicatorRegistry.list_indicators()["Bollinger Bands"]
    assert listed["outputs"] == ["bb_upper", "bb_middle", "bb_lower", "bb_width", "bb_position"]
    assert listed["defaults"] == {
        "period": 20,
        "std_dev": 2.0,
        "squeeze_period": 20,
        "squeeze_ratio": 0.8,
        "source": "close",
    }


def test_an_indicator_of_a_cell_works_at_once_and_again(registry):
    first = registry.register(cell())
    assert registry.get("mine") == first()
    second = registry.register(cell(output="other"))
    assert type(registry.get("mine")) is second
    assert registry.names().count("Mine") == 1


def test_the_name_of_another_class_is_not_taken_over(registry):
    registry.register(cell())
    with pytest.raises(ValueError, match=r"the name 'Mine' is taken by __main__.Mine"):
        registry.register(cell(qualname="Elsewhere"))
    with pytest.raises(ValueError, match=r"the name 'MACD' is taken by toolkit.indicators.macd.MACD"):
        registry.register(type("MACD", (cell(),), {"__module__": "__main__"}))
    assert type(registry.get("MACD")) is MACD


@pytest.mark.parametrize("wrong", [Indicator, RSI(), int, "RSI", None])
def test_only_indicator_classes_are_registered(wrong):
    with pytest.raises(TypeError, match="is not a subclass of Indicator"):
        IndicatorRegistry.register(wrong)
