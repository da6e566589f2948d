"""The dashboard through Voila, in a real browser: what is drawn, not only what is in the page."""

import re

import numpy as np
import pandas as pd
import pytest

from toolkit import RSI, BollingerBands, IndicatorRegistry, KLineDataLoader

UP, DOWN, VIOLET = "#26a69a", "#ef5350", "#a98bf5"


@pytest.fixture(scope="session")
def btc(market) -> pd.DataFrame:
    return KLineDataLoader.load_klines("BTCUSDT", "1h", source=str(market))


def test_it_opens_with_candles_on_a_canvas(dashboard, btc):
    state = dashboard.state()
    assert state["candles"] == len(btc)
    assert state["canvas"], "bqplot's views were not taken over"
    assert [pane["key"] for pane in state["panes"]] == ["price", "MACD", "RSI"]
    assert dashboard.pixels(UP, "price") > 200
    assert dashboard.pixels(DOWN, "price") > 200
    assert dashboard.pixels(VIOLET, "RSI") > 20
    assert dashboard.chart("chart.feed.exact('close', chart.feed.length - 1)") == btc["close"].iloc[-1]
    legend = dashboard.page.locator(".tk-legend").first.inner_text()
    assert "BTCUSDT · 1h" in legend
    assert f"{btc['close'].iloc[-1]:,.10g}".rstrip("0") in legend
    assert not dashboard.page.get_by_text("SYNTHETIC SAMPLE DATA").is_visible()


def test_the_pane_draws_what_the_marks_hold(dashboard, btc):
    """The price axis fits the candles in view, and the newest body lies where its scale says."""
    state = dashboard.state()
    first, last = max(0, round(state["range"]["low"])), len(btc)
    bounds = state["panes"][0]["bounds"]
    assert bounds["low"] < btc["low"].iloc[first:last].min()
    assert bounds["high"] > btc["high"].iloc[first:last].max()
    color = dashboard.chart(
        """(() => {
          const i = chart.feed.length - 1;
          const { scale } = view.panes[0];
          const middle = (chart.feed.exact('open', i) + chart.feed.exact('close', i)) / 2;
          const at = [scale.x(i), scale.y(middle)].map((v) => Math.floor(v * view.ratio));
          return [...view.canvas.getContext('2d').getImageData(...at, 1, 1).data].slice(0, 3);
        })()"""
    )
    rising = btc["close"].iloc[-1] >= btc["open"].iloc[-1]
    expected = UP if rising else DOWN
    assert color == [int(expected[i : i + 2], 16) for i in (1, 3, 5)]


def test_another_symbol_is_drawn(dashboard, market):
    before = dashboard.picture()
    dashboard.pick("ETHUSDT")
    eth = KLineDataLoader.load_klines("ETHUSDT", "1h", source=str(market))
    dashboard.until("chart.feed.length === argument", len(eth))
    dashboard.until_drawn()
    assert dashboard.chart("chart.feed.exact('high', 7)") == eth["high"].iloc[7]
    dashboard.until("chart.feed.exact('RSI.rsi', chart.feed.length - 1) > 0")
    assert dashboard.chart("chart.feed.exact('RSI.rsi', chart.feed.length - 1)") == pytest.approx(
        RSI().calculate(eth)["rsi"].iloc[-1], rel=1e-12
    )
    dashboard.until("view.panes[0].legend.innerText.includes('ETHUSDT · 1h')")
    assert dashboard.picture() != before
    assert "2,500 candles" in dashboard.page.locator(".tk-summary").inner_text()


def test_another_timeframe_is_drawn(dashboard):
    before = dashboard.picture()
    dashboard.press("1d")
    dashboard.until("chart.feed.length === 400 && chart.feed.step === 864e5")
    dashboard.until_drawn()
    assert dashboard.picture() != before


