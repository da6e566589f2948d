"""Presets: sets of indicators with their parameters, kept under names.

Each is one JSON file in `TOOLKIT_HOME/presets`. Files of older versions are migrated when they are read; what
cannot be understood is refused, saying what it is, and never changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from toolkit import settings
from toolkit.configuration import ConfigurationError, IndicatorConfiguration, write_json
from toolkit.indicators.registry import IndicatorRegistry

__all__ = ["Folder", "PresetError", "Presets"]

VERSION = 2
LONGEST_NAME = 60  # characters
_ENDING = ".json"

Entries = list[dict[str, Any]]


class PresetError(ValueError):
    """A preset or layout that can't be kept or used; the message names it and says what is wrong."""


class Folder:
    """JSON files of one kind, under names that people give: kept in `settings.folder(kind)`, each written
    whole or not at all.
    """

    def __init__(self, kind: str, version: int) -> None:
        self.kind = kind
        self.version = version
        self.word = kind.removesuffix("s")

    def names(self) -> list[str]:
        """What there is, in alphabetical order."""
        found = [unquote(path.name.removesuffix(_ENDING)) for path in self._folder().glob(f"*{_ENDING}")]
        return sorted((name for name in found if self._path(name).exists()), key=str.casefold)

    def read(self, name: str) -> dict[str, Any]:
        """The content under a name. Raises `PresetError` where there is none, or it is no such file."""
        path = self._path(name)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            there = ", ".join(self.names()) or "none"
            raise PresetError(
                f"{self.word} {name!r}: there is none of that name; there are: {there}"
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise PresetError(f"{self.word} {name!r}: {path} cannot be read: {error}") from error
        version = content.get("version") if isinstance(content, dict) else None
        if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= self.version:
            newer = isinstance(version, int) and version > self.version
            why = f"is of version {version}, of a newer toolkit" if newer else f"is no {self.word}"
            raise PresetError(f"{self.word} {name!r}: {path} {why}; understood are 1 to {self.version}")
        return dict(content)

    def write(self, name: str, content: Mapping[str, Any], *, replace: bool = False) -> str:
        """Keep `content` under a name; the name as it is kept. Raises `PresetError` where it is taken, unless
        `replace`.
        """
        name = self._name(name)
        if not replace and self._path(name).exists():
            raise PresetError(f"{self.word} {name!r}: there is one of that name already; give another")
        try:
            write_json(self._path(name), {"version": self.version, "name": name, **content})
        except OSError as error:
            raise PresetError(f"{self.word} {name!r}: cannot be kept: {error}") from error
        return name

    def rename(self, name: str, new: str) -> str:
        """Give another name. Raises `PresetError` where there is none, or the new name is taken."""
        content = {key: value for key, value in self.read(name).items() if key not in ("version", "name")}
        kept = self._name(new)
        if kept == name:
            return name
        self.write(kept, content)
        self._path(name).unlink()
        return kept

    def delete(self, name: str) -> None:
        """Remove what is under a name. Raises `PresetError` where there is none."""
        self.read_path(name).unlink()

    def read_path(self, name: str) -> Path:
        """The file of a name. Raises `PresetError` where there is none."""
        path = self._path(name)
        if not path.exists():
            there = ", ".join(self.names()) or "none"
            raise PresetError(f"{self.word} {name!r}: there is none of that name; there are: {there}")
        return path

    def _folder(self) -> Path:
        return settings.folder(self.kind)

    def _path(self, name: str) -> Path:
        # Characters that mean something in a path are written otherwise: no name leads out of the folder.
        return self._folder() / f"{quote(name, safe=' ').replace('.', '%2E')}{_ENDING}"

    def _name(self, name: object) -> str:
        text = " ".join(name.split()) if isinstance(name, str) else ""
        if not text or len(text) > LONGEST_NAME or not text.isprintable():
            raise PresetError(
                f"{self.word}: name={name!r} is not allowed: it must be text of 1 to {LONGEST_NAME}"
                " characters"
            )
        return text


class Presets:
    """Sets of indicators under names.

    presets = Presets()
    presets.save("My trend", configuration)
    presets.apply("My trend", configuration)
    """

    def __init__(self) -> None:
        self._folder = Folder("presets", VERSION)

    def names(self) -> list[str]:
        """What there is, in alphabetical order."""
        return self._folder.names()

    def save(self, name: str, configuration: IndicatorConfiguration, *, replace: bool = False) -> str:
        """Keep the indicators that are on; the name as it is kept. Raises `PresetError` where the name is
        taken, unless `replace`.
        """
        return self._folder.write(name, {"indicators": configuration.enabled_entries()}, replace=replace)

    def load(self, name: str) -> Entries:
        """The indicators of a preset, as `IndicatorConfiguration.show_only` takes them. Raises `PresetError`
        naming everything in it that is not known here.
        """
        content = self._folder.read(name)
        try:
            for version in range(content["version"], VERSION):
                content = _MIGRATIONS[version](content)
            return checked_entries(content.get("indicators"))
        except (ConfigurationError, ValueError, KeyError, TypeError) as error:
            raise PresetError(f"preset {name!r}: {error}") from error

    def apply(self, name: str, configuration: IndicatorConfiguration) -> None:
        """Have on what the preset holds and nothing else; all of it or, with a `PresetError`, nothing."""
        configuration.show_only(self.load(name))

    def rename(self, name: str, new: str) -> str:
        """Give another name; that name as it is kept."""
        return self._folder.rename(name, new)

    def delete(self, name: str) -> None:
        """Remove a preset."""
        self._folder.delete(name)


def checked_entries(given: object, most: int = 100) -> Entries:
    """A list of entries that an `IndicatorConfiguration` can take: checked as a whole, by the bounds that
    hold everywhere, and complete. Raises `ConfigurationError` naming everything that is wrong.
    """
    if not isinstance(given, list) or len(given) > most:
        raise ConfigurationError(f"indicators: must be a list of at most {most} entries")
    wrong = []
    for one in given:
        name = one.get("indicator") if isinstance(one, Mapping) else None
        if not isinstance(name, str):
            wrong.append(f"{one!r} is no entry: it needs an 'indicator'"[:200])
            continue
        try:
            IndicatorRegistry.get(name, one.get("params") or {})
        except (ValueError, KeyError, TypeError) as error:
            wrong.append(f"{error}")
    if wrong:
        raise ConfigurationError("; ".join(wrong))
    trial = IndicatorConfiguration()
    trial.show_only(given)
    return trial.enabled_entries()


def _from_version_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 held a configuration as `IndicatorConfiguration.save` wrote it: by name, on or off."""
    held = content.get("indicators")
    if not isinstance(held, Mapping):
        raise ConfigurationError("indicators: must be a mapping of names in version 1")
    entries = [
        {"indicator": name, "params": one.get("params", {})}
        for name, one in held.items()
        if isinstance(one, Mapping) and one.get("enabled") is True
    ]
    return {**content, "version": 2, "indicators": entries}


_MIGRATIONS: dict[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _from_version_1}
