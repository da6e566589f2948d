"""Finding the columns of a raw table, whatever they are called, and reading numbers from them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from toolkit.candles.contract import EXTRA_COLUMNS, PRICE_COLUMNS, CandleError

__all__ = ["find_columns", "to_numbers"]

# Best first: a file with both open_time and date means open_time.
_TIME_NAMES = ("opentime", "opentimestamp", "timestamp", "datetime", "date", "time")
_NAMES = {
    name.replace("_", ""): name for name in (*PRICE_COLUMNS, *EXTRA_COLUMNS, "close_time", "ignore")
} | {
    # as Binance's own archives call them
    "quotevolume": "quote_asset_volume",
    "count": "number_of_trades",
    "trades": "number_of_trades",
    "takerbuyvolume": "taker_buy_base_asset_volume",
    "takerbuybasevolume": "taker_buy_base_asset_volume",
    "takerbuyquotevolume": "taker_buy_quote_asset_volume",
    "synthetic": "synthetic",
}


def find_columns(raw: pd.DataFrame, what: str) -> tuple[dict[str, pd.Series], pd.Series | pd.Index]:
    """The columns a raw table has under our names, and its open times.

    Args:
        raw: the table; names in any letter case, words with or without ``_``.
        what: how error messages call it.

    Raises:
        CandleError: a column is missing, or two mean the same.
    """
    if not isinstance(raw, pd.DataFrame):
        raise CandleError(f"{what}: is a {type(raw).__name__}, not a DataFrame")
    if raw.columns.nlevels > 1 or raw.index.nlevels > 1:
        raise CandleError(f"{what}: has several levels of columns or index; one table of candles is needed")
    found: dict[str, pd.Series] = {}
    times: dict[str, pd.Series] = {}
    for position, written in enumerate(raw.columns):
        key = _key(written)
        name = _NAMES.get(key, key if key in _TIME_NAMES else None)
        if name is None:
            continue
        target = times if key in _TIME_NAMES else found
        if name in target:
            raise CandleError(f"{what}: columns {target[name].name!r} and {written!r} both mean {name}")
        target[name] = raw.iloc[:, position]
    absent = [name for name in PRICE_COLUMNS if name not in found]
    if absent:
        raise CandleError(f"{what}: no column {', '.join(absent)}; columns are {_listed(raw.columns)}")
    for name in _TIME_NAMES:
        if name in times:
            return found, times[name]
        if _key(raw.index.name) == name:
            return found, raw.index
    if isinstance(raw.index, pd.DatetimeIndex) or (raw.index.name is None and not _counts_rows(raw.index)):
        return found, raw.index
    raise CandleError(
        f"{what}: no open times; needed is a column or index open_time, timestamp, datetime, date or time,"
        f" columns are {_listed(raw.columns)}"
    )


def to_numbers(values: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The column as float64, NaN where it holds no number."""
    if values.dtype == np.float64:
        return values.to_numpy()
    if pd.api.types.is_bool_dtype(values.dtype):
        return np.full(len(values), np.nan)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if not pd.api.types.is_numeric_dtype(values.dtype) or values.dtype.kind == "c":
        if values.dtype.kind in "mMc":
            return np.full(len(values), np.nan)
        values = pd.to_numeric(values, errors="coerce")
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _counts_rows(index: pd.Index) -> bool:
    """Whether an index only numbers the rows; epochs at equal steps are a RangeIndex, too."""
    return isinstance(index, pd.RangeIndex) and index.start < 10**8


def _key(name: object) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower()) if isinstance(name, str) else ""


def _listed(columns: pd.Index) -> str:
    names = [str(name) for name in columns[:20]]
    return ", ".join(names) + (" ..." if len(columns) > 20 else "") if names else "none"
