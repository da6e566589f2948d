"""What the hand does on the chart, with real mouse, keyboard and touch events, and what stays of it."""

import csv
import io
import re
import xml.etree.ElementTree

import numpy as np
import pytest

from toolkit import KLineDataLoader

USUAL = {"scale": "linear", "timezone": "UTC", "theme": "auto", "panes": [], "drawings": {}, "compare": None}

DARK = {"#0f131c", "#1b2130", "#262d3d", "#8b94a7", "#c3cad9", "#26a69a", "#ef5350", "#4be3b0", "#ff8a65"}


@pytest.fixture
def chart(dashboard):
    """The dashboard's chart as it opens, arranged as a new one."""
    dashboard.chart("(chart.tools.cancel(), chart.fit(), chart.arrange(argument))", USUAL)
    dashboard.until("!chart.pending && view.panes.every((entry) => entry.height > 30)")
    dashboard.page.mouse.move(5, 5)
    yield dashboard
    dashboard.chart("(chart.tools.cancel(), chart.fit(), chart.arrange(argument))", USUAL)
    dashboard.until("!chart.pending")


@pytest.fixture
def mouse(chart):
    """The mouse, in pixels of the surface."""
    box = chart.page.locator(".tk-surface").bounding_box()

    class Mouse:
        width, height = box["width"], box["height"]

        def move(self, x, y):
            chart.page.mouse.move(box["x"] + x, box["y"] + y)

        def click(self, x, y):
            chart.page.mouse.click(box["x"] + x, box["y"] + y)

        def drag(self, *points):
            self.move(*points[0])
            chart.page.mouse.down()
            for point in points[1:]:
                self.move(*point)
            chart.page.mouse.up()

    return Mouse()


def arranged(chart):
    return chart.chart("chart.model.get('arrangement')")


def drawings(chart):
    return arranged(chart)["drawings"].get("BTCUSDT", [])


@pytest.fixture
def btc(market):
    return KLineDataLoader.load_klines("BTCUSDT", "1h", source=str(market))


def at(chart, row, price):
    """Pixels of a row and a price in the candles' pane."""
    return chart.chart(
        "[view.panes[0].scale.x(argument[0]), view.panes[0].scale.y(argument[1])]", [row, price]
    )


def test_the_crosshair_reads_time_and_price_and_every_pane_follows(chart, mouse, btc):
    row = len(btc) - 20
    price = float(btc["close"].iloc[row])
    mouse.move(*at(chart, row, price))
    page = chart.page
    moment = btc.index[row]
    assert page.locator(".tk-chip-time").inner_text() == f"{moment:%a} {moment.day} {moment:%b %Y %H:%M}"
    shown = float(page.locator(".tk-chip-value").inner_text().replace(",", ""))
    pixel = chart.chart(
        "(view.panes[0].pane.bounds.high - view.panes[0].pane.bounds.low) / view.panes[0].height"
    )
    assert abs(shown - price) <= pixel
    legend = page.locator(".tk-legend").first.inner_text()
    for name in ("open", "high", "low", "close"):
        assert f"{btc[name].iloc[row]:,.10g}" in legend, name
    change = (btc["close"].iloc[row] / btc["close"].iloc[row - 1] - 1) * 100
    assert f"{'−' if change < 0 else '+'}{abs(change):.2f}%" in legend
    upright, panes = page.locator(".tk-cross-x").bounding_box(), chart.chart("view.plot.height")
    assert upright["height"] == pytest.approx(panes), "it goes through all panes"
    mouse.move(200, chart.chart("view.panes[2].top + 40"))
    rsi = chart.chart("chart.feed.exact('RSI.rsi', Math.round(view.toX(200)))")
    assert f"{rsi:.2f}" in page.locator(".tk-legend").nth(2).inner_text()
    assert "reaches overbought (70)" in page.locator(".tk-legend").nth(2).inner_text(), "its rules, in words"
    assert "crosses above" not in page.locator(".tk-legend").nth(1).inner_text()


