"""Links, layouts and copied code: ten random dashboards come back to the last bit, and what is hostile does
not get in.
"""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from market import random_candles, random_params

from toolkit import IndicatorRegistry
from toolkit.controls import Charts, Dashboard, LayoutPicker, Share
from toolkit.controls import link as links
from toolkit.controls.address import open_link
from toolkit.controls.code import code_of
from toolkit.controls.indicators import on_larger_candles
from toolkit.controls.shown import Shown, ShownError

ENVIRONMENT = dict(os.environ)  # before a test has a home of its own, where nothing is compiled yet


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Real-looking candles of two pairs, in the dataset's layout."""
    folder = tmp_path_factory.mktemp("market")
    for number, (symbol, timeframe) in enumerate(
        (symbol, timeframe) for symbol in ("BTC", "ETH") for timeframe in ("15m", "1h", "1d")
    ):
        place = folder / "klines" / f"{symbol}USDT"
        place.mkdir(parents=True, exist_ok=True)
        frame = random_candles(700, seed=number, timeframe=timeframe)
        frame.index = frame.index.tz_localize(None)
        frame.reset_index().to_parquet(place / f"{symbol}_{timeframe}.parquet")
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, folder):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    monkeypatch.setenv("TOOLKIT_SOURCE", str(folder))


def see(chart, first, last):
    """What the browser tells when candles `first` to `last` are in view."""
    chart._controller.seen = {
        "epoch": chart._columns.epoch,
        "level": 0,
        "from": first,
        "to": last,
        "first": first,
        "last": last,
    }


def random_dashboard(seed):
    """A dashboard with one to three charts, each with its own candles, indicators, view and arrangement."""
    random = np.random.default_rng(seed)
    state = Dashboard("BTCUSDT", "1h")
    charts = Charts(state)
    for place in range(1 + seed % 3):
        if place:
            state.activate(state.add_chart())
        state.symbol = str(random.choice(["BTCUSDT", "ETHUSDT"]))
        state.timeframe = str(random.choice(["15m", "1h", "1d"]))
        chosen = list(random.choice(IndicatorRegistry.names(), 3, replace=False))
        state.configuration.show_only(
            [{"indicator": str(name), "params": random_params(random, name)} for name in chosen]
        )
        label = state.configuration.duplicate(str(chosen[0]))
        state.configuration.set_indicator_params(label, random_params(random, chosen[0]) | {})
        if on_larger_candles(state.configuration.entry(label).indicator) and seed % 2:
            state.configuration.set_indicator_timeframe(label, "1w")
        state.configuration.move(label, int(random.integers(0, 3)))
        first = int(random.integers(0, 500))
        see(charts.charts[place], first, first + int(random.integers(20, 190)))
        charts.charts[place].arrangement = {
            "scale": str(random.choice(["linear", "log", "percent"])),
            "panes": [{"key": "price", "height": 0.5, "range": [1.5, 9.25]}],
        }
    state.activate(int(random.integers(0, len(state.slots))))
    state.link(*(["timeframe"] if len(state.slots) == 1 else []))
    assert state.error == {}
    return state


def numbers(columns, signals):
    """A hash of every number, by column, and of every signal."""
    found = {
        name: hashlib.sha256(np.ascontiguousarray(v).tobytes()).hexdigest() for name, v in columns.items()
    }
    for label, one in signals.items():
        parts = (one.position, one.value, one.confidence, one.timestamp.as_unit("ms").asi8)
        found[f"signals of {label}"] = hashlib.sha256(b"".join(p.tobytes() for p in parts)).hexdigest()
    return found


def on_the_screen(slot):
    columns = {
        column: slot.values[label][output]
        for label in slot.pipeline.indicators
        for output, column in slot.pipeline.columns(label).items()
    }
    return numbers(columns, {label: slot.signals_of(label) for label in slot.pipeline.indicators})