def test_a_slider_changes_what_is_drawn(dashboard, btc):
    dashboard.until("'Bollinger Bands.bb_upper' in chart.inspect().versions")  # drawn once, to be drawn anew
    dashboard.until_drawn()
    versions = dashboard.state()["versions"]
    before = dashboard.picture()
    handle = dashboard.card("Bollinger Bands").locator(".noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")
    dashboard.until(
        "chart.inspect().versions['Bollinger Bands.bb_upper'] > argument",
        versions["Bollinger Bands.bb_upper"],
    )
    dashboard.until_drawn()
    expected = BollingerBands(period=21).calculate(btc)
    for name in ("bb_upper", "bb_middle", "bb_lower"):
        for row in (len(btc) - 1, 20, 1500):
            value = dashboard.chart(
                "chart.feed.exact(argument[0], argument[1])", [f"Bollinger Bands.{name}", row]
            )
            assert value == expected[name].iloc[row], (name, row)
    assert dashboard.chart("chart.feed.exact('Bollinger Bands.bb_middle', 19)") is None or np.isnan(
        dashboard.chart("chart.feed.exact('Bollinger Bands.bb_middle', 19)")
    )
    assert dashboard.picture() != before
    after = dashboard.state()["versions"]
    assert after["RSI.rsi"] == versions["RSI.rsi"], "what did not change is not sent again"
    field = dashboard.card("Bollinger Bands").locator(".tk-field input").first
    assert field.input_value() == "21"
    handle.press("ArrowLeft")
    dashboard.until(
        "chart.inspect().versions['Bollinger Bands.bb_upper'] > argument", after["Bollinger Bands.bb_upper"]
    )
    dashboard.until_drawn()
    assert dashboard.picture() == before


def test_a_slider_writes_name_rules_and_level_into_the_legend_that_is_there(dashboard):
    line = "view.panes[2].series[0]"
    dashboard.chart(f"(window.line = {line}, window.node = {line}.name)")
    name = dashboard.chart(f"{line}.name.textContent")
    overbought = dashboard.card("RSI").locator(".noUi-handle").nth(1)
    overbought.focus()
    overbought.press("ArrowRight")
    dashboard.until(f"{line}.name.textContent !== argument", name)
    assert dashboard.chart(f"{line}.name.textContent") == "RSI 14 71 30"
    said = dashboard.chart(f"{line}.rules.map((rule) => rule.textContent)")
    assert any("reaches overbought (71)" in text for text in said)
    assert dashboard.chart(
        f"{line} === window.line && {line}.name === window.node && window.node.isConnected"
    )
    dashboard.until("!chart.pending")
    levels = "chart.linked.panes[2].marks.filter((mark) => mark.kind === 'level').map((m) => m.shape.y[0])"
    assert sorted(dashboard.chart(levels)) == [30, 71]
    overbought.press("ArrowLeft")
    dashboard.until(f"{line}.name.textContent === argument", name)


def test_a_switched_off_indicator_disappears(dashboard):
    before = dashboard.state()
    switch = dashboard.card("RSI").locator("input[type=checkbox]")
    switch.uncheck()
    dashboard.until("chart.linked.panes.length === 2")
    dashboard.until_drawn()
    dashboard.until("view.panes.length === 2 && !chart.pending")
    assert dashboard.pane("RSI") is None
    assert dashboard.pixels(VIOLET, "price") == dashboard.pixels(VIOLET, "MACD") == 0
    assert "RSI.rsi" not in dashboard.state()["versions"]
    filters = "document.querySelector('[aria-label=\"Show only one indicator\"]')"
    listed = f"[...{filters}.options].some((option) => option.value === 'RSI')"
    dashboard.page.wait_for_function(f"!{listed}")
    switch.check()
    dashboard.until("chart.linked.panes.length === 3")
    dashboard.until_drawn()
    dashboard.until("chart.linked.panes.every((pane) => pane.marks.every((mark) => mark.seen.size))")
    dashboard.page.wait_for_function(listed)
    assert dashboard.pixels(VIOLET, dashboard.state()["panes"][-1]["key"]) > 20
    assert dashboard.state()["canvas"] == before["canvas"]


