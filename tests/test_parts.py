"""The parts of a dashboard beside its chart, without a browser: why, screener, watchlist, charts, tabs."""

import asyncio
import json

import pytest
from market import random_candles

from toolkit import KLineDataLoader
from toolkit.candles import SYMBOLS
from toolkit.controls import (
    Charts,
    Dashboard,
    Drawer,
    IndicatorControls,
    PresetPicker,
    ScreenerPanel,
    Tabs,
    Tools,
    Watchlist,
    WhyPanel,
)

FRAMES = {
    ("BTCUSDT", "1h"): random_candles(400, seed=1),
    ("BTCUSDT", "1d"): random_candles(200, seed=2, timeframe="1d"),
    ("ETHUSDT", "1h"): random_candles(300, seed=3),
    ("SOLUSDT", "1h"): random_candles(300, seed=4),
}
FRAMES["SOLUSDT", "1h"].attrs["synthetic"] = True


@pytest.fixture(autouse=True)
def market(monkeypatch, tmp_path):
    def load(symbol, timeframe, *, source=None):
        try:
            return FRAMES[symbol, timeframe]
        except KeyError:
            raise FileNotFoundError(f"no candles of {symbol} in {timeframe}") from None

    monkeypatch.setattr(KLineDataLoader, "load_klines", load)
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))


@pytest.fixture
def state():
    return Dashboard("BTCUSDT", "1h")


def test_why_is_told_only_while_it_can_be_seen(state):
    charts = Charts(state)
    panel = WhyPanel(state)
    assert panel.content == {}
    assert not charts.charts[0]._controller.watching
    panel.seen = True
    assert charts.charts[0]._controller.watching
    assert panel.content["place"] == "the last candle"
    told = [rule["reason"] for group in panel.content["groups"] for rule in group["rules"]]
    assert told == [one.reason for one in state.slot.pipeline.explain(state.klines)]
    json.dumps(panel.content, allow_nan=False)
    panel._point(100)
    assert panel.content["time"] == f"{state.klines.index[100]:%Y-%m-%d %H:%M} UTC"
    state.configuration.set_indicator_enabled("RSI", False)
    assert [group["title"] for group in panel.content["groups"]] == ["MACD", "Bollinger Bands"]
    panel.seen = False
    assert not charts.charts[0]._controller.watching


def test_the_screener_says_what_is_missing_and_mixes_nothing(state):
    panel = ScreenerPanel(state)
    panel.run()
    assert len(panel.rows) == 3 * len(SYMBOLS)
    eth = panel.rows["ETHUSDT", "1h"]
    frame = state.slot.pipeline.calculate(FRAMES["ETHUSDT", "1h"])
    assert eth["close"] == frame["close"].iloc[-1]
    assert dict(zip(panel.columns, eth["values"], strict=True))["rsi"] == frame["rsi"].iloc[-1]
    assert eth["curve"] == frame["close"].iloc[-25:].tolist()
    assert panel.rows["ETHUSDT", "1d"]["failed"] == "no candles of ETHUSDT in 1d"
    assert "real and synthetic candles are not mixed" in panel.rows["SOLUSDT", "1h"]["failed"]
    json.dumps(list(panel.rows.values()), allow_nan=False)
    assert not panel.outdated
    state.configuration.set_indicator_params("RSI", {"period": 9})
    assert panel.outdated, "other indicators: what is shown says so"
    panel._receive(None, {"type": "open", "symbol": "ETHUSDT", "timeframe": "1h"}, [])
    assert state.klines is FRAMES["ETHUSDT", "1h"]


def test_the_screener_is_cancelled_and_keeps_what_it_has(state):
    async def main():
        panel = ScreenerPanel(state)
        panel.run()
        while not panel.rows:
            await asyncio.sleep(0.001)
        panel.cancel()
        held = len(panel.rows)
        assert panel.progress["running"] is False
        await asyncio.sleep(0.05)
        assert held <= len(panel.rows) <= held + 1 < 3 * len(SYMBOLS)

    asyncio.run(main())


def test_nothing_of_after_a_replay_s_moment_is_screened(state):
    panel = ScreenerPanel(state)
    panel.seen = True
    assert panel.rows
    state.moment = state.klines.index[50]
    assert panel.replaying
    assert panel.rows == {}
    panel.run()
    assert panel.rows == {}
    state.moment = None
    assert len(panel.rows) == 3 * len(SYMBOLS)


def test_the_watchlist_is_kept(state):
    watched = Watchlist(state)
    assert list(state.watched) == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    watched._receive(None, {"type": "watch", "symbol": "ETHUSDT"}, [])
    watched._receive(None, {"type": "watch", "symbol": "ADAUSDT"}, [])
    other = Dashboard("BTCUSDT", "1h")
    Watchlist(other)
    assert list(other.watched) == ["BTCUSDT", "SOLUSDT", "ADAUSDT"]


