"""Candle files of our own: Parquet that notices when a bit of it is not what was written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["read_checked", "write_checked"]

# Small enough that the last few hundred candles cost little, large enough that the whole file is quick.
_ROWS_A_GROUP = 16_384


def write_checked(frame: pd.DataFrame, path: Path, marks: Mapping[str, str]) -> None:
    """Writes ``frame`` (without its index) with a checksum on every page, and ``marks`` beside it.

    At any instant there is the old file, the new one, or none, never half of one.

    Raises:
        OSError: it cannot be written.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({key.encode(): value.encode() for key, value in marks.items()})
    floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            pq.write_table(
                table,
                file,
                compression="zstd",
                use_dictionary=False,
                column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
                row_group_size=_ROWS_A_GROUP,
                write_page_checksum=True,
            )
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(unfinished).unlink()
        raise


def read_checked(path: Path, marks: Mapping[str, str]) -> pd.DataFrame | None:
    """What :func:`write_checked` wrote with these marks; None where it is not there, other, or damaged."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            written = file.schema_arrow.metadata or {}
            if any(written.get(key.encode()) != value.encode() for key, value in marks.items()):
                return None
            table: pd.DataFrame = file.read().to_pandas()
            return table
    except (OSError, pa.ArrowException):
        return None
