"""What the chart's modules say of time zones, scales, panes, drawings and pictures; in a browser."""

import json
import re
import xml.etree.ElementTree
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from toolkit.chart import bundle


@pytest.fixture(scope="module")
def modules(browser):
    """A page in which every name of the controller's modules can be called."""
    page = browser.new_page()
    names = re.findall(r"^(?:async )?(?:const|class|function) (\w+)", bundle.script(), re.MULTILINE)
    source = bundle.script().replace("export default", "const controller =")
    page.add_script_tag(
        content=f"(() => {{ {source}\n Object.assign(window, {{ {', '.join(names)} }}); }})()"
    )
    yield page
    page.close()


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "America/St_Johns",
    "Australia/Lord_Howe",
)


@pytest.mark.parametrize("name", ZONES)
def test_clocks_show_what_they_show_there(modules, name):
    """Also where they are put forward or back."""
    random = np.random.default_rng(6)
    times = pd.to_datetime(random.integers(0, 2_000_000_000, 100), unit="s", utc=True).floor("min").tolist()
    changes = [
        pd.Timestamp(f"2024-{month}T{hour:02}:30Z") for month in ("03-31", "11-03") for hour in range(24)
    ]
    millis = [time.timestamp() * 1000 for time in times + changes]
    said, back = modules.evaluate(
        """([name, times]) => {
          const zone = zoneOf(name);
          const same = (wall) => zone.wall(zone.at(wall)) === wall;
          return [times.map((t) => momentText(t, zone)), times.map((t) => same(zone.wall(t)))];
        }""",
        [name, millis],
    )
    zone = ZoneInfo(name)
    assert said == [f"{time.tz_convert(zone):%Y-%m-%d %H:%M}" for time in times + changes]
    assert all(back), "a clock's time is a moment that has it"


@pytest.mark.parametrize("name", ZONES)
def test_time_ticks_are_boundaries_of_the_zone(modules, name):
    zone = ZoneInfo(name)
    start, end = pd.Timestamp("2024-03-30T00:00Z"), pd.Timestamp("2024-04-08T00:00Z")
    ticks = modules.evaluate(
        "([name, from, to]) => timeTicks(from, to, 5 * 36e5, zoneOf(name))",
        [name, start.timestamp() * 1000, end.timestamp() * 1000],
    )
    assert len(ticks) > 30
    for tick in ticks:
        there = pd.Timestamp(tick["time"], unit="ms", tz="UTC").tz_convert(zone)
        assert there.hour % 6 == there.minute == 0, there
        assert tick["major"] == (there.hour == 0)
        expected = (
            f"{there:%H:%M}" if there.hour else f"{there:%b}" if there.day == 1 else f"{there.day} {there:%b}"
        )
        assert tick["label"] == expected


def test_candles_of_a_day_are_days_of_utc_everywhere(modules):
    assert modules.evaluate("zoneOf('America/New_York', 864e5).name") == "UTC"
    assert modules.evaluate("zoneOf('America/New_York', 36e5).name") == "America/New_York"
    assert modules.evaluate("zoneOf('Mars/Olympus').name") == "UTC"


@pytest.mark.parametrize(("low", "high"), [(1, 2), (0.00003, 0.3), (90_000, 91_000), (3, 3e8)])
def test_log_ticks_are_round_inside_and_apart(modules, low, high):
    bounds = [float(np.log10(low)), float(np.log10(high)), 400]
    ticks = modules.evaluate("(b) => priceTicks('log', b[0], b[1], b[2], NaN)", bounds)
    values = np.array(ticks["values"])
    assert len(values) >= 2
    assert bounds[0] - 1e-9 <= values.min() <= values.max() <= bounds[1] + 1e-9
    assert (np.diff(values) * 400 / (bounds[1] - bounds[0]) >= 14 - 1e-6).all()
    said = [float(text.replace(",", "")) for text in ticks["texts"]]
    np.testing.assert_allclose(said, 10**values, rtol=1e-6)