def test_the_kernel_hears_of_the_pointer_only_where_it_wants_to(chart, mouse):
    chart.chart(
        """(window.sent = [], window.told = chart.model.send,
            chart.model.send = function (message, ...rest) {
              window.sent.push(message);
              return window.told.call(this, message, ...rest);
            })"""
    )
    for x in range(200, 400, 20):
        mouse.move(x, 200)
    chart.until("chart.pointed !== null")
    assert chart.chart("window.sent") == []
    row = chart.chart("chart.pointed")
    chart.chart("(chart.model.set('watching', true), chart.pointAt(chart.pointed))")
    chart.until("window.sent.length")
    mouse.move(5, chart.chart("view.plot.height + 200"))
    chart.until("window.sent.length === 2")
    told = chart.chart("(chart.model.set('watching', false), chart.model.send = window.told, window.sent)")
    assert [(message["type"], message["row"]) for message in told] == [("pointer", row), ("pointer", None)]


def test_a_candle_that_still_forms_is_told_from_the_others(chart, mouse):
    chart.chart("chart.showLatest(40)")
    chart.until("!chart.pending")
    closed = chart.picture()
    legend = chart.page.locator(".tk-legend").first
    assert "forming" not in legend.inner_text()
    chart.chart("(chart.feed.columns.forming = true, chart.request())")
    chart.until("!chart.pending")
    assert chart.picture() != closed
    assert "forming" in legend.inner_text()
    mouse.move(200, 150)
    assert "forming" not in legend.inner_text(), "only the newest forms"
    mouse.move(5, chart.chart("view.plot.height + 200"))
    chart.chart("(chart.feed.columns.forming = false, chart.request())")
    chart.until("!chart.pending")
    assert chart.picture() == closed


def test_markers_say_why_and_the_legend_lights_the_rule(chart, mouse):
    marker = chart.chart(
        """(() => {
          const { pane, scale } = view.panes[0];
          const mark = pane.marks.find((one) => one.kind === 'markers' && one.group === 0);
          const i = mark.shape.x.length - 3;
          const { position, rule, rules } = chart.feed.signals;
          const signal = mark.signals[i];
          return { x: scale.x(mark.shape.x[i]), y: scale.y(mark.shape.y[i]) + mark.side * 11,
                   rule: rules[rule[signal]], close: chart.feed.time(position[signal]) + chart.feed.step };
        })()"""
    )
    label, kind, text, _ = marker["rule"]
    mouse.move(marker["x"], marker["y"])
    told = chart.page.locator(".tk-chip-found").inner_text()
    assert told.startswith(f"{label} · {kind}: {text}")
    known = np.datetime64(int(marker["close"]), "ms").astype("datetime64[m]")
    assert f"known {str(known).replace('T', ' ')} UTC" in told
    lit = chart.page.locator(".tk-legend-rule.tk-lit").all_inner_texts()
    assert any(text in one for one in lit)


def test_scales(chart, mouse, btc):
    page = chart.page
    chart.chart("chart.showAll()")
    chart.until("!chart.pending")
    before = chart.picture()
    page.get_by_role("button", name="Log", exact=True).click()
    chart.until("chart.linked.panes[0].scale === 'log' && !chart.pending")
    assert page.get_by_role("button", name="Log", exact=True).get_attribute("aria-pressed") == "true"
    assert chart.picture() != before
    places = [at(chart, 0, float(np.log10(price)))[1] for price in (10_000, 20_000, 40_000)]
    assert places[0] - places[1] == pytest.approx(places[1] - places[2]), "doubling is as far everywhere"
    bounds = chart.state()["panes"][0]["bounds"]
    assert 10 ** bounds["low"] < btc["low"].min() < btc["high"].max() < 10 ** bounds["high"]

    page.get_by_role("button", name="%", exact=True).click()
    chart.until("chart.linked.panes[0].scale === 'percent' && !chart.pending")
    base = float(btc["close"].iloc[0])
    mouse.move(*at(chart, 1500, base))
    shown = float(page.locator(".tk-chip-value").inner_text().replace("−", "-").rstrip("%"))
    assert abs(shown) < 0.5, "0 % is the first candle in view"
    page.get_by_role("button", name="%", exact=True).click()
    chart.until("chart.linked.panes[0].scale === 'linear' && !chart.pending")
    assert arranged(chart)["scale"] == "linear"


