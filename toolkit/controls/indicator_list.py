"""All indicators: a card for each that is on, and a list to search for each that is off."""

from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from toolkit.controls.indicators import IndicatorControls
from toolkit.controls.state import Dashboard
from toolkit.indicators import Indicator, IndicatorRegistry

FAMILIES = ("trend", "momentum", "volatility", "volume")  # in this order, then whatever else there is


class Rows(anywidget.AnyWidget):
    """The browser's side of the list: a switch for each indicator that is off; see `indicator_list.js`."""

    _esm = Path(__file__).with_name("indicator_list.js").read_text(encoding="utf-8")

    entries: Any = traitlets.List().tag(sync=True)
    enabled: Any = traitlets.List().tag(sync=True)
    query = traitlets.Unicode().tag(sync=True)


class IndicatorList(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets comes without types
    """Every registered indicator, with a field that filters by name and family.

    Those that are on come first, each a card (`IndicatorControls`); the others are rows with a switch. A
    card is made when its indicator is switched on for the first time, so that a page opens as quickly with a
    hundred indicators as with three. Indicators registered later appear at the next change.
    """

    def __init__(self, state: Dashboard) -> None:
        self._state = state
        self._cards: dict[tuple[str, type[Indicator]], IndicatorControls] = {}
        self._search = ipywidgets.Text(
            placeholder="Search by name or family", tooltip="Search indicators by name or family"
        )
        self._search.add_class("tk-search")
        self._rows = Rows()
        # in the browser: what is typed filters at once, also while the kernel calculates
        self._link = ipywidgets.jslink((self._search, "value"), (self._rows, "query"))
        self._search.observe(lambda _: self._filter(), "value")
        self._rows.on_msg(self._receive)
        self._on = ipywidgets.VBox()
        self._on.add_class("tk-enabled")
        super().__init__([self._search, self._on, self._rows])
        self.add_class("tk-cards")
        state.configuration.observe(lambda _: self._follow())
        self._follow()

    @property
    def cards(self) -> dict[str, IndicatorControls]:
        """The cards of the indicators that are on, by name."""
        enabled = self._state.configuration.get_enabled_indicators()
        return {label: self._card(label) for label in enabled}

    def _card(self, label: str) -> IndicatorControls:
        """The card of a label, made when it is wanted for the first time."""
        key = (label, type(self._state.configuration.entry(label).indicator))
        if key not in self._cards:
            self._cards[key] = IndicatorControls(self._state, label)
        return self._cards[key]

    @property
    def search(self) -> Any:
        """The field that filters."""
        return self._search

    def _follow(self) -> None:
        """Show what is registered and what is on, whoever changed it."""
        entries = [entry(IndicatorRegistry.get_class(name)) for name in IndicatorRegistry.names()]
        entries.sort(key=lambda found: (family_order(found["family"]), found["name"].casefold()))
        configuration = self._state.configuration
        for key in [key for key in self._cards if key[0] not in configuration]:
            self._cards.pop(key).close()
        enabled = configuration.get_enabled_indicators()
        shown = tuple(self.cards.values())
        if shown != self._on.children:
            self._on.children = shown
            self._filter()
        self._rows.entries, self._rows.enabled = entries, enabled

    def _filter(self) -> None:
        """Hide the cards that are not searched for."""
        words = str(self._search.value).casefold().split()
        for label, card in self.cards.items():
            indicator = type(self._state.configuration.entry(label).indicator)
            text = f"{entry(indicator)['find']} {label.casefold()}"
            card.layout.display = None if all(word in text for word in words) else "none"

    def _receive(self, _: object, message: dict[str, Any], __: object) -> None:
        name = str(message.get("name", ""))
        with self._state.reporting(f"{name} could not be switched on"):
            self._state.configuration.set_indicator_enabled(name, True)
        self._rows.send({"type": "done", "name": name})


def entry(cls: type[Indicator]) -> dict[str, str]:
    """What the list says about an indicator, and the text that is searched."""
    summary = (cls.__doc__ or "").strip().split("\n\n")[0].replace("`", "")
    return {
        "name": cls.name,
        "family": cls.family,
        "summary": " ".join(summary.split()),
        "find": f"{cls.name} {cls.__name__} {cls.family}".casefold(),
    }


def family_order(family: str) -> tuple[int, str]:
    """The usual families first, "other" last."""
    if family in FAMILIES:
        return FAMILIES.index(family), ""
    return len(FAMILIES) + (family == "other"), family