def test_percent_ticks_are_round_percents_of_the_base(modules):
    ticks = modules.evaluate("priceTicks('percent', 90, 130, 400, 100)")
    assert "0%" in [text.replace(".0", "") for text in ticks["texts"]]
    said = [float(text.replace("−", "-").rstrip("%")) for text in ticks["texts"]]
    np.testing.assert_allclose(said, np.array(ticks["values"]) - 100, atol=1e-9)


def test_panes_keep_their_place_also_while_they_are_away(modules):
    arranged = [{"key": "B", "height": 50, "folded": True}, {"key": "gone", "height": 9, "folded": False}]
    assert modules.evaluate("(a) => orderOf(['price', 'A', 'B'], a)", arranged) == ["B", "price", "A"]
    changed = modules.evaluate("(a) => rearranged(a, ['price', 'B', 'A'], { A: { height: 7 } })", arranged)
    assert changed == [
        {"key": "price", "height": None, "folded": False},
        {"key": "B", "height": 50, "folded": True},
        {"key": "A", "height": 7, "folded": False},
        {"key": "gone", "height": 9, "folded": False},
    ]


FEED = """
  const feed = new Feed(() => {}, () => {});
  const times = Float64Array.from([0, 10, 20, 50, 60]);
  feed.length = 5;
  feed.step = 10;
  const column = new Column("first", 5);
  column.put(0, times);
  feed.columns.set("time", column);
"""


def test_times_and_places_are_each_others_inverse(modules):
    """Over a gap as well, and beyond both ends."""
    found = modules.evaluate(
        f"""() => {{ {FEED}
          const xs = [-3, -0.5, 0, 0.25, 1, 2, 2.5, 3, 4, 4.75, 9];
          return xs.map((x) => [x, feed.moment(x), feed.xOf(feed.moment(x))]);
        }}"""
    )
    assert [time for _, time, _ in found] == [-30, -5, 0, 2.5, 10, 20, 35, 50, 60, 67.5, 110]
    np.testing.assert_allclose([back for _, _, back in found], [x for x, _, _ in found])


def test_what_is_near_a_drawing_takes_hold_of_it(modules):
    hits = modules.evaluate(
        f"""() => {{ {FEED}
          const scale = {{ x: (v) => v * 100, y: (v) => 500 - v }};
          const entry = {{ scale, pane: {{ key: "price", map: LINEAR }} }};
          const drawings = [
            {{ id: "level", kind: "level", pane: "price", points: [[0, 300]] }},
            {{ id: "line", kind: "line", pane: "price", points: [[0, 0], [50, 300]] }},
            {{ id: "other", kind: "level", pane: "RSI", points: [[0, 450]] }},
          ];
          const at = (x, y) => {{
            const hit = hitOf(drawings, entry, feed, {{ x, y }});
            return hit && [hit.drawing.id, hit.end];
          }};
          return [at(50, 203), at(50, 190), at(300, 203), at(2, 499), at(150, 350),
                  at(150, 50), at(310, 160)];
        }}"""
    )
    assert hits == [["level", None], None, ["line", 1], ["line", 0], ["line", None], None, None]


def test_measuring_counts_bars_percent_and_time(modules):
    texts = modules.evaluate(
        f"() => {{ {FEED} feed.step = 36e5; column.put(0, times.map((t) => t * 36e4));"
        " const pairs = [[[0, 100], [3, 125]], [[4, 50], [1, 45]]];"
        " return pairs.map(([a, b]) => measureTexts(a, b, feed, String)); }"
    )
    assert texts == [["+25 (+25.00%)", "3 bars · 5h"], ["−5 (−10.00%)", "−3 bars · −5h"]]
    assert modules.evaluate("[0, 59e3, 36e5, 9e7, 864e5 * 400].map(lengthText)") == [
        "0m",
        "1m",
        "1h",
        "1d 1h",
        "1y 35d",
    ]


