"""A dashboard that follows a feed: what is drawn, told and known at every candle."""

import asyncio
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market import random_candles, same_bits

from toolkit import IndicatorConfiguration, KLineDataLoader, resample
from toolkit.candles import normalize
from toolkit.chart import Chart
from toolkit.controls import Dashboard, DataSummary, LiveBar, SignalTable
from toolkit.feeds import Event, Replay, ReplayError


def checked(klines, timeframe, symbol="BTCUSDT"):
    return normalize(klines.reset_index(), symbol=symbol, timeframe=timeframe, source="test")


QUARTERS = checked(random_candles(4 * 420, seed=5, timeframe="15m"), "15m")
HOURS = checked(resample(QUARTERS, "1h"), "1h")
OTHERS = checked(random_candles(300, seed=6), "1h", "ETHUSDT")
SERIES = {("BTCUSDT", "15m"): QUARTERS, ("BTCUSDT", "1h"): HOURS, ("ETHUSDT", "1h"): OTHERS}
KNOWN = {
    name: IndicatorConfiguration().pipeline().calculate(HOURS)[name].to_numpy() for name in ("rsi", "macd")
}


@pytest.fixture(autouse=True)
def loader(monkeypatch):
    def load(symbol, timeframe, *, source=None):
        try:
            return SERIES[symbol, timeframe]
        except KeyError:
            raise FileNotFoundError(f"no candles of {symbol} in {timeframe}") from None

    monkeypatch.setattr(KLineDataLoader, "load_klines", load)


class Page:
    """A dashboard with chart, table and bar, and all that its chart was ever told about a row."""

    def __init__(self):
        self.state = Dashboard("BTCUSDT", "1h")
        self.chart = Chart()
        self.state.connect(self.chart)
        self.table = SignalTable(self.state)
        self.summary = DataSummary(self.state)
        self.bar = LiveBar(self.state)

    @property
    def columns(self):
        return self.chart._columns

    def held(self, name):
        return self.columns.held[name].values

    async def until(self, condition):
        for _ in range(4000):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"it does not come: {self.bar.status} {self.state.error}")

    def check(self, count):
        """All that is drawn and told is what a calculation over the first `count` candles gives."""
        assert self.state.error == {}
        assert (self.columns.closed, len(self.state.klines)) == (count, count)
        expected = IndicatorConfiguration().pipeline().calculate(HOURS.iloc[:count])
        signals = IndicatorConfiguration().pipeline().get_all_signals(HOURS.iloc[:count])
        for name in ("open", "high", "low", "close", "volume"):
            assert same_bits(self.held(name)[:count], HOURS[name].iloc[:count])
        for column in (name for name in self.columns.held if "." in name):
            assert same_bits(self.held(column)[:count], expected[column.split(".")[1]]), column
        assert self.state.signals == signals
        assert self.chart._signals == signals
        report = self.state.klines.attrs["report"]
        assert (report.candles, report.last) == (count, HOURS.index[count - 1])
        assert report.fetched is None
        assert f" {count:,} candle" in self.summary.value


def run(work, seconds=60):
    return asyncio.run(asyncio.wait_for(work, seconds))


def test_what_is_drawn_is_what_was_known():
    """At every event: values of the batch, to the bit; a forming candle is peeked at and changes nothing."""

    async def play():
        page = Page()
        page.bar.replay(HOURS.index[385])
        page.check(385)
        following, seen = page.state.following, []

        def watch(event):
            following.flush()
            row = HOURS.index.get_loc(event.candle["open_time"])
            assert page.columns.length == row + 1
            assert page.columns.forming is not event.closed
            for name, label in (("rsi", "RSI.rsi"), ("macd", "MACD.macd")):
                assert same_bits(page.held(label)[:row], KNOWN[name][:row]), "nothing drawn changes"
                if event.closed:
                    assert page.held(label)[row] == KNOWN[name][row]
                else:
                    so_far = pd.concat(
                        [HOURS.iloc[:row], pd.DataFrame([event.candle]).set_index("open_time")]
                    )
                    so_far.attrs = {"symbol": "BTCUSDT", "timeframe": "1h"}
                    batch = IndicatorConfiguration().pipeline().calculate(so_far)[name].iloc[-1]
                    assert page.held(label)[row] == batch
            newest = max(s.timestamp[-1] for s in page.state.signals.values() if len(s))
            assert newest <= event.candle["open_time"], "no signal of a candle that forms or is to come"
            assert f"REPLAY {page.bar.feed.moment:%Y-%m-%d %H:%M} UTC" == page.chart.badge
            seen.append(event)

        following._watch = watch
        page.bar.play(math.inf)
        await page.until(lambda: page.bar.status["ended"])
        assert sum(event.closed for event in seen) == 35
        assert sum(not event.closed for event in seen) == 105
        page.check(420)
        assert page.state.moment == HOURS.index[-1] + pd.Timedelta(hours=1)
        page.bar.stop()
        assert page.state.klines is HOURS
        assert (page.chart.badge, page.state.moment, page.bar.mode) == ("", None, "stored")

    run(play())


