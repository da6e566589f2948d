"""What holds for every indicator, by its being registered."""

import json
import math
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market import arrays_of, flat_candles, random_candles, same_bits
from references import REFERENCES
from references.reference import difference

from toolkit import Indicator, IndicatorRegistry, KLineDataLoader, ParameterError
from toolkit.indicators.many import ManyRuns
from toolkit.indicators.settling import measured_warmup, stored
from toolkit.signals import concatenate

NAMES = IndicatorRegistry.names()
CANDLES = random_candles(1_500, seed=4)


def at_bounds(name: str, which: str) -> Indicator:
    """The indicator with every parameter at its lower or upper bound, as far as they may go together."""
    indicator = IndicatorRegistry.get(name)
    for parameter in indicator.parameters().values():
        bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum}
        if parameter.kind == "choice":
            bounds = {"minimum": parameter.choices[0], "maximum": parameter.choices[-1]}
        try:
            indicator = indicator.replace(**{parameter.name: bounds[which]})
        except ParameterError:
            assert any(parameter.name in pair for pair in indicator.increasing)
    return indicator


def variants(name: str) -> list[Indicator]:
    return [IndicatorRegistry.get(name), at_bounds(name, "minimum"), at_bounds(name, "maximum")]


EVERY = [pytest.param(indicator, id=repr(indicator)) for name in NAMES for indicator in variants(name)]
DEFAULTS = [pytest.param(IndicatorRegistry.get(name), id=name) for name in NAMES]


def chunks(frame: pd.DataFrame, cuts: list[int]) -> list[pd.DataFrame]:
    edges = sorted({0, len(frame), *(cut % (len(frame) + 1) for cut in cuts)})
    return [frame.iloc[start:stop] for start, stop in pairwise(edges)]


def rows(frame: pd.DataFrame) -> list[dict]:
    return [
        {"open_time": time, **row} for time, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]


@pytest.mark.parametrize("indicator", EVERY)
@given(seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 600), max_size=8), length=st.integers(1, 600))
@settings(max_examples=6, deadline=None)
def test_batch_equals_chunks(indicator, seed, cuts, length):
    klines = random_candles(length, seed=seed, flat_share=0.4)
    run = indicator.stream()
    outputs, signals = [], []
    for chunk in chunks(klines, cuts):
        outputs.append(run.feed(chunk))
        signals.append(run.new_signals)
    whole = indicator.calculate(klines)
    assert same_bits(pd.concat(outputs), whole[outputs[0].columns])
    assert concatenate(signals) == indicator.get_signals(klines)


@pytest.mark.parametrize("indicator", EVERY)
def test_batch_equals_one_by_one_and_peek_changes_nothing(indicator):
    """The first candles, and some after the warm-up of every setting at its bounds."""
    run, signals, outputs = indicator.stream(timeframe="1h"), [], []
    for start, stop in ((0, 90), (1_100, 1_150)):
        outputs.append(run.feed(CANDLES.iloc[run.seen : start]))
        signals.append(run.new_signals)
        for number, candle in enumerate(rows(CANDLES.iloc[start:stop])):
            before = run.state if number % 25 == 0 else None
            peeked = run.peek(candle)
            assert same_bits(list(run.peek(candle).values()), list(peeked.values()))
            assert before is None or run.state == before
            updated = run.update(candle)
            outputs.append(pd.DataFrame([updated]))
            signals.append(run.new_signals)
            assert same_bits(list(updated.values()), list(peeked.values()))
    frame = pd.concat(outputs)
    assert same_bits(frame, indicator.calculate(CANDLES.iloc[:1_150])[frame.columns])
    assert concatenate(signals) == indicator.get_signals(CANDLES.iloc[:1_150])


