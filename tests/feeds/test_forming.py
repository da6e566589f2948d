"""Candles that still form in a replay: what they say, and when nothing may be said."""

import asyncio
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market import random_candles, same_bits

from toolkit import resample
from toolkit.candles import CandleError, normalize
from toolkit.feeds import Forming, Replay

QUARTERS = random_candles(400, seed=3, timeframe="15m", flat_share=0.4)
HOURS = resample(QUARTERS, "1h")


def run(work, seconds=20):
    return asyncio.run(asyncio.wait_for(work, seconds))


def played(klines, smaller, **options):
    async def collect():
        return [event async for event in Replay(klines, speed=math.inf, smaller=smaller, **options)]

    return run(collect())


def as_it_stood(quarters):
    """An hour so far, written plainly: quiet quarters are no prices of their own."""
    traded = [row for row in quarters.itertuples() if row.volume > 0]
    if not traded:
        flat = quarters["close"].iloc[-1]
        return {"open": flat, "high": flat, "low": flat, "close": flat, "volume": 0.0}
    return {
        "open": traded[0].open,
        "high": max(row.high for row in traded),
        "low": min(row.low for row in traded),
        "close": traded[-1].close,
        "volume": sum(row.volume for row in traded),
    }


@given(st.integers(0, 2**32), st.floats(0, 0.9))
@settings(max_examples=10, deadline=None)
def test_every_state_is_what_had_been_traded_by_then(seed, flat_share):
    quarters = random_candles(80, seed=seed, timeframe="15m", flat_share=flat_share)
    hours = resample(quarters, "1h")
    events = played(hours, quarters, start=hours.index[0])
    assert len(events) == 4 * len(hours)
    for number, event in enumerate(events):
        hour, part = divmod(number, 4)
        opened = event.candle["open_time"]
        assert (opened, event.closed) == (hours.index[hour], part == 3)
        so_far = quarters[opened : opened + pd.Timedelta(minutes=15 * part)]
        expected = as_it_stood(so_far) if part < 3 else hours.iloc[hour].to_dict()
        for name in ("open", "high", "low", "close"):
            assert event.candle[name] == expected[name]
        assert event.candle["volume"] == pytest.approx(expected["volume"], rel=1e-12)
    assert [event.number for event in events] == list(range(1, len(events) + 1))


def test_without_the_whole_truth_only_the_closed_candle_comes():
    """One hour lacks a quarter, another one is stored with another price, a third with another volume."""
    quarters = QUARTERS.drop(QUARTERS.index[4 * 10 + 1])
    hours = HOURS.copy()
    hours.loc[hours.index[20], "high"] *= 1.0001
    hours.loc[hours.index[30], "volume"] += 1e-3
    events = played(hours, quarters, start=hours.index[0])
    seen = pd.Series([event.candle["open_time"] for event in events]).value_counts()
    alone = [hours.index.get_loc(time) for time in seen.index[seen == 1]]
    assert sorted(alone) == [10, 20, 30]
    closed = [event for event in events if event.closed]
    for name in hours.columns:
        assert same_bits([event.candle[name] for event in closed], hours[name])
    text = Replay(hours, smaller=quarters).forming_text
    assert "simulated from 15m" in text
    assert "1 of 100 candles lack 15m ones" in text
    assert "2 of 100 candles are not the sum" in text
    assert Replay(hours).forming_text.startswith("No forming candles")
    assert Replay(
        hours, smaller=quarters, start=hours.index[10], end=hours.index[11]
    ).forming_text.startswith("No forming candles")


def test_other_columns_are_sums_or_not_known():
    quarters, hours = QUARTERS.copy(), HOURS.copy()
    hours["number_of_trades"], hours["quote_asset_volume"] = 40.0, 4.0
    quarters["quote_asset_volume"] = 1.0
    first, second, third, closed = played(hours, quarters, start=hours.index[0])[:4]
    sums = [event.candle["quote_asset_volume"] for event in (first, second, third, closed)]
    assert sums == [1.0, 2.0, 3.0, 4.0]
    assert math.isnan(third.candle["number_of_trades"])
    assert closed.candle["number_of_trades"] == 40.0


