"""Reading tables of candles from the bytes of files: Parquet, Feather and CSV."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq

from toolkit.sources.base import SourceError

__all__ = ["ENDINGS", "read_parquet", "read_table"]

ARCHIVE_COLUMNS = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
]
"""Columns of Binance's own archives, many of which have no header."""


def read_parquet(content: bytes, what: str) -> pd.DataFrame:
    """The table in the bytes of a Parquet file; an index that pandas wrote becomes one again.

    Raises:
        SourceError: they cannot be read as Parquet.
    """
    try:
        # Checks checksums where the writer left some; without them a flipped bit can go unnoticed.
        table: pd.DataFrame = pq.read_table(
            pa.BufferReader(content), page_checksum_verification=True
        ).to_pandas()
        return table
    except (OSError, pa.ArrowException, ValueError) as error:
        raise SourceError(f"source: {what!r} cannot be read as Parquet: {error}") from error


def read_table(path: Path, content: bytes) -> pd.DataFrame:
    """The table in the bytes of a file, read as its ending says (:data:`ENDINGS`).

    Raises:
        SourceError: they cannot be read so.
    """
    return next(read for ending, read in _READERS.items() if path.name.endswith(ending))(content, str(path))


def _read_feather(content: bytes, what: str) -> pd.DataFrame:
    try:
        table: pd.DataFrame = pyarrow.feather.read_table(pa.BufferReader(content)).to_pandas()
        return table
    except (OSError, pa.ArrowException, ValueError) as error:
        raise SourceError(f"source: {what!r} cannot be read as Feather: {error}") from error


def _read_gzip(content: bytes, what: str) -> pd.DataFrame:
    try:
        return _read_csv(gzip.decompress(content), what)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"source: {what!r} cannot be read as gzip: {error}") from error


def _read_zip(content: bytes, what: str) -> pd.DataFrame:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if len(names) != 1:
                raise SourceError(f"source: {what!r} holds {len(names)} files .csv, not one")
            return _read_csv(archive.read(names[0]), what)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise SourceError(f"source: {what!r} cannot be read as zip: {error}") from error


def _read_csv(content: bytes, what: str) -> pd.DataFrame:
    """A table of texts; without a header it is one of Binance's archives.

    Numbers are read exactly. A line with too few or too many fields is an error, for it may be anything.
    """
    first, _, _ = content.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    try:
        delimiter = max(",;\t", key=first.decode("utf-8").count)
        fields = [field.strip().strip('"') for field in first.decode("utf-8").strip().split(delimiter)]
        names = None if not _is_number(fields[0]) else ARCHIVE_COLUMNS
        if names is not None and len(fields) != len(names):
            raise SourceError(
                f"source: {what!r} has no header and {len(fields)} columns;"
                f" without a header there must be Binance's {len(names)}: {', '.join(names)}"
            )
        table: pd.DataFrame = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            read_options=pyarrow.csv.ReadOptions(column_names=names),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
        ).to_pandas()
        return table
    except (OSError, pa.ArrowException, ValueError) as error:
        raise SourceError(f"source: {what!r} cannot be read as CSV: {error}") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_READERS: dict[str, Callable[[bytes, str], pd.DataFrame]] = {
    ".parquet": read_parquet,
    ".feather": _read_feather,
    ".csv.gz": _read_gzip,
    ".csv": _read_csv,
    ".zip": _read_zip,
}
ENDINGS = tuple(_READERS)
"""Files that can be read."""