def test_every_registered_indicator_is_drawn_when_it_is_switched_on(dashboard):
    """By being registered and nothing else: its pane, its legend, painted pixels, and no error."""
    page = dashboard.page
    on = page.locator(".tk-enabled > .tk-card")
    usual = on.count()
    for name in IndicatorRegistry.names():
        indicator = IndicatorRegistry.get(name)
        if name in ("MACD", "RSI", "Bollinger Bands"):
            continue
        before = dashboard.picture()
        # clicked, not checked: the switch goes away with its row
        page.get_by_label(f"Show {name} on the chart", exact=True).click()
        marks = (
            "chart.linked.panes.flatMap((pane) => pane.marks.filter((mark) =>"
            " (mark.columns ?? [mark.column]).some((column) => column?.startsWith(`${argument}.`))))"
        )
        dashboard.until(f"{marks}.length && chart.inspect().complete && !chart.pending", name)
        dashboard.until(f"{marks}.every((mark) => mark.seen.size && mark.stale === false)", name)
        dashboard.until_drawn()
        assert (
            dashboard.chart(f"{marks}.reduce((sum, mark) => sum + (mark.shape?.x.length ?? 0), 0)", name) > 0
        )
        assert dashboard.picture() != before, name
        if indicator.pane == "own":
            drawn = dashboard.chart(
                """(() => {
                  const entry = view.panes.find(({ pane }) => pane.key === argument);
                  const { data } = view.canvas.getContext('2d').getImageData(
                    0, Math.ceil((entry.top + 24) * view.ratio), view.plot.width * view.ratio,
                    Math.floor((entry.height - 26) * view.ratio));
                  let found = 0; // brighter than grid and levels
                  for (let i = 0; i < data.length; i += 4) {
                    if (Math.max(data[i], data[i + 1], data[i + 2]) > 130) found++;
                  }
                  return found;
                })()""",
                name,
            )
            assert drawn > 20, name
        else:
            assert dashboard.pane(name) is None
        assert page.locator(".tk-toast.tk-shown").count() == 0, name
        dashboard.card(name).locator(".tk-switch input").click()
        dashboard.until(f"!{marks}.length && !chart.pending", name)
    page.wait_for_function(
        "(count) => document.querySelectorAll('.tk-enabled > .tk-card').length === count", arg=usual
    )


AHEAD = [
    name
    for name in IndicatorRegistry.names()
    if any(output.ahead and output.drawn for output in IndicatorRegistry.get_class(name).outputs)
]


@pytest.mark.parametrize("name", AHEAD)
def test_what_is_drawn_ahead_has_room_and_the_legend_says_what_is_drawn(dashboard, btc, name):
    page = dashboard.page
    indicator = IndicatorRegistry.get(name)
    output = next(output for output in indicator.outputs if output.ahead and output.drawn)
    ahead, column = indicator.candles_ahead(output), f"{name}.{output.name}"
    values = indicator.calculate(btc)[output.name].to_numpy()
    page.get_by_label(f"Show {name} on the chart", exact=True).click()
    dashboard.until("chart.inspect().versions[argument] > 0 && chart.ahead > 0", column)
    dashboard.until_drawn()
    last = len(btc) - 1
    assert dashboard.chart("chart.range.high") > last + ahead, "the view at the end has made room"
    line = (
        "chart.linked.panes.flatMap((pane) => pane.marks).find((m) => m.column === argument && !m.by).shape"
    )
    assert dashboard.chart(f"[{line}.x.at(-1), {line}.y.at(-1)]", column) == [last + ahead, values[-1]]
    assert dashboard.chart("chart.feed.exact(argument[0], argument[1])", [column, last]) == values[-1]
    legend = (
        "view.panes.flatMap((entry) => entry.series.flat())"
        ".find((part) => part.column === argument).value.textContent"
    )
    box = page.locator(".tk-surface").bounding_box()
    for candle in (last + ahead, last + 1, last - 3):
        x = dashboard.chart("view.panes[0].scale.x(argument)", candle)
        page.mouse.move(box["x"] + x, box["y"] + 100)
        shown = dashboard.chart(legend, column)
        assert float(shown.replace(",", "")) == pytest.approx(values[candle - ahead], abs=0.01), candle
    page.mouse.move(box["x"] + dashboard.chart("view.panes[0].scale.x(argument)", last + 1), box["y"] + 100)
    assert "–" in page.locator(".tk-legend").first.inner_text(), "there is no candle yet"
    dashboard.chart("chart.showAll()")
    dashboard.until_drawn()
    size = dashboard.chart("2 ** chart.window.level")
    end = dashboard.chart(f"{line}.x.at(-1)", column)
    assert last + ahead - size < end < last + ahead + size, "zoomed out it is drawn at the same place"
    dashboard.card(name).locator(".tk-switch input").click()
    dashboard.until("chart.ahead === 0 && !chart.pending")


