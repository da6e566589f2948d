"""Controls and the state behind them, without a browser."""

import asyncio
import re

import numpy as np
import pytest
from market import random_candles

from toolkit import RSI, IndicatorRegistry
from toolkit.candles import CandleReport, Gap, Quarantined
from toolkit.controls import (
    Banner,
    Dashboard,
    DataPanel,
    DataSummary,
    IndicatorControls,
    IndicatorList,
    SignalTable,
    SymbolPicker,
    TimeframePicker,
    Toast,
)
from toolkit.controls.indicators import control_for
from toolkit.controls.later import Later
from toolkit.controls.signal_table import table_columns
from toolkit.controls.state import needs_compiling
from toolkit.indicators import Parameter
from toolkit.indicators.run import Run
from toolkit.loader import KLineDataLoader, SyntheticDataWarning


class Screen:
    """A display that remembers what it was told."""

    def __init__(self):
        self.loading = ""
        self.shown = []
        self.plots = []
        self.removed = []
        self.signals = []
        self.went = []

    def show(self, klines):
        self.shown.append(klines)

    def plot(self, label, indicator, values):
        self.plots.append((label, indicator, values))

    def remove(self, label):
        self.removed.append(label)

    def show_signals(self, signals):
        self.signals.append(signals)

    def go_to(self, position):
        self.went.append(position)


@pytest.fixture
def market(monkeypatch):
    """A loader with two pairs; everything else is missing."""
    frames = {
        ("BTCUSDT", "1h"): random_candles(800, seed=1),
        ("BTCUSDT", "1d"): random_candles(300, seed=2, timeframe="1d"),
        ("ETHUSDT", "1h"): random_candles(700, seed=3),
    }

    def load(symbol, timeframe, *, source=None):
        try:
            return frames[symbol, timeframe]
        except KeyError:
            raise FileNotFoundError(f"no candles of {symbol} in {timeframe}") from None

    monkeypatch.setattr(KLineDataLoader, "load_klines", load)
    return frames


@pytest.fixture
def state(market):
    return Dashboard("BTCUSDT", "1h")


@pytest.fixture
def screen(state):
    screen = Screen()
    state.connect(screen)
    return screen


def test_a_display_gets_everything_when_it_is_connected(state, screen, market):
    assert screen.shown == [market["BTCUSDT", "1h"]]
    assert [label for label, _, _ in screen.plots] == ["MACD", "RSI", "Bollinger Bands"]
    expected = RSI().calculate(state.klines)["rsi"].to_numpy()
    np.testing.assert_array_equal(screen.plots[1][2]["rsi"], expected)
    assert screen.signals[-1]["RSI"] == RSI().get_signals(state.klines)


def test_pickers_load_what_is_picked(state, screen, market):
    symbol, timeframe = SymbolPicker(state), TimeframePicker(state)
    assert list(symbol.options) == KLineDataLoader.get_supported_symbols()
    symbol.value = "ETHUSDT"
    assert screen.shown[-1] is market["ETHUSDT", "1h"]
    symbol.value = "BTCUSDT"
    timeframe.value = "1d"
    assert screen.shown[-1] is market["BTCUSDT", "1d"]
    assert state.error == {}
    assert state.loading == screen.loading == ""


def test_what_cannot_be_loaded_is_reported_and_the_chart_stays(state, screen, market, caplog):
    symbol, timeframe, toast = SymbolPicker(state), TimeframePicker(state), Toast(state)
    symbol.value = "SOLUSDT"
    assert (symbol.value, timeframe.value, state.symbol) == ("BTCUSDT", "1h", "BTCUSDT")
    assert len(screen.shown) == 1
    assert toast.message["title"] == "SOLUSDT 1h could not be loaded"
    assert toast.message["text"] == "no candles of SOLUSDT in 1h"
    assert "FileNotFoundError" in caplog.text
    first = toast.message["number"]
    symbol.value = "SOLUSDT"
    assert toast.message["number"] == first + 1, "the same failure again is shown again"
    symbol.value = "ETHUSDT"
    assert toast.message == {}, "what went well takes the message away"


def test_loading_is_said_while_it_lasts(state, screen, monkeypatch):
    seen = []
    load = KLineDataLoader.load_klines
    monkeypatch.setattr(
        KLineDataLoader,
        "load_klines",
        lambda *a, **k: (seen.append((state.loading, screen.loading)), load(*a, **k))[1],
    )
    state.symbol = "ETHUSDT"
    assert seen == [("Loading ETHUSDT 1h…", "Loading ETHUSDT 1h…")]
    assert screen.loading == ""