@given(st.lists(st.integers(-420, 419), min_size=1, max_size=6))
@settings(max_examples=5, deadline=None)
def test_wherever_it_is_moved(moves):
    """Seek, step and step back in any order: always what was known at that candle."""

    async def play():
        page = Page()
        page.bar.replay(HOURS.index[200])
        row = 200
        for move in moves:
            if move >= 0:
                row = max(1, move)
                page.bar.seek(move)
            elif move > -60:
                row = max(1, row + move)
                page.bar.step(move)
            elif row < 415:
                row += 1
                page.bar.step()
                await page.until(lambda wanted=row: page.columns.closed == wanted)
                page.state.following.settle()
            page.check(row)
            assert page.bar.status["row"] == row
        page.bar.stop()

    run(play())


def test_a_far_seek_is_drawn_anew(monkeypatch):
    monkeypatch.setattr("toolkit.controls.following.NEAR", 50)
    page = Page()
    page.bar.replay(HOURS.index[100])
    epoch = page.columns.epoch
    page.bar.seek(140)
    assert page.columns.epoch == epoch
    page.bar.seek(400)
    assert page.columns.epoch == epoch + 1
    page.check(400)
    page.bar.seek("2024-01-02")
    page.check(24)
    page.bar.seek(10_000)
    page.check(419)


def test_indicators_changed_meanwhile_are_those_of_the_candles_known():
    async def play():
        page = Page()
        page.bar.replay(HOURS.index[300])
        replay = page.bar.feed
        page.bar.play(math.inf)
        await page.until(lambda: page.columns.closed > 310)
        replay.pause()
        await page.until(lambda: not page.bar._task.done() and replay.paused)
        replay.play(1000.0)
        await page.until(lambda: page.columns.forming or page.columns.closed > 400)
        replay.pause()
        page.state.configuration.set_indicator_params("RSI", {"period": 5})
        page.state.configuration.set_indicator_enabled("MACD", False)
        known = page.columns.closed
        assert len(page.state.klines) == known < 420
        fresh = page.state.configuration.pipeline()
        assert same_bits(page.held("RSI.rsi")[:known], fresh.calculate(HOURS.iloc[:known])["rsi"])
        if page.columns.forming:
            assert math.isfinite(page.held("RSI.rsi")[known]), "the candle that forms has its value again"
        page.bar.play(math.inf)
        await page.until(lambda: page.bar.status["ended"])
        assert same_bits(page.held("RSI.rsi"), fresh.calculate(HOURS)["rsi"])
        await page.until(
            lambda: page.state.signals == fresh.get_all_signals(HOURS)
        )  # wait for a slider to stop
        assert "MACD.macd" not in page.columns.held
        assert page.state.error == {}

    run(play())


def test_another_series_is_shown_only_as_far_as_the_replay_knows():
    """No way round it: not by another timeframe, not by another symbol, not by one without candles."""

    async def play():
        page = Page()
        page.bar.replay(HOURS.index[100])
        page.state.timeframe = "15m"
        await page.until(lambda: page.columns.step == 15 * 60_000)
        assert page.state.klines.index[-1] + pd.Timedelta(minutes=15) == HOURS.index[100]
        assert page.columns.length == len(page.state.klines) == 400
        page.bar.step()
        await page.until(lambda: page.columns.closed == 401)
        page.state.timeframe = "1h"
        await page.until(lambda: page.columns.step == 60 * 60_000)
        assert page.state.klines.index[-1] == HOURS.index[99], "the hour has not closed at a quarter past"
        page.state.symbol = "ETHUSDT"
        await page.until(lambda: page.state.klines.attrs["symbol"] == "ETHUSDT")
        assert len(page.state.klines) == 100
        assert page.bar.mode == "replay"
        page.state.symbol = "BTCUSDT"
        await page.until(lambda: page.state.klines.attrs["symbol"] == "BTCUSDT")
        page.bar.seek(350)
        page.state.symbol = "ETHUSDT"  # has 300 candles: nothing to go on with
        await page.until(lambda: page.state.error)
        assert "has no candles to go on from" in page.state.error["text"]
        await page.until(lambda: page.state.symbol == "BTCUSDT")
        assert len(page.state.klines) == 350

    run(play())


