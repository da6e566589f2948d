"""The folder source: files on this machine in the layout of the dataset."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.sources.base import NotStored, Raw, SourceError, Stored, file_identity, relative_path, written_at

__all__ = ["FolderSource", "read_parquet"]


class FolderSource:
    """Candle files in a folder: ``klines/BTCUSDT/BTC_1h.parquet`` and so on.

    A folder that is itself called ``klines`` is understood as well.

    Raises:
        SourceError: the folder is not there, or holds no ``klines`` folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(self.path)
        if not self.path.is_dir():
            kind = "is not a folder" if self.path.exists() else "does not exist"
            raise SourceError(
                f"source: {self.name!r} {kind}; needed is 'auto', 'hub', 'sample' or a folder"
                f" that holds files such as {relative_path('BTCUSDT', '1h')}"
            )
        if not (self.path / "klines").is_dir() and self.path.name != "klines":
            raise SourceError(
                f"source: the folder {self.name!r} holds no folder 'klines'; expected are files such as"
                f" {relative_path('BTCUSDT', '1h')} in it"
            )

    def find(self, symbol: str, timeframe: str, *, refresh: bool = False) -> Stored:
        """See :class:`toolkit.sources.base.Source`."""
        relative = relative_path(symbol, timeframe)
        root = self.path if (self.path / "klines").is_dir() else self.path.parent
        path = root / relative
        try:
            identity = file_identity(path)
        except FileNotFoundError:
            beside = sorted(file.name for file in path.parent.glob("*.parquet"))
            there = f"there are {', '.join(beside)}" if beside else f"the folder has no {path.parent.name}"
            raise NotStored(f"source: there is no {relative} in {self.name!r}; {there}") from None
        except OSError as error:
            raise SourceError(f"source: {str(path)!r} cannot be read: {error}") from error
        written = written_at(path)
        return Stored(identity=identity, read=lambda: _read(path), written=written, fetched=written)


def _read(path: Path) -> Raw:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"source: {str(path)!r} cannot be read: {error}") from error
    return Raw(read_parquet(content, str(path)), f"sha256:{hashlib.sha256(content).hexdigest()[:16]}")


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
