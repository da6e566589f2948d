"""What an indicator is: a frozen value with bounded parameters, declared outputs, a kernel and rules."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NoReturn, Self

import pandas as pd

from toolkit.indicators import run
from toolkit.indicators.parameters import Parameter, ParameterError, ParameterValue, parameters_of, validated
from toolkit.rules import Rule
from toolkit.signals import Signals


@dataclass(frozen=True, slots=True)
class Output:
    """A column that an indicator makes, and how a chart draws it; `drawn=False` keeps it off the chart."""

    name: str
    kind: Literal["line", "histogram"] = "line"
    drawn: bool = True


def Line(name: str, *, drawn: bool = True) -> Output:
    """An output drawn as a line."""
    return Output(name, "line", drawn)


def Histogram(name: str, *, drawn: bool = True) -> Output:
    """An output drawn as bars from zero."""
    return Output(name, "histogram", drawn)


class Indicator:
    """Base of all indicators. A subclass declares, and writes one kernel:

    - parameters: annotated fields with a default (`period: Period = 14`), and pairs of them that must be
      `increasing`;
    - `name` (shown everywhere; the class name if left out), `inputs` (candle columns), `outputs`, and
      `internals`: columns that only rules read;
    - `pane` ("price" draws over the candles), `fills` (pairs of outputs with the area between them filled),
      `levels` (horizontal lines: parameter names or numbers) and `value_range` (a fixed axis);
    - `rules`, `warmup` (candles before every output is defined) and `state_size` (floats that the kernel
      remembers);
    - `kernel`, a static function, compiled or not, that takes its arguments *by name*: `state` (float64
      array, zeros before the first candle), inputs (float64 arrays of one chunk), parameters, and outputs
      and internals (arrays of the same length, to be filled with NaN where undefined). All it knows of
      earlier candles is in `state`.

    Instances are values: equal, hashable and picklable by class and parameters, and can't be changed. Make
    one with `RSI(period=21)` or `RSI({"period": 21})`; a wrong parameter raises `ParameterError`.
    """

    name: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    outputs: ClassVar[tuple[Output, ...]]
    internals: ClassVar[tuple[str, ...]] = ()
    increasing: ClassVar[tuple[tuple[str, str], ...]] = ()
    pane: ClassVar[Literal["price", "own"]] = "own"
    fills: ClassVar[tuple[tuple[str, str], ...]] = ()
    levels: ClassVar[tuple[str | float, ...]] = ()
    value_range: ClassVar[tuple[float, float] | None] = None
    rules: ClassVar[tuple[Rule, ...]] = ()
    kernel: ClassVar[Callable[..., None]]
    kernel_arguments: ClassVar[tuple[str, ...]]  # set here, from the kernel's own signature
    _declared: ClassVar[dict[str, Parameter]]

    def __init__(self, params: Mapping[str, object] | None = None, /, **named: object) -> None:
        owner = type(self).__name__
        if type(self) is Indicator:
            raise TypeError("Indicator: the base class itself computes nothing; use or write a subclass")
        if params is not None and not isinstance(params, Mapping):
            raise ParameterError(
                f"{owner}: params={params!r} is not allowed: it must be a mapping of names to values"
            )
        given = dict(params or {})
        for key, value in named.items():
            if key in given:
                raise ParameterError(f"{owner}: {key} is given twice, as {given[key]!r} and as {value!r}")
            given[key] = value
        object.__setattr__(self, "_values", validated(owner, self._declared, self.increasing, given))
        for key, value in self._values.items():
            object.__setattr__(self, key, value)

    _values: ClassVar[
        dict[str, ParameterValue]
    ]  # one for each instance; a ClassVar so that it is no parameter

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__
        cls._declared = parameters_of(cls)
        _check_declaration(cls)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__}: an indicator can't be changed; use replace({name}={value!r})"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}: an indicator can't be changed")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values == other._values

    def __hash__(self) -> int:
        return hash((type(self), *self._values.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._values.items())})"

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, ParameterValue]]]:
        return type(self), (dict(self._values),)

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """The declared parameters by name: kind, default, bounds."""
        return dict(cls._declared)

    @property
    def params(self) -> dict[str, ParameterValue]:
        """The values of all parameters; a copy."""
        return dict(self._values)

    def replace(self, **params: object) -> Self:
        """The same indicator with some parameters changed, validated anew."""
        return type(self)({**self._values, **params})

    @property
    def warmup(self) -> int:
        """Candles before every output is defined."""
        raise NotImplementedError(f"{type(self).__name__}: warmup is not declared")

    @property
    def state_size(self) -> int:
        """Floats that the kernel remembers between chunks."""
        raise NotImplementedError(f"{type(self).__name__}: state_size is not declared")

    def rule_text(self, rule: Rule) -> str:
        """The rule in words, with this indicator's parameters."""
        return rule.condition.text(self._values)

    def calculate(self, klines: pd.DataFrame) -> pd.DataFrame:
        """A new frame: the candles plus one float64 column an output, NaN where it is undefined.

        Columns of the same names in `klines` are overwritten in the new frame; `klines` itself is not
        changed. Raises `ValueError` where an input column is missing, not a number or not finite, or where
        the index is not sorted and unique.
        """
        whole = run.Run(self)
        frame = klines.copy(deep=False)
        for name, values in whole.outputs(whole.values(whole.prepare(klines))).items():
            frame[name] = pd.Series(values, frame.index, copy=False)
        return frame

    def get_signals(self, klines: pd.DataFrame) -> Signals:
        """The signals on these candles, oldest first. Computed from the candle columns, whatever else is
        there.
        """
        stream = run.Run(self)
        stream.feed(klines)
        return stream.new_signals

    def stream(
        self, state: Mapping[str, Any] | str | None = None, *, timeframe: str | None = None
    ) -> "run.Run":
        """Feed candles bar by bar or in chunks; see `toolkit.indicators.run.Run`."""
        return run.Run(self, state, timeframe=timeframe)


