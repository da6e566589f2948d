"""The kernel's side of the chart: what it describes to the browser and what it sends."""

import json
import re

import bqplot
import numpy as np
import pandas as pd
import pytest
from market import random_candles

from toolkit import MACD, RSI, BollingerBands, Indicator, IndicatorPipeline, KLineDataLoader
from toolkit.candles import CandleReport
from toolkit.chart import Chart, bundle, found, panes, wire
from toolkit.indicators import Line, Period
from toolkit.indicators.base import Dots, Histogram
from toolkit.rules import Rule, above


class Sent:
    """What a chart sends, instead of a browser."""

    def __init__(self, chart, monkeypatch):
        self.messages = []
        monkeypatch.setattr(
            chart._controller,
            "send",
            lambda content, buffers=None: self.messages.append((content, buffers or [])),
        )

    def of(self, kind):
        return [
            (content, [np.frombuffer(b) for b in buffers])
            for content, buffers in self.messages
            if content["type"] == kind
        ]


@pytest.fixture
def klines():
    return random_candles(5000, seed=3)


@pytest.fixture
def chart(klines):
    return Chart(klines, IndicatorPipeline().add("MACD").add("RSI").add("Bollinger Bands"))


def spec(chart):
    return chart._controller.spec


def values_of(indicator, klines):
    outputs = indicator.stream().feed(klines)
    return {name: outputs[name].to_numpy() for name in outputs}


def ask(chart, message):
    chart._receive(None, message, [])


def test_panes_follow_the_declarations(chart):
    described = {pane["key"]: pane for pane in spec(chart)["panes"]}
    assert list(described) == ["price", "MACD", "RSI"]
    assert described["price"]["columns"] == [
        f"Bollinger Bands.bb_{name}" for name in ("upper", "middle", "lower")
    ]
    assert [m["columns"] for m in described["price"]["marks"] if m["kind"] == "band"] == [
        ["Bollinger Bands.bb_upper", "Bollinger Bands.bb_lower"]
    ]
    assert described["RSI"]["range"] == (0, 100)
    assert [m["value"] for m in described["RSI"]["marks"] if m["kind"] == "level"] == [70.0, 30.0]
    roles = [m["role"] for m in described["MACD"]["marks"] if m["kind"] == "segments"]
    assert sorted(roles) == sorted(panes.BARS)
    assert spec(chart)["title"] == "BTCUSDT · 1h"


def test_it_is_made_of_bqplot_figures_on_one_time_scale(chart):
    figures = [child for child in chart.children if isinstance(child, bqplot.Figure)]
    assert len(figures) == 3
    scales = {mark.scales["x"] for figure in figures for mark in figure.marks}
    assert len(scales) == 1
    assert isinstance(scales.pop(), bqplot.LinearScale)
    assert all(mark.preserve_domain == {"x": True, "y": True} for figure in figures for mark in figure.marks)


def test_a_browser_that_comes_gets_the_last_candles_and_asks_for_the_rest(chart, klines, monkeypatch):
    sent = Sent(chart, monkeypatch)
    ask(chart, {"type": "ready"})
    [(reset, first)] = sent.of("reset")
    names = [name for name, _ in reset["columns"]]
    assert reset["length"] == 5000
    assert reset["step"] == 3_600_000
    assert reset["from"] == 2000
    np.testing.assert_array_equal(first[names.index("close")], klines["close"].to_numpy()[2000:])
    np.testing.assert_array_equal(
        first[names.index("time")], klines.index.as_unit("ms").asi8[2000:].astype(float)
    )

    ask(chart, {"type": "rows", "epoch": reset["epoch"], "columns": names, "from": 0, "to": 2000})
    [(rows, rest)] = sent.of("rows")
    assert (rows["from"], rows["to"]) == (0, 2000)
    expected = values_of(RSI(), klines)["rsi"]
    column = names.index("RSI.rsi")
    np.testing.assert_array_equal(np.concatenate([rest[column], first[column]]), expected)


FOUND = (
    *("gap_row", "gap_missing", "gap_start", "gap_end", "run_start", "run_length"),
    *("bad_row", "bad_count", "bad_first", "bad_last", "bad_reason"),
)


