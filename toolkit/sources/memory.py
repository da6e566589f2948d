"""The frames that were used last, kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

import pandas as pd

__all__ = ["Kept", "size"]


class Kept:
    """The frames used last, up to so many bytes; for threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: OrderedDict[Hashable, pd.DataFrame] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> pd.DataFrame | None:
        with self._lock:
            frame = self._frames.get(key)
            if frame is not None:
                self._frames.move_to_end(key)
            return frame

    def put(self, key: Hashable, frame: pd.DataFrame) -> None:
        with self._lock:
            self._forget(key)
            self._frames[key] = frame
            self._bytes += size(frame)
            while self._bytes > self._limit and len(self._frames) > 1:
                self._forget(next(iter(self._frames)))

    def clear(self) -> None:
        with self._lock:
            self._frames.clear()
            self._bytes = 0

    def _forget(self, key: Hashable) -> None:
        frame = self._frames.pop(key, None)
        if frame is not None:
            self._bytes -= size(frame)


def size(frame: pd.DataFrame) -> int:
    """Bytes that a frame's values take."""
    return int(frame.memory_usage(deep=False).sum())
