"""Alerts: what fires, once, whatever happens in between, and who is told."""

import asyncio
import json
import math
import sys
import types
from multiprocessing.pool import ThreadPool

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market import random_candles

from toolkit import RSI, IndicatorRegistry
from toolkit.alerts import Alert, AlertError, Alerts, Book, WebhookError
from toolkit.alerts import alerts as module
from toolkit.alerts.alert import Judge
from toolkit.feeds import Event, Replay
from toolkit.rules import above, at_or_below, crosses_above, crosses_below

KLINES = random_candles(400, seed=8)
OVERSOLD = Alert("BTCUSDT", "1h", "OVERSOLD", indicator="RSI", params={"period": 5})
LEVEL = Alert("BTCUSDT", "1h", crosses_above("close", float(KLINES["close"].median())))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alerts.json"


def candle(row):
    return {"open_time": KLINES.index[row]} | KLINES.iloc[row].to_dict()


def event(row, *, closed=True, origin="live"):
    return Event("BTCUSDT", "1h", candle(row), closed, row, origin)


def rows_of(fired):
    return [KLINES.index.get_loc(pd.Timestamp(one.open_time)) for one in fired]


def expected(alert, klines=KLINES):
    """The rows at which it holds first, in plain pandas."""
    if alert is OVERSOLD:
        rsi = RSI(period=5).calculate(klines)["rsi"]
        holds = rsi <= 30
        return np.flatnonzero((holds & ~holds.shift(fill_value=False)).to_numpy()).tolist()
    holds = klines["close"] > alert.rule.right  # a crossing needs the candle before it
    return np.flatnonzero((holds & ~holds.shift(fill_value=True)).to_numpy()).tolist()


@pytest.mark.parametrize("alert", [OVERSOLD, LEVEL], ids=["signal", "level"])
@given(st.integers(0, len(KLINES)))
@settings(max_examples=5, deadline=None)
def test_history_and_candles_give_what_plain_pandas_gives(alert, cut):
    judge = Judge(alert)
    hits = judge.history(KLINES.iloc[:cut])
    hits += [hit for row in range(cut, len(KLINES)) if (hit := judge.update(candle(row))) is not None]
    assert [KLINES.index.get_loc(hit.open_time) for hit in hits] == expected(alert)
    assert len(hits) > 3
    for hit in hits:
        assert hit.close == KLINES["close"][hit.open_time]


def test_every_registered_signal_type_can_be_watched():
    for name in IndicatorRegistry.names():
        for rule in IndicatorRegistry.get(name).rules:
            alert = Alert("BTCUSDT", "1h", rule.signal_type, indicator=name)
            wanted = IndicatorRegistry.get(name).get_signals(KLINES).of_type(rule.signal_type)
            assert [hit.open_time for hit in Judge(alert).history(KLINES)] == list(wanted.timestamp.unique())
            assert Alert.from_dict(json.loads(json.dumps(alert.to_dict()))) == alert


def test_each_candle_fires_once_over_restarts_and_what_closed_meanwhile_is_listed(path):
    alerts = Alerts(path)
    told = []
    alerts.add(OVERSOLD)
    first = alerts.begin("BTCUSDT", "1h", KLINES.iloc[:100])
    assert first.missed == [], "a new alert begins with the next candle"
    alerts.call(told.append)
    fired = []
    for row in range(100, 200):
        assert first.update(event(row, closed=False)) == [], "a candle that forms fires nothing"
        fired += first.update(event(row))
        assert first.update(event(row)) == [], "nor does one that comes twice"
    again = Alerts(path)
    again.call(told.append)
    second = again.begin("BTCUSDT", "1h", KLINES.iloc[:150])  # its history is older than what was judged
    for row in range(150, 200):
        assert second.update(event(row)) == []
    late = Alerts(path)
    late.call(told.append)
    third = late.begin("BTCUSDT", "1h", KLINES.iloc[:300])
    assert all(one.missed and one.text.startswith("MISSED BTCUSDT 1h") for one in third.missed)
    for row in range(300, 400):
        fired += third.update(event(row))
    wanted = [row for row in expected(OVERSOLD) if row >= 100]
    assert rows_of(fired) == rows_of(told) == [row for row in wanted if not 200 <= row < 300]
    assert rows_of(third.missed) == [row for row in wanted if 200 <= row < 300] != []
    assert rows_of(reversed(late.fired)) == wanted
    assert late.begin("BTCUSDT", "1h", KLINES).missed == []


