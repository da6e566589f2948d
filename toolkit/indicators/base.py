"""What an indicator is: a frozen value with bounded parameters, declared outputs, a kernel and rules."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NoReturn, Self

import pandas as pd

from toolkit.indicators import run
from toolkit.indicators.chunk import SOURCES
from toolkit.indicators.parameters import Parameter, ParameterError, ParameterValue, parameters_of, validated
from toolkit.kernels import Array
from toolkit.rules import Rule
from toolkit.signals import Signals

Unit = Literal["price", "percent", "ratio", "candles", "volume", "value"]
"""What an output is measured in, and so how it follows when all prices or all volumes are multiplied:
"price" like the prices, "volume" like the volumes, "value" (price times volume) like both; "percent", "ratio"
and "candles" (a count of them) stay as they are."""


@dataclass(frozen=True, slots=True)
class Output:
    """A column that an indicator makes, and how a chart draws it.

    `drawn=False` keeps it off the chart. `ahead` draws it so many candles later than the candle at which it
    is known (a number, or the name of a parameter), `behind` so many earlier; the column itself is not
    moved, and no rule may read it. `colored_by` names another output: where that is above zero the colour is
    that of a rise, where it is below, of a fall.
    """

    name: str
    kind: Literal["line", "histogram", "dots"] = "line"
    drawn: bool = True
    unit: Unit = "price"
    ahead: int | str = 0
    behind: int | str = 0
    colored_by: str | None = None


def Line(name: str, **options: Any) -> Output:
    """An output drawn as a line; options as in `Output`."""
    return Output(name, "line", **options)


def Histogram(name: str, **options: Any) -> Output:
    """An output drawn as bars from zero; options as in `Output`."""
    return Output(name, "histogram", **options)


def Dots(name: str, **options: Any) -> Output:
    """An output drawn as a dot a candle; options as in `Output`."""
    return Output(name, "dots", **options)


class Indicator:
    """Base of all indicators. A subclass declares, and writes one kernel:

    - parameters: annotated fields with a default (`period: Period = 14`), and pairs of them that must be
      `increasing`;
    - `name` (shown everywhere; the class name if left out), `family` ("trend", "momentum", "volatility",
      "volume" or a word of your own: where lists of indicators put it), `inputs`, `outputs`, and
      `internals`: columns that only rules read (`internals_optional`: where no rules are asked for their
      arrays come empty, and the kernel leaves them out). An input is a candle column; or "price", the series
      that the parameter `source` names (`source: Source = "close"`); or "open_time", in milliseconds since
      1970;
    - `pane` ("price" draws over the candles), `fills` (pairs of outputs with the area between them filled),
      `clouds` (such pairs, coloured by which of the two is above), `levels` (horizontal lines: parameter
      names or numbers) and `value_range` (a fixed axis);
    - `rules`, `warmup` (candles before every output is defined) and `state_size` (floats that the kernel
      remembers);
    - `kernel`, a static function, compiled or not, that takes its arguments *by name*: `state` (float64
      array, zeros before the first candle), inputs (float64 arrays of one chunk), parameters (of a choice
      its number among the `choices`, counted from 0), and outputs
      and internals (arrays of the same length, to be filled with NaN where undefined). All it knows of
      earlier candles is in `state`.

    Instances are values: equal, hashable and picklable by class and parameters, and can't be changed. Make
    one with `RSI(period=21)` or `RSI({"period": 21})`; a wrong parameter raises `ParameterError`.
    """

    name: ClassVar[str]
    family: ClassVar[str] = "other"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    outputs: ClassVar[tuple[Output, ...]]
    internals: ClassVar[tuple[str, ...]] = ()
    internals_optional: ClassVar[bool] = False
    increasing: ClassVar[tuple[tuple[str, str], ...]] = ()
    pane: ClassVar[Literal["price", "own"]] = "own"
    fills: ClassVar[tuple[tuple[str, str], ...]] = ()
    clouds: ClassVar[tuple[tuple[str, str], ...]] = ()
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
    def kernel_parameters(self) -> dict[str, int | float]:
        """The parameters as the kernel takes them: a choice as its number among the choices."""
        return {
            name: self._declared[name].choices.index(value) if isinstance(value, str) else value
            for name, value in self._values.items()
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """The candle columns that it reads, the opening time left out."""
        read = (SOURCES[str(self._values["source"])] if name == "price" else (name,) for name in self.inputs)
        return tuple(dict.fromkeys(name for names in read for name in names if name != "open_time"))

    def candles_ahead(self, output: Output) -> int:
        """How many candles later than it is known an output is drawn; negative: earlier."""

        def number(given: int | str) -> int:
            return int(self._values[given]) if isinstance(given, str) else given

        return number(output.ahead) - number(output.behind)

    @property
    def warmup(self) -> int:
        """Candles before every output is defined."""
        raise NotImplementedError(f"{type(self).__name__}: warmup is not declared")

    @property
    def state_size(self) -> int:
        """Floats that the kernel remembers between chunks."""
        raise NotImplementedError(f"{type(self).__name__}: state_size is not declared")

    @functools.cached_property
    def _plan(self) -> "run.Plan":
        """How `compute` goes about this indicator."""
        return run.Plan(self)

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
        for name, values in whole.outputs(whole.values(whole.prepare(klines), ruled=False)).items():
            frame[name] = pd.Series(values, frame.index, copy=False)
        return frame

    def compute(
        self,
        candles: Mapping[str, Array],
        out: Mapping[str, Array] | None = None,
        checked: bool = False,
    ) -> dict[str, Array]:
        """The outputs of whole arrays, without a frame around them: the same bits as `calculate`, with least
        ado.

        `candles` maps column names to float64 arrays of one length, contiguous and finite (`open_time`, where
        it is an input: milliseconds since 1970). `out` holds an array of that length for each output and is
        filled and returned; without it, new arrays are made. `checked`: the arrays are known to be finite, as
        every loaded frame's are, and are not looked through once more; where they are not, the outputs mean
        nothing. Raises `ValueError` for what does not fit.
        """
        return run.compute(self, candles, out, checked)

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
    for name in (name for pair in (*cls.fills, *cls.clouds) for name in pair):
        if name not in (output.name for output in cls.outputs):
            raise TypeError(f"{where}: {name!r} in fills or clouds is no output of it")
    if "price" in cls.inputs:
        source = cls._declared.get("source")
        if source is None or not set(source.choices) <= set(SOURCES):
            raise TypeError(f"{where}: its input 'price' needs a parameter `source: Source`")
    for name in cls.inputs:
        if name in SOURCES and name not in _CANDLE_COLUMNS:
            raise TypeError(f"{where}: {name!r} is no candle column; take 'price' and a parameter `source`")
    _check_outputs(cls)
    cls.kernel_arguments = arguments


def _check_outputs(cls: type[Indicator]) -> None:
    where, moved = cls.__name__, set()
    names = [output.name for output in cls.outputs]
    for output in cls.outputs:
        if output.colored_by is not None and output.colored_by not in names:
            raise TypeError(f"{where}: {output.name} is coloured by {output.colored_by!r}, no output of it")
        for given in (output.ahead, output.behind):
            if isinstance(given, str) and (
                given not in cls._declared or cls._declared[given].kind != "integer"
            ):
                raise TypeError(f"{where}: {output.name} is moved by {given!r}, no whole parameter of it")
        if output.ahead or output.behind:
            moved.add(output.name)
    for rule in cls.rules:
        for name in rule.names:
            if name in moved:
                raise TypeError(
                    f"{where}: its rule {rule.signal_type} reads {name!r}, which is drawn at another candle "
                    "than that at which it is known; compare with a column that holds what is known"
                )