def found_in(klines):
    """What is marked on the time axis: keys and the rest, and arrays by name."""
    content, arrays = found.find(klines)
    return content, dict(zip(FOUND, arrays, strict=True))


def test_what_is_marked_on_the_time_axis():
    raw = random_candles(500, flat_share=0)
    times = raw.index
    raw.iloc[[50, 51, 52, 70], raw.columns.get_loc("volume")] = 0.0
    raw.iloc[[200, 201, 300], raw.columns.get_loc("low")] = 1e9
    raw = raw.drop(times[[10, 11, 12, 51]])
    frame = KLineDataLoader.from_frame(raw, symbol="BTCUSDT", timeframe="1h")
    content, arrays = found_in(frame)

    def at(name):
        return frame.index[arrays[name].astype(int)]

    def moments(name):
        return pd.to_datetime(arrays[name], unit="ms", utc=True)

    assert list(at("gap_row")) == [times[13], times[52], times[202], times[301]]
    assert arrays["gap_missing"].tolist() == [3, 1, 2, 1]
    assert list(moments("gap_start")) == [times[10], times[51], times[200], times[300]]
    assert list(moments("gap_end")) == list(at("gap_row"))
    assert list(at("run_start")) == [times[50], times[52], times[70]], "a gap ends a run"
    assert arrays["run_length"].tolist() == [1, 1, 1]
    assert list(at("bad_row")) == [times[202], times[301]]
    assert arrays["bad_count"].tolist() == [2, 1]
    assert list(moments("bad_first")) == [times[200], times[300]]
    assert list(moments("bad_last")) == [times[201], times[300]]
    assert [content["reasons"][int(code)] for code in arrays["bad_reason"]] == ["high is below low"] * 2
    assert content["stale"] is None
    assert [key[:2] for key in content["keys"]] == [
        ["gap", "4 gaps"],
        ["quiet", "0.6% no volume"],
        ["bad", "3 quarantined"],
    ]
    report = frame.attrs["report"]
    assert arrays["gap_missing"].sum() == report.missing
    assert arrays["run_length"].sum() == report.zero_volume


def test_a_clean_market_and_one_without_report_have_nothing_to_mark():
    content, arrays = found_in(random_candles(1))
    assert content["keys"] == []
    assert [len(array) for array in arrays.values()] == [0] * len(FOUND)


def test_stale_candles_are_marked(klines):
    frame = klines.copy()
    last = frame.index[-1]
    frame.attrs["report"] = CandleReport("BTCUSDT", "1h", 5000, 5000, frame.index[0], last, fetched=last)
    content, _ = found_in(frame)
    assert content["stale"]["closed"] == (last + pd.Timedelta("1h")).timestamp() * 1000
    assert content["stale"]["behind"] > 1000
    assert content["keys"][-1][0] == "stale"


def test_what_was_found_is_sent_with_the_candles(chart, monkeypatch):
    sent = Sent(chart, monkeypatch)
    ask(chart, {"type": "ready"})
    kinds = [content["type"] for content, _ in sent.messages]
    assert kinds.index("found") == kinds.index("reset") + 1
    dirty = random_candles(100).drop(random_candles(100).index[40:60])
    chart.show(dirty)
    content, buffers = next(message for message in sent.messages[::-1] if message[0]["type"] == "found")
    assert content["epoch"] == 2
    assert content["keys"][0] == ["gap", "1 gap", "20 candles missing in all"]
    assert [np.frombuffer(buffer).tolist() for buffer in buffers[:2]] == [[40], [20]]


def test_bounded_by_the_candles_however_many_rows_are_quarantined():
    raw = random_candles(300, flat_share=0)
    bad = pd.concat([raw.iloc[100:200]] * 30).assign(close=-1.0)
    frame = KLineDataLoader.from_frame(pd.concat([raw, bad]), symbol="BTCUSDT", timeframe="1h")
    content, arrays = found_in(frame)
    assert len(arrays["bad_row"]) == 100
    assert arrays["bad_count"].sum() == 3000
    assert content["keys"][-1][1] == "3,000 quarantined"