def test_the_first_calculation_of_an_indicator_is_said_and_a_slider_is_not(state, screen, monkeypatch):
    seen = []
    compute = RSI.compute

    def watched(self, candles, **how):
        seen.append((self.params["period"], screen.loading))
        return compute(self, candles, **how)

    monkeypatch.setattr(RSI, "compute", watched)
    state.symbol = "ETHUSDT"
    state.configuration.set_indicator_params("RSI", {"period": 20})
    state.configuration.set_indicator_enabled("RSI", False)
    state.configuration.set_indicator_enabled("RSI", True)
    assert seen == [(14, "Calculating RSI…"), (20, ""), (20, "Calculating RSI…")]
    assert (state.loading, screen.loading) == ("", "")


def test_a_control_recalculates_its_own_indicator_only(state, screen):
    card = IndicatorControls(state, "rsi")
    before = len(screen.plots)
    card.inputs["period"].slider.value = 30
    [(label, indicator, values)] = screen.plots[before:]
    assert (label, indicator) == ("RSI", RSI(period=30))
    np.testing.assert_array_equal(values["rsi"], RSI(period=30).calculate(state.klines)["rsi"].to_numpy())
    assert state.signals["RSI"] == RSI(period=30).get_signals(state.klines)
    assert state.configuration.get_indicator_params("RSI")["period"] == 30


def test_candles_are_looked_through_once_and_those_that_do_not_suit_are_refused(state, screen, monkeypatch):
    looks = []
    prepare = Run.prepare
    monkeypatch.setattr(Run, "prepare", lambda self, frame: (looks.append(self), prepare(self, frame))[1])
    monkeypatch.setattr(state, "_signals", lambda slot: None)  # these look for themselves
    for period in (20, 21, 22):
        state.configuration.set_indicator_params("RSI", {"period": period})
    assert looks == [], "closes were looked through with the first indicator"
    state.configuration.set_indicator_enabled("OBV", True)
    assert len(looks) == 1, "and volumes were not"

    longer = random_candles(900, seed=1)
    state.grow(longer)
    state.configuration.set_indicator_params("RSI", {"period": 30})
    label, _, values = screen.plots[-1]
    assert label == "RSI"
    np.testing.assert_array_equal(values["rsi"], RSI(period=30).calculate(longer)["rsi"].to_numpy())

    state.grow(longer.assign(close=longer["close"].where(longer.index != longer.index[40])))
    plots = len(screen.plots)
    state.configuration.set_indicator_params("RSI", {"period": 31})
    assert "'close' has 1 values that are not finite" in state.error["text"]
    assert len(screen.plots) == plots


def test_the_switch_takes_an_indicator_away_and_brings_it_back(state, screen):
    card = IndicatorControls(state, "RSI")
    card.switch.value = False
    assert screen.removed == ["RSI"]
    assert "RSI" not in state.signals
    assert "tk-off" in card._dom_classes
    card.switch.value = True
    assert screen.plots[-1][0] == "RSI"
    assert "RSI" in state.signals


def test_refused_values_are_explained_and_change_nothing(state, screen):
    card = IndicatorControls(state, "MACD")
    before = len(screen.plots)
    card.inputs["fast_period"].field.value = 40
    assert "fast_period=40 is not allowed with slow_period=26" in card.message
    assert len(screen.plots) == before
    assert state.error == {}
    # another card's change is none of this one's business
    IndicatorControls(state, "RSI").inputs["period"].value = 20
    assert "fast_period=40" in card.message
    assert card.inputs["fast_period"].value == 40
    # what was refused becomes right beside another value
    card.inputs["slow_period"].value = 60
    assert card.message == ""
    assert state.configuration.get_indicator_params("MACD") == {
        "fast_period": 40,
        "slow_period": 60,
        "signal_period": 9,
        "source": "close",
    }


def test_controls_follow_the_configuration(state):
    card = IndicatorControls(state, "RSI")
    state.configuration.update({"RSI": {"enabled": False, "params": {"period": 21}}})
    assert card.switch.value is False
    assert (
        card.inputs["period"].value
        == card.inputs["period"].slider.value
        == card.inputs["period"].field.value
        == 21
    )


