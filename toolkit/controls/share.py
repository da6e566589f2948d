"""What is on the page, to take along: a link, and code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from toolkit.controls import link
from toolkit.controls.address import open_link
from toolkit.controls.code import code_of
from toolkit.controls.later import Later
from toolkit.controls.shown import Shown
from toolkit.controls.slots import Viewport
from toolkit.controls.state import Dashboard

WRITTEN_AFTER = 0.3  # seconds without a change


class Share(anywidget.AnyWidget):
    """The link and the code of what is shown, to copy, and a field to open a link in. Written only while it
    can be seen.
    """

    _esm = Path(__file__).with_name("share.js").read_text(encoding="utf-8")

    link = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    seen = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self._state = state
        self._watched: list[Viewport] = []
        self._later = Later(state.reported("Link and code could not be written", self._write), WRITTEN_AFTER)
        state.observe(lambda _: self._changed(), ["klines", "signals", "active", "charts", "linked"])
        self.observe(lambda _: self._changed(), "seen")
        self.on_msg(self._receive)

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        if message.get("type") == "open":
            open_link(self._state, str(message.get("text", "")))

    def _changed(self) -> None:
        for slot in self._state.slots:
            view = slot.viewport
            if view is not None and not any(view is one for one in self._watched):
                self._watched.append(view)
                view.observe_visible(self._later.ask)
                view.observe_arrangement(self._later.ask)
        self._later.ask()

    def _write(self) -> None:
        if self.seen:
            self.link = link.write(Shown.of(self._state))
            self.code = code_of(self._state)
