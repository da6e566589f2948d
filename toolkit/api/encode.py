"""Candles, indicators and signals as JSON and Arrow. Every float64 survives to the bit; undefined is null.

Times are ISO 8601 texts in UTC that end in ``Z``: JavaScript's ``Date`` and pandas' ``to_datetime`` read them
as they are, and unlike a bare number they cannot be taken for another unit.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd

from toolkit.api.computed import Computed
from toolkit.api.models import ReportSummary
from toolkit.api.rows import dumps, rows
from toolkit.candles import PRICE_COLUMNS, check_range
from toolkit.candles.select import Moment
from toolkit.signals import Signals

__all__ = [
    "JSON",
    "Part",
    "candle",
    "iso",
    "klines_columns",
    "klines_json",
    "last_values",
    "meta",
    "meta_json",
    "part_of",
    "signal_columns",
    "signal_rows",
    "signals_of",
]

FINDINGS = 5  # of each kind that are listed
JSON = "application/json"


class Part(NamedTuple):
    """Rows of a computed frame, and the bounds that were asked for."""

    low: int
    high: int
    start: pd.Timestamp | None
    end: pd.Timestamp | None
    limit: int

    @property
    def rows(self) -> int:
        return self.high - self.low


_bounds = functools.lru_cache(4_096)(check_range)


def part_of(computed: Computed, start: Moment | None, end: Moment | None, limit: int) -> Part:
    """The last `limit` candles that open in ``[start, end)``; it may be empty.

    Raises:
        CandleError: a bound is no time, or start is not before end.
    """
    first, after = _bounds(start, end)
    times = computed.times
    low = 0 if first is None else int(times.searchsorted(first.to_datetime64()))
    high = len(times) if after is None else int(times.searchsorted(after.to_datetime64()))
    return Part(max(low, high - limit), max(low, high), first, after, limit)


def iso(moment: pd.Timestamp | None) -> str | None:
    """A time as it stands in every answer."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def meta(computed: Computed) -> dict[str, Any]:
    """Where the candles come from, and what was found in them."""
    attrs = computed.frame.attrs
    report = attrs["report"]
    # Answers are kept: how late the candles are by now is /api/health's to say.
    found = report.summary(report.closed, listed=FINDINGS)
    return {
        "source": attrs["source"],
        "revision": attrs["revision"],
        "synthetic": attrs["synthetic"],
        "report": {name: found[name] for name in ReportSummary.model_fields},
        "last_closed_candle": candle(computed, len(computed.frame) - 1),
    }


def meta_json(computed: Computed) -> orjson.Fragment:
    """The same, written once."""
    written = computed.kept.get("meta")
    if written is None:
        written = computed.kept["meta"] = orjson.Fragment(dumps(meta(computed)))
    fragment: orjson.Fragment = written
    return fragment


def candle(computed: Computed, row: int) -> dict[str, Any]:
    """One stored candle; those are all closed."""
    values = {name: float(computed.values[name][row]) for name in PRICE_COLUMNS}
    return {"open_time": iso(computed.frame.index[row]), **values, "closed": True}


def last_values(computed: Computed, row: int) -> dict[str, dict[str, float]]:
    """The indicators' values at one candle: label → output → value."""
    return {
        label: {output: float(computed.values[column][row]) for output, column in columns.items()}
        for label, columns in computed.labels.items()
    }


def _head(computed: Computed, part: Part) -> dict[str, Any]:
    times = computed.times
    return {
        "symbol": computed.frame.attrs["symbol"],
        "timeframe": computed.frame.attrs["timeframe"],
        "data_points": part.rows,
        # From the same numbers as the rows': an index makes a Timestamp, which takes ten times as long.
        "timestamp_start": times[part.low] if part.rows else None,
        "timestamp_end": times[part.high - 1] if part.rows else None,
    }


def klines_json(computed: Computed, part: Part) -> bytes:
    """The body of ``format=json``: an object a candle."""
    written = rows(computed, part.low, part.high)
    # Joined once: each copy of a quarter of a megabyte counts.
    pieces = [dumps(_head(computed, part))[:-1], b',"klines":[', *written.pop(None)]
    opening = b'],"indicators":{'
    for label, texts in written.items():
        pieces += (opening, dumps(label), b":[", *texts)
        opening = b"],"
    pieces += (b"]}" if written else b'],"indicators":{}', b',"meta":', dumps(meta_json(computed)), b"}")
    return b"".join(pieces)


def klines_columns(computed: Computed, part: Part) -> bytes:
    """The body of ``format=columns``: an array a column, the indicators' on the candles' open times."""
    cut = slice(part.low, part.high)
    return dumps(
        {
            **_head(computed, part),
            "klines": {
                "open_time": computed.times[cut],
                **{name: computed.values[name][cut] for name in PRICE_COLUMNS},
            },
            "indicators": {
                label: {output: computed.values[column][cut] for output, column in columns.items()}
                for label, columns in computed.labels.items()
            },
            "meta": meta_json(computed),
        }
    )


def signals_of(
    computed: Computed,
    start: Moment | None,
    end: Moment | None,
    limit: int,
    signal_types: Sequence[str] | None = None,
) -> dict[str, Signals]:
    """Of each indicator the last `limit` signals whose candle opens in ``[start, end)``."""
    first, after = _bounds(start, end)
    found = {}
    for label, signals in computed.signals.items():
        if signal_types:
            signals = signals.of_type(*signal_types)
        low = 0 if first is None else int(signals.timestamp.searchsorted(first))
        high = len(signals) if after is None else int(signals.timestamp.searchsorted(after))
        found[label] = signals[max(low, high - limit) : max(low, high)]
    return found


def signal_rows(signals: Signals) -> list[dict[str, Any]]:
    """A dict a signal."""
    return [
        {
            "timestamp": iso(signal.timestamp),
            "known_at": iso(signal.known_at),
            "signal_type": signal.signal_type,
            "value": signal.value,
            "confidence": signal.confidence,
            "metadata": dict(signal.metadata),
        }
        for signal in signals
    ]


def signal_columns(signals: Signals) -> dict[str, Any]:
    """An array a column, as `Signals.to_frame` has them."""
    return {
        "timestamp": signals.timestamp.to_numpy(dtype="datetime64[ms]"),
        "known_at": signals.known_at.to_numpy(dtype="datetime64[ms]"),
        "signal_type": signals.signal_type.tolist(),
        "value": np.ascontiguousarray(signals.value),
        "confidence": np.ascontiguousarray(signals.confidence),
        "metadata": {name: np.ascontiguousarray(column) for name, column in signals.metadata.items()},
    }
