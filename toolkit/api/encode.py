"""Candles, indicators and signals as JSON and Arrow. Every float64 survives to the bit; undefined is null.

Times are ISO 8601 texts in UTC that end in ``Z``: JavaScript's ``Date`` and pandas' ``to_datetime`` read them
as they are, and unlike a bare number they cannot be taken for another unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from toolkit.api.computed import Computed
from toolkit.api.models import ReportSummary
from toolkit.candles import PRICE_COLUMNS, check_range, select
from toolkit.candles.select import Moment
from toolkit.signals import Signals

__all__ = [
    "ARROW",
    "JSON",
    "Part",
    "arrow",
    "candle",
    "dumps",
    "iso",
    "klines_columns",
    "klines_json",
    "last_values",
    "meta",
    "objects",
    "part_of",
    "signal_columns",
    "signal_rows",
    "signals_of",
    "texts",
]

FINDINGS = 5  # of each kind that are listed
JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z

Texts = list[bytes]


def dumps(value: Any) -> bytes:
    """JSON of a value that may hold numpy arrays; NaN is null."""
    return orjson.dumps(value, option=_OPTIONS)


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


def part_of(computed: Computed, start: Moment | None, end: Moment | None, limit: int) -> Part:
    """The last `limit` candles that open in ``[start, end)``; it may be empty.

    Raises:
        CandleError: a bound is no time, or start is not before end.
    """
    first, after = check_range(start, end)
    index = computed.frame.index
    low = 0 if first is None else int(index.searchsorted(first))
    high = len(index) if after is None else int(index.searchsorted(after))
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
    times = computed.frame.index
    return {
        "symbol": computed.frame.attrs["symbol"],
        "timeframe": computed.frame.attrs["timeframe"],
        "data_points": part.rows,
        "timestamp_start": iso(times[part.low]) if part.rows else None,
        "timestamp_end": iso(times[part.high - 1]) if part.rows else None,
    }


def klines_json(computed: Computed, part: Part) -> bytes:
    """The body of ``format=json``: an object a candle.

    Written column by column, which takes a fifth of the time of a dict a row.
    """
    written = {name: texts(values[part.low : part.high]) for name, values in computed.values.items()}
    times = texts(computed.times[part.low : part.high])
    klines = objects({"open_time": times, **{name: written[name] for name in PRICE_COLUMNS}})
    indicators = {
        label: orjson.Fragment(
            objects({"open_time": times, **{out: written[column] for out, column in columns.items()}})
        )
        for label, columns in computed.labels.items()
    }
    return dumps(
        {
            **_head(computed, part),
            "klines": orjson.Fragment(klines),
            "indicators": indicators,
            "meta": meta(computed),
        }
    )


def klines_columns(computed: Computed, part: Part) -> bytes:
    """The body of ``format=columns``: an array a column, the indicators' on the candles' open times."""
    rows = slice(part.low, part.high)
    return dumps(
        {
            **_head(computed, part),
            "klines": {
                "open_time": computed.times[rows],
                **{name: computed.values[name][rows] for name in PRICE_COLUMNS},
            },
            "indicators": {
                label: {output: computed.values[column][rows] for output, column in columns.items()}
                for label, columns in computed.labels.items()
            },
            "meta": meta(computed),
        }
    )


def arrow(computed: Computed, part: Part) -> bytes:
    """The body of ``format=arrow``: the frame of `pipeline.calculate`, cut, as an Arrow IPC stream.

    All of the frame's columns; open times as timestamps in UTC. The schema's metadata hold what pandas needs
    to make the same frame of it, and under ``system_v4`` the attrs as JSON.

    Raises:
        CandleError: there is no candle in the part.
    """
    frame = select(computed.frame, part.start, part.end, part.limit)
    attrs = frame.attrs
    frame.attrs = {}
    table = pa.Table.from_pandas(frame)
    table = table.select(["open_time", *frame.columns])  # pandas puts its index last
    described = dumps({**attrs, "report": attrs["report"].to_dict(), "indicators": computed.labels})
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"system_v4": described})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def texts(values: np.ndarray[Any, Any]) -> Texts:
    """Each value as JSON."""
    return dumps(values)[1:-1].split(b",") if len(values) else []


def objects(columns: Mapping[str, Texts]) -> bytes:
    """An array of objects, a row each."""
    names = list(columns)
    count = len(columns[names[0]])
    if not count:
        return b"[]"
    width = 2 * len(names)
    pieces: Texts = [b""] * (width * count + 1)
    for place, name in enumerate(names):
        opening = b"," if place else b"},{"
        pieces[2 * place : -1 : width] = [opening + orjson.dumps(name) + b":"] * count
        pieces[2 * place + 1 :: width] = columns[name]
    pieces[0] = b"[" + pieces[0][2:]
    pieces[-1] = b"}]"
    return b"".join(pieces)


def signals_of(
    computed: Computed,
    start: Moment | None,
    end: Moment | None,
    limit: int,
    signal_types: Sequence[str] | None = None,
) -> dict[str, Signals]:
    """Of each indicator the last `limit` signals whose candle opens in ``[start, end)``."""
    first, after = check_range(start, end)
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
