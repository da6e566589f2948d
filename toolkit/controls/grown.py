"""Candle frames that grow as candles close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from toolkit.candles import PRICE_COLUMNS, CandleReport, Gap, length_of
from toolkit.candles.holes import find_stretches
from toolkit.feeds import Feed


def grown(before: pd.DataFrame | None, candles: list[Mapping[str, Any]], feed: Feed) -> pd.DataFrame:
    """A new frame with closed candles of a feed behind those there were, its report carried on."""
    index = pd.DatetimeIndex([candle["open_time"] for candle in candles], name="open_time").as_unit("ms")
    if before is None:
        frame = pd.DataFrame({name: [c[name] for c in candles] for name in PRICE_COLUMNS}, index=index)
        frame.attrs = {"symbol": feed.symbol, "timeframe": feed.timeframe, "source": feed.origin}
        return frame
    more = pd.DataFrame(
        {
            name: True if name == "synthetic" else [c.get(name, np.nan) for c in candles]
            for name in before.columns
        },
        index=index,
    )
    longer: pd.DataFrame = pd.concat([before, more])
    longer.attrs = dict(before.attrs)
    report = before.attrs.get("report")
    if isinstance(report, CandleReport):
        longer.attrs["report"] = _carried_on(report, longer, len(before))
    return longer


def _carried_on(report: CandleReport, frame: pd.DataFrame, known: int) -> CandleReport:
    """The report of a frame of which all but the first `known` candles have come since."""
    step = length_of(report.timeframe)
    times = pd.DatetimeIndex(frame.index)
    fresh = times[known - 1 :]
    gaps = [
        Gap(one, other, int((other - one) // step) - 1)
        for one, other in pairwise(fresh)
        if other - one > step
    ]
    volume = frame["volume"].to_numpy()
    return replace(
        report,
        rows=report.rows + len(frame) - known,
        candles=len(frame),
        last=times[-1],
        gaps=(*report.gaps, *gaps),
        zero_volume=int((volume == 0).sum()),
        zero_volume_stretches=find_stretches(times.asi8, volume, int(step // pd.Timedelta(1, "ms"))),
        dropped_unclosed=None,
        fetched=None if report.fetched is None else max(report.fetched, times[-1] + step),
        end=None,
    )