RUN = """
import hashlib, json, sys
import numpy as np
found = []
for code in json.load(sys.stdin):
    names = {}
    exec(code, names)
    columns = {c: names["frame"][c].to_numpy() for l in names["pipeline"].indicators
               for c in names["pipeline"].columns(l).values()}
    told = {n: hashlib.sha256(np.ascontiguousarray(v).tobytes()).hexdigest() for n, v in columns.items()}
    for label, one in names["signals"].items():
        parts = (one.position, one.value, one.confidence, one.timestamp.as_unit("ms").asi8)
        told[f"signals of {label}"] = hashlib.sha256(b"".join(p.tobytes() for p in parts)).hexdigest()
    found.append(told)
print(json.dumps(found))
"""


def test_copied_code_gives_the_same_bits_in_a_fresh_process():
    states = [random_dashboard(seed) for seed in range(10)]
    codes = [code_of(state) for state in states]
    # another home, with another source: the code names its own
    environment = ENVIRONMENT | {"TOOLKIT_SOURCE": "sample"}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(codes),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    for state, code, found in zip(states, codes, json.loads(done.stdout), strict=True):
        assert found == on_the_screen(state.slot), code
        assert f"revision={state.klines.attrs['revision']!r}" in code
        assert max(map(len, code.splitlines())) <= 100


def test_code_of_another_revision_is_refused(folder):
    state = random_dashboard(0)
    code = code_of(state).replace("sha256:", "sha256:0")
    with pytest.raises(Exception, match=r"is of revision 'sha256:.*' now; its numbers can differ"):
        exec(code, {})  # what it says is what is tested


@pytest.mark.parametrize("seed", range(10))
def test_a_link_shows_the_same_again(seed):
    before = random_dashboard(seed)
    text = links.write(Shown.of(before))
    shown = Shown.of(before)
    assert links.read(f"http://127.0.0.1:8866/voila#{text}").to_dict() == _without_paths(shown)
    after = Dashboard("BTCUSDT", "15m")
    charts = Charts(after)
    assert open_link(after, text), after.error
    assert after.error == {}
    assert (after.active, after.linked, after.charts) == (before.active, before.linked, before.charts)
    for old, new, chart in zip(before.slots, after.slots, charts.charts, strict=True):
        assert on_the_screen(new) == on_the_screen(old)
        assert list(new.plotted.items()) == [(label, new.plotted[label]) for label in new.wanted]
        assert new.entries == old.entries
        assert chart.arrangement == old.viewport.arrangement
        first, last = old.viewport.visible_times
        goal = chart._controller.goal
        assert (new.klines.index[int(goal["low"] + 0.5)], new.klines.index[int(goal["high"] - 0.5)]) == (
            first,
            last,
        )


