"""Closed candles of an exchange on disk: one file a series, to which each is appended as it closes.

A file is a row of records of 88 bytes, each under its own CRC-32:

==========  ===========================================================================================
bytes       what
==========  ===========================================================================================
0 to 4      what it is: a candle, a hole (the exchange has none up to the time that follows), or a
            correction (what the exchange told later of a candle; the candle itself stays as it was)
4 to 12     open time in ms since 1970 UTC
12 to 84    nine floats: `open high low close volume` and the exchange's other columns
84 to 88    CRC-32 of the bytes before
==========  ===========================================================================================

Records may be in any order of time, and what stands first for a time holds. An append is one write. Half a
record, of a process that was killed in the middle of it or of a full disk, counts for nothing and is cut off
before the next is appended. A damaged record counts as not there, so its candle is fetched again.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Protocol

from toolkit.feeds.exchange.frames import Values
from toolkit.feeds.exchange.series import Correction, Hole

locks: ModuleType | None
try:
    import fcntl as locks
except ImportError:  # Windows: there one process at a time may write
    locks = None

__all__ = ["MemoryStore", "SeriesStore", "Store", "StoredSeries", "read_series"]

RECORD = 88
_BODY = struct.Struct("<Iq9d")
_CHECKSUM = struct.Struct("<I")
_CANDLE, _HOLE, _CORRECTION = 0x34565301, 0x34565302, 0x34565303


class StoredSeries(NamedTuple):
    """What a file holds, sorted by time."""

    candles: dict[int, Values]
    """By open time in ms."""
    holes: tuple[Hole, ...] = ()
    corrections: tuple[Correction, ...] = ()
    damaged: int = 0
    """Records that are not what was written."""

    def missing_from(self, first: int, step: int) -> int:
        """The first open time from `first` on, `step` ms apart, of which neither a candle nor a hole is
        known.
        """
        ends = {hole.first: hole.last for hole in self.holes}
        while True:
            if first in self.candles:
                first += step
            elif first in ends:
                first = ends[first] + step
            else:
                return first


class Store(Protocol):
    """Where the closed candles of a series go."""

    def candle(self, open_time: int, values: Values) -> None:
        """Keep a closed candle; where one of that time is kept already, that one holds.

        Raises:
            OSError: it cannot be written now; it is with the next that can.
        """
        ...

    def hole(self, hole: Hole) -> None:
        """Keep that the exchange does not have these candles; raises as `candle` does."""
        ...

    def correction(self, correction: Correction) -> None:
        """Keep what the exchange told later of a candle; raises as `candle` does."""
        ...

    def close(self) -> None:
        """Write what could not be written before, if that can be done, and let go of the file."""
        ...


class MemoryStore:
    """Keeps in memory what cannot be kept on disk."""

    def __init__(self) -> None:
        self._candles: dict[int, Values] = {}
        self._holes: list[Hole] = []
        self._corrections: list[Correction] = []

    @property
    def stored(self) -> StoredSeries:
        """What it holds now."""
        return StoredSeries(
            dict(sorted(self._candles.copy().items())), tuple(self._holes), tuple(self._corrections)
        )

    def candle(self, open_time: int, values: Values) -> None:
        """See `Store`."""
        self._candles.setdefault(open_time, values)

    def hole(self, hole: Hole) -> None:
        """See `Store`."""
        self._holes.append(hole)

    def correction(self, correction: Correction) -> None:
        """See `Store`."""
        self._corrections.append(correction)

    def close(self) -> None:
        """See `Store`."""


class SeriesStore:
    """Appends to one file. For one thread; several processes may have the same file open."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        self._pending: list[bytes] = []

    def candle(self, open_time: int, values: Values) -> None:
        """See `Store`."""
        self._append(_record(_CANDLE, open_time, values))

    def hole(self, hole: Hole) -> None:
        """See `Store`."""
        self._append(_record(_HOLE, hole.first, (float(hole.last), *(0.0,) * 8)))

    def correction(self, correction: Correction) -> None:
        """See `Store`."""
        self._append(_record(_CORRECTION, correction.open_time, correction.values))

    def close(self) -> None:
        """See `Store`."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                self._write()
            os.close(self._file)
            self._file = -1

    def _append(self, record: bytes) -> None:
        self._pending.append(record)
        self._write()

    def _write(self) -> None:
        if not self._pending:
            return
        with _locked(self._file):
            size = os.fstat(self._file).st_size
            if size % RECORD:
                size -= size % RECORD
                os.ftruncate(self._file, size)
            data = b"".join(self._pending)
            if os.write(self._file, data) != len(data):
                os.ftruncate(self._file, size)
                raise OSError(28, "no space left for a candle", str(self.path))
        self._pending.clear()


def read_series(path: Path) -> StoredSeries:
    """What is kept in a file; nothing where there is none. Others may be appending to it.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return StoredSeries({})
    candles: dict[int, Values] = {}
    holes: dict[int, Hole] = {}
    told: list[tuple[int, Values]] = []
    damaged = 0
    for at in range(0, len(data) - len(data) % RECORD, RECORD):
        body = data[at : at + RECORD - 4]
        if zlib.crc32(body) != _CHECKSUM.unpack_from(data, at + RECORD - 4)[0]:
            damaged += 1
            continue
        kind, open_time, *values = _BODY.unpack(body)
        if kind == _CANDLE:
            candles.setdefault(open_time, tuple(values))
        elif kind == _HOLE:
            holes[open_time] = Hole(open_time, int(values[0]))
        elif kind == _CORRECTION:
            told.append((open_time, tuple(values)))
        else:
            damaged += 1
    corrections = [Correction(time, values, candles[time]) for time, values in told if time in candles]
    return StoredSeries(
        dict(sorted(candles.items())),
        tuple(holes[time] for time in sorted(holes)),
        tuple(sorted(corrections, key=lambda one: one.open_time)),
        damaged,
    )


def _record(kind: int, open_time: int, values: Values) -> bytes:
    body = _BODY.pack(kind, open_time, *values)
    return body + _CHECKSUM.pack(zlib.crc32(body))


@contextlib.contextmanager
def _locked(file: int) -> Iterator[None]:
    """Nobody else appends meanwhile; the lock goes with the process."""
    if locks is None:
        yield
        return
    locks.flock(file, locks.LOCK_EX)
    try:
        yield
    finally:
        locks.flock(file, locks.LOCK_UN)
