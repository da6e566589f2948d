"""`live`: stored candles, the exchange's, and a replay, all through the same path."""

import asyncio
import contextlib
import math

import numpy as np
import pandas as pd
import pytest
from feeds.exchange_stand_in import START, world
from feeds.virtual_time import run
from market import random_candles, same_bits

from toolkit import FeedError, IndicatorPipeline, KLineDataLoader, live, settings
from toolkit.candles import Seam
from toolkit.feeds import Replay

STEP = 900_000
KLINES = random_candles(300)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    folder = settings.folder
    monkeypatch.setattr(settings, "folder", lambda name: tmp_path if name == "live" else folder(name))


def pipeline():
    return IndicatorPipeline().add("MACD").add("RSI").add("Bollinger Bands").add("RSI", timeframe="4h")


async def collected(stream):
    return [event async for event in stream]


def test_a_replay_goes_the_same_way():
    replay = Replay(KLINES, speed=math.inf, start=KLINES.index[100])
    events = run(collected(live(feed=replay, pipeline=pipeline())))
    batch = pipeline().calculate(KLINES)
    assert [event.open_time for event in events] == list(KLINES.index[100:])
    assert {event.origin for event in events} == {"replay"}
    for name in events[0].values:
        assert same_bits([event.values[name] for event in events], batch[name].iloc[100:])
    told = [one for event in events for some in event.signals.values() for one in some]
    expected = [
        one
        for some in pipeline().get_all_signals(KLINES).values()
        for one in some
        if one.timestamp >= KLINES.index[100]
    ]
    key = lambda one: (one.timestamp, one.name, one.signal_type)  # noqa: E731
    assert sorted(told, key=key) == sorted(expected, key=key)
    for event in events:
        for some in event.signals.values():
            assert {one.timestamp for one in some} == {event.open_time}


def test_a_replay_that_is_moved_is_computed_anew():
    replay = Replay(KLINES, speed=math.inf, start=KLINES.index[100])

    async def moved():
        events = []
        async for event in live(feed=replay, pipeline=pipeline()):
            events.append(event)
            if len(events) == 10:
                replay.seek(KLINES.index[50])
            if len(events) == 20:
                replay.seek(KLINES.index[290])
        return events

    events = run(moved())
    rows = [*range(100, 110), *range(50, 60), *range(290, 300)]
    assert [event.open_time for event in events] == [KLINES.index[row] for row in rows]
    assert [event.follows for event in events] == [place % 10 > 0 or place == 0 for place in range(30)]
    batch = pipeline().calculate(KLINES)
    for name in events[0].values:
        assert same_bits([event.values[name] for event in events], batch[name].iloc[rows])


def test_a_pipeline_of_nothing_gives_the_candles():
    events = run(collected(live(feed=Replay(KLINES, speed=math.inf))))
    assert len(events) == 300
    assert events[-1].values == {}
    assert events[-1].candle["close"] == KLINES["close"].iloc[-1]


def test_a_feed_comes_alone():
    with pytest.raises(FeedError, match="give it alone"):
        live("BTCUSDT", feed=Replay(KLINES))
    with pytest.raises(FeedError, match="must be an IndicatorPipeline"):
        live("BTCUSDT", "1h", "MACD")


@pytest.fixture
def stored(tmp_path):
    """A folder of stored candles that end 1,200 candles before the exchange's clock begins, with a gap."""
    count = 2_000
    index = pd.to_datetime(START - (1_200 + count) * STEP + np.arange(count) * STEP, unit="ms")
    frame = random_candles(count, timeframe="15m").reset_index(drop=True)
    frame.insert(0, "open_time", index)
    folder = tmp_path / "source" / "klines" / "BTCUSDT"
    folder.mkdir(parents=True)
    frame.drop(index=range(500, 510)).to_parquet(folder / "BTC_15m.parquet")
    return tmp_path / "source"


def test_stored_candles_then_the_exchanges_without_a_seam_in_time(stored):
    async def followed():
        async with world() as w:
            exchange = w.exchange()
            exchange.source = str(stored)
            stream = live("BTCUSDT", "15m", pipeline(), exchange=exchange)
            events = []
            async with contextlib.aclosing(aiter(stream)) as every:
                async for event in every:
                    events.append(event)
                    if sum(one.closed for one in events) == 5:
                        frame = await asyncio.to_thread(stream.frame)
                        break
            await exchange.close()
            return w.stand_in, events, frame

    stand_in, events, frame = run(followed())
    before = KLineDataLoader.load_klines("BTCUSDT", "15m", source=stored)
    report = frame.attrs["report"]
    seam = before.index[-1] + pd.Timedelta("15min")
    assert report.seams == (Seam(seam, before.attrs["source"], "stand-in"),)
    assert f"stand-in from {seam:%Y-%m-%d %H:%M} on" in str(report)
    assert [gap.missing for gap in report.gaps] == [10]  # the stored one: it is not filled
    assert report.candles == len(frame) == 1_990 + 1_200 + 4
    assert frame.index.is_unique
    assert frame.index.is_monotonic_increasing
    assert not frame.attrs["synthetic"]
    assert same_bits(frame[before.columns].iloc[:1_990], before)
    opens = [int(time) for time in frame.index[1_990:].asi8]
    assert same_bits(
        frame[[*before.columns, "number_of_trades"]].iloc[1_990:],
        [[*(c := stand_in.market.closed("BTCUSDT", "15m", time))[:5], c[6]] for time in opens],
    )
    assert frame["number_of_trades"].iloc[:1_990].isna().all()
    # the first page of the past is asked for from where the stored ones end
    klines = [query for _, path, query in stand_in.requests if path == "/api/v3/klines"]
    assert int(klines[0]["startTime"]) == seam.value // 10**6 - 3 * STEP
    closed = [event for event in events if event.closed]
    batch = pipeline().calculate(frame[before.columns])
    for name in closed[0].values:
        assert same_bits([event.values[name] for event in closed], batch[name].iloc[-5:])