def test_the_list_of_indicators_is_searched_and_worked_with_the_keyboard(dashboard):
    page = dashboard.page
    field = page.get_by_title("Search indicators by name or family")
    names = page.locator(".tk-row-name")
    everything = names.count()
    assert everything == len(IndicatorRegistry.names()) - 3
    page.get_by_label("Show SMA on the chart", exact=True).wait_for()
    field.fill("tEm")
    page.wait_for_function("document.querySelectorAll('.tk-row-name').length === 1")
    assert names.all_inner_texts() == ["TEMA"]
    page.wait_for_function(
        "[...document.querySelectorAll('.tk-enabled > .tk-card')].every((card) => !card.offsetParent)"
    )
    field.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Show TEMA on the chart"
    page.keyboard.press("Space")
    dashboard.card("TEMA").locator(".tk-switch input").wait_for()
    dashboard.until("chart.inspect().versions['TEMA.tema'] > 0")
    assert names.count() == 0
    field.fill("no such thing")
    page.get_by_text("No indicator of that name or family.").wait_for()
    field.fill("")
    dashboard.card("TEMA").locator(".tk-switch input").click()
    page.wait_for_function(
        "(count) => document.querySelectorAll('.tk-row-name').length === count", arg=everything
    )


def test_a_drag_moves_the_chart_with_the_pointer(dashboard):
    page = dashboard.page
    before = dashboard.state()["range"]
    under = dashboard.chart("view.toX(300)")
    box = page.locator(".tk-surface").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    for x in (350, 420, 500):
        page.mouse.move(box["x"] + x, box["y"] + 205)
    page.mouse.up()
    dashboard.until_drawn()
    after = dashboard.state()["range"]
    assert dashboard.chart("view.toX(500)") == pytest.approx(under)
    assert after["high"] - after["low"] == pytest.approx(before["high"] - before["low"])
    page.locator(".tk-surface").dblclick(position={"x": 400, "y": 100})
    dashboard.until("Math.abs(chart.range.low - argument) < 1e-6", before["low"])


def test_the_wheel_zooms_at_the_pointer(dashboard):
    page = dashboard.page
    dashboard.chart("chart.show(1000, 1400)")
    dashboard.until_drawn()
    box = page.locator(".tk-surface").bounding_box()
    page.mouse.move(box["x"] + 250, box["y"] + 150)
    under = dashboard.chart("view.toX(250)")
    for turn, grows in ((240, True), (-480, False)):
        span = dashboard.chart("chart.range.high - chart.range.low")
        page.mouse.wheel(0, turn)
        dashboard.until(f"(chart.range.high - chart.range.low {'>' if grows else '<'} argument)", span)
        assert dashboard.chart("view.toX(250)") == pytest.approx(under)


def test_keys_move_and_zoom(dashboard):
    page = dashboard.page
    page.locator(".tk-surface").focus()
    before = dashboard.state()["range"]
    page.keyboard.press("ArrowLeft")
    dashboard.until("chart.range.low < argument - 1", before["low"])
    page.keyboard.press("ArrowDown")
    dashboard.until("chart.range.high - chart.range.low > argument * 1.2", before["high"] - before["low"])
    page.keyboard.press("Home")
    dashboard.until("Math.abs(chart.range.low + 0.5) < 1e-6")
    page.keyboard.press("End")
    dashboard.until("chart.range.high > chart.feed.length - 1")


