"""The sample source: the synthetic market of :mod:`toolkit.sources.market`, generated once and kept."""

from __future__ import annotations

import functools
import hashlib
import inspect
import logging
import threading
from pathlib import Path

import pandas as pd

from toolkit import settings
from toolkit.candles import SYMBOLS, TIMEFRAMES, resample
from toolkit.sources import market, pairs
from toolkit.sources.base import NotStored, Raw, Stored, relative_path
from toolkit.sources.files import read_checked, write_checked

__all__ = ["SampleSource"]

_log = logging.getLogger(__name__)
_generating = threading.Lock()


class SampleSource:
    """Synthetic candles of all 38 pairs, the same on every machine.

    Kept under ``settings.folder("sample")``, in a folder of the generator's version. A file that is damaged
    or of another version is generated afresh; where nothing can be written, candles are generated whenever
    they are read.
    """

    name = "sample"

    def find(self, symbol: str, timeframe: str, *, refresh: bool = False) -> Stored:
        """See :class:`toolkit.sources.base.Source`; they are made when they are read, and never change."""
        if symbol not in SYMBOLS or timeframe not in TIMEFRAMES:
            raise NotStored(f"sample: there is no {symbol!r} {timeframe!r}")
        revision = f"sample-{market.VERSION}"
        return Stored(
            # The same for ever: the generator gives the same bits, wherever its files lie.
            identity=(revision, symbol, timeframe),
            read=lambda: Raw(_read(symbol, timeframe), revision),
            synthetic=True,
            now=market.END,
            kept=False,
        )


def _read(symbol: str, timeframe: str) -> pd.DataFrame:
    marks = _marks(symbol, timeframe)
    try:
        path = _path(symbol, timeframe)
    except settings.SettingsError as error:
        _log.warning("sample candles are not kept: %s", error)
        return market.generate(symbol)[timeframe]
    kept = read_checked(path, marks)
    if kept is not None:
        return kept
    with _generating:
        kept = read_checked(path, marks)
        return _generate_and_keep(symbol, timeframe) if kept is None else kept


def _generate_and_keep(symbol: str, timeframe: str) -> pd.DataFrame:
    frames = market.generate(symbol)
    wanted = list(TIMEFRAMES)
    try:
        # Longer timeframes come for nothing; shorter ones are large, and may never be asked for.
        for name in wanted[wanted.index(timeframe) :]:
            write_checked(frames[name], _path(symbol, name), _marks(symbol, name))
    except OSError as error:
        _log.warning("sample candles of %s are not kept: %s", symbol, error)
    return frames[timeframe]


@functools.cache
def _generator() -> str:
    """Names the generator by its version and its very source: files of another one are not read."""
    source = b"".join(Path(inspect.getfile(module)).read_bytes() for module in (market, pairs, resample))
    return f"v{market.VERSION}-{hashlib.sha256(source).hexdigest()[:12]}"


def _path(symbol: str, timeframe: str) -> Path:
    return settings.folder("sample") / _generator() / relative_path(symbol, timeframe)


def _marks(symbol: str, timeframe: str) -> dict[str, str]:
    return {"generator": _generator(), "symbol": symbol, "timeframe": timeframe}