_CANDLE_COLUMNS = ("open_time", "open", "high", "low", "close", "volume", "synthetic")


def _check_declaration(cls: type[Indicator]) -> None:
    """What is declared must hold together; a mistake fails where the class is written, not where it is
    used.
    """
    where = cls.__name__
    for attribute in ("outputs", "kernel"):
        if not hasattr(cls, attribute):
            raise TypeError(f"{where}: {attribute} is not declared")
    kernel = cls.kernel
    arguments = tuple(inspect.signature(getattr(kernel, "py_func", kernel)).parameters)
    produced = [*(output.name for output in cls.outputs), *cls.internals]
    groups = {"input": cls.inputs, "parameter": tuple(cls._declared), "output or internal": tuple(produced)}
    names = [name for group in groups.values() for name in group]
    if twice := {name for name in names if names.count(name) > 1}:
        raise TypeError(f"{where}: declared more than once: {', '.join(sorted(twice))}")
    for name in arguments:
        if name != "state" and name not in names:
            raise TypeError(
                f"{where}: its kernel takes {name!r}, which is not declared; declared: {', '.join(names)}"
            )
    for name in ("state", *produced):
        if name not in arguments:
            raise TypeError(
                f"{where}: its kernel does not take {name!r}, so nothing can be kept or written there"
            )
    for name in produced:
        if name in _CANDLE_COLUMNS:
            raise TypeError(f"{where}: its output {name!r} would overwrite the candles' own column")
    for rule in cls.rules:
        for name in rule.names:
            if name not in names:
                raise TypeError(f"{where}: its rule {rule.signal_type} reads {name!r}, which is not declared")
        if rule.condition.left in cls._declared or rule.needs in cls._declared:
            raise TypeError(
                f"{where}: its rule {rule.signal_type} must compare a column on its left, and need columns"
            )
    for name in (
        *(level for level in cls.levels if isinstance(level, str)),
        *(n for pair in cls.increasing for n in pair),
    ):
        if name not in cls._declared:
            raise TypeError(f"{where}: {name!r} in levels or increasing is no parameter of it")
        if cls._declared[name].kind == "choice":
            raise TypeError(f"{where}: {name!r} in levels or increasing is not a number")
    for name in (name for pair in cls.fills for name in pair):
        if name not in produced:
            raise TypeError(f"{where}: {name!r} in fills is no output of it")
    cls.kernel_arguments = arguments
