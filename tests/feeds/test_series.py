"""The order of frames: whatever comes, each closed candle is handed on once, in order, as it was told."""

import json

import pytest
from feeds.exchange_stand_in import START, Market
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.feeds.exchange.frames import BadKline, Kline, message_of, of_event, of_row, stream_name
from toolkit.feeds.exchange.series import Correction, Hole, Series

STEP = 900_000
MARKET = Market()


def frame(number, share):
    """A frame of a candle; a share of 1 is its close."""
    opened = START + number * STEP
    closed = share >= 1
    now = opened + STEP if closed else opened + int(share * STEP)
    return of_event(MARKET.event("BTCUSDT", "15m", opened, now, closed), STEP)


def rows(first, until):
    """REST's rows from a candle on, as of `until` candles after the start."""
    now = START + int(until * STEP)
    opens = range(START + first * STEP, now + 1, STEP)
    return [of_row(MARKET.row("BTCUSDT", "15m", o, now), "BTCUSDT", "15m", STEP, now) for o in opens], now


frames = st.lists(
    st.tuples(st.integers(0, 11), st.sampled_from([0.1, 0.4, 0.8, 1.0, 1.0])).map(lambda one: frame(*one)),
    max_size=60,
)


@given(given_frames=frames, fills=st.lists(st.integers(1, 12), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_frames_in_any_order_with_rest_between(given_frames, fills):
    series = Series("BTCUSDT", "15m")
    series.last = START - STEP
    places = {len(given_frames) * place // (len(fills) + 1): until for place, until in enumerate(fills, 1)}
    told = []
    for place, kline in enumerate(given_frames):
        told += series.take(kline).klines
        if place in places:
            step = series.fill(*rows(0, places[place] + 0.5), 60_000)
            assert not step.holes
            assert not step.corrections
            told += step.klines
    step = series.fill(*rows(0, 12.5), 60_000)
    assert not step.holes
    told += step.klines
    closed = [kline for kline in told if kline.closed]
    assert [kline.open_time for kline in closed] == [START + number * STEP for number in range(12)]
    for kline in closed:
        assert kline.values == MARKET.closed("BTCUSDT", "15m", kline.open_time)
    # a forming one is of the candle after the last closed one, and never goes back in time
    last, forming = START - STEP, None
    for kline in told:
        assert kline.open_time == last + STEP
        if kline.closed:
            last, forming = kline.open_time, None
        else:
            assert forming is None or kline.newer(forming)
            forming = kline


def test_a_later_candle_waits_for_the_one_before():
    series = Series("BTCUSDT", "15m")
    series.last = START - STEP
    assert series.take(frame(1, 0.4)).klines == ()
    assert series.waiting
    assert series.take(frame(0, 1)).klines == (frame(0, 1), frame(1, 0.4))
    assert not series.waiting


def test_what_the_exchange_has_none_of_is_a_hole_after_a_while():
    series = Series("BTCUSDT", "15m")
    series.last = START - STEP
    found, now = rows(0, 3.01)
    without = [row for row in found if row.open_time not in (START + STEP, START + 2 * STEP)]
    early = series.fill(without, now, 60_000)  # nine seconds: it may still come
    assert [kline.open_time for kline in early.klines] == [START]
    assert early.holes == ()
    late = series.fill(without, now + 60_000, 60_000)
    assert late.holes == (Hole(START + STEP, START + 2 * STEP),)
    assert [kline.open_time for kline in late.klines] == [START + 3 * STEP]


def test_a_correction_is_told_once_and_changes_nothing():
    series = Series("BTCUSDT", "15m")
    series.last = START - STEP
    series.take(frame(0, 1))
    changed = frame(0, 1)._replace(values=(2.0,) * 9)
    assert series.take(changed).corrections == (Correction(START, (2.0,) * 9, frame(0, 1).values),)
    assert series.take(changed) == series.take(frame(0, 1)) == series.take(frame(0, 0.4))
    again = frame(0, 1)._replace(values=(3.0,) * 9)
    assert len(series.take(again).corrections) == 1
    assert series.last == START


def test_the_documented_frame():
    """As in the exchange's documentation of its kline stream, within a combined stream."""
    text = (
        '{"stream":"bnbbtc@kline_1m","data":{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,'
        '"T":1672515839999,"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025",'
        '"l":"0.0010","v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}}'
    )
    values = (0.001, 0.0025, 0.001, 0.002, 1000.0, 1.0, 100.0, 500.0, 0.5)
    expected = Kline("BNBBTC", "1m", 1672515780000, 1672515782136, False, values)
    assert of_event(message_of(text), 60_000) == expected
    assert stream_name("BNBBTC", "1m") == "bnbbtc@kline_1m"
    assert message_of('{"event":{"e":"serverShutdown","E":1}}')["e"] == "serverShutdown"


CHANGES = [
    ({"o": "NaN"}, "cannot be"),
    ({"l": "-1"}, "cannot be"),
    ({"h": "0.1"}, "cannot be"),
    ({"v": "-1"}, "cannot be"),
    ({"q": "inf"}, "cannot be"),
    ({"c": "x"}, "cannot be read"),
    ({"c": None}, "cannot be read"),
    ({"t": "1672515780000"}, "not whole numbers"),
    ({"t": START + 1}, "not on the grid"),
    ({"x": 1}, "not whole numbers"),
    ({"x": True}, "says at .* that it is closed"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_a_candle_that_cannot_be_is_refused(change, message):
    event = MARKET.event("BTCUSDT", "15m", START, START + STEP // 2, False)
    event["k"] |= change
    with pytest.raises(BadKline, match=message):
        of_event(json.loads(json.dumps(event)), STEP)


@pytest.mark.parametrize("text", ["", "null", "[1]", '{"data":', b"\xff"])
def test_a_frame_that_is_none(text):
    with pytest.raises(BadKline, match="frame is no"):
        message_of(text)