def test_several_programs_on_one_file_tell_once(path):
    Alerts(path).add(LEVEL)
    programs = [Alerts(path).begin("BTCUSDT", "1h", KLINES.iloc[:100]) for _ in range(4)]
    with ThreadPool(4) as pool:
        for row in range(100, 130):
            fired = pool.map(lambda program, row=row: program.update(event(row)), programs)
            assert sum(map(len, fired)) == (row in expected(LEVEL))
    assert rows_of(reversed(Alerts(path).fired)) == [row for row in expected(LEVEL) if 100 <= row < 130] != []


def test_the_file_is_replaced_whole_or_not_at_all(path, monkeypatch):
    alerts = Alerts(path)
    name = alerts.add(OVERSOLD)
    before = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0, "for the owner only"
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        alerts.add(LEVEL)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["alerts.json", "alerts.json.lock"]
    path.write_bytes(before[:-20])
    for act in (lambda: alerts.fired, lambda: alerts.add(LEVEL), lambda: alerts.remove(name)):
        with pytest.raises(AlertError, match="move it away to begin anew"):
            act()
    assert path.read_bytes() == before[:-20], "what cannot be read is not written over"


def test_adding_again_changes_who_is_told_and_removing_forgets(path):
    alerts = Alerts(path)
    name = alerts.add(OVERSOLD)
    assert alerts.add(OVERSOLD.told("https://example.org/x")) == name
    assert alerts.alerts[name].to == ("https://example.org/x",)
    assert len({alerts.add(a) for a in (OVERSOLD, LEVEL, Alert("ETHUSDT", "1h", LEVEL.rule))}) == 3
    alerts.remove(name)
    with pytest.raises(AlertError, match=f"there is no alert '{name}'; there are: "):
        alerts.remove(name)


def test_an_alert_of_an_indicator_that_is_gone_hides_no_other(path):
    alerts = Alerts(path)
    name = alerts.add(OVERSOLD)
    alerts.add(LEVEL)
    path.write_text(path.read_text().replace('"indicator": "RSI"', '"indicator": "My own"'))
    assert list(alerts.alerts.values()) == [LEVEL]
    assert "My own" in alerts.unusable[name]
    row = expected(LEVEL)[3]
    assert len(alerts.begin("BTCUSDT", "1h", KLINES.iloc[:row]).update(event(row))) == 1
    alerts.remove(name)
    assert alerts.unusable == {}


def test_a_replay_tells_callables_only_and_writes_nothing(path, monkeypatch):
    monkeypatch.setattr(module.webhook, "post", lambda *_, **__: pytest.fail("a webhook was told"))
    alerts = Alerts(path)
    alerts.add(OVERSOLD.told("https://example.org/x"))
    kept, told = path.read_bytes(), []
    alerts.call(told.append)
    synthetic = KLINES.assign(synthetic=True)
    synthetic.attrs = KLINES.attrs | {"synthetic": True}
    replay = Replay(synthetic, speed=math.inf, start=KLINES.index[100])

    async def watch():
        return [fired async for fired in alerts.watch(replay)]

    fired = asyncio.run(watch())
    assert rows_of(fired) == [row for row in expected(OVERSOLD) if row >= 100]
    assert told == fired == alerts.fired[::-1]
    assert all(one.text.startswith("REPLAY SYNTHETIC BTCUSDT 1h · RSI OVERSOLD") for one in fired)
    alerts.close()
    assert path.read_bytes() == kept