def test_real_gaps_and_quiet_stretches_are_those_of_the_report(real_candles):
    for symbol, timeframe in (("BTCUSDT", "15m"), ("ZRXUSDT", "15m"), ("ETHUSDT", "1d")):
        frame = KLineDataLoader.load_klines(symbol, timeframe, source=real_candles)
        report = frame.attrs["report"]
        _, arrays = found_in(frame)
        assert arrays["gap_missing"].tolist() == [gap.missing for gap in report.gaps]
        assert [*frame.index[arrays["gap_row"].astype(int)]] == [gap.before for gap in report.gaps]
        assert arrays["run_length"].sum() == report.zero_volume == (frame["volume"] == 0).sum()


def test_requests_for_candles_no_longer_shown_are_not_answered(chart, klines, monkeypatch):
    chart.show(klines[:100])
    sent = Sent(chart, monkeypatch)
    ask(chart, {"type": "rows", "epoch": 1, "columns": ["close"], "from": 0, "to": 100})
    assert sent.messages == []


@pytest.mark.parametrize("level", [0, 1, 5, 13])
def test_a_changed_indicator_is_sent_as_the_buckets_in_view(chart, klines, monkeypatch, level):
    size = 2**level
    start, end = 1, min(40, 5000 // size + 1)
    chart._controller.seen = {"epoch": 1, "level": level, "from": start, "to": end, "first": 0.0, "last": 1.0}
    sent = Sent(chart, monkeypatch)
    indicator = BollingerBands(period=50)
    values = values_of(indicator, klines)
    chart.plot("Bollinger Bands", indicator, values)
    [(patch, data)] = sent.of("patch")
    assert patch["columns"] == [(f"Bollinger Bands.bb_{name}", 2) for name in ("upper", "middle", "lower")]
    assert (patch["level"], patch["from"]) == (level, start)
    for i, name in enumerate(("bb_upper", "bb_middle", "bb_lower")):
        pieces = [values[name][b * size : (b + 1) * size] for b in range(start, end) if b * size < 5000]
        low = [np.nan if np.isnan(piece).all() else np.nanmin(piece) for piece in pieces]
        high = [np.nan if np.isnan(piece).all() else np.nanmax(piece) for piece in pieces]
        np.testing.assert_array_equal(data[2 * i], low)
        np.testing.assert_array_equal(data[2 * i + 1], high)


def test_only_what_changed_is_sent(chart, klines, monkeypatch):
    sent = Sent(chart, monkeypatch)
    chart.plot("RSI", RSI(period=7), values_of(RSI(period=7), klines))
    assert [content["type"] for content, _ in sent.messages] == ["patch"]
    assert spec(chart)["panes"][2]["series"][0]["title"] == "RSI 7 70 30"
    assert sent.of("patch")[0][0]["columns"] == [("RSI.rsi", 2)]


def test_a_changed_level_moves_its_line_and_makes_no_new_marks(chart, klines):
    before = [mark["id"] for mark in spec(chart)["panes"][2]["marks"]]
    chart.plot("RSI", RSI(overbought=80), values_of(RSI(), klines))
    pane = spec(chart)["panes"][2]
    assert [mark["id"] for mark in pane["marks"]] == before
    assert [mark["value"] for mark in pane["marks"] if mark["kind"] == "level"] == [80.0, 30.0]
    assert next(mark["values"] for mark in pane["marks"] if mark["kind"] == "zone") == [80.0, 30.0]
    assert pane["series"][0]["title"] == "RSI 14 80 30"


def test_a_class_that_was_written_anew_takes_the_place_of_the_old(chart, klines):
    class Other(RSI):
        name = "RSI"
        levels = ()

    chart.plot("RSI", Other(), values_of(Other(), klines))
    [pane] = [pane for pane in spec(chart)["panes"] if pane["key"] == "RSI"]
    assert [mark["kind"] for mark in pane["marks"]] == ["line"]
    assert len(chart._columns.held["RSI.rsi"].values) == len(klines)


def test_removing_closes_the_pane_or_takes_the_marks_away(chart):
    chart.remove("RSI")
    assert [pane["key"] for pane in spec(chart)["panes"]] == ["price", "MACD"]
    marks = len(chart.children[0].marks)
    chart.remove("Bollinger Bands")
    assert len(chart.children[0].marks) == marks - 4
    assert spec(chart)["panes"][0]["columns"] == []
    assert list(chart.indicators) == ["MACD"]
    chart.remove("RSI")


def test_the_same_indicator_under_two_labels(klines):
    pipeline = IndicatorPipeline().add("RSI").add("RSI", {"period": 50}, label="slow")
    chart = Chart(klines, pipeline)
    assert [pane["columns"] for pane in spec(chart)["panes"]] == [[], ["RSI.rsi"], ["slow.rsi"]]


def test_any_indicator_is_drawn_by_its_declaration_alone(klines):
    class Spread(Indicator):
        """High less low."""

        period: Period = 3
        inputs = ("high", "low")
        outputs = (Line("spread"), Line("hidden", drawn=False))
        levels = ("period", 5.0, 9.0)
        rules = (Rule("WIDE", above("spread", 1.0)),)
        warmup = 0
        state_size = 0

        @staticmethod
        def kernel(state, high, low, spread, hidden):
            spread[:] = high - low
            hidden[:] = np.nan

    chart = Chart(klines, IndicatorPipeline().add(Spread()))
    pane = spec(chart)["panes"][1]
    assert pane["columns"] == ["Spread.spread"]
    assert [mark["value"] for mark in pane["marks"] if mark["kind"] == "level"] == [3.0, 5.0, 9.0]


class Everything(Indicator):
    """All that a declaration can say about drawing."""

    displacement: Period = 26
    outputs = (
        Line("lead_one", ahead="displacement"),
        Line("lead_two", ahead="displacement"),
        Line("lag", behind=5),
        Line("stop", colored_by="side"),
        Line("side", drawn=False, unit="ratio"),
        Dots("dot"),
        Histogram("amount", unit="volume", colored_by="side"),
        Line("unseen", drawn=False),
    )
    clouds = (("lead_one", "lead_two"),)
    warmup = 0
    state_size = 0

    @staticmethod
    def kernel(state, close, displacement, lead_one, lead_two, lag, stop, side, dot, amount, unseen):
        for column in (lead_one, lead_two, lag, stop, side, dot, amount, unseen):
            column[:] = close


def test_everything_that_a_declaration_says_is_described(klines):
    chart = Chart(klines, IndicatorPipeline().add(Everything()))
    pane = spec(chart)["panes"][1]
    marks = [
        (m["kind"], m.get("role"), m.get("column", m.get("columns")), m.get("by")) for m in pane["marks"]
    ]
    by = "Everything.side"
    leads = ["Everything.lead_one", "Everything.lead_two"]
    assert marks == [
        ("cloud", "above", leads, None),
        ("cloud", "below", leads, None),
        *(("segments", tint, "Everything.amount", by) for tint in ("up", "down", "flat")),
        ("line", None, "Everything.lead_one", None),
        ("line", None, "Everything.lead_two", None),
        ("line", None, "Everything.lag", None),
        *(("line", tint, "Everything.stop", by) for tint in ("up", "down", "flat")),
        ("dots", None, "Everything.dot", None),
    ]
    assert by in pane["columns"], "what colours come from is sent, drawn or not"
    assert "Everything.unseen" not in pane["columns"]
    assert pane["shifts"] == {leads[0]: 26, leads[1]: 26, "Everything.lag": -5}
    units = {value["name"]: value["unit"] for value in pane["series"][0]["values"]}
    assert units["amount"] == "volume"
    assert "side" not in units
    dots = [mark for mark in chart.children[1].marks if isinstance(mark, bqplot.Scatter)]
    assert [mark.marker for mark in dots] == ["circle"]
    chart.remove("Everything")
    assert "Everything.side" not in chart._columns.held


def test_a_changed_displacement_moves_the_line_and_makes_no_new_marks(klines):
    chart = Chart(klines, IndicatorPipeline().add(Everything()))
    before = [mark["id"] for mark in spec(chart)["panes"][1]["marks"]]
    moved = Everything(displacement=40)
    chart.plot("Everything", moved, values_of(moved, klines))
    pane = spec(chart)["panes"][1]
    assert pane["shifts"]["Everything.lead_one"] == 40
    assert [mark["id"] for mark in pane["marks"]] == before


@pytest.mark.parametrize(("level", "expected"), [(0, (74, 205)), (3, (96, 201))])
def test_what_is_drawn_elsewhere_is_sent_from_where_it_is_known(klines, monkeypatch, level, expected):
    chart = Chart(klines, IndicatorPipeline().add(Everything()))
    chart._controller.seen = {"epoch": 1, "level": level, "from": 100, "to": 200, "first": 0.0, "last": 1.0}
    sent = Sent(chart, monkeypatch)
    moved = Everything(displacement=26)
    chart.plot("Everything", moved, values_of(moved, klines))
    [(patch, data)] = sent.of("patch")
    start, end = expected
    assert patch["from"] == start
    assert {len(part) for part in data} == {end - start}
    lead = values_of(moved, klines)["lead_one"]
    low, _ = wire.buckets(lead, level, start, end)
    np.testing.assert_array_equal(data[0], low)


def test_areas_and_colours_come_from_outputs():
    for wrong in ({"clouds": (("dot", "inner"),)}, {"outputs": (Line("dot", colored_by="inner"),)}):
        with pytest.raises(TypeError, match="inner"):
            type(
                "Wrong",
                (Indicator,),
                {
                    "outputs": (Line("dot"),),
                    "internals": ("inner",),
                    "kernel": staticmethod(lambda state, close, dot, inner: None),
                    **wrong,
                },
            )


def test_overlays_are_told_apart(klines):
    class Overlay(Indicator):
        """A line over the candles."""

        outputs = (Line("line"),)
        pane = "price"
        warmup = 0
        state_size = 0

        @staticmethod
        def kernel(state, close, line):
            line[:] = close

    pipeline = IndicatorPipeline()
    for label in "abcdef":
        pipeline.add(Overlay(), label=label)
    price = spec(Chart(klines, pipeline))["panes"][0]
    assert len({series["values"][0]["color"] for series in price["series"]}) == 6


def test_signals_are_sent_by_row_with_their_group(klines):
    signals = {"MACD": MACD().get_signals(klines), "RSI": RSI().get_signals(klines)}
    rules, (position, group, confidence, rule, value) = wire.signal_columns(signals)
    found = sorted(
        (signal_position, {"BUY": 0, "SELL": 1}.get(kind, 2))
        for one in signals.values()
        for signal_position, kind in zip(one.position, one.signal_type, strict=True)
    )
    assert len(position) == len(found) > 100
    assert sorted(zip(position.tolist(), group.tolist(), strict=True)) == found
    assert (np.diff(position) >= 0).all()
    assert (position.dtype, group.dtype, confidence.dtype) == (np.int32, np.uint8, np.float32)
    assert (rule.dtype, value.dtype) == (np.int32, np.float64)
    told = sorted(
        (signal_position, label, one.rules[number], number, signal_value)
        for label, one in signals.items()
        for signal_position, number, signal_value in zip(one.position, one.rule, one.value, strict=True)
    )
    texts = [(label, (kind, text), number) for label, kind, text, number in (rules[i] for i in rule)]
    assert sorted((p, *t, v) for p, t, v in zip(position, texts, value, strict=True)) == told
    assert [len(column) for column in wire.signal_columns({})[1]] == [0] * 5


def test_going_to_a_candle(chart, monkeypatch):
    sent = Sent(chart, monkeypatch)
    chart.go_to(1234)
    assert sent.messages == [({"type": "go", "position": 1234}, [])]
    for wrong in (-1, 5000):
        with pytest.raises(IndexError, match=rf"Chart\.go_to: position={wrong} .* 5000"):
            chart.go_to(wrong)


def test_what_is_visible_is_what_the_browser_last_told(chart, klines):
    assert chart.visible is None
    chart._controller.seen = {"epoch": 1, "level": 0, "from": 0, "to": 10, "first": 1.5, "last": 8.5}
    assert chart.visible == (1.5, 8.5)
    chart.show(klines)
    assert chart.visible is None


def test_bad_input_is_named(chart, klines):
    with pytest.raises(ValueError, match=r"Chart\.show: klines lack volume"):
        chart.show(klines.drop(columns="volume"))
    with pytest.raises(ValueError, match=r"Chart\.show: klines must have a DatetimeIndex.*RangeIndex"):
        chart.show(klines.reset_index(drop=True))
    with pytest.raises(ValueError, match=r"Chart\.plot: values of RSI lack rsi"):
        chart.plot("RSI", RSI(), {})
    with pytest.raises(
        ValueError, match=r"Chart\.plot: RSI\.rsi has shape \(3,\); the candles need \(5000,\)"
    ):
        chart.plot("RSI", RSI(), {"rsi": np.zeros(3)})
    with pytest.raises(ValueError, match="renderer='webgl' is not allowed"):
        Chart(renderer="webgl")


def test_candles_of_one_row_and_without_attrs():
    one = random_candles(1)
    one.attrs = {}
    chart = Chart(one, IndicatorPipeline().add("RSI"))
    assert spec(chart)["title"] == ""
    assert len(pd.Series(chart._columns.held["RSI.rsi"].values)) == 1


def test_the_modules_make_one_script_without_clashing_names():
    source = bundle.script()
    assert not re.search(r"^import ", source, re.MULTILINE)
    assert re.findall(r"^export .*", source, re.MULTILINE) == ["export default {"]
    names = re.findall(r"^(?:async )?(?:const|let|class|function) (\w+)", source, re.MULTILINE)
    assert len(names) > 20
    assert len(names) == len(set(names))
    assert {path.stem for path in bundle.FOLDER.glob("*.js")} == set(bundle.MODULES)


# ---- where it looks, how it is arranged


def test_a_range_is_shown_by_time(chart, klines):
    def goal(first, last):
        chart.show_range(first, last)
        return chart._controller.goal["low"], chart._controller.goal["high"]

    assert goal(klines.index[100], klines.index[200]) == (99.5, 200.5)
    assert goal("2024-01-01", "2024-01-02") == (-0.5, 24.5)
    assert goal("2024-01-02T05:30+02:00", klines.index[40].tz_convert("Asia/Tokyo")) == (26.5, 40.5)
    step = pd.Timedelta("1h")
    assert goal(klines.index[0] - 3 * step, klines.index[-1] + 7 * step) == (-3.5, 5006.5)
    before = chart._controller.goal
    for first, last, named in (
        ("soon", "2024-01-02", "first='soon'"),
        (None, "2024-01-02", "first=None"),
        ("2024-01-02", pd.NaT, "last=NaT"),
        ("2024-01-03", "2024-01-02", "before first"),
    ):
        with pytest.raises(ValueError, match=f"Chart.show_range: .*{named}"):
            chart.show_range(first, last)
    assert chart._controller.goal == before
    with pytest.raises(ValueError, match="nothing is shown yet"):
        Chart().show_range("2024-01-01", "2024-01-02")


def test_a_range_in_a_gap_begins_with_the_candle_before_it(klines):
    chart = Chart(klines.drop(klines.index[10:20]))
    chart.show_range(klines.index[15], klines.index[25])
    assert (chart._controller.goal["low"], chart._controller.goal["high"]) == (8.5, 15.5)


def test_the_pointer_is_told_to_those_who_watch(chart):
    rows = []
    assert not chart._controller.watching
    end = chart.watch_pointer(rows.append)
    other = chart.watch_pointer(lambda _: None)
    assert chart._controller.watching
    ask(chart, {"type": "pointer", "epoch": 1, "row": 17})
    ask(chart, {"type": "pointer", "epoch": 0, "row": 99})  # of candles that are gone
    ask(chart, {"type": "pointer", "epoch": 1, "row": None})
    assert rows == [17, None]
    end()
    assert chart._controller.watching
    other()
    end()
    assert not chart._controller.watching


def test_what_is_in_view_is_told(chart, klines):
    times = []
    end = chart.observe_visible(lambda: times.append(chart.visible_times))
    assert chart.visible_times is None
    seen = {"epoch": 1, "level": 0, "from": 0, "to": 200}
    chart._controller.seen = {**seen, "first": 9.6, "last": 100.2}
    chart._controller.seen = {**seen, "first": -30.0, "last": 6000.0}
    end()
    chart._controller.seen = {**seen, "first": 0.0, "last": 1.0}
    assert times == [(klines.index[10], klines.index[100]), (klines.index[0], klines.index[-1])]


DRAWN = {"id": "a", "kind": "line", "pane": "price", "points": [[0, 1.5], [3600000, 2]]}
ARRANGED = {
    "scale": "log",
    "timezone": "Europe/Berlin",
    "theme": "light",
    "panes": [
        {"key": "RSI", "height": 120, "folded": True},
        {"key": "price", "height": None, "folded": False, "range": [90.5, 110.0]},
    ],
    "drawings": {"BTCUSDT": [DRAWN]},
    "compare": None,
}


def test_an_arrangement_is_kept_and_given_back(chart):
    usual = chart.arrangement
    seen = []
    end = chart.observe_arrangement(lambda: seen.append(chart.arrangement["scale"]))
    chart.arrangement = ARRANGED
    assert chart.arrangement == json.loads(json.dumps(chart.arrangement)) == ARRANGED
    chart.arrangement["panes"].clear()
    assert chart.arrangement == ARRANGED, "what was handed out is a copy"
    chart.arrangement = {"scale": "percent"}
    assert chart.arrangement == {**usual, "scale": "percent"}
    end()
    chart.arrangement = {}
    assert chart.arrangement == usual
    assert seen == ["log", "percent"]


def test_an_axis_set_by_hand_is_of_the_candles_that_are_shown():
    chart = Chart()
    chart.arrangement = ARRANGED
    chart.show(random_candles(300))
    assert chart.arrangement == ARRANGED, "arranged for what is shown first"
    chart.show(random_candles(200))
    panes = [{"key": "RSI", "height": 120, "folded": True}, {"key": "price", "height": None, "folded": False}]
    assert chart.arrangement == {**ARRANGED, "panes": panes}
    chart.arrangement = {"panes": panes}
    assert chart.arrangement["panes"] == panes, "one that was kept before there were such ends"


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"colour": "red"},
        {"scale": "cubic"},
        {"theme": None},
        {"timezone": "Mars/Olympus"},
        {"timezone": 3},
        {"timezone": "../../etc/passwd"},
        {"compare": 5},
        {"panes": {}},
        {"panes": [{"height": 3}]},
        {"panes": [{"key": "RSI", "height": 0}]},
        {"panes": [{"key": "RSI", "height": float("nan")}]},
        {"panes": [{"key": "RSI", "folded": 1}]},
        {"panes": [{"key": "RSI"}, {"key": "RSI"}]},
        {"panes": [{"key": "RSI", "range": [1]}]},
        {"panes": [{"key": "RSI", "range": [2, 2]}]},
        {"panes": [{"key": "RSI", "range": [0, float("inf")]}]},
        {"panes": [{"key": "RSI", "range": "12"}]},
        {"drawings": []},
        {"drawings": {"BTCUSDT": {}}},
        {"drawings": {"BTCUSDT": [{**DRAWN, "kind": "circle"}]}},
        {"drawings": {"BTCUSDT": [{**DRAWN, "points": [[0, 1]]}]}},
        {"drawings": {"BTCUSDT": [{**DRAWN, "points": [[0, 1], [0, float("inf")]]}]}},
        {"drawings": {"BTCUSDT": [DRAWN, DRAWN]}},
    ],
)
def test_an_arrangement_that_is_wrong_is_refused_and_named(chart, wrong):
    before = chart.arrangement
    with pytest.raises(ValueError, match=r"Chart\.arrangement.* is not allowed: it must be "):
        chart.arrangement = wrong
    assert chart.arrangement == before