def test_the_list_makes_a_card_when_an_indicator_is_first_switched_on(state, screen, monkeypatch):
    made = []
    whole = IndicatorControls.__init__
    monkeypatch.setattr(
        IndicatorControls,
        "__init__",
        lambda self, state, name: (made.append(name), whole(self, state, name))[1],
    )
    state.configuration.set_indicator_enabled("RSI", False)
    found = IndicatorList(state)
    assert made == list(found.cards) == ["MACD", "Bollinger Bands"]
    assert found._rows.enabled == ["MACD", "Bollinger Bands"]
    assert sorted(entry["name"] for entry in found._rows.entries) == sorted(IndicatorRegistry.names())
    answers = []
    found._rows.send = lambda content, buffers=None: answers.append(content)
    found._receive(None, {"type": "switch", "name": "RSI"}, [])
    assert answers == [{"type": "done", "name": "RSI"}]
    assert list(found.cards) == ["MACD", "RSI", "Bollinger Bands"]
    assert found._on.children == tuple(found.cards.values())
    assert screen.plots[-1][0] == "RSI"
    card = found.cards["RSI"]
    card.switch.value = False
    assert card not in found._on.children
    state.configuration.update({"RSI": {"enabled": True}})
    assert found.cards["RSI"] is card
    assert made == ["MACD", "Bollinger Bands", "RSI"]


def test_the_list_filters_cards_by_name_and_family(state):
    found = IndicatorList(state)

    def shown(query):
        found.search.value = query
        return [name for name, card in found.cards.items() if card.layout.display is None]

    assert shown("") == ["MACD", "RSI", "Bollinger Bands"]
    assert shown("  RS ") == ["RSI"]
    assert shown("momentum") == ["MACD", "RSI"]
    assert shown("boll volat") == ["Bollinger Bands"]
    assert shown("nothing like it") == []
    families = [entry["family"] for entry in found._rows.entries]
    assert families == sorted(
        families, key=lambda family: ("trend momentum volatility volume other").index(family)
    )


def test_an_indicator_that_cannot_be_switched_on_is_reported_and_its_switch_released(state):
    found = IndicatorList(state)
    answers = []
    found._rows.send = lambda content, buffers=None: answers.append(content)
    found._receive(None, {"type": "switch", "name": "Nonsense"}, [])
    assert "Nonsense" in state.error["title"]
    assert answers == [{"type": "done", "name": "Nonsense"}]


def test_an_indicator_registered_later_is_listed_and_a_class_written_anew_has_a_new_card(state):
    found = IndicatorList(state)
    before = found.cards["RSI"]

    class Other(RSI):
        name = "RSI"

    Other.__module__, Other.__qualname__ = RSI.__module__, RSI.__qualname__  # a cell that was run again
    try:
        IndicatorRegistry.register(Other)
        state.configuration.set_indicator_params("RSI", {"period": 20})
        assert found.cards["RSI"] is not before
    finally:
        IndicatorRegistry.register(RSI)


def test_what_may_have_to_be_compiled_is_said_to_be_prepared(state, screen, monkeypatch):
    seen = []

    compute = RSI.compute

    def watched(self, candles, **how):
        seen.append((state.loading, screen.loading))
        return compute(self, candles, **how)

    monkeypatch.setattr(RSI, "compute", watched)
    monkeypatch.setattr("toolkit.controls.state.needs_compiling", lambda indicator: True)
    state.configuration.set_indicator_params("RSI", {"period": 20})
    assert seen == [("Preparing RSI: compiled once, then kept…",) * 2]
    assert state.loading == screen.loading == ""
    monkeypatch.undo()
    assert not needs_compiling(RSI()), "it was used already"


def test_every_parameter_of_every_indicator_has_a_control_with_its_bounds(state):
    for name in IndicatorRegistry.names():
        card = IndicatorControls(state, name)
        parameters = IndicatorRegistry.get_class(name).parameters()
        assert list(card.inputs) == list(parameters)
        for key, parameter in parameters.items():
            control = card.inputs[key]
            assert control.value == parameter.default
            if parameter.kind != "choice":
                assert (control.field.min, control.field.max) == (parameter.minimum, parameter.maximum)
                assert control.slider.min == parameter.minimum
                assert parameter.default <= control.slider.max <= parameter.maximum
        for rule in IndicatorRegistry.get_class(name).rules:
            assert rule.signal_type.replace("_", " ") in card._rules.value


def test_a_wide_range_has_a_slider_that_can_be_aimed_and_a_field_for_the_rest():
    control = control_for(Parameter("period", "integer", 14, 1, 1000, 1), 14)
    assert control.slider.max == 140
    control.field.value = 900
    assert (control.value, control.slider.value) == (900, 140)
    control.slider.value = 139
    assert (control.value, control.field.value) == (139, 139)


def test_steps_are_decimal_numbers():
    control = control_for(Parameter("std_dev", "number", 2.0, 0.1, 10, 0.1), 2.0)
    control.slider.value = 0.1 + 20 * 0.1
    assert control.value == 2.1