def test_a_second_symbol_begins_where_both_are_known(modules):
    bases = modules.evaluate(
        """() => {
          const rows = { close: [1, 2, NaN, 4, 5], other: [NaN, NaN, 30, 40, 50] };
          const feed = { length: 5, exact: (name, i) => rows[name][i] ?? NaN };
          const spec = { compare: { column: "other" } };
          return [0, 3.2].map((low) => basesOf({ feed, range: { low, high: 4.5 }, spec, window: null }));
        }"""
    )
    assert bases == [{"row": 3, "own": 4, "factor": 0.1}, {"row": 4, "own": 5, "factor": 0.1}]


def test_a_marker_stands_for_all_signals_of_its_stretch(modules):
    signals = {
        "position": [0, 3, 3, 7, 8, 9],
        "group": [1, 1, 0, 1, 1, 1],
        "confidence": [0.1, 0.9, 1, 0.5, 1, 0],
    }
    assert modules.evaluate(f"signalsAt({json.dumps(signals)}, 0, 8)") == [1, 3, 0]
    assert modules.evaluate(f"signalsAt({json.dumps(signals)}, 5, 8)") == [4, 5]


def test_signals_are_searched_for_markers_anew_only_where_others_may_be_found(modules):
    """New lines or a candle that forms change no signal; others, or other candles in view, may."""
    found = modules.evaluate(
        """() => {
          let looks = 0;
          const signals = (...confidence) => ({
            position: [1, 2, 9],
            get group() { looks++; return [1, 1, 1]; },
            confidence,
          });
          const mark = { kind: "markers", group: 1, side: 1 };
          const chart = { feed: {}, range: { low: 0, high: 12 }, width: 48, window: { candles: {} } };
          const shown = (from, to) => {
            const candle = (_, i) => (from + i === 9 ? chart.ninth : 100 + from + i);
            chart.window.candles.low = Float64Array.from({ length: to - from }, candle);
            const before = looks;
            const { x, y } = markerShape(chart, mark, { level: 0, from, to });
            return [[...x], [...y], looks > before];
          };
          chart.feed.signals = signals(0.2, 0.5, 0.1);
          chart.ninth = NaN;
          const first = shown(0, 12);
          chart.ninth = 9;
          const again = shown(0, 12);
          const fewer = shown(0, 5);
          chart.feed.signals = signals(0.9, 0.5, 0.1);
          return [first, again, fewer, shown(0, 5)];
        }"""
    )
    assert found == [
        [[2], [102], True],
        [[2, 9], [102, 9], False],
        [[2], [102], True],
        [[1], [101], True],
    ]


def test_an_answer_that_comes_late_takes_nothing_away(modules):
    """Rows that were asked for before everything was sent anew say nothing of what is asked since."""
    missing = modules.evaluate(
        """() => {
          const feed = new Feed(() => {}, () => {});
          const rows = (count) => new Float64Array(count).buffer;
          const reset = (names) => feed.receive(
            { type: "reset", epoch: 1, length: 10, step: 1, from: 6, columns: names.map((one) => [one, 0]) },
            names.map(() => rows(4)),
          );
          const late = { type: "rows", epoch: 1, columns: [["time", 0]], asked: ["time"], from: 0, to: 6 };
          reset(["time"]);
          reset(["time", "RSI.rsi"]);
          feed.waiting = ["time", "RSI.rsi"];
          feed.receive(late, [rows(6)]);
          feed.close();
          const after = [...feed.columns].map(([name, { from, missing }]) => [name, from, missing]);
          feed.receive({ ...late, columns: [], asked: ["RSI.rsi"] }, []);
          feed.close();
          return [after, feed.columns.get("RSI.rsi").missing];
        }"""
    )
    assert missing == [[["time", 0, False], ["RSI.rsi", 6, False]], True]


