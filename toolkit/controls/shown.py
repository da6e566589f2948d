"""All that is on a dashboard as plain data: what a link, a saved layout and copied code are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from toolkit.candles import find_symbol, find_timeframe, is_synthetic
from toolkit.chart.arrangement import checked
from toolkit.controls.slots import Slot
from toolkit.controls.state import LINKS, MOST_CHARTS, Dashboard
from toolkit.presets import checked_entries


class ShownError(ValueError):
    """What cannot be shown; the message says which part of it, and why."""


@dataclass(frozen=True)
class ShownChart:
    """One chart: its candles, what of them is in view, its indicators and how it is arranged."""

    symbol: str
    timeframe: str
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None
    entries: list[dict[str, Any]] = field(default_factory=list)
    arrangement: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    revision: str = ""
    synthetic: bool = False

    @classmethod
    def of(cls, slot: Slot) -> "ShownChart":
        """What a chart shows now."""
        view = slot.viewport
        first, last = (None, None) if view is None or view.visible_times is None else view.visible_times
        attrs: Mapping[Any, Any] = {} if slot.klines is None else slot.klines.attrs
        return cls(
            slot.symbol,
            slot.timeframe,
            first,
            last,
            [dict(entry) for entry in slot.entries],
            {} if view is None else view.arrangement,
            str(attrs.get("source") or ""),
            str(attrs.get("revision") or ""),
            slot.klines is not None and is_synthetic(slot.klines),
        )

    @classmethod
    def from_dict(cls, given: object) -> "ShownChart":
        """From values of any origin, all of them checked. Raises `ValueError` for what is not allowed."""
        if not isinstance(given, Mapping):
            raise ShownError(f"chart: {given!r} is no mapping"[:200])
        known = ("symbol", "timeframe", "first", "last", "entries", "arrangement", "source", "revision")
        if unknown := [key for key in given if key not in known]:
            raise ShownError(f"chart: {unknown[0]!r} is not known; known are {', '.join(known)}"[:200])
        first, last = (_time(name, given.get(name)) for name in ("first", "last"))
        if (first is None) != (last is None) or (first is not None and last is not None and last < first):
            raise ShownError(f"range: from {given.get('first')!r} to {given.get('last')!r} is none"[:200])
        source, revision = given.get("source", ""), given.get("revision", "")
        if not isinstance(source, str) or not isinstance(revision, str):
            raise ShownError("source and revision must be texts")
        return cls(
            find_symbol(given.get("symbol", "")),
            find_timeframe(given.get("timeframe", "")),
            first,
            last,
            checked_entries(given.get("entries", [])),
            checked(given.get("arrangement") or {}),
            source,
            revision,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; what `from_dict` takes."""
        return {
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
            "entries": self.entries,
            "arrangement": self.arrangement,
            "source": self.source,
            "revision": self.revision,
        }


@dataclass(frozen=True)
class Shown:
    """All charts of a dashboard, which of them is active, and what they share."""

    charts: list[ShownChart]
    active: int = 0
    linked: tuple[str, ...] = ()

    @classmethod
    def of(cls, state: Dashboard) -> "Shown":
        """What a dashboard shows now."""
        return cls([ShownChart.of(slot) for slot in state.slots], state.active, tuple(state.linked))

    @classmethod
    def from_dict(cls, given: object) -> "Shown":
        """From values of any origin, all of them checked. Raises `ValueError` for what is not allowed."""
        if not isinstance(given, Mapping) or not isinstance(given.get("charts"), list):
            raise ShownError("charts: must be a list")
        charts = [ShownChart.from_dict(chart) for chart in given["charts"][: MOST_CHARTS + 1]]
        if not 1 <= len(charts) <= MOST_CHARTS:
            raise ShownError(f"charts: there must be 1 to {MOST_CHARTS}")
        active, linked = given.get("active", 0), given.get("linked", [])
        if isinstance(active, bool) or not isinstance(active, int) or not 0 <= active < len(charts):
            raise ShownError(f"active: {active!r} is none of {len(charts)} charts"[:200])
        if not isinstance(linked, list) or any(name not in LINKS for name in linked):
            raise ShownError(f"linked: {linked!r} is not allowed: it must be of {', '.join(LINKS)}"[:200])
        return cls(charts, active, tuple(dict.fromkeys(linked)))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; what `from_dict` takes."""
        return {
            "charts": [chart.to_dict() for chart in self.charts],
            "active": self.active,
            "linked": list(self.linked),
        }

    def restore(self, state: Dashboard) -> list[str]:
        """Show it on a dashboard; notes on what is not as it was.

        Candles are read first: where some cannot be had, an error says so and nothing changes.
        """
        read = {
            pair: state.read(*pair)
            for pair in dict.fromkeys((chart.symbol, chart.timeframe) for chart in self.charts)
        }
        notes = []
        state.linked = ()
        while len(state.slots) > len(self.charts):
            state.remove_chart(len(state.slots) - 1)
        while len(state.slots) < len(self.charts):
            state.add_chart()
        for place, chart in enumerate(self.charts):
            state.activate(place)
            klines, warnings = read[chart.symbol, chart.timeframe]
            state.put(chart.symbol, chart.timeframe, klines, warnings, chart.entries)
            view = state.slot.viewport
            if view is not None:
                view.arrangement = chart.arrangement
                if chart.first is not None:
                    view.show_range(chart.first, chart.last)
            now = str(klines.attrs.get("revision") or "")
            if chart.revision and now != chart.revision:
                notes.append(
                    f"{chart.symbol} {chart.timeframe} was of revision {chart.revision[:12]} of"
                    f" {chart.source or 'another source'}, and is of"
                    f" {now[:12] or 'none'} here: numbers can differ"
                )
        state.activate(self.active)
        state.linked = self.linked
        return notes


def _time(name: str, given: object) -> pd.Timestamp | None:
    if given is None:
        return None
    try:
        time = pd.Timestamp(given) if isinstance(given, str) and len(given) <= 40 else None
    except (ValueError, OverflowError):
        time = None
    if not isinstance(time, pd.Timestamp) or not 1970 <= time.year <= 2200:
        raise ShownError(f"range: {name}={given!r} is no time such as '2025-12-01T00:00Z'"[:200])
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