def test_controls_act_on_the_active_chart(state):
    charts, tools = Charts(state), Tools(state)
    tools.wanted = 2
    assert (state.charts, tools.charts, len(charts.children)) == (2, 2, 2)
    (group,) = {chart.group for chart in charts.charts}
    again = Dashboard("BTCUSDT", "1h")
    beside = Charts(again)
    again.charts = 2
    assert group not in ("", beside.charts[0].group), "another dashboard in the notebook moves by itself"
    tools.active = 1
    card = IndicatorControls(state, "RSI")
    card.inputs["period"].value = 30
    state.timeframe = "1d"
    one, two = state.slots
    assert (one.timeframe, two.timeframe) == ("1h", "1d")
    assert one.plotted["RSI"][0].params["period"] == 14
    assert two.plotted["RSI"][0].params["period"] == 30
    tools.active = 0
    assert card.inputs["period"].value == 14
    assert state.klines is FRAMES["BTCUSDT", "1h"]
    tools.linked = ["timeframe"]
    assert (state.slots[1].timeframe, len(state.slots[1].klines)) == ("1h", 400)
    tools.linked = ["symbol", "timeframe"]
    state.symbol = "ETHUSDT"
    assert [slot.symbol for slot in state.slots] == ["ETHUSDT", "ETHUSDT"]
    tools.wanted = 1
    assert (state.charts, len(charts.children), charts.charts[0].group) == (1, 1, "")
    assert state.error == {}


def test_a_load_is_cancelled_and_the_chart_stays(state, monkeypatch):
    import threading

    release = threading.Event()

    def slow(symbol, timeframe, *, source=None):
        release.wait(5)
        return FRAMES[symbol, timeframe]

    async def main():
        monkeypatch.setattr(KLineDataLoader, "load_klines", slow)
        state.symbol = "ETHUSDT"
        while state._task is None:
            await asyncio.sleep(0)
        assert state.is_reading
        assert state.loading == "Loading ETHUSDT 1h…"
        state.cancel()
        assert (state.symbol, state.loading, state.is_reading) == ("BTCUSDT", "", False)
        release.set()
        await asyncio.sleep(0.05)
        assert state.klines is FRAMES["BTCUSDT", "1h"]

    asyncio.run(main())


def test_a_card_adds_moves_and_removes(state):
    card = IndicatorControls(state, "RSI")
    card._receive(None, {"type": "action", "action": "duplicate"}, [])
    other = IndicatorControls(state, "RSI 2")
    other._receive(None, {"type": "action", "action": "up"}, [])
    assert state.configuration.get_enabled_indicators() == ["MACD", "RSI 2", "RSI", "Bollinger Bands"]
    assert list(state.slot.plotted) == ["MACD", "RSI 2", "RSI", "Bollinger Bands"]
    other._receive(None, {"type": "timeframe", "timeframe": "1d"}, [])
    assert state.slot.plotted["RSI 2"][1] == "1d"
    assert (
        state.signals["RSI 2"].position.tolist()
        == state.slot.pipeline.get_all_signals(state.klines)["RSI 2"].position.tolist()
    )
    other._receive(None, {"type": "action", "action": "remove"}, [])
    assert "RSI 2" not in state.slot.plotted
    assert IndicatorControls(state, "Ichimoku").switch.timeframes == [], "it draws ahead"


def test_a_preset_that_is_damaged_is_reported_and_nothing_changes(state, tmp_path):
    picker = PresetPicker(state)
    picker._receive(None, {"type": "save", "name": "mine"}, [])
    [file] = (tmp_path / "presets").iterdir()
    file.write_text('{"version": 2, "indicators": [{"indicator": "RSI", "params": {"length": 9}}]}')
    before = state.configuration.to_dict()
    with state.reporting("The preset could not be used"):
        picker._receive(None, {"type": "apply", "name": "mine"}, [])
    assert "preset 'mine': RSI: unknown parameter length=9" in state.error["text"]
    assert state.configuration.to_dict() == before


def test_what_is_not_in_front_is_not_made():
    made = []
    tabs = Tabs({name: lambda name=name: made.append(name) or Drawer(list) for name in ("a", "b", "c")})
    drawer = Drawer(lambda: made.append("drawer") or Tabs({"x": lambda: Drawer(list)}))
    assert made == ["a"]
    tabs.selected_index = 2
    tabs.bring("a")
    tabs.bring("c")
    assert made == ["a", "c"]
    drawer.toggle(True)
    drawer.toggle(False)
    drawer.toggle(True)
    assert made == ["a", "c", "drawer"]
    assert drawer.is_open
