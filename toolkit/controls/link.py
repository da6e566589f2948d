"""One link: all that is on a dashboard, after the `#` of its address. Anyone can write one, so all of it is
checked.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

import pandas as pd

from toolkit.chart.arrangement import USUAL
from toolkit.controls.shown import Shown, ShownChart, ShownError
from toolkit.indicators import IndicatorRegistry

VERSION = "1"
LONGEST = 16_000  # characters
_CHART = ("symbol", "timeframe", "from", "to", "indicators", "layout", "source", "revision")
_PAGE = ("v", "active", "linked")


def write(shown: Shown) -> str:
    """What stands after the `#`: each chart begins with its symbol. Only what is not usual is in it; of a
    folder on this machine its path is not.
    """
    parts = [("v", VERSION)]
    for chart in shown.charts:
        parts += [("symbol", chart.symbol), ("timeframe", chart.timeframe)]
        if chart.first is not None and chart.last is not None:
            parts += [("from", _minute(chart.first)), ("to", _minute(chart.last))]
        parts.append(("indicators", _json([_short(entry) for entry in chart.entries])))
        arranged = {key: value for key, value in chart.arrangement.items() if value != USUAL.get(key)}
        if arranged:
            parts.append(("layout", _json(arranged)))
        if chart.revision:
            parts += [("source", _source(chart)), ("revision", chart.revision)]
    if len(shown.charts) > 1:
        parts.append(("active", str(shown.active + 1)))
    parts += [("linked", name) for name in shown.linked]
    return "&".join(f"{name}={quote(text, safe=':,[]{}')}" for name, text in parts)


def read(text: str) -> Shown:
    """What a link says, the address before its `#` left out. Raises `ShownError` saying what is wrong with
    it: nothing is guessed, and nothing of it is used where a part is wrong.
    """
    text = text.strip().rpartition("#")[2]
    if len(text) > LONGEST:
        raise ShownError(f"it has {len(text):,} characters, more than {LONGEST:,}")
    try:
        parts = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=60
        )
    except ValueError as error:
        raise ShownError(f"it cannot be read: {error}") from error
    charts: list[dict[str, Any]] = []
    page: dict[str, list[str]] = {name: [] for name in _PAGE}
    for name, value in parts:
        if name in page:
            page[name].append(value)
        elif name not in _CHART:
            raise ShownError(f"{name[:40]!r} is not known; known are {', '.join((*_PAGE, *_CHART))}")
        elif name == "symbol":
            charts.append({"symbol": value})
        elif not charts:
            raise ShownError(f"{name!r} comes before a symbol")
        elif name in charts[-1]:
            raise ShownError(f"{name!r} is there twice")
        else:
            charts[-1][name] = value
    if page["v"] != [VERSION]:
        raise ShownError(f"it is of version {', '.join(page['v'])[:20] or 'none'}, and this reads {VERSION}")
    active = page["active"] or ["1"]
    if len(active) > 1 or active[0] not in ("1", "2", "3", "4"):
        raise ShownError("active: must be one number from 1 to 4")
    try:
        given = [_chart(chart) for chart in charts]
        return Shown.from_dict({"charts": given, "active": int(active[0]) - 1, "linked": page["linked"]})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ShownError(f"{error}"[:400]) from error


def _chart(given: Mapping[str, str]) -> dict[str, Any]:
    return {
        "symbol": given["symbol"],
        "timeframe": given.get("timeframe", "1h"),
        "first": given.get("from"),
        "last": given.get("to"),
        "entries": [_long(one) for one in _list(given.get("indicators", "[]"))],
        "arrangement": _parsed("layout", given.get("layout", "{}")),
        "source": given.get("source", ""),
        "revision": given.get("revision", ""),
    }


def _short(entry: Mapping[str, Any]) -> list[Any]:
    """`["RSI", {"period": 21}, "slow", "1d"]`: what is usual is left out from the end."""
    usual = IndicatorRegistry.get_class(entry["indicator"])().params
    params = {key: value for key, value in entry["params"].items() if value != usual.get(key)}
    label = "" if entry["label"] == entry["indicator"] else entry["label"]
    short: list[Any] = [entry["indicator"], params, label, entry["timeframe"] or ""]
    while not short[-1]:
        short.pop()
    return short


def _long(short: object) -> dict[str, Any]:
    if not isinstance(short, list) or not 1 <= len(short) <= 4:
        raise ShownError(f"indicators: {short!r} is none such as ['RSI', {{'period': 21}}]"[:200])
    given: list[Any] = [*short, None, None, None]
    name, params, label, timeframe = given[:4]
    return {"indicator": name, "params": params or {}, "label": label or None, "timeframe": timeframe or None}


def _list(text: str) -> list[Any]:
    found = _parsed("indicators", text)
    if not isinstance(found, list):
        raise ShownError("indicators: must be a list")
    return found


def _parsed(name: str, text: str) -> Any:
    def refuse(number: str) -> Any:
        raise ShownError(f"{name}: {number} is no number")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ShownError(f"{name}: cannot be read: {error}"[:200]) from error


def _source(chart: ShownChart) -> str:
    return chart.source if chart.source in ("hub", "sample") else "folder"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _minute(time: pd.Timestamp) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ")