def test_the_whole_history_can_be_seen_and_walked_through(dashboard, market):
    """300,000 candles: never more drawn than there are pixels for, extremes kept, every candle within
    reach.
    """
    page = dashboard.page
    dashboard.press("15m")
    dashboard.until("chart.feed.length === 300000")
    dashboard.until_drawn()
    page.get_by_title(re.compile("whole history")).click()
    dashboard.until("chart.range.low <= -0.5 && !chart.pending")
    width = dashboard.chart("view.plot.width")
    state = dashboard.state()
    assert 150 < state["drawn"] <= width / 3
    frame = KLineDataLoader.load_klines("BTCUSDT", "15m", source=str(market))
    bounds = state["panes"][0]["bounds"]
    assert bounds["low"] < frame["low"].min() < frame["high"].max() < bounds["high"]
    rsi = RSI().calculate(frame)["rsi"]
    drawn = dashboard.chart(
        "chart.linked.panes[2].marks.find((mark) => mark.kind === 'line').shape.y"
        ".reduce(([low, high], y) => [y < low ? y : low, y > high ? y : high], [1e9, -1e9])"
    )
    assert drawn == [rsi.min(), rsi.max()], "a line must keep its extremes at every level"
    volume = dashboard.chart("Array.from(chart.window.candles.volume).reduce((sum, v) => sum + v, 0)")
    assert volume == pytest.approx(frame["volume"].sum())

    box = page.locator(".tk-surface").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    target = dashboard.chart("view.toX(200)")
    for _ in range(30):
        page.mouse.wheel(0, -500)
        if dashboard.chart("chart.range.high - chart.range.low") < 300:
            break
    dashboard.until("chart.window.level === 0 && !chart.pending")
    state = dashboard.state()
    assert state["range"]["low"] < target < state["range"]["high"]
    row = int(target)
    assert dashboard.chart("chart.feed.exact('open', argument)", row) == frame["open"].iloc[row]
    assert dashboard.pixels(UP, "price") > 100
    page.locator(".tk-surface").focus()
    page.keyboard.press("Home")
    dashboard.until("Math.abs(chart.range.low + 0.5) < 1e-6 && !chart.pending")
    assert dashboard.chart("chart.feed.time(0)") == frame.index[0].timestamp() * 1000


def test_a_slider_in_the_zoomed_out_chart(dashboard, market):
    """What the kernel sends for the buckets in view is what the browser itself makes of the whole column
    later.
    """
    dashboard.press("15m")
    dashboard.until("chart.feed.length === 300000")
    dashboard.until_drawn()
    dashboard.chart("chart.showAll()")
    seen = "(chart.model.get('seen').level > 5 && chart.model.get('seen').epoch === chart.feed.epoch)"
    dashboard.until(f"{seen} && !chart.pending")
    version = dashboard.state()["versions"]["RSI.rsi"]
    handle = dashboard.card("RSI").locator(".noUi-handle").first
    handle.focus()
    dashboard.chart(
        "(window.patched = null,"
        " chart.model.on('msg:custom', (m) => m.type === 'patch' && (window.patched = m)))"
    )
    handle.press("ArrowRight")
    dashboard.until("window.patched && chart.inspect().versions['RSI.rsi'] > argument", version)
    line = "Array.from(chart.linked.panes[2].marks.find((mark) => mark.kind === 'line').shape.y)"
    dashboard.until("chart.feed.columns.get('RSI.rsi').patch === null || chart.window && !chart.pending")
    patched = dashboard.chart(line)
    dashboard.until_drawn()
    whole = dashboard.chart(line)
    np.testing.assert_array_equal(np.array(patched, float), np.array(whole, float))
    frame = KLineDataLoader.load_klines("BTCUSDT", "15m", source=str(market))
    expected = RSI(period=15).calculate(frame)["rsi"]
    assert dashboard.chart("chart.feed.exact('RSI.rsi', 1234)") == expected.iloc[1234]
    assert np.nanmax(np.array(whole, float)) == expected.max()
    handle.press("ArrowLeft")
    dashboard.until("chart.inspect().versions['RSI.rsi'] > argument + 1", version)


