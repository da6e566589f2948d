"""Conditions: each against a plain loop, at ties, at undefined values and over chunk borders."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import rules

NAN = math.nan
CONDITIONS = {
    "crosses_above": (rules.crosses_above, lambda b, n: b <= 0 < n),
    "crosses_below": (rules.crosses_below, lambda b, n: b >= 0 > n),
    "above": (rules.above, lambda b, n: n > 0 and not b > 0),
    "below": (rules.below, lambda b, n: n < 0 and not b < 0),
    "at_or_above": (rules.at_or_above, lambda b, n: n >= 0 and not b >= 0),
    "at_or_below": (rules.at_or_below, lambda b, n: n <= 0 and not b <= 0),
}
VALUES = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, NAN]), max_size=30)


def found(condition, values, *, level=None, cuts=(), needs=None):
    """Rows at which the rule fires, and the confidences, fed in chunks."""
    rule = rules.Rule("X", condition, needs="needed" if needs is not None else None)
    memory, rows, confidences = np.zeros(rules.RULE_MEMORY), [], []
    edges = sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})
    columns = {"a": np.array(values, dtype=float)}
    if level is not None:
        columns["b"] = np.array(level, dtype=float)
    if needs is not None:
        columns["needed"] = np.array(needs, dtype=float)
    for start, stop in pairwise(edges):
        part = {name: column[start:stop] for name, column in columns.items()}
        [(position, confidence)] = map(rules.find, rules.bind([rule], part, {"limit": 0.0}, memory))
        rows += [int(row) + start for row in position]
        confidences += list(confidence)
    return rows, confidences


@pytest.mark.parametrize("name", CONDITIONS)
@given(values=VALUES, cuts=st.lists(st.integers(1, 29), max_size=4))
@settings(max_examples=150, deadline=None)
def test_fires_where_the_definition_says(name, values, cuts):
    make, definition = CONDITIONS[name]
    expected = [i for i in range(len(values)) if definition(values[i - 1] if i else NAN, values[i])]
    shifted = [value + 7.0 for value in values]
    for given_values, condition, level in (
        (values, make("a", 0.0), None),
        (values, make("a", "limit"), None),
        (shifted, make("a", "b"), [7.0] * len(values)),
    ):
        rows, confidences = found(condition, given_values, level=level, cuts=cuts)
        assert rows == expected
        assert all(0 <= confidence <= 1 for confidence in confidences)


def test_confidence_is_the_share_of_the_step_beyond_the_line():
    assert found(rules.crosses_above("a", 0.0), [-1.0, 3.0]) == ([1], [0.75])
    assert found(rules.crosses_below("a", 0.0), [3.0, -1.0]) == ([1], [0.25])
    assert found(rules.crosses_above("a", 0.0), [-1.0, 0.0, 3.0]) == ([2], [1.0])
    assert found(rules.at_or_above("a", 0.0), [-1.0, 0.0]) == ([1], [0.0])
    assert found(rules.above("a", 0.0), [5.0]) == ([0], [0.0])
    assert found(rules.above("a", 0.0), [NAN, 5.0]) == ([1], [0.0])


def test_what_a_rule_needs_must_be_defined():
    condition = rules.at_or_below("a", 0.0)
    assert found(condition, [-1.0] * 4, needs=[NAN, 1.0, NAN, 1.0])[0] == [1, 3]
    assert found(condition, [-1.0] * 4, needs=[1.0] * 4)[0] == [0]


def test_texts():
    assert (
        rules.crosses_above("rsi", "oversold").text({"oversold": 30.0}) == "rsi crosses above oversold (30)"
    )
    assert rules.below("bb_width", "squeeze_width").text({}) == "bb_width goes below squeeze_width"
    assert rules.at_or_above("high", 5.0).text({}) == "high reaches 5.0"
