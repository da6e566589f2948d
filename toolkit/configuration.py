"""Which indicators are on, with which parameters: one definition that notebook, API and streams read."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from toolkit.candles import length_of
from toolkit.indicators.base import Indicator
from toolkit.indicators.parameters import ParameterValue
from toolkit.indicators.registry import IndicatorRegistry, key
from toolkit.pipeline import IndicatorPipeline

FILE_VERSION = 2  # 1 knew no further entries and no order
ENABLED_BY_DEFAULT = ("MACD", "RSI", "Bollinger Bands")
LONGEST_LABEL = 40  # characters

Observer = Callable[["IndicatorConfiguration"], None]


class ConfigurationError(ValueError):
    """A configuration, or a file of one, that can't be used; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An indicator of a configuration: on or off, and on a larger timeframe or on its candles' own."""

    indicator: Indicator
    enabled: bool = False
    timeframe: str | None = None
    further: bool = False
    """It was added beside the indicator's own entry, under another label."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        found: dict[str, Any] = {"enabled": self.enabled, "params": self.indicator.params}
        if self.further:
            found["indicator"] = self.indicator.name
        if self.timeframe is not None:
            found["timeframe"] = self.timeframe
        return found


class IndicatorConfiguration:
    """Every registered indicator, on or off, with its parameters. MACD, RSI and Bollinger Bands are on at
    first.

    Each indicator has an entry under its name, and further ones under other labels (`add`, `duplicate`), so
    that it can be there twice with other parameters. A change is validated as a whole and takes effect at
    once or not at all; observers are then called with the configuration. Whatever is handed out is a copy.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._order: list[str] = []
        self._observers: list[Observer] = []
        for name in ENABLED_BY_DEFAULT:
            self._entries[self._label(name)] = Entry(IndicatorRegistry.get(name), enabled=True)

    def _label(self, given: str) -> str:
        """The label that a name or label means; an indicator registered since is entered, off, with its
        defaults.

        One whose class was replaced (a notebook cell run again) is made anew from the parameters it still
        has.
        """
        for label, entry in self._entries.items():
            if entry.further and key(label) == key(given):
                self._renew(label, IndicatorRegistry.get_class(entry.indicator.name))
                return label
        cls = IndicatorRegistry.get_class(given)
        if cls.name in self._entries:
            self._renew(cls.name, cls)
        else:
            self._entries[cls.name] = Entry(cls())
        return cls.name

    def _renew(self, label: str, cls: type[Indicator]) -> None:
        entry = self._entries[label]
        if type(entry.indicator) is not cls:
            params = entry.indicator.params
            kept = {name: value for name, value in params.items() if name in cls.parameters()}
            self._entries[label] = replace(entry, indicator=cls(kept))

    def _labels(self) -> list[str]:
        """All labels in order: those that were moved, then every registered one with what was added to it."""
        names = [self._label(name) for name in IndicatorRegistry.names()]
        places = {name: place for place, name in enumerate(names)}
        moved = {label: place for place, label in enumerate(self._order)}
        for label in [label for label, entry in self._entries.items() if entry.further]:
            self._label(label)

        def place(label: str) -> tuple[int, int]:
            own = places[self._entries[label].indicator.name]
            return moved.get(label, len(moved)), own

        return sorted(self._entries, key=place)  # stable: what was added later stays behind

    def set_indicator_enabled(self, name: str, enabled: bool) -> None:
        """Switch an indicator on or off."""
        self.update({name: {"enabled": enabled}})

    def set_indicator_params(self, name: str, params: Mapping[str, object]) -> None:
        """Change some of an indicator's parameters; the others stay. `ParameterError` changes nothing."""
        self.update({name: {"params": params}})

    def set_indicator_timeframe(self, name: str, timeframe: str | None) -> None:
        """Put an indicator on a larger timeframe ("1d"); None: on that of the candles."""
        self.update({name: {"timeframe": timeframe}})

    def add(
        self,
        name: str,
        params: Mapping[str, object] | None = None,
        *,
        label: str | None = None,
        timeframe: str | None = None,
    ) -> str:
        """A further entry of an indicator, on; its label: the next free one (`RSI 2`) unless it is given."""
        name = IndicatorRegistry.get_class(name).name
        used = {key(held) for held in self._entries} | {key(known) for known in IndicatorRegistry.names()}
        if label is None:
            number = 2
            while key(f"{name} {number}") in used:
                number += 1
            label = f"{name} {number}"
        elif isinstance(label, str) and label.strip() and key(label) in used:
            raise ConfigurationError(f"{name}: the label {label!r} is used already; give another")
        change = {"indicator": name, "enabled": True, "params": params or {}, "timeframe": timeframe}
        self.update({label: change})
        return label

    def duplicate(self, label: str) -> str:
        """A further entry with the same parameters and timeframe, right after that one; its label."""
        entry = self.entry(label)
        before, order = self._label(label), self.get_enabled_indicators()
        made = self.add(entry.indicator.name, entry.indicator.params, timeframe=entry.timeframe)
        if before in order:
            order.insert(order.index(before) + 1, made)
            self._reorder(order)
        return made

    def remove(self, label: str) -> None:
        """Take a further entry out; an indicator's own entry is switched off."""
        label = self._label(label)
        if not self._entries[label].further:
            self.set_indicator_enabled(label, False)
            return
        del self._entries[label]
        self._order = [other for other in self._order if other != label]
        self._tell()

    def move(self, label: str, place: int) -> None:
        """Put one that is on at a place among those that are, counted from 0."""
        order, label = self.get_enabled_indicators(), self._label(label)
        if label not in order:
            raise ConfigurationError(f"{label}: is not on, and so has no place; on are: {', '.join(order)}")
        if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < len(order):
            raise ConfigurationError(
                f"{label}: place={place!r} is not allowed: it must be a whole number from 0 to"
                f" {len(order) - 1}"
            )
        order.remove(label)
        order.insert(place, label)
        self._reorder(order)

    def _reorder(self, order: list[str]) -> None:
        if order != self.get_enabled_indicators():
            self._order = order
            self._tell()

    def _tell(self) -> None:
        for observer in list(self._observers):
            observer(self)

    def update(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Several changes at once, all or nothing: `{"MACD": {"enabled": True, "params": {"fast_period":
        10}}}`. A label that is not there yet needs an `"indicator"`; `"timeframe"` is a larger one, or None.
        """
        self._change(changes, dict(self._entries), self._order)

    def _change(self, changes: Any, entries: dict[str, Entry], order: list[str]) -> None:
        """Take `entries` with `changes` made to them, and `order`, or raise and take nothing."""
        if not isinstance(changes, Mapping):
            raise ConfigurationError(
                f"configuration: {changes!r} is not a mapping of indicator names to changes"
            )
        seen: set[str] = set()
        for given, change in changes.items():
            label, entry = self._find(given, change, entries)
            if label in seen:
                raise ConfigurationError(f"{label}: is named twice, once as {given!r}")
            seen.add(label)
            entries[label] = _changed(label, entry, change)
        _pipeline(entries, [label for label, entry in entries.items() if entry.enabled])
        order = [label for label in order if label in entries]
        if (entries, order) != (self._entries, self._order):
            self._entries, self._order = entries, order
            self._tell()

    def _find(self, given: str, change: Any, entries: dict[str, Entry]) -> tuple[str, Entry]:
        """The label that is meant and what is there, or a new entry."""
        wanted = change.get("indicator") if isinstance(change, Mapping) else None
        for label, entry in entries.items():
            if isinstance(given, str) and key(label) == key(given):
                if wanted is not None and IndicatorRegistry.get_class(wanted).name != entry.indicator.name:
                    raise ConfigurationError(
                        f"{label}: indicator={wanted!r} is not allowed: it is one of {entry.indicator.name}"
                    )
                return label, entry
        if wanted is None or IndicatorRegistry.is_registered(given):
            label = self._label(given)
            if label not in entries:
                entries[label] = self._entries[label]
            return self._find(label, change, entries)
        if not isinstance(given, str) or not given.strip() or len(given) > LONGEST_LABEL:
            raise ConfigurationError(
                f"configuration: label={given!r} is not allowed: it must be text of 1 to"
                f" {LONGEST_LABEL} characters"
            )
        return given, Entry(IndicatorRegistry.get(wanted), further=True)

    def get_enabled_indicators(self) -> list[str]:
        """Labels of those that are on: MACD, RSI, Bollinger Bands, then the others by name, unless they were
        moved.
        """
        return [label for label in self._labels() if self._entries[label].enabled]

    def get_indicator_params(self, name: str) -> dict[str, ParameterValue]:
        """An indicator's parameters; a copy."""
        return self.entry(name).indicator.params

    def is_enabled(self, name: str) -> bool:
        """Whether an indicator is on."""
        return self.entry(name).enabled

    def entry(self, label: str) -> Entry:
        """What is under a label; `UnknownIndicatorError` where there is nothing."""
        return self._entries[self._label(label)]

    def __contains__(self, label: str) -> bool:
        return label in self._entries

    def pipeline(self) -> IndicatorPipeline:
        """A pipeline of the indicators that are on."""
        return _pipeline(self._entries, self.get_enabled_indicators())

    def pipeline_label(self, label: str) -> str:
        """The label that an entry has in the pipeline: `RSI 1d` for the RSI's own on a larger timeframe."""
        entry = self.entry(label)
        return self._label(label) + ("" if entry.further or not entry.timeframe else f" {entry.timeframe}")

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer(configuration)` after every change; the function returned ends that."""
        self._observers.append(observer)

        def unsubscribe() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return unsubscribe

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """`{label: {"enabled": bool, "params": {...}}}` for every registered indicator, and for further
        entries with their `"indicator"`; JSON-able, a copy.
        """
        return {label: self._entries[label].to_dict() for label in self._labels()}

    @classmethod
    def from_dict(cls, given: Mapping[str, Mapping[str, Any]]) -> Self:
        """The configuration that `to_dict` described. Indicators that are not named keep their defaults."""
        configuration = cls()
        configuration.update(given)
        return configuration

    def enabled_entries(self) -> list[dict[str, Any]]:
        """What is on, in order: `{"label", "indicator", "params", "timeframe"}` each; JSON-able."""
        return [
            {
                "label": label,
                "indicator": self._entries[label].indicator.name,
                "params": self._entries[label].indicator.params,
                "timeframe": self._entries[label].timeframe,
            }
            for label in self.get_enabled_indicators()
        ]

    def show_only(self, listed: Iterable[Mapping[str, Any]]) -> None:
        """Have on, in this order, what `enabled_entries` gave and nothing else; all or nothing. Without
        `"params"` an indicator has its defaults.
        """
        changes: dict[str, Any] = {}
        for one in listed:
            if not isinstance(one, Mapping) or not isinstance(one.get("indicator"), str):
                raise ConfigurationError(f"configuration: {one!r} is no entry: it needs an 'indicator'")
            if extra := sorted(map(str, set(one) - {"label", "indicator", "params", "timeframe"})):
                raise ConfigurationError(f"configuration: {one['indicator']}: unknown {', '.join(extra)}")
            cls = IndicatorRegistry.get_class(one["indicator"])
            label = one.get("label") or cls.name
            if label in changes:
                raise ConfigurationError(f"configuration: the label {label!r} is used twice")
            change = {"enabled": True, "params": one.get("params") or {}, "timeframe": one.get("timeframe")}
            changes[label] = change | ({} if label == cls.name else {"indicator": cls.name})
        fresh = {self._label(name): Entry(IndicatorRegistry.get(name)) for name in IndicatorRegistry.names()}
        # what is not named keeps its parameters for when it is switched on
        for label, entry in self._entries.items():
            if not entry.further and label not in changes:
                fresh[label] = replace(entry, enabled=False)
        self._change(changes, fresh, list(changes))

    def save(self, path: str | Path) -> None:
        """Write as JSON, atomically: the old file or the new one is there, whole."""
        write_json(Path(path), {"version": FILE_VERSION, "indicators": self.to_dict(), "order": self._order})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote. `ConfigurationError` names the file and what is wrong with it."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if (
                not isinstance(content, dict)
                or content.get("version") not in (1, FILE_VERSION)
                or "indicators" not in content
            ):
                raise ConfigurationError(f"it is no configuration of version 1 to {FILE_VERSION}")
            found = cls.from_dict(content["indicators"])
            order = content.get("order", [])
            if not isinstance(order, list) or not all(label in found._entries for label in order):
                raise ConfigurationError(f"order={order!r} is no list of its labels")
            found._order = order
            return found
        except (ValueError, KeyError) as error:  # JSON, unknown names, parameters
            raise ConfigurationError(f"{path}: {error}") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndicatorConfiguration) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"IndicatorConfiguration(enabled={self.get_enabled_indicators()})"


def _changed(label: str, entry: Entry, change: Any) -> Entry:
    """An entry with a change made to it; an error says what is wrong with the change."""
    allowed = ("enabled", "params", "timeframe", "indicator")
    if not isinstance(change, Mapping) or (unknown := set(change) - set(allowed)):
        wrong = (
            f"unknown {', '.join(map(repr, sorted(map(str, unknown))))}"
            if isinstance(change, Mapping)
            else repr(change)
        )
        raise ConfigurationError(
            f"{label}: {wrong}; allowed are 'enabled' and 'params', 'timeframe', and of a new label"
            " 'indicator'"
        )
    if "enabled" in change:
        if not isinstance(change["enabled"], bool):
            raise ConfigurationError(
                f"{label}: enabled={change['enabled']!r} is not allowed: it must be True or False"
            )
        entry = replace(entry, enabled=change["enabled"])
    if "params" in change:
        if not isinstance(change["params"], Mapping):
            raise ConfigurationError(
                f"{label}: params={change['params']!r} is not a mapping of names to values"
            )
        entry = replace(entry, indicator=entry.indicator.replace(**change["params"]))
    if "timeframe" in change:
        if change["timeframe"] is not None:
            length_of(change["timeframe"])
        entry = replace(entry, timeframe=change["timeframe"])
    return entry


def _pipeline(entries: Mapping[str, Entry], labels: Iterable[str]) -> IndicatorPipeline:
    pipeline = IndicatorPipeline()
    for label in labels:
        entry = entries[label]
        pipeline.add(entry.indicator, label=label if entry.further else None, timeframe=entry.timeframe)
    return pipeline


def write_json(target: Path, content: object) -> None:
    """Write a file as JSON, atomically: the old one or the new one is there, whole."""
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", text=True)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
