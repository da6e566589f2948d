"""Declaring an indicator: what is possible, and what is refused where the class is written."""

from typing import Annotated, Literal

import numpy as np
import pytest
from market import random_candles

from toolkit import Indicator, ParameterError
from toolkit.indicators import Bounds, Line, Period
from toolkit.kernels import EMA_MEMORY, compiled, ema
from toolkit.rules import Rule, above, crosses_above


class Distance(Indicator):
    """Close over its own mean, written without compiling."""

    period: Period = 5
    factor: Annotated[float, Bounds(0.5, 2.0, 0.1, "times")] = 1.0
    side: Literal["above", "below"] = "above"

    outputs = (Line("distance"),)
    rules = (Rule("FAR", above("distance", 1.0)),)

    @property
    def warmup(self) -> int:
        return self.period - 1

    @property
    def state_size(self) -> int:
        return EMA_MEMORY

    @staticmethod
    def kernel(state, close, period, factor, side, distance):
        ema(state, close, period, 2 / (period + 1), distance)
        sign = 1 if side == 0 else -1  # a choice comes as its number
        distance[:] = sign * factor * (close - distance)


def test_a_plain_python_kernel_and_all_kinds_of_parameters_work():
    klines = random_candles(100)
    up, down = Distance().calculate(klines), Distance(side="below", factor=2).calculate(klines)
    assert np.allclose(down["distance"], -2 * up["distance"], equal_nan=True)
    assert len(Distance().get_signals(klines)) > 0
    assert Distance().name == "Distance"
    assert Distance.parameters()["factor"].to_dict() == {
        "name": "factor",
        "kind": "number",
        "default": 1.0,
        "minimum": 0.5,
        "maximum": 2.0,
        "step": 0.1,
        "description": "times",
    }
    assert Distance.parameters()["side"].to_dict() == {
        "name": "side",
        "kind": "choice",
        "default": "above",
        "choices": ["above", "below"],
    }


def test_numbers_of_numpy_count_and_types_come_out_plain():
    made = Distance(period=np.int32(7), factor=np.float32(1.5))
    assert made == Distance({"period": 7, "factor": 1.5})
    assert type(made.params["period"]) is int
    assert type(made.params["factor"]) is float
    assert type(Distance(factor=2).params["factor"]) is float


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"period": 5.0}, "Distance: period=5.0 is not allowed: it must be a whole number from 1 to 1000"),
        ({"factor": 2.5}, "Distance: factor=2.5 is not allowed: it must be a number from 0.5 to 2"),
        ({"side": "left"}, "Distance: side='left' is not allowed: it must be one of above, below"),
        ({"side": ["above"]}, "Distance: side=.* is not allowed: it must be one of above, below"),
        ({"perod": 5}, "Distance: unknown parameter perod=5; it has: period, factor, side"),
    ],
)
def test_messages_name_class_parameter_and_value(params, message):
    with pytest.raises(ParameterError, match=message):
        Distance(params)


def test_the_base_itself_is_not_an_indicator():
    with pytest.raises(TypeError, match="use or write a subclass"):
        Indicator()


def declare(**changes):
    """A class like `Distance` with some of its declaration changed."""

    def kernel(state, close, period, distance): ...

    body = {
        "__annotations__": {"period": Period},
        "__module__": __name__,
        "period": 5,
        "outputs": (Line("distance"),),
        "kernel": staticmethod(kernel),
    }
    body.update(changes)
    return type("Broken", (Indicator,), body)


def test_the_declaration_that_the_broken_ones_start_from_is_good():
    assert declare()(period=7).params == {"period": 7}


def kernel_of_other_name(state, close, length, distance): ...


def kernel_without_state(close, period, distance): ...


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"kernel": staticmethod(kernel_of_other_name)},
            "Broken: its kernel takes 'length', which is not declared",
        ),
        ({"kernel": staticmethod(kernel_without_state)}, "Broken: its kernel does not take 'state'"),
        ({"outputs": (Line("distance"), Line("more"))}, "Broken: its kernel does not take 'more'"),
        ({"outputs": (Line("close"),)}, "Broken: declared more than once: close"),
        ({"outputs": (Line("volume"),), "inputs": ("close",)}, "Broken: its kernel takes 'distance'"),
        ({"rules": (Rule("BUY", crosses_above("distance", "nothing")),)}, "its rule BUY reads 'nothing'"),
        ({"rules": (Rule("BUY", crosses_above("period", "distance")),)}, "compare a column on its left"),
        ({"rules": (Rule("BUY", crosses_above("distance", 0.0), needs="period"),)}, "and need columns"),
        ({"levels": ("nothing",)}, "'nothing' in levels or increasing is no parameter"),
        ({"increasing": (("period", "nothing"),)}, "'nothing' in levels or increasing is no parameter"),
        ({"fills": (("distance", "nothing"),)}, "'nothing' in fills or clouds is no output"),
        ({"period": 0}, "Broken: period=0 is not allowed"),
        ({"__annotations__": {"period": int}}, "Broken.period: annotated as"),
        ({"__annotations__": {"period": Period, "more": Period}}, "Broken.more: a parameter needs a default"),
    ],
)
def test_a_declaration_that_does_not_hold_together_fails_at_once(changes, message):
    with pytest.raises((TypeError, ParameterError), match=message):
        declare(**changes)


def test_what_is_not_declared_is_said_where_it_is_needed():
    with pytest.raises(NotImplementedError, match="Broken: state_size is not declared"):
        declare()().calculate(random_candles(3))
    with pytest.raises(TypeError, match="Broken: kernel is not declared"):
        type("Broken", (Indicator,), {"outputs": ()})


def test_a_compiled_kernel_outside_the_package_is_not_cached_on_disk():
    @compiled
    def double(x):
        return 2 * x

    assert double(2.0) == 4.0
    assert type(double._cache).__name__ == "NullCache"
    assert type(ema._cache).__name__ == "FunctionCache"