def _without_paths(shown):
    """As JSON; a link names no folder of this machine."""
    told = shown.to_dict()
    for chart in told["charts"]:
        chart["source"] = "folder"
    return told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read|version none"),
        ("v=2&symbol=BTCUSDT", "it is of version 2, and this reads 1"),
        ("v=1", "there must be 1 to 4"),
        ("v=1&symbol=BTCUSDT&symbol=" + "&symbol=".join(["ETHUSDT"] * 5), "there must be 1 to 4"),
        ("v=1&symbol=../../etc/passwd", "is not supported"),
        ("v=1&symbol=BTCUSDT&timeframe=7m", "timeframe: '7m' is not supported"),
        ("v=1&symbol=BTCUSDT&source=/etc&pwn=1", "'pwn' is not known"),
        ("v=1&timeframe=1h", "'timeframe' comes before a symbol"),
        ("v=1&symbol=BTCUSDT&from=2025-01-02T00:00Z", "is none"),
        ("v=1&symbol=BTCUSDT&from=2025-01-02T00:00Z&to=2025-01-01T00:00Z", "is none"),
        ("v=1&symbol=BTCUSDT&from=NaT&to=9e99", "is no time"),
        ("v=1&symbol=BTCUSDT&indicators=[[%22RSI%22,{%22period%22:0}]]", "RSI: period=0 is not allowed"),
        ("v=1&symbol=BTCUSDT&indicators=[[%22RSI%22,{%22period%22:NaN}]]", "NaN is no number"),
        ("v=1&symbol=BTCUSDT&indicators=[[%22RSI%22,{%22period%22:14.5}]]", "period=14.5 is not allowed"),
        ("v=1&symbol=BTCUSDT&indicators=[[%22__import__%22]]", "no indicator named '__import__'"),
        ("v=1&symbol=BTCUSDT&indicators=[[[[]]]]", "no entry|is no|needs an 'indicator'"),
        ("v=1&symbol=BTCUSDT&indicators={}", "must be a list"),
        ("v=1&symbol=BTCUSDT&indicators=" + "[" * 9000, "cannot be read"),
        ("v=1&symbol=BTCUSDT&indicators=[" + ",".join(['["RSI"]'] * 101) + "]", "at most 100"),
        ('v=1&symbol=BTCUSDT&layout={"scale":"odd"}', "arrangement.*'odd' is not allowed"),
        ('v=1&symbol=BTCUSDT&layout={"compare":{}}', "is not allowed"),
        ("v=1&symbol=BTCUSDT&linked=everything", "is not allowed: it must be of symbol, timeframe"),
        ("v=1&symbol=BTCUSDT&active=4", "is none of 1 charts"),
        ("v=1&symbol=BTCUSDT&timeframe=1h&timeframe=1d", "'timeframe' is there twice"),
        ("v=1&symbol=%ff%fe", "cannot be read"),
        ("<script>alert(1)</script>", "cannot be read"),
        ("v=1&symbol=BTCUSDT&revision=" + "x" * 17_000, "more than 16,000"),
        ("&".join(["v=1"] * 80), "cannot be read"),
    ],
)
def test_a_link_that_is_wrong_says_so_and_changes_nothing(text, message):
    state = Dashboard("BTCUSDT", "1h")
    charts = Charts(state)
    before = (Shown.of(state).to_dict(), on_the_screen(state.slot))
    with pytest.raises(ShownError, match=message):
        links.read(text)
    assert not open_link(state, text)
    assert state.error["title"] == "The link could not be opened"
    assert len(state.error["text"]) < 500
    assert (Shown.of(state).to_dict(), on_the_screen(state.slot)) == before
    assert len(charts.children) == 1


def test_a_link_to_candles_that_are_not_here_changes_nothing():
    state = Dashboard("BTCUSDT", "1h")
    before = Shown.of(state).to_dict()
    assert not open_link(state, "v=1&symbol=ETHUSDT&timeframe=1h&symbol=SOLUSDT&timeframe=1h")
    assert "SOL_1h" in state.error["text"]
    assert Shown.of(state).to_dict() == before


def test_a_link_of_another_revision_is_opened_and_says_so():
    state = Dashboard("BTCUSDT", "1h")
    assert open_link(state, "v=1&symbol=ETHUSDT&timeframe=1h&source=hub&revision=abc")
    assert state.symbol == "ETHUSDT"
    assert state.error["kind"] == "note"
    assert "was of revision abc of hub" in state.error["text"]


def test_a_layout_comes_back_under_its_name(tmp_path):
    before = random_dashboard(5)
    layouts = LayoutPicker(before)
    layouts._receive(None, {"type": "save", "name": "Two charts"}, [])
    assert layouts.names == ["Two charts"]
    after = Dashboard("BTCUSDT", "15m")
    Charts(after)
    picker = LayoutPicker(after)
    picker._receive(None, {"type": "apply", "name": "Two charts"}, [])
    assert [on_the_screen(slot) for slot in after.slots] == [on_the_screen(slot) for slot in before.slots]
    [file] = (tmp_path / "layouts").iterdir()
    content = json.loads(file.read_text())
    content["shown"]["charts"][0]["entries"] = [{"indicator": "RSX"}]
    file.write_text(json.dumps(content))
    with after.reporting("The layout could not be used"):
        picker._receive(None, {"type": "apply", "name": "Two charts"}, [])
    assert "layout 'Two charts': no indicator named 'RSX'" in after.error["text"]


def test_link_and_code_are_written_only_while_they_can_be_seen():
    state = random_dashboard(0)
    share = Share(state)
    assert (share.link, share.code) == ("", "")
    share.seen = True
    assert share.link == links.write(Shown.of(state))
    assert share.code == code_of(state)
    share.seen = False
    state.configuration.show_only([{"indicator": "RSI"}])
    assert share.code != code_of(state)
