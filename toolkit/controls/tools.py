"""The tools at the right of the top bar."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from toolkit.controls.state import Dashboard
from toolkit.controls.tabs import Drawer


class Tools(anywidget.AnyWidget):
    """How many charts there are and what they share, the screener, and a light or a dark page (the browser
    keeps that; at first it is as the system's, or JupyterLab's). Each chart costs only while it is there.
    """

    _esm = Path(__file__).with_name("tools.js").read_text(encoding="utf-8")

    charts = traitlets.Int(1).tag(sync=True)
    wanted = traitlets.Int(1).tag(sync=True)
    active = traitlets.Int(0).tag(sync=True)
    linked: Any = traitlets.List().tag(sync=True)
    screener = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: Dashboard, screener: Drawer | None = None) -> None:
        super().__init__()
        self._state = state
        self._drawer = screener
        for name in ("charts", "active", "linked"):
            state.observe(lambda _: self._follow(), name)
        failed = "The charts could not be arranged so"
        self.observe(state.reported(failed, self._arrange), "wanted")
        self.observe(state.reported(failed, self._activate), "active")
        self.observe(state.reported(failed, self._link), "linked")
        self.observe(state.reported("The screener could not be opened", self._open), "screener")
        self._follow()

    def _follow(self) -> None:
        state = self._state
        self.charts = self.wanted = state.charts
        self.active, self.linked = state.active, list(state.linked)

    def _arrange(self, change: Any) -> None:
        state = self._state
        try:
            while state.charts > change["new"]:
                state.remove_chart(state.charts - 1)
            while state.charts < change["new"]:
                state.add_chart()
        finally:
            self._follow()

    def _activate(self, change: Any) -> None:
        self._state.activate(change["new"])

    def _link(self, change: Any) -> None:
        self._state.link(*change["new"])

    def _open(self, change: Any) -> None:
        if self._drawer is not None:
            self._drawer.toggle(change["new"])
