"""The dashboard on an exchange's feed: a stand-in with real sockets, in virtual time."""

import asyncio

import numpy as np
import pytest
from feeds.exchange_stand_in import START, World
from feeds.virtual_time import run
from market import same_bits

from toolkit import IndicatorConfiguration, is_synthetic, settings
from toolkit.chart import Chart
from toolkit.controls import Dashboard, LiveBar

STEP = 900_000


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    folder = settings.folder
    monkeypatch.setattr(settings, "folder", lambda name: tmp_path if name == "live" else folder(name))


def test_an_exchange_is_followed_on_the_dashboard():
    """Through a drop and duplicates: what is drawn is what the exchange told, and what a batch gives."""

    async def follow():
        made = World(faults=("drop", "duplicate", "reorder", "drop"))
        async with made.stand_in:
            exchange = made.exchange()
            state = Dashboard("BTCUSDT", "15m", source="sample")
            chart = Chart()
            state.connect(chart)
            bar = LiveBar(state, live=exchange.feed)
            bar.follow_live()
            badges = set()
            wanted = START + 8 * STEP
            assert is_synthetic(state.klines)
            while is_synthetic(state.klines) or state.klines.index[-1].timestamp() * 1000 < wanted:
                await asyncio.sleep(60.0)
                badges.add(chart.badge)
                assert state.error == {}
            state.following.settle()
            klines = state.klines
            held = {name: column.values[: len(klines)] for name, column in chart._columns.held.items()}
            assert state.signals == IndicatorConfiguration().pipeline().get_all_signals(klines)
            bar.stop()
            await exchange.close()
            assert badges == {"LIVE"}
            return made, klines, held

    made, klines, held = run(follow())
    live = klines[klines.index.asi8 >= START]
    assert len(live) >= 8
    expected = [made.stand_in.market.closed("BTCUSDT", "15m", int(time))[:5] for time in klines.index.asi8]
    names = ["open", "high", "low", "close", "volume"]
    assert same_bits(klines[names], np.array(expected)), "no synthetic candle is left"
    assert not klines.attrs["report"].gaps
    assert all(same_bits(held[name], klines[name]) for name in names)
    batch = IndicatorConfiguration().pipeline().calculate(klines)
    assert same_bits(held["RSI.rsi"], batch["rsi"])
    assert same_bits(held["MACD.macd"], batch["macd"])


def test_the_settings_offer_an_exchange(monkeypatch):
    state = Dashboard("BTCUSDT", "15m", source="sample")
    assert LiveBar(state).status["live"] is False
    monkeypatch.setenv("TOOLKIT_LIVE", "binance")
    assert LiveBar(state).status["live"] is True
