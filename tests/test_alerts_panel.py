"""The alerts panel: from the form to what fired, in a replay and live."""

import asyncio
import math

import pandas as pd
import pytest
from market import random_candles

from toolkit import KLineDataLoader
from toolkit.alerts import Alert, Alerts
from toolkit.candles import normalize
from toolkit.controls import AlertsPanel, Dashboard, LiveBar
from toolkit.feeds import Event
from toolkit.rules import crosses_above

KLINES = normalize(random_candles(400, seed=8).reset_index(), symbol="BTCUSDT", timeframe="1h", source="test")


@pytest.fixture
def state(monkeypatch):
    def load(symbol, timeframe, *, source=None):
        if (symbol, timeframe) != ("BTCUSDT", "1h"):
            raise FileNotFoundError(symbol)
        return KLINES

    monkeypatch.setattr(KLineDataLoader, "load_klines", load)
    return Dashboard("BTCUSDT", "1h")


@pytest.fixture
def panel(state, tmp_path):
    return AlertsPanel(state, Alerts(tmp_path / "alerts.json"))


def ask(panel, **message):
    panel._receive(None, message, None)


def test_every_rule_can_be_chosen_and_is_taken_as_it_is_set(state, panel):
    assert panel.content["rules"]["RSI"] == ["OVERBOUGHT", "OVERSOLD", "BUY", "SELL"]
    state.configuration.set_indicator_params("RSI", {"period": 21})
    ask(panel, action="add", indicator="RSI", rule="OVERSOLD", level=0, to="https://example.org/secret")
    ask(panel, action="add", indicator="Close", rule="crosses above", level=31_000.5, to="")
    first, second = panel.content["alerts"]
    assert (first["series"], first["to"]) == ("BTCUSDT 1h", "this page, webhook example.org")
    assert second["text"] == "close crosses above 31000.5"
    made = list(panel.alerts.alerts.values())
    assert made[0] == Alert(
        "BTCUSDT", "1h", "OVERSOLD", "RSI", {"period": 21}, ("https://example.org/secret",)
    )
    ask(panel, action="remove", id=first["id"])
    assert [alert["id"] for alert in panel.content["alerts"]] == [second["id"]]
    ask(panel, action="add", indicator="Close", rule="crosses above", level=1.0, to="mailto:me")
    assert "to='mailto:me' is not allowed" in state.error["text"]
    assert "secret" not in str(panel.content)


def test_a_replay_fires_what_was_added_and_lists_nothing_later(state, panel):
    level = float(KLINES["close"].iloc[200:].median())
    panel.alerts.add(Alert("BTCUSDT", "1h", crosses_above("close", level)))
    close = KLINES["close"]
    wanted = [KLINES.index[i] for i in range(200, 400) if close.iloc[i] > level >= close.iloc[i - 1]]
    bar = LiveBar(state, watch=panel.take)

    def listed():
        hour = pd.Timedelta(hours=1)
        return [pd.Timestamp(one["time"], tz="UTC") - hour for one in reversed(panel.content["fired"])]

    async def play():
        bar.replay(KLINES.index[200])
        bar.play(math.inf)
        while not bar.status["ended"]:
            await asyncio.sleep(0.01)
        assert listed() == wanted
        assert all(one["marks"] == ["REPLAY"] for one in panel.content["fired"])
        bar.seek(300)
        assert listed() == [time for time in wanted if time < KLINES.index[300]] != wanted
        bar.stop()
        assert listed() == wanted
        ask(panel, action="clear")
        bar.replay(KLINES.index[200])  # the same again
        bar.play(math.inf)
        while not bar.status["ended"]:
            await asyncio.sleep(0.01)
        assert listed() == wanted

    asyncio.run(asyncio.wait_for(play(), 60))
    assert state.error == {}
    ask(panel, action="clear")
    assert panel.content["fired"] == []


def test_an_alert_added_while_candles_come_begins_with_the_next_one(state, panel):
    level = float(KLINES["close"].iloc[150:200].median())
    state.show(KLINES.iloc[:130], ())

    def take(rows):
        for row in rows:
            candle = {"open_time": KLINES.index[row]} | KLINES.iloc[row].to_dict()
            panel.take(Event("BTCUSDT", "1h", candle, True, row, "live"))
            state.show(KLINES.iloc[: row + 1], ())

    take(range(130, 150))
    ask(panel, action="add", indicator="Close", rule="crosses above", level=level, to="")
    take(range(150, 200))
    close = KLINES["close"]
    wanted = [i for i in range(150, 200) if close.iloc[i] > level >= close.iloc[i - 1]]
    fired = [KLINES.index.get_loc(pd.Timestamp(one.open_time)) for one in reversed(panel.alerts.fired)]
    assert fired == wanted != []
    assert state.error == {}