def test_a_click_on_a_signal_moves_the_chart_to_it(dashboard, btc):
    page = dashboard.page
    page.get_by_label("Show only one indicator").select_option("RSI")
    page.get_by_label("Show only one type").select_option("OVERSOLD")
    signals = RSI().get_signals(btc).of_type("OVERSOLD")
    page.wait_for_function(
        "(count) => document.querySelector('.tk-signals .tk-count').textContent === count",
        arg=f"{len(signals):,}",
    )
    rows = page.locator(".tk-signal")
    assert f"{signals[-1].timestamp:%Y-%m-%d %H:%M}" in rows.first.inner_text()
    rows.nth(3).click()
    position = int(signals.position[-4])
    dashboard.until("chart.selected === argument", position)
    dashboard.until("!chart.pending")
    state = dashboard.state()
    assert state["range"]["low"] < position < state["range"]["high"]
    middle = (state["range"]["low"] + state["range"]["high"]) / 2
    assert abs(middle - position) < 30
    gold = dashboard.chart(
        "[...view.canvas.getContext('2d').getImageData("
        "Math.round(view.panes[0].scale.x(chart.selected)) * view.ratio,"
        " (view.panes[0].top + 60) * view.ratio, 1, 1).data].slice(0, 3)"
    )
    assert gold[0] > 150 > gold[2], "the candle is marked"
    page.get_by_label("Show only one indicator").select_option("")
    page.get_by_label("Show only one type").select_option("")


def test_a_refused_value_is_explained_beside_its_control(dashboard):
    versions = dashboard.state()["versions"]
    field = dashboard.card("MACD").locator(".tk-field input").first
    field.fill("40")
    field.press("Tab")
    message = dashboard.card("MACD").locator(".tk-refused")
    message.get_by_text("fast_period=40 is not allowed with slow_period=26").wait_for()
    assert dashboard.state()["versions"] == versions
    field.fill("12")
    field.press("Tab")
    message.get_by_text("fast_period").wait_for(state="hidden")


def test_an_error_shows_a_message_and_the_chart_stays(dashboard, btc):
    before = dashboard.state()["epoch"]
    dashboard.pick("XRPUSDT")
    toast = dashboard.page.locator(".tk-toast")
    toast.wait_for(state="visible")
    assert "XRPUSDT 1h could not be loaded" in toast.inner_text()
    assert "XRP_1h.parquet" in toast.inner_text()
    dashboard.page.wait_for_function("document.querySelector('.tk-symbol select').value === 'BTCUSDT'")
    assert dashboard.state()["epoch"] == before
    assert dashboard.chart("chart.feed.exact('close', chart.feed.length - 1)") == btc["close"].iloc[-1]
    dashboard.page.locator(".tk-curtain").wait_for(state="hidden")  # it fades
    dashboard.page.get_by_label("Close this message").click()
    toast.wait_for(state="hidden")


def test_the_data_panel_tells_where_the_candles_come_from(dashboard, market):
    dashboard.page.locator(".lm-TabBar-tab", has_text="Data").click()
    panel = dashboard.page.locator(".tk-data")
    panel.get_by_text("Revision").wait_for()
    assert str(market) in panel.inner_text()
    assert "3,000" in panel.inner_text()
    dashboard.page.locator(".lm-TabBar-tab", has_text="Indicators").click()


@pytest.mark.parametrize(("width", "height"), [(1000, 700), (2560, 1300)])
def test_it_fits_the_window(dashboard, width, height):
    page = dashboard.page
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    fits = (  # laid out anew, with nothing outside the window, and painted
        "innerWidth === argument && view.plot.width > 0.55 * argument && !chart.pending"
        " && Math.abs(view.plot.width + 76 - view.el.clientWidth) < 2"
        " && document.documentElement.scrollWidth <= innerWidth"
        " && document.documentElement.scrollHeight <= innerHeight"
    )
    dashboard.until(fits, width)
    try:
        for part in (".tk-symbol", ".tk-timeframe", ".tk-card", ".tk-signals", ".tk-foot"):
            box = page.locator(part).first.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    finally:
        page.set_viewport_size(before)
        dashboard.until(fits, before["width"])