def test_a_second_symbol_is_put_where_its_times_are(klines):
    other = random_candles(5000, seed=8).drop(klines.index[100:110])
    other.attrs["symbol"] = "ETHUSDT"
    chart = Chart(klines.iloc[50:])
    chart.compare(other)
    column = chart._columns.held[panes.COMPARISON].values
    expected = other["close"].reindex(klines.index[50:])
    np.testing.assert_array_equal(column, expected.to_numpy())
    assert np.isnan(column[50:60]).all(), "what is missing stays missing"
    assert chart.arrangement["compare"] == "ETHUSDT"
    assert chart.arrangement["scale"] == "percent"
    assert spec(chart)["compare"] == {"column": panes.COMPARISON, "title": "ETHUSDT"}
    marks = [mark for mark in spec(chart)["panes"][0]["marks"] if mark.get("compare")]
    assert [mark["column"] for mark in marks] == [panes.COMPARISON]

    chart.show(klines)  # others of the same timeframe: it is put where they are
    np.testing.assert_array_equal(
        chart._columns.held[panes.COMPARISON].values, other["close"].reindex(klines.index)
    )
    chart.compare(None)
    assert panes.COMPARISON not in chart._columns.held
    assert chart.arrangement == Chart().arrangement
    with pytest.raises(ValueError, match="klines of 1 days 00:00:00 are not allowed"):
        chart.compare(random_candles(50, timeframe="1d"))
    with pytest.raises(ValueError, match="nothing is shown yet"):
        Chart().compare(klines)


