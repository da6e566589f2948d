"""How a chart is arranged: scale, time zone, panes, drawings, the symbol compared with; a dict that JSON
can hold.

The browser changes it as the user works; Python reads it, keeps it and gives it back later.
"""

import math
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SCALES = ("linear", "log", "percent")
THEMES = ("auto", "dark", "light")
KINDS = {"level": 1, "line": 2}  # kinds of drawings, and how many points each has
MOST_DRAWINGS = 500  # of one symbol
USUAL: dict[str, Any] = {
    "scale": "linear",
    "timezone": "UTC",
    "theme": "auto",
    "panes": [],
    "drawings": {},
    "compare": None,
}


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """A whole arrangement: `given`, and the usual where it says nothing.

    Raises `ValueError` naming what is wrong; nothing is repaired.
    """
    if not isinstance(given, Mapping):
        raise _wrong("", given, f"a dict with any of {', '.join(USUAL)}")
    if unknown := [name for name in given if name not in USUAL]:
        raise _wrong("", unknown[0], f"one of {', '.join(USUAL)}")
    whole = {**USUAL, **given}
    if whole["scale"] not in SCALES:
        raise _wrong("scale", whole["scale"], f"one of {', '.join(SCALES)}")
    if whole["theme"] not in THEMES:
        raise _wrong("theme", whole["theme"], f"one of {', '.join(THEMES)}")
    _check_timezone(whole["timezone"])
    if whole["compare"] is not None and not isinstance(whole["compare"], str):
        raise _wrong("compare", whole["compare"], "a symbol or None")
    if not isinstance(whole["panes"], list | tuple):
        raise _wrong("panes", whole["panes"], "a list of dicts with key, height and folded")
    whole["panes"] = [_pane(pane) for pane in whole["panes"]]
    keys = [pane["key"] for pane in whole["panes"]]
    if len(set(keys)) < len(keys):
        raise _wrong("panes", keys, "every key once")
    if not isinstance(whole["drawings"], Mapping):
        raise _wrong("drawings", whole["drawings"], "a dict of lists, by symbol")
    whole["drawings"] = {symbol: _drawings(symbol, drawn) for symbol, drawn in whole["drawings"].items()}
    return whole


def _wrong(name: str, value: object, allowed: str) -> ValueError:
    where = f"Chart.arrangement[{name!r}]" if name else "Chart.arrangement"
    return ValueError(f"{where}: {value!r} is not allowed: it must be {allowed}")


def _check_timezone(name: object) -> None:
    try:
        ZoneInfo(name if isinstance(name, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong("timezone", name, "'UTC' or the name of a time zone, such as 'Europe/Berlin'") from None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _pane(pane: object) -> dict[str, Any]:
    allowed = (
        "a dict with key (str), height (above 0, a share), folded (bool) and, where its axis was set by "
        "hand, range ([lowest, highest])"
    )
    if not isinstance(pane, Mapping) or set(pane) - {"key", "height", "folded", "range"}:
        raise _wrong("panes", pane, allowed)
    key, height, folded = pane.get("key"), pane.get("height"), pane.get("folded", False)
    if not isinstance(key, str) or not isinstance(folded, bool):
        raise _wrong("panes", pane, allowed)
    if height is not None and not (_number(height) and height > 0):
        raise _wrong("panes", pane, allowed)
    whole: dict[str, Any] = {"key": key, "height": height, "folded": folded}
    if (ends := pane.get("range")) is not None:
        if not isinstance(ends, list | tuple) or len(ends) != 2 or not all(map(_number, ends)):
            raise _wrong("panes", pane, allowed)
        if not ends[0] < ends[1]:
            raise _wrong("panes", pane, allowed)
        whole["range"] = [float(end) for end in ends]
    return whole


def without_ranges(arranged: Mapping[str, Any]) -> dict[str, Any]:
    """An arrangement with every value axis as the candles have it: ends set by hand are of those before."""
    panes = [{name: value for name, value in pane.items() if name != "range"} for pane in arranged["panes"]]
    return {**arranged, "panes": panes}


def _drawings(symbol: object, drawn: object) -> list[dict[str, Any]]:
    if not isinstance(symbol, str):
        raise _wrong("drawings", symbol, "a dict of lists, by symbol")
    if not isinstance(drawn, list | tuple) or len(drawn) > MOST_DRAWINGS:
        raise _wrong("drawings", drawn, f"lists of at most {MOST_DRAWINGS} drawings")
    found = [_drawing(one) for one in drawn]
    if len({one["id"] for one in found}) < len(found):
        raise _wrong("drawings", [one["id"] for one in found], "every id once")
    return found


def _drawing(one: object) -> dict[str, Any]:
    allowed = (
        "a dict with id (str), kind ('level' or 'line'), pane (str) and points: "
        "[time in ms, value] pairs, one of a level, two of a line"
    )
    if not isinstance(one, Mapping) or set(one) != {"id", "kind", "pane", "points"}:
        raise _wrong("drawings", one, allowed)
    points = one["points"]
    named = isinstance(one["id"], str) and isinstance(one["pane"], str) and one["kind"] in KINDS
    if not named or not isinstance(points, list | tuple) or len(points) != KINDS[one["kind"]]:
        raise _wrong("drawings", one, allowed)
    for point in points:
        if not isinstance(point, list | tuple) or len(point) != 2 or not all(map(_number, point)):
            raise _wrong("drawings", one, allowed)
    return {**one, "points": [[float(time), float(value)] for time, value in points]}