@pytest.mark.parametrize("indicator", EVERY)
@pytest.mark.parametrize("cut", [0, 33, 1_101])
def test_state_goes_on_in_another_process(indicator, cut):
    first = indicator.stream()
    first.feed(CANDLES.iloc[:cut])
    second = type(indicator)(indicator.params).stream(
        state=json.loads(json.dumps(first.state, allow_nan=False))
    )
    third = indicator.stream(json.dumps(first.state))
    rest = CANDLES.iloc[cut:]
    outputs = first.feed(rest)
    assert same_bits(second.feed(rest), outputs)
    assert same_bits(third.feed(rest), outputs)
    assert first.new_signals == second.new_signals == third.new_signals
    assert first.state == second.state


@pytest.mark.parametrize("indicator", EVERY)
@pytest.mark.parametrize("cut", [1, 34, 1_499])
def test_the_past_does_not_depend_on_the_future(indicator, cut):
    names = [output.name for output in indicator.outputs]
    whole, part = indicator.calculate(CANDLES), indicator.calculate(CANDLES.iloc[:cut])
    assert same_bits(part[names], whole[names].iloc[:cut])
    signals = indicator.get_signals(CANDLES)
    known = int(np.searchsorted(signals.position, cut))
    assert indicator.get_signals(CANDLES.iloc[:cut]) == signals[:known]


@pytest.mark.parametrize("indicator", EVERY)
def test_warm_up_is_as_declared(indicator):
    names = [output.name for output in indicator.outputs]
    klines = random_candles(indicator.warmup + 200, seed=8, flat_share=0)
    defined = indicator.calculate(klines)[names].notna().all(axis=1).to_numpy()
    assert not defined[: indicator.warmup].any()
    assert defined[indicator.warmup :].all()


@pytest.mark.parametrize("indicator", EVERY)
def test_is_a_value(indicator):
    again = pickle.loads(pickle.dumps(indicator))
    assert again == indicator
    assert hash(again) == hash(indicator)
    assert eval(repr(indicator), {type(indicator).__name__: type(indicator)}) == indicator
    name, value = next(iter(indicator.params.items()))
    with pytest.raises(AttributeError, match="can't be changed"):
        setattr(indicator, name, value)
    indicator.params[name] = -1
    assert indicator.params[name] == value


@pytest.mark.parametrize("indicator", EVERY)
def test_a_market_that_never_moves_gives_no_signal(indicator):
    klines = flat_candles(indicator.warmup + 100, price=0.1 + 0.2)
    outputs = indicator.calculate(klines)[[output.name for output in indicator.outputs]]
    assert not np.isinf(outputs).any().any()
    assert len(indicator.get_signals(klines)) == 0


@pytest.mark.parametrize("indicator", DEFAULTS)
def test_a_market_that_stops_gives_no_signal_from_rounding(indicator):
    """Once the averages have forgotten the movement, nothing fires however long the price stands still."""
    moving = random_candles(400, seed=3, flat_share=0)
    still = flat_candles(6_000, price=float(moving["close"].iloc[-1]))
    still.index = still.index + (moving.index[-1] - still.index[0]) + pd.Timedelta("1h")
    signals = indicator.get_signals(pd.concat([moving, still]))
    assert not (signals.position > 400 + 1_500).any()


@pytest.mark.parametrize("indicator", DEFAULTS)
@pytest.mark.parametrize("scale", [2.0**-20, 2.0**20], ids=["prices / 1048576", "prices * 1048576"])
def test_signals_do_not_depend_on_the_currency(indicator, scale):
    klines = CANDLES.copy()
    klines[["open", "high", "low", "close"]] *= scale
    signals, expected = indicator.get_signals(klines), indicator.get_signals(CANDLES)
    assert np.array_equal(signals.position, expected.position)
    assert np.array_equal(signals.rule, expected.rule)


@pytest.mark.parametrize("indicator", EVERY)
def test_no_candle_and_one_candle(indicator):
    names = [output.name for output in indicator.outputs]
    assert indicator.calculate(CANDLES.iloc[:0])[names].shape == (0, len(names))
    assert len(indicator.get_signals(CANDLES.iloc[:0])) == 0
    one = indicator.calculate(CANDLES.iloc[:1])[names]
    assert one.shape == (1, len(names))
    assert indicator.warmup == 0 or one.isna().any(axis=None)