# Charts without a kernel: `make(state)` makes one, `tell` gives it candles, `see` puts it on the page.
MAKE = """
  const manager = () => ({ get_model: () => new Promise(() => {}) });
  const here = manager();
  const make = (own, widget_manager = here) => {
    const usual = { goal: {}, seen: {}, renderer: "canvas", spec: { panes: [], x: "x" }, arrangement: {} };
    const state = { ...usual, ...own };
    const [heard, sent] = [{}, []];
    const model = {
      get: (name) => state[name], set() {}, save_changes() {}, send: (message) => sent.push(message.type),
      on: (name, act) => (heard[name] = act), widget_manager,
    };
    const chart = Object.assign(new Chart(model), { sent, heard });
    CHARTS.set(own.key, chart);
    return chart;
  };
  const tell = (chart, step, length, epoch = 1) => {
    const times = Float64Array.from({ length }, (_, i) => i * step);
    const reset = { type: "reset", epoch, length, step, columns: [["time", 0]], from: 0 };
    chart.heard["msg:custom"](reset, [times.buffer]);
    return chart;
  };
  const see = (chart) => (chart.join({ plot: { width: 700 }, measure() {}, paint() {} }), chart);
  const span = ({ range, feed }) => range && [feed.moment(range.low), feed.moment(range.high)];
"""


def test_charts_of_a_group_show_the_same_time(modules):
    """Whatever their timeframes, and only those of the group that can be seen; one that comes into sight
    joins them.
    """
    found = modules.evaluate(
        f"""() => {{
          {MAKE}
          const chart = (key, group, step, length, manager) =>
            tell(make({{ key, group }}, manager), step, length);
          const [hours, quarters] = [see(chart("a", "g", 4, 1000)), see(chart("b", "g", 1, 4000))];
          const others = [see(chart("c", "", 4, 1000)), see(chart("d", "g", 4, 1000, manager()))];
          const gone = chart("e", "g", 4, 1000); // of a cell that was run again
          gone.show(10, 60);
          const all = [hours, quarters, ...others, gone];
          const spans = [all.map(span)];
          hours.show(100, 200);
          spans.push(all.map(span));
          quarters.show(2000, 2400);
          spans.push(all.map(span));
          see(gone);
          return [...spans, span(gone)];
        }}"""
    )
    alone = [None, None, [40, 240]]
    assert found == [
        [[40, 240], [40, 240], *alone],
        [[400, 800], [400, 800], *alone],
        [[2000, 2400], [2000, 2400], *alone],
        [2000, 2400],
    ]


def test_a_chart_of_before_waits_until_it_is_seen(modules):
    """A notebook opened again has every chart its kernel ever made: none is sent candles that nobody looks
    at.
    """
    seen = {"epoch": 3, "level": 0, "from": 0, "to": 90, "first": 20, "last": 70, "goal": 2}
    goal = {"number": 2, "epoch": 3, "low": 0, "high": 50}
    found = modules.evaluate(
        f"""async ([seen, goal]) => {{
          {MAKE}
          const fresh = make({{ key: "new" }});
          const chart = make({{ key: "old", seen, goal }});
          tell(chart, 1, 100, 3);
          const before = [fresh.sent.join(), chart.sent.join(), chart.feed.length];
          see(see(chart));
          tell(chart, 1, 100, 3);
          chart.linked.x = {{}};
          await new Promise((done) => setTimeout(done, 100));
          const after = [chart.sent.join(), chart.feed.length, chart.range];
          chart.show(30, 60);
          chart.highlight(40);
          tell(chart, 1, 100, 3); // another window on the same kernel was opened
          const same = [chart.range, chart.selected];
          tell(chart, 1, 100, 4);
          return [before, after, same, [chart.range, chart.selected]];
        }}""",
        [seen, goal],
    )
    assert found == [
        ["ready", "", 0],
        ["ready", 100, {"low": 20, "high": 70}],
        [{"low": 30, "high": 60}, 40],
        [None, None],
    ]