def test_a_choice_is_a_list():
    control = control_for(Parameter("kind", "choice", "ema", choices=("ema", "sma")), "sma")
    assert tuple(control.options) == ("ema", "sma")
    assert control.value == "sma"


def test_an_indicator_that_fails_is_reported_and_the_others_are_drawn(state, screen, monkeypatch, caplog):
    def broken(self, candles, **how):
        raise RuntimeError("the kernel is broken")

    monkeypatch.setattr(RSI, "compute", broken)
    state.symbol = "ETHUSDT"
    assert state.error["title"] == "RSI could not be calculated"
    assert state.error["text"] == "the kernel is broken"
    assert [label for label, _, _ in screen.plots[3:]] == ["MACD", "Bollinger Bands"]
    assert set(state.signals) == {"MACD", "Bollinger Bands"}
    assert "RuntimeError" in caplog.text


def test_an_error_without_words_is_shown_by_its_class(state):
    with state.reporting("It failed"):
        raise KeyError
    assert state.error["text"] == "KeyError"


def test_the_banner_is_there_for_synthetic_candles_only(state, market, monkeypatch):
    import warnings

    banner, panel, summary = Banner(state), DataPanel(state), DataSummary(state)
    assert (banner.value, banner.layout.display) == ("", "none")
    sample = random_candles(50)
    sample["synthetic"] = True

    def fallen_back(*_, **__):
        warnings.warn("SYNTHETIC sample: the hub <b>did not</b> answer", SyntheticDataWarning, stacklevel=2)
        return sample

    monkeypatch.setattr(KLineDataLoader, "load_klines", fallen_back)
    state.symbol = "ETHUSDT"
    assert "SYNTHETIC SAMPLE DATA – not a real market" in banner.value
    assert "the hub &lt;b&gt;did not&lt;/b&gt; answer" in banner.value
    assert banner.layout.display is None
    assert rows_of(panel)["Source"]["value"] == "synthetic sample"
    assert "synthetic sample" in summary.value


def test_the_data_panel_tells_the_report_and_escapes_it(state, market):
    frame = random_candles(600)
    times = frame.index
    report = CandleReport(
        symbol="BTCUSDT",
        timeframe="1h",
        rows=605,
        candles=600,
        first=times[0],
        last=times[-1],
        gaps=(Gap(times[3], times[7], 3),),
        duplicated=(times[2], times[2]),
        quarantined=(Quarantined(None, "high <script>alert(1)</script>", 4),),
        zero_volume=60,
        dropped_unclosed=times[-1],
        missing_columns=("number_of_trades",),
    )
    frame.attrs.update(report=report, source="/data/<img src=x>", revision="a" * 40)
    market["ETHUSDT", "1h"] = frame
    panel, summary = DataPanel(state), DataSummary(state)
    state.symbol = "ETHUSDT"
    facts = rows_of(panel)
    assert facts["Gaps"]["value"] == "1 (3 candles missing)"
    assert facts["Duplicates removed"]["value"] == "2"
    assert facts["Without volume"]["value"] == "60 (10.0%)"
    assert facts["Missing columns"]["value"] == "number of trades"
    assert facts["Revision"]["value"] == "aaaaaaaaaaaa…"
    assert facts["Unclosed candle"]["value"].startswith("dropped, 2024-")
    assert facts["Quarantined rows"]["list"] == [
        {"text": "row 4: high <script>alert(1)</script>", "position": None}
    ]
    assert facts["Source"]["value"] == "/data/<img src=x>", "the browser sets it as text"
    assert not re.search(r"innerHTML|insertAdjacent|outerHTML", DataPanel._esm)
    assert "<script>" not in summary.value
    assert "<img" not in summary.value
    assert "1 gap (3 missing)" in summary.value


def rows_of(panel):
    """The panel's rows by name."""
    return {row["name"]: row for section in panel.content["sections"] for row in section.get("rows", ())}


def test_the_data_panel_lists_a_bounded_number_of_places_and_moves_the_chart_to_one(state, screen, market):
    raw = random_candles(900, flat_share=0)
    raw.iloc[100:103, raw.columns.get_loc("volume")] = 0.0
    raw.iloc[200:800:10, raw.columns.get_loc("close")] = -1.0
    times = raw.index
    frame = KLineDataLoader.from_frame(raw.drop(times[20:25]), symbol="ETHUSDT", timeframe="1h")
    market["ETHUSDT", "1h"] = frame
    panel = DataPanel(state)
    state.symbol = "ETHUSDT"
    facts = rows_of(panel)
    assert facts["Quarantined rows"]["value"] == "60"
    assert [len(facts[name]["list"]) for name in ("Quarantined rows", "Gaps", "Without volume")] == [
        20,
        20,
        1,
    ]
    assert facts["Quarantined rows"]["more"] == "… and 40 more"
    assert facts["Gaps"]["more"] == "… and 41 more"
    newest = facts["Quarantined rows"]["list"][0]
    assert newest["text"] == f"{times[790]:%Y-%m-%d %H:%M} to {times[791]:%H:%M}: close is not above zero"
    assert frame.index[newest["position"]] == times[791], "the candle after it"
    [quiet] = facts["Without volume"]["list"]
    assert frame.index[quiet["position"]] == times[100]
    assert "3 candles without volume" in quiet["text"]
    panel.selected = {"position": quiet["position"], "click": 1}
    assert screen.went == [quiet["position"]]
    panel.selected = {"position": quiet["position"], "click": 2}
    assert len(screen.went) == 2


