"""Tabs of which each is made when it is first opened."""

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets


class Tabs(ipywidgets.Tab):  # type: ignore[misc]  # ipywidgets comes without types
    """Parts under their titles, of which only the one in front is made at first.

    Tabs({"Indicators": lambda: IndicatorList(state), "Data": lambda: DataPanel(state)})
    """

    def __init__(self, parts: Mapping[str, Callable[[], Any]]) -> None:
        self._parts = list(parts.values())
        self._made: dict[int, Any] = {}
        self._shown: list[Any] = [ipywidgets.VBox() for _ in parts]
        super().__init__(self._shown, titles=list(parts), selected_index=0)
        self.observe(lambda _: self._open(), "selected_index")
        self._open()

    def _open(self) -> None:
        place = self.selected_index
        if place is not None and place not in self._made:
            self._made[place] = part = self._parts[place]()
            self._shown[place] = part
            self.children = list(self._shown)

    def bring(self, title: str) -> Any:
        """Bring a tab to the front; what is on it."""
        self.selected_index = list(self.titles).index(title)
        return self._made[self.selected_index]


class Drawer(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets comes without types
    """A part that is made when it is first opened, and takes no room while it is closed."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._part: Any = None
        super().__init__()
        self.add_class("tk-drawer")
        self.layout.display = "none"

    @property
    def is_open(self) -> bool:
        """Whether it can be seen."""
        return self.layout.display is None

    def toggle(self, is_open: bool) -> None:
        """Open or close it."""
        if is_open and self._part is None:
            self._part = self._make()
            self.children = [self._part]
        self.layout.display = None if is_open else "none"
