"""The controller's pure functions, in the browser that runs them, against numpy."""

import json
import re

import numpy as np
import pytest
from market import random_candles

from toolkit import KLineDataLoader
from toolkit.chart import bundle, found, wire
from toolkit.controls import ScreenerTable


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


def numbers(values):
    """JSON has no NaN: null stands for it on the way there and back."""
    return [None if value != value else value for value in map(float, values)]


def back(values):
    return np.array([np.nan if value is None else value for value in values], dtype=float)


FROM_NULL = """
  const float = (list) => Float64Array.from(list, (v) => v ?? NaN);
  const list = (a) => Array.from(a, (v) => (v === v ? v : null));
"""


@pytest.mark.parametrize("length", [1, 2, 7, 64, 1001])
def test_pyramids_hold_what_numpy_says(modules, length):
    random = np.random.default_rng(length)
    values = random.normal(size=length)
    values[: length // 5] = np.nan
    found = modules.evaluate(
        f"""(values) => {{ {FROM_NULL}
          const levels = {{}};
          for (const how of ["first", "last", "min", "max", "sum"]) {{
            const pyramid = new Pyramid(float(values), how);
            levels[how] = Array.from({{ length: 12 }}, (_, level) => list(pyramid.level(level)));
          }}
          return levels;
        }}""",
        numbers(values),
    )
    reduced = {
        "first": lambda piece: piece[0],
        "last": lambda piece: piece[-1],
        "min": np.min,
        "max": np.max,
        "sum": np.sum,
    }
    for how, of in reduced.items():
        for level in range(12):
            size = 2**level
            pieces = [values[start : start + size] for start in range(0, length, size)]
            pieces = [piece[~np.isnan(piece)] for piece in pieces]
            expected = [of(piece) if len(piece) else np.nan for piece in pieces]
            here = back(found[how][level])
            if len(expected) > 1 or level <= np.ceil(np.log2(length)):
                np.testing.assert_allclose(here, expected, rtol=1e-12)


def test_rows_that_come_later_reach_every_level(modules):
    random = np.random.default_rng(5)
    values = random.normal(size=1000)
    same = modules.evaluate(
        """(values) => {
          const column = new Column("range", 1000);
          for (let level = 0; level < 9; level++) column.buckets(level, 0, 1);
          for (const [from, to] of [[937, 1000], [333, 937], [332, 333], [0, 332]]) {
            column.put(from, Float64Array.from(values.slice(from, to)));
          }
          const whole = new Column("range", 1000);
          whole.put(0, Float64Array.from(values));
          const level = (c, l) => Object.values(c.buckets(l, 0, 1000 >> l)).map((a) => [...a]);
          const all = (c) => JSON.stringify([...Array(9).keys()].map((l) => level(c, l)));
          return [all(column) === all(whole), column.from];
        }""",
        values.tolist(),
    )
    assert same == [True, 0]


@pytest.mark.parametrize("level", [0, 3])
def test_the_kernels_buckets_are_the_browsers(modules, level):
    """A patch made by the kernel and the pyramid made by the browser hold the same numbers."""
    random = np.random.default_rng(9)
    values = random.normal(size=500)
    values[100:140] = np.nan
    low, high = wire.buckets(values, level, 2, 40)
    found = modules.evaluate(
        f"""([values, level, low, high]) => {{ {FROM_NULL}
          const column = new Column("range", values.length);
          column.put(0, float(values));
          const whole = column.buckets(level, 0, 45);
          column.reset(1);
          column.patch = {{ level, from: 2, low: float(low), high: float(high) }};
          const patched = column.buckets(level, 0, 45);
          return [[list(whole.low), list(whole.high)], [list(patched.low), list(patched.high)]];
        }}""",
        [numbers(values), level, numbers(low), numbers(high)],
    )
    for whole, patched in zip(*found, strict=True):
        np.testing.assert_array_equal(back(whole)[2:40], back(patched)[2:40])
        assert np.isnan(back(patched)[[0, 1, 40]]).all(), "what is not known yet is not shown"


def test_a_column_that_was_replaced_has_no_room_until_rows_come(modules):
    """So a slider can move as often as it likes; nothing of what was there before is seen again."""
    found = modules.evaluate(
        f"""() => {{ {FROM_NULL}
          const column = new Column("range", 100);
          column.put(0, Float64Array.from({{ length: 100 }}, (_, i) => i));
          column.buckets(3, 0, 13);
          column.reset(2);
          const seen = [0, 3].map((level) => Object.values(column.buckets(level, 2, 99)).map(list));
          const before = [column.values, seen.flat(), [-1, 0, 99, 100].map((i) => column.exact(i))];
          column.patch = {{ level: 3, from: 4, low: float([1, 2]), high: float([3, 4]) }};
          column.resize(104);
          const patched = Object.values(column.buckets(3, 0, 13)).map(list);
          column.put(60, Float64Array.from({{ length: 44 }}, (_, i) => -i));
          const exact = [59, 60, 103].map((i) => column.exact(i));
          return [before, patched, exact, column.from, column.values.length];
        }}"""
    )
    (values, seen, outside), patched, exact, start, room = found
    assert values is None
    assert [len(part) for part in seen] == [97, 97, 11, 11], "as many as there are"
    assert all(np.isnan(back(part)).all() for part in seen)
    assert all(np.isnan(back(outside)))
    for part, (first, second) in zip(patched, ((1, 2), (3, 4)), strict=True):
        expected = np.full(13, np.nan)
        expected[4:6] = first, second
        np.testing.assert_array_equal(back(part), expected)
    assert np.isnan(back(exact)[0])
    assert exact[1:] == [0, -43]
    assert (start, room) == (60, 104)


def test_a_line_keeps_the_extremes_of_every_bucket(modules):
    random = np.random.default_rng(1)
    values = np.cumsum(random.normal(size=640))
    x, y = modules.evaluate(
        """(values) => {
          const column = new Column("range", 640);
          column.put(0, Float64Array.from(values));
          const { x, y } = lineShape({ level: 4, from: 10, to: 30 }, column.buckets(4, 10, 30));
          return [[...x], [...y]];
        }""",
        values.tolist(),
    )
    assert len(x) == 40
    assert (np.diff(x) > 0).all()
    for bucket in range(20):
        piece = values[(10 + bucket) * 16 : (11 + bucket) * 16]
        assert sorted(y[2 * bucket : 2 * bucket + 2]) == [piece.min(), piece.max()]
        assert (10 + bucket) * 16 - 0.5 < x[2 * bucket] < x[2 * bucket + 1] < (11 + bucket) * 16 - 0.5


@pytest.mark.parametrize(
    ("low", "high", "most"),
    [(0, 1, 5), (48_000, 49_000, 8), (0.00051, 0.00053, 6), (-3, 7, 4), (1e9, 3e9, 10)],
)
def test_number_ticks_are_round_inside_and_not_too_many(modules, low, high, most):
    ticks = modules.evaluate("([low, high, most]) => numberTicks(low, high, most)", [low, high, most])
    values = ticks["values"]
    assert 1 <= len(values) <= most + 1
    assert all(low - 1e-9 <= value <= high * (1 + 1e-9) for value in values)
    texts = [f"{value:.{ticks['decimals']}f}" for value in values]
    assert len(set(texts)) == len(texts), "ticks can be told apart"
    mantissa = ticks["step"] / 10 ** np.floor(np.log10(ticks["step"]))
    assert min(abs(mantissa - m) for m in (1, 2, 2.5, 5, 10)) < 1e-9


def test_time_ticks_are_boundaries(modules):
    def ticks(start, end, least):
        return modules.evaluate(
            "([start, end, least]) => timeTicks(Date.parse(start), Date.parse(end), least)",
            [start, end, least],
        )

    hours = ticks("2024-02-29T20:30Z", "2024-03-01T06:00Z", 3_000_000)
    assert [tick["label"] for tick in hours][:5] == ["21:00", "22:00", "23:00", "Mar", "01:00"]
    assert [tick["label"] for tick in hours if tick["major"]] == ["Mar"]
    months = ticks("2023-10-15T00:00Z", "2024-04-15T00:00Z", 28 * 86_400_000)
    assert [tick["label"] for tick in months] == ["Nov", "Dec", "2024", "Feb", "Mar", "Apr"]
    days = ticks("2024-01-30T00:00Z", "2024-02-08T00:00Z", 86_400_000)
    assert [tick["label"] for tick in days][:4] == ["30 Jan", "31 Jan", "Feb", "2 Feb"]
    years = ticks("2000-01-01T00:00Z", "2049-01-01T00:00Z", 4 * 365 * 86_400_000)
    assert [tick["label"] for tick in years][:3] == ["2000", "2005", "2010"]


def test_numbers_as_text(modules):
    def call(name, *arguments):
        return modules.evaluate(f"(given) => {name}(...given.map((v) => v ?? NaN))", list(arguments))

    assert call("exactText", 48795.1) == "48,795.1"
    assert call("exactText", 0.00054321) == "0.00054321"
    assert call("exactText", 0.1 + 0.2) == "0.3"
    assert call("exactText", None) == "–"
    assert call("fixedText", -1234567.891, 2) == "-1,234,567.89"
    assert call("valueText", 0.0001234, 2) == "0.000123"
    assert call("valueText", 12.3456, 2) == "12.35"
    assert call("compactText", 1_234_567) == "1.23M"
    assert call("priceDecimals", 0.000512) == 8
    assert call("priceDecimals", 48_000) == 2


def test_levels(modules):
    found = modules.evaluate(
        "[[600, 600], [601, 600], [300000, 640], [5, 600]].map(([span, most]) => levelFor(span, most))"
    )
    assert found == [0, 1, 9, 0]


def test_markers_never_crowd_and_the_most_confident_stays(modules):
    signals = {
        "position": [0, 1, 2, 9, 17, 18],
        "group": [0, 0, 1, 0, 0, 0],
        "confidence": [0.1, 0.9, 1, 0.2, 0.3, 0.2],
    }
    kept = modules.evaluate(f"thinned({json.dumps(signals)}, 0, 6, 0, 8)")
    assert kept == [1, 3, 4]


def made_found(klines):
    """What the kernel found, as JavaScript that makes the browser's `found` of it."""
    content, arrays = found.find(klines)
    kinds = ["Int32Array" if array.dtype == np.int32 else "Float64Array" for array in arrays]
    listed = ", ".join(
        f"{kind}.from({array.tolist()}).buffer" for kind, array in zip(kinds, arrays, strict=True)
    )
    return f"new Found({json.dumps(content)}, [{listed}])"


def dirty_candles(count=2000):
    """Gaps, quiet stretches and quarantined rows, at random places."""
    raw = random_candles(count, seed=3, flat_share=0.3)
    random = np.random.default_rng(4)
    raw.iloc[random.choice(count, 30, replace=False), raw.columns.get_loc("high")] = -1.0
    kept = np.ones(count, bool)
    for start in random.choice(count - 20, 12, replace=False):
        kept[start : start + int(random.integers(1, 15))] = False
    return KLineDataLoader.from_frame(raw[kept], symbol="BTCUSDT", timeframe="1h")


@pytest.mark.parametrize("level", [0, 1, 4, 11])
def test_quiet_bars_hold_the_share_of_every_bucket(modules, level):
    klines = dirty_candles()
    quiet = (klines["volume"] == 0).to_numpy()
    size, length = 2**level, len(klines)
    buckets = -(-length // size)
    view = {"level": level, "from": 0, "to": buckets}
    bars = modules.evaluate(
        f"([view, length]) => quietBars({made_found(klines)}.runs, view, length)", [view, length]
    )
    assert 0 < len(bars) <= buckets
    shares = np.zeros(buckets)
    for bar in bars:
        first = round(bar["low"] + 0.5) // size
        last = -(-round(bar["high"] + 0.5) // size)
        assert (shares[first:last] == 0).all(), "no two bars over each other"
        shares[first:last] = bar["share"]
    expected = [quiet[b * size : (b + 1) * size].mean() for b in range(buckets)]
    np.testing.assert_allclose(shares, expected, rtol=1e-12)


@pytest.mark.parametrize("apart", [1, 8, 256])
def test_marks_of_the_strip_never_crowd_and_none_is_lost(modules, apart):
    klines = dirty_candles()
    content = found.find(klines)
    rows = content.arrays[0]
    view = {"level": 0, "from": 0, "to": len(klines)}
    marks = modules.evaluate(
        f"([view, length, apart]) => stripMarks({made_found(klines)}, view, length, apart).gap",
        [view, len(klines), apart],
    )
    assert sum(mark["to"] - mark["from"] for mark in marks) == len(rows) > 12
    assert len(marks) <= len(klines) / apart + 1
    for mark in marks:
        held = rows[mark["from"] : mark["to"]]
        assert (mark["low"], mark["high"]) == (held[0] - 0.5, held[-1] - 0.5)
        assert held[-1] - held[0] < apart
    inner = modules.evaluate(
        f"([view, length, apart]) => stripMarks({made_found(klines)}, view, length, apart).gap",
        [{"level": 0, "from": 500, "to": 900}, len(klines), 1],
    )
    assert [mark["low"] + 0.5 for mark in inner] == [row for row in rows if 500 <= row <= 900]


def test_every_place_says_what_it_is(modules):
    hours = random_candles(48, flat_share=0)
    times = hours.index
    hours.iloc[[30, 31, 32], hours.columns.get_loc("volume")] = 0.0
    hours.iloc[40, hours.columns.get_loc("high")] = -1.0
    klines = KLineDataLoader.from_frame(hours.drop(times[2:14]), symbol="BTCUSDT", timeframe="1h")
    made = made_found(klines).replace('"stale": null', '"stale": {"behind": 1234, "closed": 1704240000000}')

    def told(x, bucket=1, reach=0.3):
        return modules.evaluate(
            """([x, reach, bucket, times, found]) => {
              const feed = { length: times.length, step: 36e5, knows: () => true, time: (i) => times[i] };
              return foundTexts(eval(found), feed, x, reach, bucket);
            }""",
            [x, reach, bucket, klines.index.asi8.tolist(), made],
        )

    assert told(1.5) == ["gap: 12 candles missing, 2024-01-01 02:00 to 14:00 UTC"]
    assert told(1) == told(2) == told(5) == []
    assert told(1, reach=0.6) != []
    assert told(19) == ["no volume: 3 candles, 2024-01-02 06:00 to 09:00 UTC"]
    assert told(17, bucket=16) == ["no volume: 3 of 16 candles, 2024-01-02 04:00 to 21:00 UTC"]
    assert told(27.5) == [
        "gap: 1 candle missing, 2024-01-02 16:00 to 17:00 UTC",
        "quarantined: high is not above zero, 2024-01-02 16:00 UTC",
    ]
    assert told(14, reach=30, bucket=1)[0].startswith(
        "2 gaps: 13 candles missing, 2024-01-01 02:00 to 2024-01-02 17:00"
    )
    assert told(len(klines)) == [
        "stale: the last candle closed 2024-01-03 00:00 UTC, 1,234 more have closed since"
    ]


def test_the_legend_walks_from_one_to_the_one_before(modules):
    klines = dirty_candles()
    rows = found.find(klines).arrays[0].tolist()
    walked = modules.evaluate(
        f"""(end) => {{
          const found = {made_found(klines)};
          const walked = [];
          for (let row = end; walked.length < 4; walked.push(row)) row = found.previous("gap", row);
          return [...walked, found.previous("gap", found.gaps.row[0]), found.previous("stale", 5) ?? null];
        }}""",
        len(klines),
    )
    assert walked == [*rows[:-5:-1], rows[-1], None]


def test_a_screener_sorts_with_undefined_values_last(browser):
    page = browser.new_page()
    source = re.sub(r"^export (?!default)", "", ScreenerTable._esm, flags=re.MULTILINE)
    source = source.replace("export default", "const widget =")
    page.add_script_tag(
        content=f"(() => {{ {source}\n Object.assign(window, {{ sorted, numberText }}); }})()"
    )
    rows = [["B", 2.5], ["A", None], ["D", -1], ["C", 10]]
    assert page.evaluate("(rows) => sorted(rows, 1, -1)", rows) == [3, 0, 2, 1]
    assert page.evaluate("(rows) => sorted(rows, 1, 1)", rows) == [2, 0, 3, 1]
    assert page.evaluate("(rows) => sorted(rows, 0, 1)", rows) == [1, 0, 3, 2]
    texts = page.evaluate("[null, 48795.1, 0.0017227, 3, -12.3456].map(numberText)")
    assert texts == ["–", "48,795.1", "0.001723", "3", "-12.35"]
    page.close()


def test_dots_keep_the_least_and_the_greatest_of_a_bucket(modules):
    random = np.random.default_rng(3)
    values = random.normal(size=320)
    values[:20] = np.nan
    for level in (0, 4):
        x, y = modules.evaluate(
            f"""([values, level]) => {{ {FROM_NULL}
              const column = new Column("range", 320);
              column.put(0, float(values));
              const view = {{ level, from: 0, to: 320 >> level, shift: 7 }};
              const {{ x, y }} = dotShape(view, column.buckets(level, 0, 320 >> level));
              return [[...x], [...y]];
            }}""",
            [numbers(values), level],
        )
        size = 2**level
        assert len(x) == (300 if level == 0 else 38), "an undefined candle has no dot, a bucket at most two"
        for bucket in range(320 // size):
            piece = values[bucket * size : (bucket + 1) * size]
            here = [dot for at, dot in zip(x, y, strict=True) if (at - 7 + 0.5) // size == bucket]
            defined = piece[~np.isnan(piece)]
            assert sorted(here) == sorted({defined.min(), defined.max()} if len(defined) else set())


def test_a_cloud_is_split_where_its_edges_cross(modules):
    one, other = [np.nan, 1, 2, 1, 0, 0, 3], [0, 0, 0, 2, 1, 1, 1]
    found = modules.evaluate(
        f"""([a, b]) => {{ {FROM_NULL}
          const flat = (values) => ({{ low: float(values), high: float(values) }});
          const view = {{ level: 0, from: 10, to: 17, shift: 5 }};
          return ["above", "below"].map((side) => {{
            const {{ x, y }} = cloudShape(view, flat(a), flat(b), side);
            return [list(x), ...y.map(list)];
          }});
        }}""",
        [numbers(one), numbers(other)],
    )
    (x, top, bottom), (under_x, under_top, under_bottom) = [[back(part) for part in side] for side in found]
    cross, again = 15 + 2 + 2 / 3, 15 + 5 + 1 / 3
    level, second = 2 - 2 / 3, 1.0
    ends = ~np.isnan(top)
    np.testing.assert_allclose(x[ends], [16, 17, cross, again, 21])
    np.testing.assert_allclose(top[ends], [1, 2, level, second, 3])
    np.testing.assert_allclose(bottom[ends], [0, 0, level, second, 1])
    assert np.isnan(top[3]), "the two areas above are apart"
    ends = ~np.isnan(under_top)
    np.testing.assert_allclose(under_x[ends], [cross, 18, 19, 20, again])
    np.testing.assert_allclose(under_top[ends], [level, 2, 1, 1, second])
    np.testing.assert_allclose(under_bottom[ends], [level, 1, 0, 0, second])


def test_a_cloud_zoomed_out_covers_both_edges_once(modules):
    random = np.random.default_rng(4)
    one, other = np.cumsum(random.normal(size=(2, 512)), axis=1)
    found = modules.evaluate(
        f"""([a, b]) => {{ {FROM_NULL}
          const buckets = (values) => {{
            const column = new Column("range", 512);
            column.put(0, float(values));
            return column.buckets(4, 0, 32);
          }};
          const view = {{ level: 4, from: 0, to: 32 }};
          return ["above", "below"].map((side) => cloudShape(view, buckets(a), buckets(b), side).y.map(list));
        }}""",
        [one.tolist(), other.tolist()],
    )
    above, below = (np.array([back(part) for part in side]) for side in found)
    assert (np.isnan(above[0]) ^ np.isnan(below[0])).all(), "each bucket is in one of them"
    both = np.where(np.isnan(above), below, above)
    pieces = np.stack([one, other]).reshape(2, 32, 16)
    np.testing.assert_array_equal(both[0], pieces.max(axis=(0, 2)))
    np.testing.assert_array_equal(both[1], pieces.min(axis=(0, 2)))


def test_a_tinted_line_is_every_piece_once(modules):
    values = [1.0, 2, 3, 9, 8, np.nan, 5, 6, 7]
    side = [1.0, 1, 1, -1, -1, -1, 1, 1, 0]
    found = modules.evaluate(
        f"""([values, side]) => {{ {FROM_NULL}
          const column = {{ low: float(values), high: float(values) }};
          const tints = tintsOf({{ low: float(side), high: float(side) }});
          const line = lineShape({{ level: 0, from: 0, to: 9, shift: 2 }}, column);
          return ["up", "down", "flat"].map((tint) => {{
            const {{ x, y }} = tintedLine(line, tints, tint);
            return [list(x), list(y)];
          }});
        }}""",
        [numbers(values), numbers(side)],
    )
    pieces = []
    for x, y in found:
        x, y = back(x), back(y)
        pieces.append(
            [
                (int(x[i]) - 2, int(x[i + 1]) - 2)
                for i in range(len(x) - 1)
                if x[i] < x[i + 1] and not np.isnan(y[i : i + 2]).any()
            ]
        )
    assert pieces == [[(0, 1), (1, 2), (6, 7)], [(3, 4)], [(2, 3), (7, 8)]]


def test_large_numbers_on_the_axis_are_short_and_told_apart(modules):
    def ticks(low, high, most=5):
        return modules.evaluate(
            "([low, high, most]) => {"
            " const { values, step } = numberTicks(low, high, most); return compactTicks(values, step); }",
            [low, high, most],
        )

    assert ticks(0, 2_000_000) == ["0", "0.5M", "1.0M", "1.5M", "2.0M"]
    assert ticks(-3000, 3000, 3) == ["-2K", "0", "2K"]
    assert ticks(1_200_000_000, 1_200_400_000, 4)[:2] == ["1.2000B", "1.2001B"]
    assert ticks(0, 4) == ["0", "1", "2", "3", "4"]


def test_a_column_that_grows_and_shrinks_is_one_that_was_made_so(modules):
    """Candle by candle, the last one replaced now and then, some taken away: the same at every level."""
    random = np.random.default_rng(4)
    values = random.normal(size=3000)
    same = modules.evaluate(
        """(values) => {
          const count = (column, l) => (column.length + 2 ** l - 1) >> l;
          const level = (column, l) =>
            Object.values(column.buckets(l, 0, count(column, l))).map((a) => [...a]);
          const all = (column) => JSON.stringify([...Array(9).keys()].map((l) => level(column, l)));
          const made = (length) => {
            const column = new Column("range", length);
            column.put(0, Float64Array.from(values.slice(0, length)));
            return column;
          };
          const column = made(100);
          column.buckets(8, 0, 1);
          const rooms = new Set([column.values]);
          const results = [];
          const come = (from, to) => {
            for (let length = from + 1; length <= to; length++) {
              column.resize(length);
              column.put(length - 1, Float64Array.of(99));
              column.put(length - 1, Float64Array.of(values[length - 1]));
              rooms.add(column.values);
            }
            results.push(all(column) === all(made(to)), column.exact(to) !== column.exact(to));
          };
          come(100, 2500);
          column.resize(700);
          results.push(all(column) === all(made(700)), column.values.subarray(700).every((v) => v !== v));
          come(700, 3000);
          return [results, rooms.size, column.from];
        }""",
        values.tolist(),
    )
    assert same == [[True] * 6, same[1], 0]
    assert same[1] <= 4, "room is taken in steps"


def test_ticks_patches_and_rows_in_any_order(modules):
    """An indicator that is replaced while candles come, and whose older rows come late: nothing is lost."""
    lost = modules.evaluate(
        """() => {
          const asked = [];
          const feed = new Feed((message) => asked.push(message), () => {});
          const bytes = (...values) => Float64Array.from(values).buffer;
          const rows = (version, from, to) =>
            Float64Array.from({ length: to - from }, (_, i) => 1000 * version + from + i).buffer;
          const tick = (version, from, length, forming) => feed.receive(
            { type: "tick", epoch: 1, from, length, forming, columns: [["time", 0], ["line", version]] },
            [rows(0, from, length), rows(version, from, length)]);
          const begin = { type: "reset", epoch: 1, length: 50, step: 1, forming: false, from: 40 };
          feed.receive({ ...begin, columns: [["time", 0], ["line", 1]] }, [rows(0, 40, 50), rows(1, 40, 50)]);
          feed.waiting = ["line"];  // an answer is on its way
          tick(1, 50, 51, true);
          tick(1, 50, 52, false);
          const patch = { type: "patch", epoch: 1, level: 0, from: 45, columns: [["line", 2]] };
          feed.receive(patch, [rows(2, 45, 52), bytes()]);
          tick(2, 52, 53, false);
          const answer = (version, to) => feed.receive(
            { type: "rows", epoch: 1, from: 0, to, columns: [["line", version]] }, [rows(version, 0, to)]);
          answer(1, 40);
          const line = feed.columns.get("line");
          const late = [feed.exact("line", 51), feed.exact("line", 52), line.from];
          answer(2, line.from);
          tick(2, 20, 20, false);
          const short = [feed.length, feed.exact("line", 19), feed.exact("line", 20), feed.columns.forming];
          tick(3, 20, 21, false);  // of a version that never came: asked for anew
          const broken = [feed.exact("line", 20), feed.exact("line", 19), line.from];
          feed.close();
          return [late, short, broken].map((list) => list.map((v) => (v === v ? v : null)));
        }"""
    )
    assert lost == [[2051, 2052, 52], [20, 2019, None, False], [3020, None, 20]]


def test_signals_that_come_later_join_the_others(modules):
    joined = modules.evaluate(
        """() => {
          const feed = new Feed(() => {}, () => {});
          const rest = { epoch: 1, forming: false, columns: [] };
          feed.receive({ ...rest, type: "reset", length: 9, step: 1, from: 9 }, []);
          const message = { type: "signals", epoch: 1, rules: [], labels: [] };
          const kinds = [Int32Array, Uint8Array, Float32Array, Int32Array, Float64Array];
          const columns = (...rows) => kinds.map((kind) => kind.from(rows).buffer);
          feed.receive({ ...message, more: false }, columns(1, 2, 5));
          feed.receive({ ...message, more: true }, columns(7, 8));
          const all = [...feed.signals.position, ...feed.signals.group];
          feed.receive({ ...rest, type: "tick", from: 5, length: 5 }, []);
          const cut = [...feed.signals.position];
          feed.close();
          return [all, cut];
        }"""
    )
    assert joined == [[1, 2, 5, 7, 8, 1, 2, 5, 7, 8], [1, 2]]