def test_stale_candles_are_said_to_be(state, market):
    frame = random_candles(300)
    last = frame.index[-1]
    report = CandleReport("ETHUSDT", "1h", 300, 300, frame.index[0], last, fetched=last)
    frame.attrs["report"] = report
    market["ETHUSDT", "1h"] = frame
    panel, summary = DataPanel(state), DataSummary(state)
    assert "stale" not in summary.value
    state.symbol = "ETHUSDT"
    facts = rows_of(panel)
    assert facts["Closed since then"]["warn"]
    assert facts["As of"]["value"] == f"{last:%Y-%m-%d %H:%M}"
    assert '<b class="tk-stale">stale by ' in summary.value


def test_rule_texts_and_messages_are_escaped():
    from toolkit.controls.indicators import rule_line

    assert "<b>x" not in rule_line("<b>x", "<i>y")
    assert "<i>y" not in rule_line("<b>x", "<i>y")


def test_the_table_holds_every_signal_newest_first(state):
    names, columns = table_columns(state.signals)
    time, value, confidence, position, label, kind = columns
    expected = sorted(
        (
            (
                -signal_position,
                found.name,
                signal.signal_type,
                signal.timestamp.timestamp() * 1000,
                signal.value,
            )
            for found in state.signals.values()
            for signal_position, signal in zip(found.position, found, strict=True)
        ),
        key=lambda row: row[0],
    )
    assert len(expected) == len(position) > 50
    assert (np.diff(position) <= 0).all()
    listed = [
        (-row, names["labels"][which], names["types"][code], when, number)
        for row, which, code, when, number in zip(position, label, kind, time, value, strict=True)
    ]
    assert sorted(listed) == sorted(expected)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert [len(column) for column in table_columns({})[1]] == [0] * 6


def test_a_click_in_the_table_moves_the_chart(state, screen):
    table = SignalTable(state)
    sent = []
    table.send = lambda content, buffers=None: sent.append(content)
    table._receive(None, {"type": "ready"}, [])
    assert sent[0]["labels"] == ["MACD", "RSI", "Bollinger Bands"]
    table.selected = {"position": 77, "click": 1}
    assert screen.went == [77]


def test_a_failing_click_is_reported(state, screen, monkeypatch):
    table = SignalTable(state)

    def refuse(position):
        raise IndexError(f"no row {position}")

    monkeypatch.setattr(screen, "go_to", refuse)
    table.selected = {"position": 9999, "click": 1}
    assert state.error["text"] == "no row 9999"


def test_later_is_once_and_after_the_last_ask():
    calls = []

    async def run():
        later = Later(lambda: calls.append("done"), 0.01)
        later.ask()
        later.ask()
        assert calls == []
        await asyncio.sleep(0.05)
        assert calls == ["done"]
        later.ask()
        later.cancel()
        await asyncio.sleep(0.03)
        assert calls == ["done"]
        later.ask()
        later.now()
        await asyncio.sleep(0.03)

    asyncio.run(run())
    assert calls == ["done", "done"]


def test_later_without_a_loop_is_now():
    calls = []
    Later(lambda: calls.append(1), 10).ask()
    assert calls == [1]


def test_in_a_running_loop_signals_wait_for_the_slider_and_lines_do_not(market):
    async def run():
        state = Dashboard("BTCUSDT", "1h")
        screen = Screen()
        state.connect(screen)
        before = len(screen.plots), len(screen.signals)
        for period in (20, 21, 22):
            state.configuration.set_indicator_params("RSI", {"period": period})
        assert len(screen.plots) == before[0] + 3
        assert len(screen.signals) == before[1]
        await asyncio.sleep(0.3)
        assert len(screen.signals) == before[1] + 1
        assert screen.signals[-1]["RSI"] == RSI(period=22).get_signals(state.klines)

    asyncio.run(run())
