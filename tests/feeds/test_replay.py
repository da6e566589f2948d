"""Replays: which candles, in which order, when, and how they can be steered."""

import asyncio
import math

import pandas as pd
import pytest
from market import random_candles, same_bits

from toolkit import IndicatorConfiguration
from toolkit.candles import CandleError
from toolkit.feeds import Replay, ReplayError

KLINES = random_candles(300)


def run(work, seconds=20):
    return asyncio.run(asyncio.wait_for(work, seconds))


async def collected(replay):
    return [event async for event in replay]


def test_every_candle_once_in_order_and_marked():
    replay = Replay(KLINES, speed=math.inf, start=KLINES.index[100])
    pd.testing.assert_frame_equal(replay.history(), KLINES.iloc[:100])
    events = run(collected(replay))
    assert [event.candle["open_time"] for event in events] == list(KLINES.index[100:])
    assert [event.number for event in events] == list(range(1, 201))
    assert {(event.symbol, event.timeframe, event.origin) for event in events} == {
        ("BTCUSDT", "1h", "replay")
    }
    assert all(event.closed and event.follows for event in events)
    for name in KLINES.columns:
        assert same_bits([event.candle[name] for event in events], KLINES[name].iloc[100:])
    assert replay.position is None
    assert replay.remaining == 0
    assert len(replay.history()) == 300


def test_fed_to_a_pipeline_it_gives_what_a_calculation_gives():
    pipeline = IndicatorConfiguration().pipeline()
    expected = pipeline.calculate(KLINES)
    replay = Replay(KLINES, speed=math.inf, start=KLINES.index[120])
    run_ = pipeline.stream()
    run_.feed(replay.history())
    values = [run_.update(event.candle) for event in run(collected(replay))]
    for name in values[0]:
        assert same_bits([one[name] for one in values], expected[name].iloc[120:])


def test_where_it_begins_and_ends():
    assert Replay(KLINES).remaining == 300  # fewer than the 500 it would begin before the end
    assert Replay(random_candles(700)).remaining == 500
    part = Replay(KLINES, start=KLINES.index[10], end=KLINES.index[20])
    assert (part.position, part.remaining) == (KLINES.index[10], 10)


@pytest.mark.parametrize("speed", [0, -1, math.nan, "1", None, True])
def test_a_speed_that_is_none(speed):
    with pytest.raises(ReplayError, match="speed="):
        Replay(KLINES, speed=speed)
    with pytest.raises(ReplayError, match="speed="):
        Replay(KLINES).play(speed if speed is not None else "x")


def test_a_range_without_candles():
    with pytest.raises(ReplayError, match="there are candles from 2024-01-01"):
        Replay(KLINES, start="2030-01-01")
    with pytest.raises(CandleError, match="is not before end"):
        Replay(KLINES, start="2024-01-02", end="2024-01-01")


def test_the_pace_is_the_speeds():
    """By a clock of its own: a candle is due a step after the last, and lateness does not add up."""
    now = [100.0]
    replay = Replay(KLINES, speed=10.0, start=KLINES.index[200], clock=lambda: now[0])

    async def play():
        events = aiter(replay)
        await anext(events)  # the first at once
        for _ in range(5):
            now[0] += 0.13  # what the receiver takes: the next one is due already
            await anext(events)

    run(play())
    # Five candles in 0.65 s: the next is due at 0.6, and there is no more to catch up with.
    assert replay._due == pytest.approx(100.6)
    now[0] += 3600.0  # the lid was closed

    async def after():
        await anext(aiter(replay))

    run(after())
    assert replay._due == pytest.approx(now[0] + 0.1)


def test_pause_step_and_play():
    async def steer():
        replay = Replay(KLINES, speed=1000.0, start=KLINES.index[0], paused=True)
        events = aiter(replay)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        replay.step(2)
        got = [(await waiting).number, (await anext(events)).number]
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        assert replay.paused
        replay.play(speed=500)
        got.append((await waiting).number)
        assert replay.speed == 500
        replay.pause()
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await replay.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
        await replay.close()
        return got

    assert run(steer()) == [1, 2, 3]


def test_seek_says_that_the_next_does_not_follow():
    async def steer():
        replay = Replay(KLINES, speed=math.inf, start=KLINES.index[50])
        events = aiter(replay)
        got = [await anext(events), await anext(events)]
        replay.seek(KLINES.index[10])
        assert len(replay.history()) == 10
        got += [await anext(events), await anext(events)]
        replay.seek(KLINES.index[12])  # where it is
        got.append(await anext(events))
        replay.seek(KLINES.index[200] + pd.Timedelta(1, "ms"))
        got.append(await anext(events))
        return got

    events = run(steer())
    assert [event.candle["open_time"] for event in events] == [
        KLINES.index[i] for i in (50, 51, 10, 11, 12, 201)
    ]
    assert [event.follows for event in events] == [True, True, False, True, True, False]
    assert [event.number for event in events] == [1, 2, 3, 4, 5, 6]


def test_steering_to_where_nothing_is():
    replay = Replay(KLINES)
    with pytest.raises(ReplayError, match="the last candle opens at"):
        replay.seek("2030-01-01")
    with pytest.raises(CandleError):
        replay.seek("soon")
    for candles in (0, -1, 1.5, True, "2"):
        with pytest.raises(ReplayError, match="step="):
            replay.step(candles)
