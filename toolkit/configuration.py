"""Which indicators are on, with which parameters: one definition that notebook, API and streams read."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from toolkit.indicators.base import Indicator
from toolkit.indicators.parameters import ParameterValue
from toolkit.indicators.registry import IndicatorRegistry
from toolkit.pipeline import IndicatorPipeline

FILE_VERSION = 1
ENABLED_BY_DEFAULT = ("MACD", "RSI", "Bollinger Bands")

Observer = Callable[["IndicatorConfiguration"], None]


class ConfigurationError(ValueError):
    """A configuration, or a file of one, that can't be used; the message says what is wrong with it."""


class IndicatorConfiguration:
    """Every registered indicator, on or off, with its parameters. MACD, RSI and Bollinger Bands are on at
    first.

    A change is validated as a whole and takes effect at once or not at all; observers are then called with
    the configuration. Whatever is handed out is a copy.
    """

    def __init__(self) -> None:
        self._enabled: dict[str, bool] = {}
        self._indicators: dict[str, Indicator] = {}
        self._observers: list[Observer] = []
        for name in ENABLED_BY_DEFAULT:
            self._entry(name)
            self._enabled[name] = True

    def _entry(self, name: str) -> str:
        """The display name; an indicator registered since is entered, off, with its defaults.

        One whose class was replaced (a notebook cell run again) is made anew from the parameters it still
        has.
        """
        cls = IndicatorRegistry.get_class(name)
        held = self._indicators.get(cls.name)
        if held is None:
            self._enabled[cls.name] = False
            self._indicators[cls.name] = cls()
        elif type(held) is not cls:
            kept = {key: value for key, value in held.params.items() if key in cls.parameters()}
            self._indicators[cls.name] = cls(kept)
        return cls.name

    def _entries(self) -> list[str]:
        return [self._entry(name) for name in IndicatorRegistry.names()]

    def set_indicator_enabled(self, name: str, enabled: bool) -> None:
        """Switch an indicator on or off."""
        self.update({name: {"enabled": enabled}})

    def set_indicator_params(self, name: str, params: Mapping[str, object]) -> None:
        """Change some of an indicator's parameters; the others stay. `ParameterError` changes nothing."""
        self.update({name: {"params": params}})

    def update(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Several changes at once, all or nothing: `{"MACD": {"enabled": True, "params": {"fast_period":
        10}}}`.
        """
        if not isinstance(changes, Mapping):
            raise ConfigurationError(
                f"configuration: {changes!r} is not a mapping of indicator names to changes"
            )
        enabled, indicators = dict(self._enabled), dict(self._indicators)
        seen: set[str] = set()
        for given, change in changes.items():
            name = self._entry(given)
            enabled.setdefault(name, self._enabled[name])
            indicators.setdefault(name, self._indicators[name])
            if name in seen:
                raise ConfigurationError(f"{name}: is named twice, once as {given!r}")
            seen.add(name)
            if not isinstance(change, Mapping) or (unknown := set(change) - {"enabled", "params"}):
                wrong = (
                    f"unknown {', '.join(map(repr, sorted(map(str, unknown))))}"
                    if isinstance(change, Mapping)
                    else repr(change)
                )
                raise ConfigurationError(f"{name}: {wrong}; allowed are 'enabled' and 'params'")
            if "enabled" in change:
                if not isinstance(change["enabled"], bool):
                    raise ConfigurationError(
                        f"{name}: enabled={change['enabled']!r} is not allowed: it must be True or False"
                    )
                enabled[name] = change["enabled"]
            if "params" in change:
                if not isinstance(change["params"], Mapping):
                    raise ConfigurationError(
                        f"{name}: params={change['params']!r} is not a mapping of names to values"
                    )
                indicators[name] = indicators[name].replace(**change["params"])
        if (enabled, indicators) != (self._enabled, self._indicators):
            self._enabled, self._indicators = enabled, indicators
            for observer in list(self._observers):
                observer(self)

    def get_enabled_indicators(self) -> list[str]:
        """Display names of those that are on: MACD, RSI, Bollinger Bands, then the others by name."""
        return [name for name in self._entries() if self._enabled[name]]

    def get_indicator_params(self, name: str) -> dict[str, ParameterValue]:
        """An indicator's parameters; a copy."""
        return self._indicators[self._entry(name)].params

    def is_enabled(self, name: str) -> bool:
        """Whether an indicator is on."""
        return self._enabled[self._entry(name)]

    def pipeline(self) -> IndicatorPipeline:
        """A pipeline of the indicators that are on."""
        pipeline = IndicatorPipeline()
        for name in self.get_enabled_indicators():
            pipeline.add(self._indicators[name])
        return pipeline

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer(configuration)` after every change; the function returned ends that."""
        self._observers.append(observer)

        def unsubscribe() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return unsubscribe

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """`{name: {"enabled": bool, "params": {...}}}` for every registered indicator; JSON-able, a copy."""
        return {
            name: {"enabled": self._enabled[name], "params": self._indicators[name].params}
            for name in self._entries()
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Mapping[str, Any]]) -> Self:
        """The configuration that `to_dict` described. Indicators that are not named keep their defaults."""
        configuration = cls()
        configuration.update(given)
        return configuration

    def save(self, path: str | Path) -> None:
        """Write as JSON, atomically: the old file or the new one is there, whole."""
        target = Path(path)
        text = json.dumps({"version": FILE_VERSION, "indicators": self.to_dict()}, indent=2)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", text=True)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote. `ConfigurationError` names the file and what is wrong with it."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if (
                not isinstance(content, dict)
                or content.get("version") != FILE_VERSION
                or "indicators" not in content
            ):
                raise ConfigurationError(f"it is no configuration of version {FILE_VERSION}")
            return cls.from_dict(content["indicators"])
        except (ValueError, KeyError) as error:  # JSON, unknown names, parameters
            raise ConfigurationError(f"{path}: {error}") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndicatorConfiguration) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"IndicatorConfiguration(enabled={self.get_enabled_indicators()})"
