"""Following an exchange: whatever happens to the connection, the series and its signals are the same.

The exchange is a stand-in on this machine with real sockets; time is virtual.
"""

import asyncio
import contextlib
import itertools
import random
import ssl
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feeds.exchange_stand_in import START, Market, World, world
from feeds.virtual_time import run
from market import same_bits

from toolkit import FeedError, IndicatorConfiguration, live, settings
from toolkit.feeds.exchange import Exchange, socket

DAY, STEP = 86_400_000, 900_000


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A local store of its own; what is compiled is shared."""
    folder = settings.folder
    monkeypatch.setattr(settings, "folder", lambda name: tmp_path if name == "live" else folder(name))
    monkeypatch.setattr(socket, "_PING", 3_600.0)  # a day has many pings, which here are timers
    return tmp_path


async def follow(exchange, symbol="BTCUSDT", timeframe="15m", *, until, pipeline=None):
    """The events up to the close of the candle that opens at `until` (ms), and the frame then."""
    events = []
    stream = live(symbol, timeframe, pipeline, exchange=exchange)
    async with contextlib.aclosing(aiter(stream)) as every:
        async for event in every:
            events.append(event)
            if event.closed and millis(event) >= until:
                frame = await asyncio.to_thread(stream.frame)
                break
    return events, frame


def millis(event):
    return round(event.open_time.timestamp() * 1_000)


def kinds(exchange):
    return {notice.kind for notice in exchange.notices}


def check(events, frame, market, symbol="BTCUSDT", timeframe="15m", step=STEP):
    """Every closed candle once, in order, as the exchange has it."""
    closed = [event for event in events if event.closed]
    opens = [millis(event) for event in closed]
    assert opens == list(range(opens[0], opens[-1] + 1, step))
    for event in closed:
        assert tuple(event.candle.values()) == market.closed(symbol, timeframe, millis(event))
    assert [event.number for event in events] == sorted({event.number for event in events})
    expected = [market.closed(symbol, timeframe, int(time)) for time in frame.index.asi8]
    assert same_bits(frame.iloc[:, :9], np.array(expected))
    assert not frame.attrs["report"].gaps


FAULTS = ("drop",) * 100 + ("duplicate",) * 30 + ("reorder",) * 30 + ("lose_close",) * 12 + ("silence",) * 6
FAULTS += ("nonsense",) * 5 + ("shutdown",)


def faults(seed):
    random_ = random.Random(seed)
    what = random_.sample(FAULTS, len(FAULTS))
    when = sorted(START + random_.randrange(60_000, DAY - 3_600_000) for _ in what)
    return list(zip(when, what, strict=True))


def test_a_day_of_faults_gives_the_series_values_and_signals_of_a_day_without():
    pipeline = IndicatorConfiguration().pipeline()
    series = (("BTCUSDT", "15m", STEP), ("ETHUSDT", "1h", 3_600_000))

    async def day(name, planned, computed, followed):
        async with world(every=50.0, faults=planned, name=name) as w:
            exchange = w.exchange()
            found = await asyncio.gather(
                *(
                    follow(exchange, symbol, timeframe, until=START + DAY - step, pipeline=computed)
                    for symbol, timeframe, step in followed
                )
            )
            await exchange.close()
            return found, w.stand_in, exchange

    quiet, _, _ = run(day("quiet", [], None, series[:1]))
    rough, stand_in, exchange = run(day("rough", faults(1), pipeline, series))
    assert stand_in.counts["drop"] == 100
    assert stand_in.counts["connections"] > 100
    assert stand_in.counts["shutdown"] == 1
    assert {"connection", "silence", "shutdown", "invalid"} <= kinds(exchange)
    (expected_events, expected), (rough_events, rough_frame) = quiet[0], rough[0]
    candles = rough_frame[expected.columns]
    assert candles.index.equals(expected.index)
    assert candles.to_numpy().tobytes() == expected.to_numpy().tobytes()
    assert [e.open_time for e in rough_events if e.closed] == [
        e.open_time for e in expected_events if e.closed
    ]
    for (events, frame), (symbol, timeframe, step) in zip(rough, series, strict=True):
        check(events, frame, stand_in.market, symbol, timeframe, step)
        closed = [event for event in events if event.closed]
        # every value that was streamed is the one of a calculation over the whole
        batch = pipeline.calculate(frame[expected.columns])
        for name in closed[0].values:
            assert same_bits([event.values[name] for event in closed], batch[name].iloc[-len(closed) :])
        # and each signal came once, with the close of its candle
        told = [
            (label, one.timestamp, one.signal_type, one.value, one.known_at)
            for event in events
            for label, some in event.signals.items()
            for one in some
        ]
        batch_signals = [
            (label, one.timestamp, one.signal_type, one.value, one.known_at)
            for label, some in pipeline.get_all_signals(frame[expected.columns]).items()
            for one in some
            if one.timestamp >= closed[0].open_time
        ]
        assert sorted(told) == sorted(batch_signals)
        assert told
        assert all(event.closed for event in events if event.signals)


def test_a_restart_fetches_only_what_is_missing_and_tells_nothing_twice():
    async def twice():
        async with world() as w:
            first = w.exchange()
            events, _ = await follow(first, until=START + 3 * STEP)
            await first.close()
            asked = len(w.stand_in.requests)
            await w.until(START + 20 * STEP + 10_000)
            second = w.exchange()
            more, frame = await follow(second, until=START + 23 * STEP)
            await second.close()
            return w, events, more, frame, w.stand_in.requests[asked:]

    w, events, more, frame, requests = run(twice())
    check(events, frame, w.stand_in.market)
    check(more, frame, w.stand_in.market)
    # what was missed is history, and the first event says that it was not there before
    assert not more[0].follows
    assert [e.follows for e in more[1:]] == [True] * (len(more) - 1)
    opens = [millis(event) for event in more if event.closed]
    assert opens[0] == START + 20 * STEP
    starts = [int(query["startTime"]) for _, path, query in requests if path == "/api/v3/klines"]
    assert starts
    assert min(starts) >= START  # three closed ones are asked for again, to compare them


def test_an_hour_without_the_exchange_is_made_up_for():
    async def hour():
        async with world() as w:
            exchange = w.exchange()
            following = asyncio.create_task(follow(exchange, until=START + 12 * STEP))
            await w.until(START + STEP // 2)
            await w.stand_in.stop()
            await w.until(START + STEP // 2 + 3_600_000)
            status = exchange.status()
            await w.stand_in.start()
            events, frame = await following
            await exchange.close()
            return w, events, frame, status

    w, events, frame, status = run(hour())
    check(events, frame, w.stand_in.market)
    assert status["state"] in ("waiting", "connecting")
    assert "cannot be reached" in status["error"]
    assert status["next_attempt_seconds"] is None or status["next_attempt_seconds"] <= 60
    # it tried again and again, but not all the time
    assert any(notice.kind == "connection" for event in events for notice in event.notices)


def test_an_exchange_that_is_down_from_the_start_is_waited_for():
    async def late():
        w = World()
        await w.stand_in.start()
        await w.stand_in.stop()
        exchange = w.exchange()
        following = asyncio.create_task(follow(exchange, until=START + 6 * STEP))
        await w.until(START + 2 * STEP)
        status = exchange.status()
        await w.stand_in.start()
        events, frame = await following
        await exchange.close()
        await w.stand_in.stop()
        return w, events, frame, status, exchange

    w, events, frame, status, exchange = run(late())
    check(events, frame, w.stand_in.market)
    assert status["ready"] == 0
    assert "cannot be reached" in status["error"]
    assert exchange.status()["state"] == "off"


@pytest.mark.parametrize(("status", "seconds"), [(429, 7), (418, 600), (429, None), (418, None)])
def test_told_to_keep_away_it_keeps_away(status, seconds):
    async def refused():
        async with world() as w:
            w.stand_in.refusals.extend([(status, seconds)] * 2)
            exchange = w.exchange()
            events, frame = await follow(exchange, until=START + 3 * STEP)
            await exchange.close()
            return w, events, frame, exchange

    w, events, frame, exchange = run(refused())
    check(events, frame, w.stand_in.market)
    times = [time for time, _, _ in w.stand_in.requests]
    told = 1_000 * (seconds or {429: 60, 418: 120}[status])
    assert times[1] - times[0] >= told
    assert times[2] - times[1] >= told
    assert times[2] - times[0] < 2 * told + 20_000
    assert any(str(status) in notice.text for notice in exchange.notices)


def test_near_the_limit_the_rest_of_the_minute_is_left_to_others():
    async def heavy():
        async with world() as w:
            w.stand_in.used_weight = 5_000
            exchange = w.exchange()
            await follow(exchange, until=START + STEP)
            await exchange.close()
            return [time for time, _, _ in w.stand_in.requests]

    times = run(heavy())
    assert min(b - a for a, b in itertools.pairwise(times)) >= 60_000


def test_a_candle_changed_after_its_close_is_noted_and_stays():
    opened = START + STEP

    async def changed():
        async with world() as w:
            exchange = w.exchange()
            following = asyncio.create_task(follow(exchange, until=START + 6 * STEP))
            await w.until(START + 2 * STEP + 60_000)
            w.stand_in.market.changed["BTCUSDT", opened] = 1.05
            w.stand_in.mute = True  # so that what comes next is asked for
            await w.until(START + 4 * STEP)
            w.stand_in.mute = False
            events, frame = await following
            await exchange.close()
            again = w.exchange()
            _, later = await follow(again, until=START + 9 * STEP)
            await again.close()
            return w, events, frame, later, exchange

    w, events, frame, later, exchange = run(changed())
    check(events, frame, w.stand_in.market)
    corrections = [notice for notice in exchange.notices if notice.kind == "correction"]
    assert len(corrections) == 1
    assert "2025-01-01 00:15" in corrections[0].text
    assert sum(notice.kind == "correction" for event in events for notice in event.notices) == 1
    was = w.stand_in.market.closed("BTCUSDT", "15m", opened)[3]
    for one in (frame, later):  # also after a restart
        (found,) = one.attrs["report"].corrected
        assert (found.open_time, found.before) == (pd.Timestamp(opened, unit="ms", tz="UTC"), was)
        assert found.after == pytest.approx(was * 1.05)
        assert one["close"].loc[found.open_time] == was
        assert "1 candle changed by the exchange after the close" in str(one.attrs["report"])


def test_what_the_exchange_does_not_have_is_a_gap_and_is_asked_for_once():
    gone = [START + 3 * STEP, START + 4 * STEP]

    async def holes():
        market = Market()
        market.gone |= {("BTCUSDT", time) for time in gone}
        async with world(market=market) as w:
            exchange = w.exchange()
            events, frame = await follow(exchange, until=START + 8 * STEP)
            await exchange.close()
            asked = len(w.stand_in.requests)
            again = w.exchange()
            await follow(again, until=START + 10 * STEP)
            await again.close()
            return events, frame, exchange, w.stand_in.requests[asked:]

    events, frame, exchange, later = run(holes())
    opens = [millis(event) for event in events if event.closed]
    assert opens == [time for time in range(opens[0], START + 9 * STEP, STEP) if time not in gone]
    (gap,) = frame.attrs["report"].gaps
    assert gap.missing == 2
    assert [notice.text for notice in exchange.notices if notice.kind == "gap"] == [
        "the exchange has no candle from 2025-01-01 00:45:00+00:00 to 2025-01-01 01:00:00+00:00 (2 missing)"
    ]
    starts = [int(query["startTime"]) for _, path, query in later if path == "/api/v3/klines"]
    assert min(starts) > gone[-1]


def test_a_pair_that_there_is_not():
    async def unknown():
        async with world() as w:
            exchange = w.exchange()
            with pytest.raises(FeedError, match="there is no pair 'NOSUCHUSDT'"):
                await follow(exchange, "NOSUCHUSDT", until=START)
            events, frame = await follow(exchange, until=START + STEP)  # the others are as before
            await exchange.close()
            return w, events, frame

    w, events, frame = run(unknown())
    check(events, frame, w.stand_in.market)


def test_a_pair_that_is_traded_no_longer_is_said_so():
    async def delisted():
        async with world() as w:
            exchange = w.exchange()
            w.stand_in.ended["SOLUSDT"] = START + 2 * STEP
            w.stand_in.pairs["SOLUSDT"] = "BREAK"
            stream = live("SOLUSDT", "15m", exchange=exchange)
            events = []

            async def read():
                async for event in stream:
                    events.append(event)

            reading = asyncio.create_task(read())
            await w.until(START + 5 * STEP)
            status = exchange.status()
            await exchange.close()
            await reading
            return events, status, exchange

    events, status, exchange = run(delisted())
    assert [millis(event) for event in events if event.closed] == [START - STEP, START, START + STEP]
    assert status["halted"] == ["SOLUSDT 15m"]
    assert any("does not trade it (status BREAK)" in notice.text for notice in exchange.notices)


def test_this_machines_clock_closes_nothing():
    """An hour ahead, it would take forming candles for closed ones."""

    async def skewed():
        async with world() as w:
            w.ahead = 3_600.0
            exchange = w.exchange()
            events, frame = await follow(exchange, until=START + 3 * STEP)
            status = exchange.status()
            await exchange.close()
            return w, events, frame, status, exchange

    w, events, frame, status, exchange = run(skewed())
    check(events, frame, w.stand_in.market)
    assert status["clock_skew_seconds"] == pytest.approx(3_600, abs=1)
    (notice,) = [notice for notice in exchange.notices if notice.kind == "clock"]
    assert "3,600.0 s ahead of the exchange's" in notice.text


def test_while_rest_is_out_of_order_the_connection_goes_on():
    async def blind():
        async with world() as w:
            exchange = w.exchange()
            following = asyncio.create_task(follow(exchange, until=START + 6 * STEP))
            await w.until(START + STEP // 2)
            w.stand_in.blind = True
            await w.until(START + 4 * STEP)
            w.stand_in.blind = False
            events, frame = await following
            await exchange.close()
            return w, events, frame

    w, events, frame = run(blind())
    check(events, frame, w.stand_in.market)


def test_many_series_share_one_connection_within_its_limits():
    async def many():
        async with world() as w:
            names = [f"P{number}USDT" for number in range(240)]
            w.stand_in.pairs |= dict.fromkeys(names, "TRADING")
            exchange = w.exchange(first_candles=3)
            reading = []
            for at in (0, 120):  # the second half is subscribed to while connected
                feeds = [exchange.feed(name, "1h") for name in names[at : at + 120]]
                reading += [asyncio.create_task(anext(aiter(feed))) for feed in feeds]
                await asyncio.sleep(30)
            events = await asyncio.gather(*reading)
            status = exchange.status()
            await exchange.close()
            return w, events, status

    w, events, status = run(many())
    assert len(events) == 240
    assert w.stand_in.counts["connections"] == 1
    assert status["series"] == status["ready"] == 240
    commands = [time for time, _ in w.stand_in.commands]
    for at in range(len(commands) - 5):
        assert commands[at + 5] - commands[at] >= 1_000


def test_two_who_follow_the_same_series_get_the_same():
    async def both():
        async with world() as w:
            exchange = w.exchange()
            first = asyncio.create_task(follow(exchange, until=START + 6 * STEP))
            await w.until(START + 2 * STEP + 1_000)
            second = asyncio.create_task(follow(exchange, until=START + 6 * STEP))
            results = await asyncio.gather(first, second)
            await exchange.close()
            return w, results

    w, ((events, frame), (later, same)) = run(both())
    check(events, frame, w.stand_in.market)
    check(later, same, w.stand_in.market)
    pd.testing.assert_frame_equal(frame, same)
    assert millis(next(event for event in later if event.closed)) == START + 2 * STEP


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("BTCUSDT", "7m"), "timeframe='7m' is not allowed; it must be one of 1m"),
        (("../etc", "1h"), "symbol='../etc' is not a text such as 'BTCUSDT'"),
        ((None, "1h"), "both are needed"),
    ],
)
def test_a_series_that_cannot_be(arguments, message):
    with pytest.raises(FeedError, match=message.replace(".", r"\.")):
        live(*arguments, exchange=Exchange("binance"))
    with pytest.raises(FeedError, match="venue='kraken' is not known; allowed are binance, binance-us"):
        live("BTCUSDT", "1h", venue="kraken")


def test_a_wrong_certificate_is_refused_and_said():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("certificate.pem"))  # signed by itself

    async def refused():
        async with world(ssl=context) as w:
            exchange = w.exchange()
            following = asyncio.create_task(follow(exchange, until=START + STEP))
            await w.until(START + 120_000)
            status = exchange.status()
            await exchange.close()
            with contextlib.suppress(UnboundLocalError):
                await following
            return w, status, exchange

    w, status, exchange = run(refused())
    assert "its certificate is refused (self-signed certificate)" in status["error"]
    assert {notice.kind for notice in exchange.notices} == {"connection", "rest"}
    assert all("Nothing is taken from there" in notice.text for notice in exchange.notices)
    assert w.stand_in.requests == []
    assert w.stand_in.counts["connections"] == 0
