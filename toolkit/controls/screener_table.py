"""A table of many pairs that a click on a column's name sorts."""

from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets

from toolkit.screener import Screen

_HERE = Path(__file__).parent
_SPARKS = 60  # points of a pair's small curve at most


class ScreenerTable(anywidget.AnyWidget):
    """What :func:`toolkit.screener.screen` found: a row a pair, with a small curve of the recent closes.

    A click on a column's name sorts by it, another one the other way round. `selected` is the symbol of the
    row that was clicked last, empty before. Says so where any candle is synthetic.
    """

    _esm = (_HERE / "screener_table.js").read_text(encoding="utf-8")
    _css = (_HERE / "screener_table.css").read_text(encoding="utf-8")

    content = traitlets.Dict().tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)

    def __init__(self, found: Screen) -> None:
        super().__init__(content=table_content(found))
        self._rows = len(found.table)

    def __repr__(self) -> str:
        return f"<ScreenerTable of {self._rows} pairs>"


def table_content(found: Screen) -> dict[str, Any]:
    """Columns with their kind (`text`, `number` or `change`), rows of JSON values, curves by row."""
    table = found.table.drop(columns="synthetic")
    names = [str(name) for name in table.columns]
    kinds = [_kind(name, table[name]) for name in table.columns]
    rows = []
    for symbol, values in zip(table.index, table.itertuples(index=False), strict=True):
        rows.append([str(symbol), *map(_value, values)])
    curves = [
        closes[:: max(1, -(-len(closes) // _SPARKS))].tolist() if len(closes) else []
        for closes in (found.closes[symbol] for symbol in table.index)
    ]
    return {
        "columns": [
            {"name": "symbol", "kind": "text"},
            *({"name": name, "kind": kind} for name, kind in zip(names, kinds, strict=True)),
        ],
        "rows": rows,
        "curves": curves,
        "synthetic": bool(found.table["synthetic"].any()),
        "failures": [f"{symbol}: {reason}" for symbol, reason in list(found.failures.items())[:5]],
        "failed": len(found.failures),
    }


def _kind(name: Any, column: "pd.Series[Any]") -> str:
    if name == "change":
        return "change"
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text"


def _value(value: Any) -> Any:
    """As JSON: times to the minute, undefined numbers as None."""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M")
    return None if isinstance(value, float) and value != value else value
