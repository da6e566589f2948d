"""Candles: the contract every frame keeps, the check that makes it so, and the report of what was found.

A candle frame is a ``DataFrame`` with

* a sorted, unique, UTC ``DatetimeIndex`` named ``open_time`` in **milliseconds** (``datetime64[ms, UTC]``,
  the resolution exchanges use; add a member of :data:`TIMEFRAMES` and it stays so),
* float64 columns ``open high low close volume``, every candle possible (prices finite and above zero,
  ``low <= open, close <= high``, volume finite and not negative),
* those of the exchange's other columns that the file has, as float64, NaN where they are not known, and
* ``attrs``: ``symbol timeframe source revision synthetic report``.

Candles of other timeframes come from :func:`resample`, or from a frame of the user's own.

Sample candles also carry a column ``synthetic``, so that the mark is not lost when frames are combined.
Candles are checked once, in :func:`normalize`; nothing downstream repairs data.
"""

from toolkit.candles.contract import (
    EXTRA_COLUMNS,
    PRICE_COLUMNS,
    SYMBOLS,
    TIMEFRAMES,
    CandleError,
    find_symbol,
    find_timeframe,
    is_synthetic,
    length_of,
    timeframe_of,
    validate,
)
from toolkit.candles.normalize import normalize
from toolkit.candles.report import CandleReport, Corrected, Gap, Incomplete, Quarantined, Seam, Stretch
from toolkit.candles.resample import aggregate, resample
from toolkit.candles.select import check_last, check_range, select
from toolkit.candles.summary import Finding

__all__ = [
    "EXTRA_COLUMNS",
    "PRICE_COLUMNS",
    "SYMBOLS",
    "TIMEFRAMES",
    "CandleError",
    "CandleReport",
    "Corrected",
    "Finding",
    "Gap",
    "Incomplete",
    "Quarantined",
    "Seam",
    "Stretch",
    "aggregate",
    "check_last",
    "check_range",
    "find_symbol",
    "find_timeframe",
    "is_synthetic",
    "length_of",
    "normalize",
    "resample",
    "select",
    "timeframe_of",
    "validate",
]
