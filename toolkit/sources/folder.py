"""The folder source: files on this machine in the layout of the dataset."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from toolkit.sources.base import NotStored, Raw, SourceError, Stored, file_identity, relative_path, written_at
from toolkit.sources.tables import ENDINGS, read_table

__all__ = ["FolderSource"]


class FolderSource:
    """Candle files in a folder: ``klines/BTCUSDT/BTC_1h.parquet`` and so on.

    A folder that is itself called ``klines`` is understood as well. Instead of ``.parquet`` a file may end
    in ``.feather``, ``.csv``, ``.csv.gz`` or ``.zip`` (of one ``.csv``). Where there is none of these,
    Binance's own archives in the pair's folder are read together: ``BTCUSDT-1h-2024-01.zip`` and so on.

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
        """See :class:`toolkit.sources.base.Source`; what lies in a folder is always the newest."""
        paths = self._paths(symbol, timeframe)
        try:
            identity = tuple(map(file_identity, paths))
            written = max(map(written_at, paths))
        except OSError as error:
            raise SourceError(f"source: {str(paths[0])!r} cannot be read: {error}") from error
        return Stored(identity=identity, read=lambda: _read(paths), written=written, fetched=written)

    def _paths(self, symbol: str, timeframe: str) -> list[Path]:
        """The file of a pair, or its archives."""
        relative = relative_path(symbol, timeframe)
        root = self.path if (self.path / "klines").is_dir() else self.path.parent
        parquet = root / relative
        folder, stem = parquet.parent, parquet.stem
        found = [path for path in (folder / f"{stem}{ending}" for ending in ENDINGS) if path.exists()]
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise SourceError(
                f"source: {str(folder)!r} holds {names}, and nothing says which counts; keep one"
            )
        if found:
            return found
        archives = [path for ending in ENDINGS for path in folder.glob(f"{symbol}-{timeframe}-*{ending}")]
        if archives:
            return sorted(archives, key=lambda path: path.name)
        beside = sorted(file.name for file in folder.glob("*") if file.name.endswith(ENDINGS))
        there = f"there are {', '.join(beside)}" if beside else f"the folder has no {folder.name}"
        raise NotStored(f"source: there is no {relative} in {self.name!r}; {there}")


def _read(paths: list[Path]) -> Raw:
    tables, digest = [], hashlib.sha256()
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SourceError(f"source: {str(path)!r} cannot be read: {error}") from error
        digest.update(content)
        tables.append(read_table(path, content))
    table = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
    return Raw(table, f"sha256:{digest.hexdigest()[:16]}")
