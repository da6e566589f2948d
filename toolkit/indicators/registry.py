"""Finding indicators by name."""

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, ClassVar

import toolkit.indicators
from toolkit.indicators.base import Indicator
from toolkit.indicators.settling import measured_warmup, practice_candles, stored
from toolkit.lookahead import audit

_DEFAULT_ORDER = ("macd", "rsi", "bollingerbands")
_NOT_INDICATORS = {"base", "chunk", "larger", "many", "parameters", "registry", "run", "settling", "warm"}


def key(name: str) -> str:
    """The form in which names are compared: letter case, spaces and underscores do not matter."""
    if not isinstance(name, str):
        raise TypeError(f"an indicator's name must be text, not {name!r}")
    return name.casefold().replace(" ", "").replace("_", "")


class UnknownIndicatorError(KeyError):
    """No indicator of that name. The message says what is near."""

    def __str__(self) -> str:  # KeyError shows the repr of its argument
        return str(self.args[0])


class IndicatorRegistry:
    """All indicators by display name: every file of `toolkit/indicators/`, and what a user registered.

    Names are looked up without regard to letter case, spaces and underscores.
    """

    _classes: ClassVar[dict[str, type[Indicator]]] = {}
    _discovered: ClassVar[bool] = False

    @classmethod
    def register(cls, indicator: type[Indicator]) -> type[Indicator]:
        """Add an indicator; usable as a decorator. A notebook cell that is run again replaces its own class.

        It is tried on made-up candles first: one that looks ahead is refused.

        Raises `TypeError` for what is no `Indicator` class, `ValueError` if another class has the name,
        `LookAheadError` if values or signals of the past change with later candles.
        """
        if not (
            isinstance(indicator, type) and issubclass(indicator, Indicator) and indicator is not Indicator
        ):
            raise TypeError(f"IndicatorRegistry.register: {indicator!r} is not a subclass of Indicator")
        cls._discover()
        cls._check_name(indicator)
        default = indicator()
        length = min(default.warmup, 2_000) + 250
        audit(default, practice_candles().iloc[:length], cuts=8).raise_for_look_ahead()
        cls._add(indicator)
        return indicator

    @classmethod
    def _add(cls, indicator: type[Indicator]) -> None:
        cls._check_name(indicator)
        cls._classes[key(indicator.name)] = indicator

    @classmethod
    def _check_name(cls, indicator: type[Indicator]) -> None:
        known = cls._classes.get(key(indicator.name))
        if known is not None and (known.__module__, known.__qualname__) != (
            indicator.__module__,
            indicator.__qualname__,
        ):
            raise ValueError(
                f"IndicatorRegistry.register: the name {indicator.name!r} is taken by "
                f"{known.__module__}.{known.__qualname__}; give {indicator.__qualname__} another `name`"
            )

    @classmethod
    def _discover(cls) -> None:
        if cls._discovered:
            return
        cls._discovered = True
        for module in pkgutil.iter_modules(toolkit.indicators.__path__):
            if module.name not in _NOT_INDICATORS:
                found = importlib.import_module(f"toolkit.indicators.{module.name}")
                for value in vars(found).values():
                    if (
                        isinstance(value, type)
                        and issubclass(value, Indicator)
                        and value.__module__ == found.__name__
                    ):
                        cls._add(value)
        order = {name: place for place, name in enumerate(_DEFAULT_ORDER)}
        names = sorted(cls._classes, key=lambda name: (order.get(name, len(order)), name))
        cls._classes = {name: cls._classes[name] for name in names}

    @classmethod
    def get_class(cls, name: str) -> type[Indicator]:
        """The class of that name; `UnknownIndicatorError` with near names where there is none."""
        cls._discover()
        if (found := cls._classes.get(key(name))) is not None:
            return found
        near = difflib.get_close_matches(key(name), cls._classes, n=3)
        hint = (
            "did you mean " + " or ".join(cls._classes[n].name for n in near)
            if near
            else "known: " + ", ".join(cls.names())
        )
        raise UnknownIndicatorError(f"no indicator named {name!r}; {hint}")

    @classmethod
    def names(cls) -> list[str]:
        """Display names; MACD, RSI and Bollinger Bands first, then in alphabetical order."""
        cls._discover()
        return [indicator.name for indicator in cls._classes.values()]

    @classmethod
    def get(cls, name: str, params: Mapping[str, object] | None = None) -> Indicator:
        """An indicator by name, with parameters. Raises `UnknownIndicatorError` or `ParameterError`."""
        return cls.get_class(name)(params)

    @classmethod
    def get_params(cls, name: str) -> dict[str, dict[str, Any]]:
        """The parameters by name: kind, default, bounds, as JSON-able dicts."""
        return {key: parameter.to_dict() for key, parameter in cls.get_class(name).parameters().items()}

    @classmethod
    def is_registered(cls, name: str) -> bool:
        """Whether there is an indicator of that name."""
        cls._discover()
        return key(name) in cls._classes

    @classmethod
    def list_indicators(cls) -> dict[str, dict[str, Any]]:
        """Everything about every indicator by display name, JSON-able: `params` (kind, default, bounds),
        `defaults`, `bounds`, `outputs`, `units`, `inputs`, `pane`, `rules`, `warmup` (candles before every
        output is defined, with the defaults), `measured_warmup` (candles until it no longer matters to 1e-9
        where the series began; None: always) and `description`.
        """
        cls._discover()
        return {indicator.name: _describe(indicator) for indicator in cls._classes.values()}


_measured: dict[type[Indicator], int | None] = {}


def _measured_warmup(indicator: type[Indicator]) -> int | None:
    """From the file for those of this package; a user's own is measured the first time."""
    if indicator.__module__.startswith("toolkit.indicators.") and indicator.name in stored():
        return stored()[indicator.name]
    if indicator not in _measured:
        _measured[indicator] = measured_warmup(indicator())
    return _measured[indicator]


def _describe(indicator: type[Indicator]) -> dict[str, Any]:
    default = indicator()
    parameters = indicator.parameters()
    return {
        "params": {name: p.to_dict() for name, p in parameters.items()},
        "defaults": default.params,
        "bounds": {
            name: list(p.choices) if p.kind == "choice" else [p.minimum, p.maximum]
            for name, p in parameters.items()
        },
        "outputs": [output.name for output in indicator.outputs],
        "units": {output.name: output.unit for output in indicator.outputs},
        "inputs": list(indicator.inputs),
        "pane": indicator.pane,
        "rules": [
            {"signal_type": rule.signal_type, "when": default.rule_text(rule)} for rule in indicator.rules
        ],
        "warmup": default.warmup,
        "measured_warmup": _measured_warmup(indicator),
        "description": (indicator.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " "),
    }