def test_the_price_axis_is_dragged_and_let_go(chart, mouse):
    fitted = chart.state()["panes"][0]["bounds"]
    axis = mouse.width - 30
    mouse.drag((axis, 200), (axis, 230), (axis, 280))
    chart.until("chart.inspect().panes[0].manual && !chart.pending")
    wider = chart.state()["panes"][0]["bounds"]
    assert wider["high"] - wider["low"] > 1.2 * (fitted["high"] - fitted["low"])
    mouse.drag((400, 200), (430, 240), (480, 300))  # with an axis set by hand, the pane moves up and down too
    chart.until("!chart.pending")
    moved = chart.state()["panes"][0]["bounds"]
    assert moved["low"] > wider["low"]
    assert moved["high"] - moved["low"] == pytest.approx(wider["high"] - wider["low"])
    auto = chart.page.get_by_role("button", name="Auto", exact=True)
    assert auto.get_attribute("aria-pressed") == "false"
    (kept,) = [pane["range"] for pane in arranged(chart)["panes"] if pane["key"] == "price"]
    assert kept == pytest.approx([moved["low"], moved["high"]])
    # a link has it, and another scale shows the same prices
    chart.page.wait_for_function("location.hash.includes('range')")
    address = chart.page.evaluate("location.hash")
    chart.chart("chart.arrange({ scale: 'log' })")
    chart.until("!chart.pending")
    logarithmic = chart.state()["panes"][0]["bounds"]
    assert [10 ** logarithmic["low"], 10 ** logarithmic["high"]] == pytest.approx(kept)
    auto.click()
    chart.until("!chart.inspect().panes[0].manual && !chart.pending")
    assert not any("range" in pane for pane in arranged(chart)["panes"])
    chart.page.wait_for_function("!location.hash.includes('range')")
    chart.page.evaluate("(address) => { location.hash = address; }", address)
    chart.until("chart.inspect().panes[0].manual && chart.inspect().complete && !chart.pending")
    again = chart.state()["panes"][0]["bounds"]
    assert [again["low"], again["high"]] == pytest.approx(kept)
    # it is of these candles
    chart.press("1d")
    chart.until("chart.feed.length === 400 && !chart.inspect().panes[0].manual && !chart.pending")
    chart.press("1h")
    chart.until("chart.feed.length === 3000 && !chart.pending && !view.model.get('loading')")
    chart.page.locator(".tk-curtain:not(.tk-shown)").wait_for(state="attached")  # it would take the pointer
    mouse.drag((axis, 200), (axis, 230), (axis, 280))
    chart.until("chart.inspect().panes[0].manual && !chart.pending")
    box = chart.page.locator(".tk-surface").bounding_box()
    chart.page.mouse.dblclick(box["x"] + axis, box["y"] + 200)
    chart.until("!chart.inspect().panes[0].manual && !chart.pending")
    assert chart.page.get_by_role("button", name="Auto", exact=True).get_attribute("aria-pressed") == "true"


def test_another_time_zone_is_told_everywhere(chart, mouse, btc):
    page = chart.page
    page.get_by_label("Time zone").select_option("Australia/Adelaide")
    chart.until("chart.zone.name === 'Australia/Adelaide' && !chart.pending")
    row = len(btc) - 30
    mouse.move(at(chart, row, 0)[0], 200)
    moment = btc.index[row].tz_convert("Australia/Adelaide")
    assert (
        page.locator(".tk-chip-time").inner_text()
        == f"{moment:%a} {moment.day} {moment:%b %Y %H:%M} UTC+9:30"
    )
    assert arranged(chart)["timezone"] == "Australia/Adelaide"


def test_panes_are_moved_folded_and_resized(chart, mouse):
    page = chart.page

    def panes():
        rows = chart.chart("view.panes.map((e) => [e.pane.key, e.top, e.height, Boolean(e.folded)])")
        return {key: (top, height, folded) for key, top, height, folded in rows}

    before = panes()
    mouse.move(400, before["RSI"][0] + 50)
    page.get_by_label("Move the pane RSI up").click()
    chart.until("view.panes[2].top < view.panes[1].top && !chart.pending")
    mouse.move(400, panes()["MACD"][0] + 30)
    page.get_by_label("Fold or unfold the pane MACD").click()
    chart.until("view.panes[1].height < 30 && !chart.pending")
    folded = panes()
    assert folded["price"][1] > before["price"][1]
    border = folded["RSI"][0]
    mouse.drag((300, border), (300, border - 30), (300, border - 90))
    chart.until("!chart.pending && view.chart.arrangement.panes.some(({ height }) => height)")
    after = panes()
    assert after["RSI"][1] == pytest.approx(folded["RSI"][1] + 90, abs=2)
    assert after["price"][1] == pytest.approx(folded["price"][1] - 90, abs=2)
    kept = arranged(chart)
    assert [pane["key"] for pane in kept["panes"]] == ["price", "RSI", "MACD"]
    chart.chart("chart.arrange(argument)", USUAL)
    chart.until("view.panes[1].height > 100 && !chart.pending")
    assert panes() == before
    chart.chart("chart.arrange(argument)", kept)  # and back: what was kept is how it was
    chart.until("view.panes[1].height < 30 && !chart.pending")
    again = panes()
    assert {key: pytest.approx(pane) for key, pane in after.items()} == again