def test_the_other_symbols_close_is_not_known_while_a_candle_forms(klines):
    other = random_candles(5000, seed=8)
    chart = Chart(klines.iloc[:100])
    chart.compare(other)
    names = ("open", "high", "low", "close", "volume")

    def extend(first, end, forming):
        part = klines.iloc[first:end]
        rows = {name: part[name].to_numpy() for name in names}
        rows["time"] = part.index.as_unit("ms").asi8.astype(float)
        chart.extend(rows, {}, forming=forming)
        return chart._columns.held[panes.COMPARISON].values

    assert np.isnan(extend(100, 101, True)[100])
    chart.compare(other)
    assert np.isnan(chart._columns.held[panes.COMPARISON].values[100])
    np.testing.assert_array_equal(extend(100, 103, False), other["close"].to_numpy()[:103])


def test_what_is_chosen_on_the_chart_is_loaded(klines, monkeypatch):
    chart = Chart(klines)
    asked = []

    def load(symbol):
        asked.append(symbol)
        if symbol == "BADUSDT":
            raise ValueError("there is none")
        return klines

    chart.offer_comparisons(["ETHUSDT", "BADUSDT"], load)
    sent = Sent(chart, monkeypatch)
    ask(chart, {"type": "compare", "symbol": "ETHUSDT"})
    assert spec(chart)["compare"] is not None
    ask(chart, {"type": "compare", "symbol": "BADUSDT"})
    assert spec(chart)["compare"] is None
    [problem] = [content["text"] for content, _ in sent.messages if content["type"] == "problem"]
    assert problem == "BADUSDT cannot be compared: there is none"
    ask(chart, {"type": "compare", "symbol": "../secret"})
    assert asked == ["ETHUSDT", "BADUSDT"], "only what was offered is loaded"
    assert spec(chart)["offers"] == ["ETHUSDT", "BADUSDT"]