@pytest.mark.parametrize("indicator", DEFAULTS)
def test_the_argument_is_not_changed_and_old_columns_are_overwritten(indicator):
    before = CANDLES.copy()
    first = indicator.calculate(CANDLES)
    pd.testing.assert_frame_equal(CANDLES, before)
    stale = first.copy()
    for output in indicator.outputs:
        stale[output.name] = -1.0
    pd.testing.assert_frame_equal(indicator.calculate(stale), first)
    assert indicator.get_signals(stale) == indicator.get_signals(CANDLES)
    assert first.attrs == CANDLES.attrs


@pytest.mark.parametrize("indicator", DEFAULTS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_candles_that_are_not_finite_are_refused(indicator, bad):
    klines = CANDLES.copy()
    column = indicator.columns[0]
    klines.iloc[7, klines.columns.get_loc(column)] = bad
    with pytest.raises(ValueError, match=f"{type(indicator).__name__}.*{column}.*1 values.*2024-01-01 07:00"):
        indicator.calculate(klines)
    candle = {"open_time": "2024-01-01", **dict.fromkeys(indicator.columns, 1.0), column: bad}
    run = indicator.stream()
    before = run.state
    with pytest.raises(ValueError, match=f"{type(indicator).__name__}: {column}="):
        run.update(candle)
    assert run.state == before


@pytest.mark.parametrize("indicator", DEFAULTS)
def test_candles_that_do_not_fit_are_refused(indicator):
    name = type(indicator).__name__
    column = indicator.columns[0]
    with pytest.raises(ValueError, match=f"{name}: the candles have no column '{column}'"):
        indicator.calculate(CANDLES.drop(columns=column))
    with pytest.raises(ValueError, match=f"{name}: column '{column}' holds"):
        indicator.calculate(CANDLES.astype({column: str}))
    with pytest.raises(ValueError, match=f"{name}: the candles are not sorted"):
        indicator.get_signals(CANDLES.iloc[::-1])
    with pytest.raises(ValueError, match=f"{name}: the candles are not sorted"):
        indicator.get_signals(CANDLES.iloc[[0, 1, 1]])
    run = indicator.stream()
    run.feed(CANDLES.iloc[:50])
    with pytest.raises(ValueError, match=f"{name}: the chunk begins at"):
        run.feed(CANDLES.iloc[49:])
    with pytest.raises(ValueError, match=f"{name}: open_time="):
        run.update(rows(CANDLES.iloc[49:50])[0])


WRONG = [
    0,
    -1,
    1e9,
    10**400,
    math.nan,
    math.inf,
    -math.inf,
    "14",
    None,
    True,
    [14],
    {},
    2 + 0j,
    "drop",
    np.nan,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
def test_every_parameter_refuses_what_is_not_allowed(name, value):
    indicator = IndicatorRegistry.get(name)
    for parameter in indicator.parameters().values():
        plain = parameter.kind == "number" and type(value) in (int, float)
        if plain and parameter.minimum <= value <= parameter.maximum:
            continue  # allowed
        with pytest.raises(ParameterError) as caught:
            indicator.replace(**{parameter.name: value})
        message = str(caught.value)
        assert type(indicator).__name__ in message
        assert f"{parameter.name}={value!r}" in message
        assert parameter.allowed in message


@pytest.mark.parametrize("name", NAMES)
def test_bounds_themselves_are_allowed_and_what_lies_beyond_is_not(name):
    cls = type(IndicatorRegistry.get(name))
    for parameter in cls.parameters().values():
        if parameter.kind == "choice":
            continue
        small = 1 if parameter.kind == "integer" else 1e-9
        assert parameter.validate("it", parameter.minimum) == parameter.minimum
        assert parameter.validate("it", parameter.maximum) == parameter.maximum
        for beyond in (parameter.minimum - small, parameter.maximum + small):
            with pytest.raises(ParameterError, match=parameter.name):
                parameter.validate("it", beyond)


@pytest.mark.parametrize("name", NAMES)
def test_unknown_and_doubled_parameters_are_refused(name):
    cls = type(IndicatorRegistry.get(name))
    with pytest.raises(ParameterError, match=f"{cls.__name__}: unknown parameter length=14; it has: "):
        cls(length=14)
    known = next(iter(cls.parameters()))
    with pytest.raises(ParameterError, match=f"{cls.__name__}: {known} is given twice"):
        cls({known: 20}, **{known: 21})
    with pytest.raises(ParameterError, match="must be a mapping"):
        cls(14)


@pytest.mark.parametrize("indicator", DEFAULTS)
def test_state_of_another_indicator_is_refused(indicator):
    run = indicator.stream()
    state = run.state
    name, parameter = next(iter(indicator.parameters().items()))
    another = parameter.choices[-1] if parameter.kind == "choice" else indicator.params[name] + parameter.step
    changed = indicator.replace(**{name: another})
    wrong = [
        ({**state, "indicator": "Another"}, "indicator 'Another'"),
        ({**state, "version": 99}, "version 99"),
        ({**state, "memory": "AAAA"}, "checksum"),
        ({**state, "seen": 5}, "checksum"),
        ({}, "version"),
        ("not JSON", "Expecting value"),
        (7, "not iterable"),
    ]
    for given_state, what in wrong:
        with pytest.raises(ValueError, match=f"{type(indicator).__name__}: this state can't be used.*{what}"):
            indicator.stream(state=given_state)
    with pytest.raises(ValueError, match="params"):
        changed.stream(state=state)


@pytest.mark.parametrize("indicator", DEFAULTS)
def test_a_chart_and_an_api_can_read_it(indicator):
    listed = IndicatorRegistry.list_indicators()[indicator.name]
    json.dumps(listed, allow_nan=False)
    assert listed["outputs"] == [output.name for output in indicator.outputs]
    assert listed["description"]
    assert set(listed["defaults"]) == set(listed["params"]) == set(listed["bounds"])
    for rule in indicator.rules:
        assert rule.condition.left in indicator.rule_text(rule)


@pytest.mark.parametrize("indicator", DEFAULTS)
@pytest.mark.parametrize(("prices", "volumes"), [(1e-6, 1.0), (1e6, 1.0), (1.0, 1e6)])
def test_outputs_follow_the_currency_and_the_size_of_a_unit_as_declared(indicator, prices, volumes):
    klines = CANDLES.copy()
    klines[["open", "high", "low", "close"]] *= prices
    klines["volume"] *= volumes
    factors = {"price": prices, "volume": volumes, "value": prices * volumes}
    scaled, plain = indicator.calculate(klines), indicator.calculate(CANDLES)
    for output in indicator.outputs:
        expected = plain[output.name].to_numpy() * factors.get(output.unit, 1.0)
        room = 1e-9 * np.nanmax(np.abs(expected), initial=0.0)
        assert np.allclose(scaled[output.name], expected, rtol=1e-9, atol=room, equal_nan=True), output.name


@pytest.mark.parametrize("indicator", DEFAULTS)
def test_many_series_in_one_call_are_those_of_a_run_each(indicator):
    markets = {f"S{seed}": random_candles(260, seed=seed, flat_share=0.3) for seed in range(3)}
    many = ManyRuns(indicator, list(markets))
    arrays = {symbol: arrays_of(frame, indicator) for symbol, frame in markets.items()}
    for symbol, values in arrays.items():
        many.feed(symbol, {name: column[:200] for name, column in values.items()})
    found = []
    for i in range(200, 260):
        row = {name: np.array([arrays[symbol][name][i] for symbol in markets]) for name in arrays["S0"]}
        peeked = many.peek(row)
        found.append(many.update(row))
        assert all(same_bits(peeked[name], values) for name, values in found[-1].items())
        if i == 230:
            many = ManyRuns(indicator, list(markets), json.loads(json.dumps(many.state)))
    for number, frame in enumerate(markets.values()):
        whole = indicator.calculate(frame)
        for output in indicator.outputs:
            streamed = np.array([values[output.name][number] for values in found])
            assert same_bits(streamed, whole[output.name].iloc[200:])


@pytest.mark.parametrize("indicator", DEFAULTS)
def test_arrays_are_computed_as_frames_are_and_out_is_filled(indicator):
    arrays = arrays_of(CANDLES, indicator)
    names = [output.name for output in indicator.outputs]
    out = {name: np.full(len(CANDLES), 7.0) for name in names}
    given_back = indicator.compute(arrays, out)
    assert all(given_back[name] is out[name] for name in names)
    assert same_bits(np.column_stack([out[name] for name in names]), indicator.calculate(CANDLES)[names])
    again = indicator.compute(arrays, checked=True)  # in scratch that the first call has used
    assert all(same_bits(again[name], out[name]) for name in names)
    column = indicator.columns[0]
    for wrong, message in (
        ({name: array for name, array in arrays.items() if name != column}, "there is no array"),
        ({**arrays, column: np.full(len(CANDLES), np.nan)}, "not finite"),
        ({**arrays, column: arrays[column].astype(np.float32)}, "array of float64"),
    ):
        with pytest.raises(ValueError, match=f"{type(indicator).__name__}: .*{message}"):
            indicator.compute(wrong)
    for wrong, message in (({}, "out has no array"), ({**out, names[0]: np.empty(3)}, "of length 1500")):
        with pytest.raises(ValueError, match=message):
            indicator.compute(arrays, wrong)
    with pytest.raises(ValueError, match="shares memory"):
        indicator.compute(arrays, {**out, names[0]: arrays[column]})


@pytest.mark.parametrize("name", NAMES)
def test_the_measured_warm_up_is_what_is_listed(name):
    listed = IndicatorRegistry.list_indicators()[name]
    assert listed["measured_warmup"] == measured_warmup(IndicatorRegistry.get(name)), "run .ci/warmup"
    assert listed["measured_warmup"] is None or listed["measured_warmup"] >= listed["warmup"]


def test_every_indicator_of_the_package_has_a_reference_and_a_measured_warm_up():
    own = {name for name in NAMES if IndicatorRegistry.get_class(name).__module__.startswith("toolkit.")}
    assert own == set(REFERENCES) == set(stored())


COMPARED = [
    pytest.param(IndicatorRegistry.get(name, params), id=f"{name} {dict(params)}")
    for name in NAMES
    if name in REFERENCES
    for params in ({}, *REFERENCES[name].others)
]


def compared(indicator: Indicator, klines: pd.DataFrame) -> None:
    """Hold an indicator against its reference, from its declared warm-up on."""
    reference = REFERENCES[indicator.name]
    ours = indicator.calculate(klines)
    worst = difference(reference, klines, ours, indicator.params, indicator.warmup)
    assert worst <= reference.tolerance


@pytest.mark.parametrize("indicator", COMPARED)
@pytest.mark.parametrize("level", [30_000.0, 0.0007])
def test_equals_its_reference_on_random_candles(indicator, level):
    compared(indicator, random_candles(3_000, seed=1, level=level, flat_share=0.3))


@pytest.mark.parametrize("indicator", COMPARED)
def test_equals_its_reference_on_real_candles(indicator, real_candles):
    for symbol, timeframe in (("BTCUSDT", "15m"), ("ETHUSDT", "1h"), ("ZRXUSDT", "1h")):
        compared(indicator, KLineDataLoader.load_klines(symbol, timeframe, source=real_candles))
