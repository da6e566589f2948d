"""Checked candles kept on disk, so that the next process need neither decode nor check them again.

A file holds one frame, column by column, in pages of 4,096 candles, each with its CRC-32:

====================  =======================================================================
bytes                 what
====================  =======================================================================
0 to 8                ``SV4KEPT1``
8 to 16, 16 to 24     length of the header and its CRC-32 (of all before and after these eight)
24 to the data        the header: JSON, filled up with spaces to a multiple of 64 bytes
the rest              each column's values, 8 bytes each, little-endian
====================  =======================================================================

Every byte is under a checksum. A range of time is read by the pages that hold it. What is damaged, or was
made of another origin or by other checks, counts as not there; a file is replaced whole or not at all.
"""

from __future__ import annotations

import bisect
import contextlib
import functools
import hashlib
import json
import os
import tempfile
import time
import zlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from toolkit import candles
from toolkit.candles import EXTRA_COLUMNS, PRICE_COLUMNS, CandleReport, check_range
from toolkit.candles.select import Moment
from toolkit.candles.times import to_index, to_millis

__all__ = ["place", "read_kept", "write_kept"]

PAGE = 4_096
"""Candles a page: the last 500 are in one or two of them."""

_MAGIC = b"SV4KEPT1"
_ABANDONED_SECONDS = 600.0
_FLOATS = (*PRICE_COLUMNS, *EXTRA_COLUMNS)
_ATTRS = ("symbol", "timeframe", "source", "revision", "synthetic")


def place(folder: Path, source: str, symbol: str, timeframe: str) -> Path:
    """Where in ``folder`` the candles of a source are kept; a newer version takes the same place."""
    digest = hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest()[:16]
    return folder / digest / f"{symbol}_{timeframe}.candles"


def write_kept(path: Path, frame: pd.DataFrame, identity: Hashable) -> None:
    """Keeps a checked frame, as made of the origin that ``identity`` names.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    known = [name for name in _FLOATS if name in frame.columns and frame[name].notna().any()]
    millis = frame.index.to_numpy(dtype="datetime64[ms]").view(np.int64)
    columns = [millis, *(frame[name].to_numpy() for name in known)]
    parts = [np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")) for values in columns]
    header = {
        "identity": _name(identity),
        "attrs": {name: frame.attrs[name] for name in _ATTRS},
        "report": frame.attrs["report"].to_dict(),
        "rows": len(frame),
        "columns": [name for name in _FLOATS if name in frame.columns],
        "known": known,
        "opens": millis[::PAGE].tolist(),
        "checksums": [_checksums(part) for part in parts],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 24) % 64)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            size = len(text).to_bytes(8, "little")
            file.write(_MAGIC + size + _checksum(size, text) + text)
            for part in parts:
                file.write(part.data)
        # Not synced to the disk: after a power cut the checksums tell whether everything had arrived.
        Path(unfinished).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(unfinished).unlink()
        raise


def read_kept(
    path: Path,
    identity: Hashable,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    last: int | None = None,
) -> pd.DataFrame | None:
    """The frame, or as many of its pages as hold ``[start, end)`` and the last so many of it.

    The report is about all of it. None where nothing is kept, or what is there is damaged or of another
    origin; the bounds are expected to have been checked.
    """
    try:
        with path.open("rb", buffering=0) as file:
            found = _header(file)
            if found is None or found[0]["identity"] != _name(identity):
                return None
            header, data_at = found
            first, after = _pages(header["opens"], header["rows"], start, end, last)
            return _frame(file, header, data_at, first, after)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _header(file: BinaryIO) -> tuple[dict[str, Any], int] | None:
    """The header and where the data begins; None where it is not whole."""
    size = os.fstat(file.fileno()).st_size
    begin = file.read(24)
    if len(begin) < 24 or begin[:8] != _MAGIC:
        return None
    length = int.from_bytes(begin[8:16], "little")
    if length > size - 24:
        return None
    text = file.read(length)
    if len(text) != length or _checksum(begin[8:16], text) != begin[16:]:
        return None
    header: dict[str, Any] = json.loads(text)
    whole = size == 24 + length + 8 * header["rows"] * (1 + len(header["known"]))
    return (header, 24 + length) if whole else None


def _pages(
    opens: list[int], rows: int, start: Moment | None, end: Moment | None, last: int | None
) -> tuple[int, int]:
    """The first page that is needed, and the first one after it that no longer is."""
    first_time, end_time = check_range(start, end)
    after = len(opens) if end_time is None else max(1, bisect.bisect_left(opens, to_millis(end_time)))
    first = 0 if first_time is None else max(0, bisect.bisect_right(opens, to_millis(first_time)) - 1)
    if last is not None:
        # The end lies in the last page, perhaps right after its first row.
        at_least = rows if after == len(opens) and end_time is None else (after - 1) * PAGE + 1
        first = max(first, (at_least - last) // PAGE)
    return min(first, after - 1), after


def _frame(
    file: BinaryIO, header: dict[str, Any], data_at: int, first: int, after: int
) -> pd.DataFrame | None:
    rows, known, names = header["rows"], header["known"], header["columns"]
    low, high = first * PAGE, min(after * PAGE, rows)
    millis = np.empty(high - low, dtype="<i8")
    values = np.empty((len(names), high - low), dtype="<f8")
    targets = {"": millis} | dict(zip(names, values, strict=True))
    for number, name in enumerate(("", *known)):
        target = targets.pop(name)
        file.seek(data_at + 8 * (number * rows + low))
        if not _fill(file, target, header["checksums"][number][first:after]):
            return None
    for unknown in targets.values():
        unknown.fill(np.nan)
    # One block, as its columns lie in memory: nothing is copied.
    frame = pd.DataFrame(values.T, index=to_index(millis), columns=names, copy=False)
    attrs = header["attrs"]
    if attrs["synthetic"]:
        frame["synthetic"] = True
    frame.attrs = attrs | {"report": CandleReport.from_dict(header["report"])}
    return frame


def _fill(file: BinaryIO, target: np.ndarray[Any, Any], checksums: list[int]) -> bool:
    """Reads a column's pages; whether they are what was written."""
    view = target.data.cast("B")
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            return False
        done += count
    return _checksums(target) == checksums


def _checksums(values: np.ndarray[Any, Any]) -> list[int]:
    """The CRC-32 of each page of a column."""
    view, size = values.data.cast("B"), 8 * PAGE
    return [zlib.crc32(view[at : at + size]) for at in range(0, len(view), size)]


def _checksum(size: bytes, text: bytes) -> bytes:
    return zlib.crc32(text, zlib.crc32(_MAGIC + size)).to_bytes(8, "little")


def _name(identity: Hashable) -> str:
    return hashlib.sha256(f"{_checks()} {identity!r}".encode(errors="surrogatepass")).hexdigest()


@functools.cache
def _checks() -> str:
    """Names the checks by their very source: what other ones let through is not read."""
    folder = Path(candles.__file__).parent
    source = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return hashlib.sha256(source).hexdigest()


def _remove_abandoned(folder: Path) -> None:
    """Unfinished files of processes that were killed."""
    for path in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