def test_levels_and_lines_are_drawn_moved_deleted_and_anchored(chart, mouse, btc):
    page = chart.page
    page.get_by_label("Draw a level").click()
    mouse.click(300, 180)
    chart.until("chart.tools.drawings.length === 1 && !chart.pending")
    [level] = drawings(chart)
    assert level["kind"] == "level"
    y = at(chart, 0, level["points"][0][1])[1]
    assert y == pytest.approx(180, abs=1)
    mouse.drag((500, 180), (500, 200), (500, 220))
    chart.until("!chart.tools.live && !chart.pending")
    assert at(chart, 0, drawings(chart)[0]["points"][0][1])[1] == pytest.approx(220, abs=1)
    before = chart.state()["range"]

    page.get_by_label("Draw a trend line").click()
    mouse.click(200, 300)
    mouse.move(300, 250)
    mouse.click(400, 150)
    chart.until("chart.tools.drawings.length === 2 && !chart.pending")
    assert chart.state()["range"] == before, "the chart stayed where it is while a tool was used"
    line = drawings(chart)[1]
    rows = [round(chart.chart("view.toX(argument)", x)) for x in (200, 400)]
    assert [point[0] for point in line["points"]] == [btc.index[row].timestamp() * 1000 for row in rows]
    ends = [at(chart, row, point[1]) for row, point in zip(rows, line["points"], strict=True)]
    mouse.drag(ends[1], (ends[1][0] + 60, 180), (ends[1][0] + 90, 200))
    chart.until("!chart.tools.live && !chart.pending")
    moved = drawings(chart)[1]
    assert moved["points"][0] == line["points"][0]
    assert moved["points"][1][0] > line["points"][1][0]

    # another timeframe: the same moments, so other rows; another symbol: its own drawings
    chart.press("15m")
    chart.until("chart.feed.length === 300000 && chart.range && chart.tools.drawings.length === 2")
    xs = chart.chart("chart.tools.drawings[1].points.map(([time]) => chart.feed.xOf(time))")
    times = chart.chart("argument.map((x) => chart.feed.moment(x))", xs)
    assert times == [point[0] for point in moved["points"]]
    chart.press("1h")
    chart.until("chart.feed.length === 3000 && chart.window")
    chart.pick("ETHUSDT")
    chart.until("chart.spec.about.symbol === 'ETHUSDT'")
    assert chart.chart("chart.tools.drawings.length") == 0
    chart.pick("BTCUSDT")
    chart.until("chart.spec.about.symbol === 'BTCUSDT' && chart.feed.length === 3000 && chart.window")
    chart.until_drawn()

    # the indicators are drawn, with the room that their bands need, before the level's place is asked for
    chart.until(
        "['MACD.macd', 'RSI.rsi', 'Bollinger Bands.bb_upper'].every((name) =>"
        " Number.isFinite(chart.feed.exact(name, chart.feed.length - 1))) && !chart.pending"
    )
    mouse.click(700, at(chart, 0, drawings(chart)[0]["points"][0][1])[1])
    chart.until("chart.tools.chosen && !chart.pending")
    page.keyboard.press("Delete")
    chart.until("chart.tools.drawings.length === 1 && !chart.pending")
    assert drawings(chart)[0]["kind"] == "line"


