"""Rules: when an indicator gives a signal, as data that can be read, drawn, explained and evaluated.

A condition compares two operands at the close of each candle: names of the indicator's outputs, inputs or
parameters, or numbers. A rule fires once, at the *first* candle for which its condition holds; a crossing
also needs the candle before it. Undefined (NaN) fires nothing, and ends a condition that held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.kernels import Array, compiled

RULE_MEMORY = (
    3  # slots that a rule remembers: whether a gap was defined, the last gap, whether the condition held
)

Operand = str | float


@dataclass(frozen=True, slots=True)
class Condition:
    """`direction * (left - right)`, the gap, is positive (or zero, unless `strict`); see the functions
    below.
    """

    left: str
    right: Operand
    direction: int
    strict: bool
    crossing: bool
    words: str

    @property
    def operands(self) -> tuple[Operand, Operand]:
        return self.left, self.right

    def text(self, parameters: Mapping[str, Any]) -> str:
        """The condition in words, with the values of parameters: `rsi crosses above oversold (30)`."""
        right = str(self.right)
        if right in parameters:
            right += f" ({parameters[right]:g})"
        return f"{self.left} {self.words} {right}"


def crosses_above(left: str, right: Operand) -> Condition:
    """At or below `right` at the last candle, above it at this one."""
    return Condition(left, right, 1, True, True, "crosses above")


def crosses_below(left: str, right: Operand) -> Condition:
    """At or above `right` at the last candle, below it at this one."""
    return Condition(left, right, -1, True, True, "crosses below")


def above(left: str, right: Operand) -> Condition:
    """The first candle above `right`."""
    return Condition(left, right, 1, True, False, "goes above")


def below(left: str, right: Operand) -> Condition:
    """The first candle below `right`."""
    return Condition(left, right, -1, True, False, "goes below")


def at_or_above(left: str, right: Operand) -> Condition:
    """The first candle at or above `right`."""
    return Condition(left, right, 1, False, False, "reaches")


def at_or_below(left: str, right: Operand) -> Condition:
    """The first candle at or below `right`."""
    return Condition(left, right, -1, False, False, "falls to")


@dataclass(frozen=True, slots=True)
class Rule:
    """A signal type and the condition for it. Where one of `needs` is undefined, the rule fires nothing
    either.

    The signal's `value` is the left operand. Its `confidence` is how decisive the move was, read off this
    candle and the one before it: the share of the step that lies beyond the line, `gap / (gap - previous
    gap)`; 0 if the line was only just reached, near 1 if the step began at the line, and 0 where there is
    no candle before to compare with.
    """

    signal_type: str
    condition: Condition
    needs: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the rule reads."""
        return tuple(name for name in (*self.condition.operands, self.needs) if isinstance(name, str))


@compiled
def _find(
    memory: Array,
    left: Array,
    right: Array,
    level: float,
    needed: Array,
    direction: int,
    strict: bool,
    crossing: bool,
    position: npt.NDArray[np.int64],
    confidence: Array,
) -> int:
    """Write the rows that fire and their confidence, return how many. An empty `right` means `level`."""
    known, previous, held = memory[0] != 0.0, memory[1], memory[2] != 0.0
    two_sided, needs = len(right) > 0, len(needed) > 0
    found = 0
    for i in range(len(left)):
        gap = direction * (left[i] - (right[i] if two_sided else level))
        if gap != gap or (needs and needed[i] != needed[i]):
            known = held = False
            continue
        holds = gap > 0.0 or (gap == 0.0 and not strict)
        fires = holds and (known and previous <= 0.0 if crossing else not held)
        if fires:
            position[found] = i
            step = gap - previous
            confidence[found] = gap / step if known and step > 0.0 and previous <= 0.0 else 0.0
            found += 1
        known, previous, held = True, gap, holds
    memory[0], memory[1], memory[2] = known, previous, held
    return found


_NOTHING = np.empty(0)


def bind(
    rules: Sequence[Rule], columns: Mapping[str, Array], parameters: Mapping[str, Any], memory: Array
) -> list[tuple[Any, ...]]:
    """For each rule what `find` needs. It holds the arrays themselves, so that it can be used again after
    they were filled anew.

    `columns` maps names to float64 arrays of one length; `memory` (`RULE_MEMORY` slots a rule, zeros at
    first) is carried from chunk to chunk.
    """
    bound = []
    for number, rule in enumerate(rules):
        condition = rule.condition
        left, right, level, needed = columns[condition.left], _NOTHING, 0.0, _NOTHING
        if isinstance(condition.right, str) and condition.right in columns:
            right = columns[condition.right]
        else:
            level = float(
                parameters[condition.right] if isinstance(condition.right, str) else condition.right
            )
        if rule.needs is not None:
            needed = columns[rule.needs]
        slots = memory[number * RULE_MEMORY : (number + 1) * RULE_MEMORY]
        how = (condition.direction, condition.strict, condition.crossing)
        room = np.empty(len(left), np.int64), np.empty(len(left))
        bound.append((slots, left, right, level, needed, *how, *room))
    return bound


def find(arguments: tuple[Any, ...]) -> tuple[npt.NDArray[np.int64], Array]:
    """Rows at which a rule fires, and the confidence of each, for what `bind` prepared."""
    found = _find(*arguments)
    return arguments[-2][:found], arguments[-1][:found]