class LiveStandIn:
    """A feed as an exchange's: history, then events that are put in by hand."""

    origin = "live"

    def __init__(self, history, symbol="BTCUSDT", timeframe="1h"):
        self.symbol, self.timeframe = symbol, timeframe
        self.stored, self.queue, self.number, self.closed = history, asyncio.Queue(), 0, False

    def history(self):
        return self.stored

    def put(self, row, *, closed=True, follows=True):
        candle = {"open_time": HOURS.index[row]} | HOURS.iloc[row].to_dict()
        self.number += 1
        event = Event("BTCUSDT", "1h", candle, closed, self.number, "live", follows)
        self.queue.put_nowait(event)

    async def __aiter__(self):
        while (event := await self.queue.get()) is not None:
            yield event

    async def close(self):
        self.closed = True
        self.queue.put_nowait(None)


def test_a_live_feed_plugs_in_with_one_line():
    async def play():
        page = Page()
        feed = LiveStandIn(HOURS.iloc[:405])
        with pytest.raises(ReplayError, match="no live feed"):
            page.bar.follow_live()
        page.bar = LiveBar(page.state, live=lambda symbol, timeframe: feed)
        page.bar.follow_live()
        await page.until(lambda: len(page.state.klines) == 405)
        assert page.chart.badge == "CONNECTING…"  # nothing has come yet
        feed.put(404)  # what the history has already
        feed.put(405, closed=False)
        await page.until(lambda: page.columns.forming)
        assert page.chart.badge == "LIVE"
        feed.put(405)
        feed.put(406)
        await page.until(lambda: len(page.state.klines) == 407)
        assert page.state.signals == IndicatorConfiguration().pipeline().get_all_signals(HOURS.iloc[:407])
        assert same_bits(page.held("RSI.rsi"), KNOWN["rsi"][:407])
        report = page.state.klines.attrs["report"]
        assert (report.candles, report.last) == (407, HOURS.index[406])
        feed.stored = HOURS.iloc[:412]  # some were missed, and stored meanwhile
        feed.put(411, follows=False)
        feed.put(412)
        await page.until(lambda: len(page.state.klines) == 413)
        assert same_bits(page.held("RSI.rsi"), KNOWN["rsi"][:413])
        assert page.state.error == {}
        page.bar.stop()
        await page.until(lambda: feed.closed)
        assert len(page.state.klines) == 420

    run(play())


def test_what_cannot_be_is_said():
    page = Page()
    for action, words in (
        ({"action": "step", "candles": 1}, "none is running"),
        ({"action": "mode", "mode": "live"}, "no live feed"),
        ({"action": "speed", "speed": 0}, "speed=0.0 is not allowed"),
    ):
        page.bar._receive(None, action, None)
        assert words in page.state.error["text"]
    page.bar.replay()
    assert page.bar.status["row"] == 1, "fewer than 500 candles: from the first on"
    with pytest.raises(ReplayError, match="none is running"):
        LiveBar(page.state).step()
    assert isinstance(page.bar.feed, Replay)
    with pytest.raises(ValueError, match="do not follow"):
        page.chart.extend(
            {name: np.ones(1) for name in ("time", "open", "high", "low", "close", "volume")},
            {
                label: {o: np.ones(1) for o in page.state.configuration.pipeline().columns(label)}
                for label in ("MACD", "RSI", "Bollinger Bands")
            },
        )
    with pytest.raises(ValueError, match="close has no values"):
        page.chart.extend({"time": np.ones(1), "open": np.ones(1), "high": np.ones(1), "low": np.ones(1)}, {})
    with pytest.raises(ValueError, match="length=9 is not allowed"):
        page.chart.rewind(9)