def test_measuring(chart, mouse, btc):
    page = chart.page
    page.get_by_label("Measure").click()
    mouse.drag((300, 250), (350, 200), (450, 150))
    chart.until("chart.tools.measured && chart.tools.mode === 'cursor' && !chart.pending")
    texts = chart.chart(
        "(({ from, to }) => [from, to])(chart.tools.measured)",
    )
    (row, price), (last, top) = texts
    assert row == round(chart.chart("view.toX(300)"))
    assert last == round(chart.chart("view.toX(450)"))
    assert top > price
    drawn = chart.picture()
    page.keyboard.press("Escape")
    chart.until("!chart.tools.measured && !chart.pending")
    assert chart.picture() != drawn


def test_a_second_symbol_is_compared(chart, mouse, market):
    page = chart.page
    btc, eth = (KLineDataLoader.load_klines(f"{s}USDT", "1h", source=str(market)) for s in ("BTC", "ETH"))
    page.get_by_label("Compare with another symbol").click()
    page.get_by_label("Symbol to compare with").select_option("ETHUSDT")
    chart.until("chart.spec.compare && chart.feed.complete && chart.arrangement.scale === 'percent'")
    chart.chart("chart.showAll()")
    chart.until(
        "!chart.pending && chart.linked.panes[0].marks.some((mark) => mark.compare && mark.seen.size)"
    )
    chart.until_drawn()
    column = chart.chart("chart.spec.compare.column")
    theirs = eth["close"].reindex(btc.index).to_numpy()
    for row in (0, 499, 500, 2999):
        value = chart.chart("chart.feed.exact(argument[0], argument[1])", [column, row])
        expected = theirs[row]
        assert (value is None or np.isnan(value)) if np.isnan(expected) else value == expected, row
    first = int(np.flatnonzero(~np.isnan(theirs))[0])
    bases = chart.chart("chart.bases")
    assert bases["row"] == first, "both begin at the first candle that both have"
    assert bases["own"] == btc["close"].iloc[first]
    row = 2000
    mouse.move(at(chart, row, 0)[0], 200)
    row = chart.chart("Math.round(view.toX(view.pointer.x))")
    change = (theirs[row] / theirs[first] - 1) * 100
    legend = page.locator(".tk-legend").first.inner_text()
    assert f"{'−' if change < 0 else '+'}{abs(change):.2f}%" in legend
    page.get_by_label("Compare with another symbol").click()
    page.get_by_role("menuitem", name="Remove ETHUSDT").click()
    chart.until("!chart.spec.compare && chart.arrangement.scale === 'linear' && !chart.pending")
    assert column not in chart.state()["versions"]


def test_what_is_seen_is_saved(chart, mouse, btc):
    page = chart.page

    def saved(name):
        page.get_by_label("Save what is seen").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=re.compile(name)).click()
        return download.value.suggested_filename, download.value.path().read_bytes()

    chart.chart("chart.show(2000, 2100)")
    chart.until("!chart.pending")
    name, table = saved("CSV")
    assert name.startswith("BTCUSDT_1h_")
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    part = btc.iloc[2000:2101]
    assert [row["open_time"] for row in rows] == [f"{time:%Y-%m-%dT%H:%M:%S}.000Z" for time in part.index]
    for column in ("open", "high", "low", "close", "volume"):
        assert [float(row[column]) for row in rows] == part[column].tolist(), "to the last bit"
    assert float(rows[50]["RSI.rsi"]) == chart.chart("chart.feed.exact('RSI.rsi', 2050)")
    _, picture = saved("PNG")
    width, height = (int.from_bytes(picture[16 + i : 20 + i]) for i in (0, 4))
    plot = chart.chart("[view.plot.width, view.plot.height]")
    assert picture.startswith(b"\x89PNG")
    assert width == 2 * np.ceil(plot[0] + 76)
    assert height > 2 * plot[1]
    _, drawing = saved("SVG")
    root = xml.etree.ElementTree.fromstring(drawing)
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("BTCUSDT" in text and "1h" in text and "2025" in text for text in texts), (
        "it says what it shows"
    )
    assert "BTCUSDT · 1h" in texts
    colors = {node.get("fill") for node in root.iter() if node.get("fill")}
    assert {"#26a69a", "#ef5350"} <= colors


