"""The address of the page: one link that says what is on it, and shows that again where it is opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from toolkit.controls import link
from toolkit.controls.later import Later
from toolkit.controls.shown import Shown
from toolkit.controls.slots import Viewport
from toolkit.controls.state import Dashboard

WRITTEN_AFTER = 0.4  # seconds without a change


class Address(anywidget.AnyWidget):
    """Keeps the page's address the link to what is shown, and opens such links. Shows nothing itself.

    A link that cannot be understood is reported, and the page stays as it is.
    """

    _esm = Path(__file__).with_name("address.js").read_text(encoding="utf-8")

    link = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self._state = state
        self._watched: list[Viewport] = []
        self._later = Later(state.reported("The link could not be written", self._write), WRITTEN_AFTER)
        self._open = False  # nothing is written before it is known which link the page was opened with
        state.observe(lambda _: self._changed(), ["klines", "signals", "active", "charts", "linked"])
        self.on_msg(self._receive)

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        if message.get("type") == "open":
            open_link(self._state, str(message.get("text", "")))
        self._open = True
        self._changed()

    def _changed(self) -> None:
        for slot in self._state.slots:
            view = slot.viewport
            if view is not None and not any(view is one for one in self._watched):
                self._watched.append(view)
                view.observe_visible(self._later.ask)
                view.observe_arrangement(self._later.ask)
        if self._open:
            self._later.ask()

    def _write(self) -> None:
        if self._open:
            self.link = link.write(Shown.of(self._state))


def open_link(state: Dashboard, text: str) -> bool:
    """Show what a link says; whether that went well. Where it did not, `state.error` says why and the page is
    as before.
    """
    state.loading = "Opening the link…"
    try:
        with state.reporting("The link could not be opened"):
            notes = link.read(text).restore(state)
            if notes:
                state.tell("The link was opened, on other data", " ".join(notes))
            return True
        return False
    finally:
        state.loading = ""
