"""Frames as Arrow IPC streams, which pandas and polars read without conversion."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.api.computed import Computed
from toolkit.api.encode import Part
from toolkit.api.rows import dumps
from toolkit.candles import select

__all__ = ["MEDIA_TYPE", "METADATA", "arrow"]

MEDIA_TYPE = "application/vnd.apache.arrow.stream"

METADATA = b"system_v4"
"""Under which the frame's attrs lie in the schema's metadata, as JSON."""


class _Base(NamedTuple):
    """What is the same for every part of a frame."""

    columns: dict[str, np.ndarray[Any, Any]]
    volume: pd.DataFrame
    """Of the attrs, with a report of the part, more columns make nothing else."""
    pandas: dict[bytes, bytes]
    """The schema's metadata for pandas."""

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        one = frame.iloc[:1]
        one.attrs = {}
        metadata = pa.Schema.from_pandas(one).metadata
        return cls({name: frame[name].to_numpy() for name in frame.columns}, frame[["volume"]], metadata)


def arrow(computed: Computed, part: Part) -> bytes:
    """The body of ``format=arrow``: the frame of `pipeline.calculate`, cut.

    All of the frame's columns, null where undefined; open times as timestamps in UTC. The schema's metadata
    hold what pandas needs to make the same frame of it, index and all, and the attrs.

    Raises:
        CandleError: there is no candle in the part.
    """
    base = computed.kept.get("arrow")
    if base is None:
        base = computed.kept["arrow"] = _Base.of(computed.frame)
    attrs = select(base.volume, part.start, part.end, part.limit).attrs
    cut = slice(part.low, part.high)
    columns = {"open_time": pa.array(computed.times[cut]).cast(pa.timestamp("ms", "UTC"))}
    columns |= {name: pa.array(values[cut], from_pandas=True) for name, values in base.columns.items()}
    described = dumps({**attrs, "report": attrs["report"].to_dict(), "indicators": computed.labels})
    table = pa.table(columns).replace_schema_metadata({**base.pandas, METADATA: described})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