def test_one_finger_pans_and_two_pinch(chart):
    page = chart.page
    touch = page.context.new_cdp_session(page)
    box = page.locator(".tk-surface").bounding_box()

    def send(kind, *points):
        touched = [{"x": box["x"] + x, "y": box["y"] + y, "id": i} for i, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    chart.chart("chart.show(1000, 1200)")
    chart.until("!chart.pending")
    under = chart.chart("view.toX(300)")
    send("touchStart", (300, 200))
    for x in (320, 360, 420):
        send("touchMove", (x, 205))
    send("touchEnd")
    chart.until("Math.abs(view.toX(420) - argument) < 0.01", under)
    span = chart.chart("chart.range.high - chart.range.low")
    middle = chart.chart("view.toX(400)")
    send("touchStart", (350, 200))
    send("touchStart", (350, 200), (450, 200))
    for apart in (60, 80, 100):
        send("touchMove", (400 - apart, 200), (400 + apart, 200))
    send("touchEnd")
    chart.until("Math.abs(chart.range.high - chart.range.low - argument / 2) < 1", span)
    assert chart.chart("view.toX(400)") == pytest.approx(middle, abs=0.5), (
        "what is between the fingers stays there"
    )
    send("touchStart", (500, 150))
    send("touchEnd")
    page.locator(".tk-cross-x.tk-shown").wait_for(state="attached")  # a tap leaves the crosshair


def test_it_is_worked_with_the_keyboard_alone(chart):
    page = chart.page
    page.locator(".tk-surface").focus()
    page.keyboard.press("ArrowLeft")
    ring = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
    assert ring != "none", "the focus is seen"
    span = chart.chart("chart.range.high - chart.range.low")
    page.keyboard.press("+")
    chart.until("chart.range.high - chart.range.low < argument * 0.85", span)
    page.keyboard.press("-")
    chart.until("Math.abs(chart.range.high - chart.range.low - argument) < 1e-6", span)
    page.keyboard.press("Home")
    chart.until("Math.abs(chart.range.low + 0.5) < 1e-6")
    page.keyboard.press("End")
    chart.until("chart.range.high > chart.feed.length - 1")
    for button in page.locator(".tk-rail button, .tk-foot button, .tk-pane-bar button").all():
        assert button.get_attribute("title"), button
    for button in page.locator(".tk-icon-button").all():
        assert button.get_attribute("aria-label")


def test_light_and_dark(chart):
    def ground():
        return chart.page.evaluate("getComputedStyle(document.querySelector('.tk-chart')).backgroundColor")

    dark, picture = ground(), chart.picture()
    chart.chart("chart.arrange({ theme: 'light' })")
    chart.until("view.theme === 'light' && !chart.pending")
    assert ground() == "rgb(255, 255, 255)" != dark
    assert chart.pixels("#0b877b", "price") > 100
    assert chart.pixels("#26a69a", "price") == 0
    chart.page.get_by_label("Save what is seen").click()
    with chart.page.expect_download() as download:
        chart.page.get_by_role("menuitem", name=re.compile("SVG")).click()
    drawn = set(re.findall("#[0-9a-f]{6}", download.value.path().read_text()))
    assert {"#ffffff", "#0b877b", "#d6322f"} <= drawn
    assert not drawn & DARK, "a picture is as light as what is seen"
    chart.chart("chart.arrange({ theme: 'auto' })")
    chart.until("view.theme === 'dark' && !chart.pending")
    assert chart.picture() == picture


def test_the_warm_up_is_shaded_and_named(chart, mouse):
    chart.chart("chart.show(-0.5, 120)")
    chart.until("!chart.pending && view.panes[2].scale")
    top = chart.chart("view.panes[2].top")
    warmup = chart.chart("chart.linked.panes[2].series[0].warmup")
    assert warmup == 14

    def shade(x):
        pixel = "[...view.canvas.getContext('2d').getImageData(argument[0], argument[1], 1, 1).data]"
        return chart.chart(pixel, [x, top + 30])

    inside, outside = (chart.chart("view.panes[2].scale.x(argument)", row) for row in (8.2, 30.2))
    assert shade(inside) != shade(outside)
    mouse.move(inside, top + 40)
    assert "warm-up, not defined in the first 14 candles" in chart.page.locator(".tk-chip-found").inner_text()
    mouse.move(outside, top + 40)
    chart.page.locator(".tk-chip-found:not(.tk-shown)").wait_for(state="attached")
