"""Presets and layouts: what was there comes back under its name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from toolkit.controls.shown import Shown
from toolkit.controls.state import Dashboard
from toolkit.presets import Folder, PresetError, Presets

LAYOUT_VERSION = 1


class Saved(anywidget.AnyWidget):
    """A list of what is kept under names, to have back, keep, rename and delete; base of the two below."""

    _esm = Path(__file__).with_name("saved.js").read_text(encoding="utf-8")

    word = traitlets.Unicode().tag(sync=True)
    names: Any = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: Dashboard, word: str) -> None:
        super().__init__(word=word)
        self._state = state
        self.on_msg(state.reported(f"The {word} could not be used", self._receive))
        with state.reporting(f"Saved {word}s could not be listed"):
            self.names = self._names()

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        kind, name = message.get("type"), str(message.get("name", ""))
        try:
            if kind == "save":
                self.chosen = self._save(name)
                self.note = f"Saved as “{self.chosen}”."
            elif kind == "apply":
                self._apply(name)
                self.chosen, self.note = name, ""
            elif kind == "rename":
                self.chosen = self._rename(name, str(message.get("new", "")))
                self.note = ""
            elif kind == "delete":
                self._delete(name)
                self.chosen, self.note = "", f"“{name}” is deleted."
        finally:
            self.names = self._names()
            self.send({"type": "done"})

    def _names(self) -> list[str]:
        raise NotImplementedError

    def _save(self, name: str) -> str:
        raise NotImplementedError

    def _apply(self, name: str) -> None:
        raise NotImplementedError

    def _rename(self, name: str, new: str) -> str:
        raise NotImplementedError

    def _delete(self, name: str) -> None:
        raise NotImplementedError


class PresetPicker(Saved):
    """Sets of indicators with their parameters, kept under names (`toolkit.presets`)."""

    def __init__(self, state: Dashboard) -> None:
        self._presets = Presets()
        super().__init__(state, "preset")

    def _names(self) -> list[str]:
        return self._presets.names()

    def _save(self, name: str) -> str:
        return self._presets.save(name, self._state.configuration, replace=name == self.chosen)

    def _apply(self, name: str) -> None:
        self._presets.apply(name, self._state.configuration)

    def _rename(self, name: str, new: str) -> str:
        return self._presets.rename(name, new)

    def _delete(self, name: str) -> None:
        self._presets.delete(name)


class LayoutPicker(Saved):
    """Whole dashboards, kept under names: charts with their candles, what is in view, how they are arranged,
    and their indicators.
    """

    def __init__(self, state: Dashboard) -> None:
        self._folder = Folder("layouts", LAYOUT_VERSION)
        super().__init__(state, "layout")

    def _names(self) -> list[str]:
        return self._folder.names()

    def _save(self, name: str) -> str:
        content = {"shown": Shown.of(self._state).to_dict()}
        return self._folder.write(name, content, replace=name == self.chosen)

    def _apply(self, name: str) -> None:
        content = self._folder.read(name)
        try:
            shown = Shown.from_dict(content.get("shown"))
        except (ValueError, KeyError, TypeError) as error:
            raise PresetError(f"layout {name!r}: {error}") from error
        shown.restore(self._state)

    def _rename(self, name: str, new: str) -> str:
        return self._folder.rename(name, new)

    def _delete(self, name: str) -> None:
        self._folder.delete(name)
