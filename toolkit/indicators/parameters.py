"""Parameters of an indicator: their types and bounds as data, read from the annotations of its class."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, cast, get_args, get_origin, get_type_hints

ParameterValue = int | float | str


class ParameterError(ValueError):
    """A parameter that is unknown, of the wrong type or out of bounds. The message names class, parameter
    and value.
    """


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be, both ends included; `step` is what a slider moves by."""

    minimum: float
    maximum: float
    step: float = 1
    description: str = ""


Period = Annotated[int, Bounds(1, 1000, description="candles")]
Level = Annotated[float, Bounds(0, 100, 1)]
Source = Literal["close", "open", "high", "low", "hl2", "hlc3", "ohlc4", "hlcc4"]
"""The series an indicator is calculated from: one of the prices, or a mean of some of them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, for whoever shows, sweeps or documents it. Numbers have bounds, a choice has
    `choices`.
    """

    name: str
    kind: Literal["integer", "number", "choice"]
    default: ParameterValue
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    description: str = ""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        noun = "a whole number" if self.kind == "integer" else "a number"
        return f"{noun} from {self.minimum:g} to {self.maximum:g}"

    def validate(self, owner: str, value: object) -> ParameterValue:
        """`value` as a plain int, float or str; a `ParameterError` that names `owner` where it is not
        allowed.

        Numpy's numbers count as numbers; text, bool, NaN and infinity don't, and 14.5 is not a period.
        """
        if self.kind == "choice":
            if isinstance(value, str) and value in self.choices:
                return value
        elif isinstance(value, numbers.Real) and not isinstance(value, bool):
            number, low, high = cast(float, value), cast(float, self.minimum), cast(float, self.maximum)
            whole = isinstance(value, numbers.Integral)
            if (whole or self.kind == "number") and low <= number <= high:  # NaN is within nothing
                return int(number) if self.kind == "integer" else float(number)
        raise ParameterError(f"{owner}: {self.name}={value!r} is not allowed: it must be {self.allowed}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; only what applies to this kind."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: list(value) if name == "choices" else value
            for name, value in found.items()
            if value not in (None, (), "")
        }


def parameters_of(cls: type) -> dict[str, Parameter]:
    """The parameters that a class declares: its annotated fields that are no `ClassVar`, base classes
    first.
    """
    found = {}
    for name, annotation in get_type_hints(cls, include_extras=True).items():
        if get_origin(annotation) is ClassVar or annotation is ClassVar or name.startswith("_"):
            continue
        found[name] = _parameter(cls, name, annotation)
    return found


def _parameter(cls: type, name: str, annotation: Any) -> Parameter:
    where = f"{cls.__name__}.{name}"
    if not hasattr(cls, name):
        raise TypeError(f"{where}: a parameter needs a default, as in `{name}: Period = 14`")
    default = getattr(cls, name)
    if get_origin(annotation) is Literal:
        parameter = Parameter(name, "choice", default, choices=get_args(annotation))
    else:
        kind, *extras = get_args(annotation) or (annotation,)
        bounds = next((extra for extra in extras if isinstance(extra, Bounds)), None)
        if kind not in (int, float) or bounds is None:
            raise TypeError(
                f"{where}: annotated as {annotation!r}; it must be Period, Level, "
                "Annotated[int | float, Bounds(...)] or a Literal of str"
            )
        parameter = Parameter(
            name,
            "integer" if kind is int else "number",
            default,
            bounds.minimum,
            bounds.maximum,
            bounds.step,
            description=bounds.description,
        )
    parameter.validate(cls.__name__, default)
    return parameter


def validated(
    owner: str,
    declared: Mapping[str, Parameter],
    increasing: tuple[tuple[str, str], ...],
    given: Mapping[str, object],
) -> dict[str, ParameterValue]:
    """Every declared parameter with its given or default value; `ParameterError` for whatever is not allowed.

    `increasing` lists pairs of parameters of which the first must be less than the second.
    """
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise ParameterError(f"{owner}: unknown parameter {name}={given[name]!r}; it has: {known}")
    values = {name: p.validate(owner, given.get(name, p.default)) for name, p in declared.items()}
    for low, high in increasing:
        if not values[low] < values[high]:  # type: ignore[operator]  # both are numbers: checked at definition
            raise ParameterError(
                f"{owner}: {low}={values[low]!r} is not allowed with {high}={values[high]!r}: "
                f"{low} must be less than {high}"
            )
    return values
