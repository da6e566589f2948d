"""What a source of stored candles is."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import pandas as pd

__all__ = [
    "NotStored",
    "Raw",
    "Source",
    "SourceError",
    "Stored",
    "file_identity",
    "relative_path",
    "written_at",
]


class SourceError(Exception):
    """Candles cannot be had from a source; the message says why and what can be done."""


class NotStored(SourceError):
    """The source is there, but does not hold this symbol in this timeframe."""


class Raw(NamedTuple):
    """A table as it was stored, unchecked."""

    table: pd.DataFrame
    revision: str | None
    """Which version it is: a commit, a checksum of the bytes that were read, or a generator's version."""


@dataclass(frozen=True)
class Stored:
    """Candles a source holds, found but not read yet."""

    identity: Hashable
    """Different whenever what would be read is different: what was read under the same one can be reused."""
    read: Callable[[], Raw]
    """Reads the table; may raise :class:`SourceError`."""
    synthetic: bool = False
    """The candles are made up."""
    now: pd.Timestamp | None = None
    """When the candles were stored, where the clock must not decide which are closed."""
    written: pd.Timestamp | None = None
    """When the file was written: a candle that was forming then is unfinished in it."""
    fetched: pd.Timestamp | None = None
    """When these were last known to be the source's newest."""
    kept: bool = True
    """Whether checked candles are worth keeping beside the origin."""
    warning: str = ""
    """What the user should know about them, such as that they could not be refreshed."""


class Source(Protocol):
    """Somewhere candles are stored."""

    name: str
    """Written into the frame's ``attrs["source"]``."""

    def find(self, symbol: str, timeframe: str, *, refresh: bool = False) -> Stored:
        """Where the candles of a supported symbol and timeframe are, fetched if need be.

        Args:
            refresh: ask the source for its newest, even where an older version is there already.

        Raises:
            NotStored: there are none.
            SourceError: the source itself cannot be used.
        """
        ...


def written_at(path: Path) -> pd.Timestamp:
    """When the file was last written."""
    return pd.Timestamp(path.stat().st_mtime_ns // 1_000_000, unit="ms", tz="UTC").as_unit("ms")


def file_identity(path: Path) -> Hashable:
    """Different whenever the file was replaced or written to."""
    found = path.stat()
    # The time of change, too: the time of writing can be set to an older one.
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def relative_path(symbol: str, timeframe: str) -> str:
    """Where the dataset keeps a file: ``klines/BTCUSDT/BTC_1h.parquet``."""
    return f"klines/{symbol}/{symbol.removesuffix('USDT')}_{timeframe}.parquet"