def test_whoever_is_to_be_told_is_told_and_failures_are_listed(path, monkeypatch, caplog):
    posts = []

    def post(url, payload, *, allow_private):
        posts.append((url, payload, allow_private))
        if "down" in url:
            raise WebhookError("down.example answered 500 (3 attempts)")

    shown = []

    class Apprise:
        def add(self, service):
            return bool(service)

        def notify(self, *, title, body):
            shown.append((title, body))
            return True

    monkeypatch.setattr(module.webhook, "post", post)
    monkeypatch.setitem(sys.modules, "apprise", types.SimpleNamespace(Apprise=Apprise))
    alerts = Alerts(path)
    alerts.call(lambda fired: 1 / 0)
    changes = []
    alerts.observe(lambda: changes.append(len(alerts.fired)))
    alerts.add(LEVEL.told("https://up.example/secret", "https://down.example/secret", "desktop"))
    row = expected(LEVEL)[3]
    watch = alerts.begin("BTCUSDT", "1h", KLINES.iloc[:row])
    [fired] = watch.update(event(row))
    alerts.close()
    assert {url for url, _, _ in posts} == {"https://up.example/secret", "https://down.example/secret"}
    [payload] = {json.dumps(payload) for _, payload, _ in posts}
    payload = json.loads(payload)
    assert payload["text"] == payload["content"] == fired.text
    assert (payload["open_time"], payload["synthetic"]) == (KLINES.index[row].isoformat(), False)
    assert payload["close"] == KLINES["close"].iloc[row]
    [listed] = alerts.fired
    assert listed.told == {
        "webhook up.example": "told",
        "webhook down.example": "failed: down.example answered 500 (3 attempts)",
        "desktop": "told",
    }
    assert shown == [("BTCUSDT 1h", fired.text)]
    assert "secret" not in repr(listed)
    assert "ZeroDivisionError" in caplog.text
    assert changes


def test_the_desktop_needs_apprise(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(AlertError, match=r"needs apprise, .* pip install 'system-v4\[desktop\]'"):
        Alerts(path).add(LEVEL.told("desktop"))
    assert Alerts(path).alerts == {}


def test_every_series_with_an_alert_is_watched_on_a_feed_of_its_own(path):
    made, found = [], []

    class Stored:
        origin = "live"

        def __init__(self, symbol, timeframe):
            self.symbol, self.timeframe = symbol, timeframe
            made.append((symbol, timeframe))

        def history(self):
            return KLINES.iloc[:100]

        async def __aiter__(self):
            for row in range(100, 200):
                yield event(row)
            await asyncio.Event().wait()

        async def close(self):
            made.remove((self.symbol, self.timeframe))

    async def run():
        alerts = Alerts(path)
        alerts.add(LEVEL)
        alerts.add(Alert("ETHUSDT", "1h", crosses_below("close", LEVEL.rule.right)))
        alerts.call(found.append)
        task = asyncio.ensure_future(alerts.run(Stored))
        wanted = [row for row in expected(LEVEL) if 100 <= row < 200]
        while len([one for one in found if one.symbol == "BTCUSDT"]) < len(wanted):
            await asyncio.sleep(0.01)
        assert sorted(made) == [("BTCUSDT", "1h"), ("ETHUSDT", "1h")]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert rows_of(one for one in found if one.symbol == "BTCUSDT") == wanted
        assert made == []

    asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("BTCUSDT", "1h", "OVERSOLD"), "needs indicator="),
        (("BTCUSDT", "1h", "SQUEEZE", "RSI"), "RSI has OVERBOUGHT, OVERSOLD, BUY, SELL"),
        (("BTCUSDT", "1h", above("rsi", 50.0)), "reads 'rsi'; there are: open, high, low, close, volume"),
        (("BTCUSDT", "1h", at_or_below("rsi", "lower"), "RSI"), "reads 'lower'"),
        (("BTCUSDT", "1h", above("close", 1.0), None, {"period": 3}), "need an indicator"),
        (("BTCUSDT", "1h", above("close", 1.0), None, {}, ("mailto:x",)), "to='mailto:x' is not allowed"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(AlertError, match=words):
        Alert(*arguments)


def test_the_folder_of_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    Alerts().add(LEVEL)
    assert Book().alerts() == {LEVEL.id: LEVEL}
    assert (tmp_path / "alerts" / "alerts.json").is_file()