def test_made_up_prices_are_not_compared_with_real_ones(klines, monkeypatch):
    real = klines.copy()
    real.attrs |= {"symbol": "BTCUSDT", "timeframe": "1h", "source": "hub"}
    chart = Chart(real)
    sent = Sent(chart, monkeypatch)
    made_up = KLineDataLoader.load_klines("ETHUSDT", "1h", source="sample")
    monkeypatch.setattr(KLineDataLoader, "load_klines", lambda *_, **__: made_up)
    ask(chart, {"type": "compare", "symbol": "ETHUSDT"})
    assert spec(chart)["compare"] is None
    assert "ETHUSDT would come from sample, the candles shown from hub" in sent.messages[-1][0]["text"]
    chart.compare(made_up)
    assert spec(chart)["compare"]["title"] == "ETHUSDT SYNTHETIC", "whoever does it all the same sees it"


def test_what_it_says_of_itself(klines):
    sample = KLineDataLoader.load_klines("ETHUSDT", "1h", source="sample")
    about = spec(Chart(sample))["about"]
    assert about["marks"] == ["SYNTHETIC"]
    assert (about["symbol"], about["timeframe"], about["source"]) == ("ETHUSDT", "1h", "sample")
    assert spec(Chart(klines))["about"]["marks"] == []