def test_what_a_canvas_draws_is_kept_as_svg(modules):
    """The same calls on a canvas and as SVG, shown by the browser, differ in hardly a pixel."""
    drawing, apart = modules.evaluate(
        """async () => {
          const draw = (context) => {
            context.fillStyle = "#ffffff";
            context.fillRect(0, 0, 200, 100);
            context.save();
            context.beginPath();
            context.rect(10, 10, 150, 80);
            context.clip();
            context.strokeStyle = "#ff0000";
            context.lineWidth = 3;
            context.setLineDash([6, 4]);
            context.beginPath();
            context.moveTo(0, 0);
            context.lineTo(200, 100);
            context.stroke();
            context.globalAlpha = 0.5;
            context.fillStyle = "#0000ff";
            context.beginPath();
            context.arc(100, 50, 30, 0, 2 * Math.PI);
            context.fill();
            context.restore();
            context.beginPath();
            context.roundRect(165, 20, 30, 40, 6);
            context.fill();
            context.strokeRect(170.5, 70.5, 20, 20);
          };
          const pixels = (paint) => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [200, 100];
            const context = canvas.getContext("2d");
            paint(context);
            return context.getImageData(0, 0, 200, 100).data;
          };
          const svg = new SvgContext(200, 100, document.createElement("canvas").getContext("2d"));
          draw(svg);
          svg.fillText('<&"', 5, 200);
          const image = new Image();
          image.src = `data:image/svg+xml,${encodeURIComponent(String(svg))}`;
          await image.decode();
          const [one, other] = [pixels(draw), pixels((context) => context.drawImage(image, 0, 0))];
          let apart = 0;
          for (let i = 0; i < one.length; i += 4) {
            const far = [0, 1, 2].reduce((sum, k) => sum + Math.abs(one[i + k] - other[i + k]), 0);
            if (far > 90) apart++;
          }
          return [String(svg), apart];
        }"""
    )
    assert apart < 40, "of 20,000"
    root = xml.etree.ElementTree.fromstring(drawing)
    assert [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")] == ['<&"']


def test_every_colour_of_a_mark_has_one_for_a_light_ground(modules):
    from toolkit.chart import panes

    source = (bundle.FOLDER.parent / "panes.py").read_text()
    used = set(re.findall(r'"(#[0-9a-f]{6})"', source))
    assert set(panes.PALETTE) <= used
    known = set(modules.evaluate("Object.keys(LIGHT_INKS)"))
    assert used <= known


# Machado, Oliveira and Fernandes (2009), complete deficiency, on linear RGB.
SIGHTS = {
    "all colours": np.eye(3),
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(color):
    part = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(color, sight):
    """CIELAB of a colour as somebody sees it."""
    xyz = TO_XYZ @ np.clip(np.array(SIGHTS[sight]) @ linear(color), 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, other):
    a, b = sorted((TO_XYZ @ linear(color))[1] for color in (one, other))
    return (b + 0.05) / (a + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_colours_are_told_apart_without_red_or_green(modules, theme):
    from toolkit.chart import panes

    def ink(color):
        return modules.evaluate("([theme, color]) => inkOf(theme, color)", [theme, color])

    ground = modules.evaluate("(theme) => THEMES[theme].back", theme)
    lines = [ink(color) for color in panes.PALETTE]
    up, down = ink(panes.UP), ink(panes.DOWN)
    for sight in SIGHTS:
        seen = {color: lab(color, sight) for color in (*lines, up, down)}

        def apart(one, other, seen=seen):
            return float(np.linalg.norm(seen[one] - seen[other]))

        assert apart(up, down) > 25, (sight, "rising and falling")
        for i, one in enumerate(lines):
            for other in lines[i + 1 :]:
                assert apart(one, other) > 15, (sight, one, other)
    assert min(contrast(color, ground) for color in (*lines, up, down)) > 3