def test_the_moment_and_the_pace():
    now = [0.0]
    replay = Replay(HOURS, smaller=QUARTERS, start=HOURS.index[50], speed=2.0, clock=lambda: now[0])

    async def play():
        events, seen = aiter(replay), []
        for _ in range(6):
            event = await anext(events)
            seen.append((event.closed, replay.moment, len(replay.history())))
            now[0] = max(now[0], replay._due)
        return seen, now[0]

    seen, lasted = run(play())
    quarter = pd.Timedelta(minutes=15)
    assert [moment for _, moment, _ in seen] == [HOURS.index[50] + n * quarter for n in range(1, 7)]
    assert [closed for closed, _, _ in seen] == [False] * 3 + [True] + [False] * 2
    assert [length for _, _, length in seen] == [50, 50, 50, 51, 51, 51], "what forms is no history"
    assert lasted == pytest.approx(6 / 8), "two candles a second are eight events"


def test_step_and_seek_in_the_middle_of_a_candle():
    async def steer():
        replay = Replay(HOURS, smaller=QUARTERS, start=HOURS.index[50], speed=math.inf)
        events = aiter(replay)
        got = [await anext(events), await anext(events)]
        replay.step(2)
        got += [await anext(events), await anext(events)]
        replay.play()
        got.append(await anext(events))
        replay.seek(HOURS.index[52])  # the candle that forms, from its beginning
        assert replay.moment == HOURS.index[52]
        got += [await anext(events), await anext(events)]
        return [(HOURS.index.get_loc(e.candle["open_time"]), e.closed, e.follows) for e in got]

    assert run(steer()) == [
        (50, False, True),
        (50, False, True),
        (50, True, True),
        (51, True, True),
        (52, False, True),
        (52, False, False),
        (52, False, True),
    ]


def test_the_history_tells_of_nothing_that_is_still_to_come():
    table = HOURS.reset_index()
    table.loc[[70, 90], "high"] = -1.0
    klines = normalize(table.drop(index=[20, 80]), symbol="BTCUSDT", timeframe="1h", source="test")
    klines.attrs["report"] = replace(klines.attrs["report"], fetched=pd.Timestamp("2025-01-01", tz="UTC"))
    replay = Replay(klines, start=HOURS.index[75])
    report = replay.history().attrs["report"]
    assert (report.candles, report.last) == (len(replay.history()), HOURS.index[74])
    assert len(report.quarantined) == 1
    assert [gap.before for gap in report.gaps] == [HOURS.index[21], HOURS.index[71]]
    assert (report.behind(), report.stale(), report.dropped_unclosed) == (0, False, None)
    assert len(klines.attrs["report"].quarantined) == 2
    replay.seek(HOURS.index[0])
    assert replay.history().empty
    assert replay.moment == HOURS.index[0]


def test_what_does_not_go_together_is_refused():
    with pytest.raises(CandleError, match="smaller='1h' is not allowed"):
        Forming(QUARTERS, HOURS)
    with pytest.raises(CandleError, match="smaller='1h' is not allowed"):
        Forming(HOURS, HOURS)
    other = QUARTERS.copy()
    other.attrs = QUARTERS.attrs | {"symbol": "ETHUSDT"}
    with pytest.raises(CandleError, match="to be of ETHUSDT"):
        Replay(HOURS, smaller=other)
    made_up = QUARTERS.copy()
    made_up["synthetic"] = True
    with pytest.raises(CandleError, match="are real and smaller is synthetic"):
        Replay(HOURS, smaller=made_up)
    broken = QUARTERS.copy()
    broken.loc[broken.index[3], "low"] = np.nan
    with pytest.raises(CandleError, match="no checked candles"):
        Replay(HOURS, smaller=broken)
