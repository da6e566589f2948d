"""The parts around the chart, worked as a user works them."""

import numpy as np
import pytest
from market import random_params

from toolkit import IndicatorConfiguration, IndicatorRegistry, KLineDataLoader
from toolkit.controls import link
from toolkit.controls.shown import Shown, ShownChart
from toolkit.presets import checked_entries

TAB = ".lm-TabBar-tab"


@pytest.fixture(scope="module")
def btc(market):
    return KLineDataLoader.load_klines("BTCUSDT", "1h", source=str(market))


def tab(dashboard, title):
    dashboard.page.locator(TAB, has_text=title).click()


def pointer_on(dashboard, row):
    """Rest the pointer on a candle."""
    box = dashboard.page.locator(".tk-surface").first.bounding_box()
    dashboard.page.mouse.move(
        box["x"] + dashboard.chart("view.panes[0].scale.x(argument)", row), box["y"] + 90
    )


def test_why_there_is_a_signal_or_none(dashboard, btc):
    page = dashboard.page
    pipeline = IndicatorConfiguration().pipeline()
    signals = pipeline.get_all_signals(btc)["MACD"]
    tab(dashboard, "Why?")
    page.locator(".tk-why-head", has_text="the last candle").wait_for()
    row = int(signals.position[-1])
    for candle, fired in ((row, 1), (row - 1, 0)):
        dashboard.chart("chart.show(argument - 60, argument + 40)", row)
        dashboard.until_drawn()
        pointer_on(dashboard, candle)
        time = f"{btc.index[candle]:%Y-%m-%d %H:%M} UTC"
        page.locator(".tk-why-head", has_text=time).wait_for()
        macd = page.locator(".tk-why section").first
        assert macd.locator(".tk-fired").count() == fired
        told = pipeline.explain(btc, btc.index[candle])
        assert page.locator(".tk-why-rule").count() == len(told)
        for one, line in zip(told, page.locator(".tk-why-rule p").all_inner_texts(), strict=True):
            assert line == one.reason
    page.mouse.move(5, 5)
    page.locator(".tk-why-head", has_text="the last candle").wait_for()
    tab(dashboard, "Signals")


def test_an_indicator_is_added_twice_moved_put_on_larger_candles_and_kept_as_a_preset(dashboard):
    page = dashboard.page
    page.get_by_label("RSI: add another one like it").click()
    card = dashboard.card("RSI 2")
    card.wait_for()
    dashboard.until("chart.inspect().panes.some((pane) => pane.key === 'RSI 2')")
    order = page.locator(".tk-enabled > .tk-card .tk-switch label > span:first-child")
    assert order.all_inner_texts() == ["MACD", "RSI", "RSI 2", "Bollinger Bands"]
    page.get_by_label("RSI 2: move up").click()
    names = "document.querySelectorAll('.tk-enabled .tk-switch label > span:first-child')"
    page.wait_for_function(f"{names}[1].innerText === 'RSI 2'")
    page.get_by_label("RSI 2: candles that it is calculated on").select_option("1d")
    dashboard.until(
        "chart.inspect().versions['RSI 2.rsi'] > 1 || chart.feed.exact('RSI 2.rsi', 3) !== undefined"
    )
    saved = page.locator(".tk-saved").first
    saved.get_by_text("Save…").click()
    saved.get_by_label("Name of the preset").fill("Twice")
    saved.get_by_text("Save", exact=True).click()
    saved.get_by_text("Saved as “Twice”.").wait_for()
    page.get_by_label("RSI 2: remove").click()
    card.wait_for(state="detached")
    dashboard.until("!chart.inspect().panes.some((pane) => pane.key === 'RSI 2')")
    saved.get_by_label("Saved presets").select_option("")
    saved.get_by_label("Saved presets").select_option("Twice")
    dashboard.card("RSI 2").wait_for()
    assert page.get_by_label("RSI 2: candles that it is calculated on").input_value() == "1d"
    page.get_by_label("RSI 2: remove").click()
    dashboard.card("RSI 2").wait_for(state="detached")
    saved.get_by_text("Delete").click()
    saved.get_by_text("“Twice” is deleted.").wait_for()
    dashboard.until("chart.inspect().panes.length === 3 && !chart.pending")


def test_the_screener_shows_what_there_is_and_opens_it(dashboard, market):
    page = dashboard.page
    page.get_by_label("All pairs on all timeframes").click()
    rows = page.locator(".tk-drawer tbody tr")
    page.wait_for_function(
        "() => document.querySelectorAll('.tk-drawer tbody tr').length === 114"
        " && !document.querySelector('.tk-drawer progress').classList.contains('tk-shown')"
    )
    eth = KLineDataLoader.load_klines("ETHUSDT", "1h", source=str(market))
    line = rows.filter(has_text="ETHUSDT").filter(has_text="1h").first
    assert f"{eth['close'].iloc[-1]:,.1f}" in line.inner_text()
    page.get_by_label("Filter pairs").fill("eth")
    page.wait_for_function("document.querySelectorAll('.tk-drawer tbody tr').length === 3")
    assert rows.locator(".tk-missing").count() == 2, "what is not there is said in its row"
    page.get_by_label("Filter pairs").fill("")
    page.locator(".tk-drawer th button", has_text="Change").click()
    shown = page.locator(".tk-drawer td.tk-of-change").all_inner_texts()
    numbers = [float(text.strip("%").replace("−", "-")) for text in shown if text != "–"]
    assert len(numbers) >= 4
    assert numbers == sorted(numbers, reverse=True)
    assert shown[len(numbers) :] == ["–"] * (114 - len(numbers)), "what is undefined comes last"
    line.click()
    dashboard.until("chart.feed.length === argument", len(eth))
    page.get_by_label("All pairs on all timeframes").click()
    page.locator(".tk-drawer").wait_for(state="hidden")


def test_the_controls_act_on_the_chart_that_was_clicked(dashboard):
    page = dashboard.page
    page.get_by_label("2 charts").click()
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('.tk-surface')].map((surface) => surface.chart);"
        " return all.length === 2 && all.every((chart) => chart.frames > 0 && !chart.pending); }"
    )
    second = page.locator(".tk-charts > .tk-chart").nth(1)
    # one span of time and one crosshair for both
    second.locator(".tk-surface").hover(position={"x": 150, "y": 120})
    page.wait_for_function(
        "() => { const across = [...document.querySelectorAll('.tk-cross-x')];"
        " return across.length === 2 && across.every((line) =>"
        " getComputedStyle(line).visibility === 'visible'); }"
    )
    page.mouse.wheel(0, 240)
    page.wait_for_function(
        "() => { const charts = [...document.querySelectorAll('.tk-surface')];"
        " const [one, two] = charts.map(({ chart }) => chart.range);"
        " return Math.abs(one.low - two.low) < 1e-6 && Math.abs(one.high - two.high) < 1e-6; }"
    )
    second.locator(".tk-surface").click(position={"x": 150, "y": 120})
    page.locator(".tk-charts > .tk-chart.tk-active >> nth=0").wait_for()
    page.wait_for_function("document.querySelectorAll('.tk-chart')[1].classList.contains('tk-active')")
    dashboard.press("1d")
    length = "(n) => document.querySelectorAll('.tk-surface')[n].chart.feed.length"
    page.wait_for_function(f"({length})(1) === 400")
    assert page.evaluate(f"({length})(0)") == 3000, "the first stays as it is"
    dashboard.card("RSI").locator("input[type=checkbox]").click()
    page.wait_for_function("document.querySelectorAll('.tk-surface')[1].chart.inspect().panes.length === 2")
    assert page.evaluate("document.querySelectorAll('.tk-surface')[0].chart.inspect().panes.length") == 3
    page.get_by_label("One chart").click()
    page.wait_for_function("document.querySelectorAll('.tk-surface').length === 1")
    page.wait_for_function("document.querySelector('.tk-timeframe .mod-active').innerText === '1h'")
    page.wait_for_function("[...document.querySelectorAll('.tk-card .tk-switch input')].length >= 3")


@pytest.mark.parametrize(("width", "charts"), [(600, 1), (1000, 2), (1440, 2), (1440, 4)])
def test_a_panes_buttons_and_its_legend_are_beside_each_other(dashboard, width, charts):
    page = dashboard.page
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_label(f"{charts} charts" if charts > 1 else "One chart").click()
    settled = (
        "(charts) => { const all = [...document.querySelectorAll('.tk-surface')];"
        " return all.length === charts && all.every(({ chart }) => chart.frames > 0 && !chart.pending); }"
    )
    page.wait_for_function(settled, arg=charts)
    try:
        for surface in page.locator(".tk-surface").all():
            surface.scroll_into_view_if_needed()
            place = surface.bounding_box()
            for pane in surface.evaluate("({ chart }) => [...chart.views][0].panes.map(({ top }) => top)"):
                page.mouse.move(place["x"] + 150, place["y"] + pane + 30)
                over = surface.evaluate(
                    """({ chart }) => {
                      const { bar, legend } = [...chart.views][0].stack.pointed;
                      const box = bar.getBoundingClientRect();
                      const parts = legend.querySelectorAll(".tk-legend-line, .tk-legend-line > *");
                      return [...parts].filter((part) => {
                        const { left, right, top, bottom } = part.getBoundingClientRect();
                        const across = right > box.left && left < box.right;
                        return across && bottom > box.top && top < box.bottom;
                      }).map((part) => part.textContent);
                    }"""
                )
                assert over == []
    finally:
        page.get_by_label("One chart").click()
        page.set_viewport_size(before)
        page.wait_for_function(settled, arg=1)


@pytest.mark.parametrize(("width", "height", "charts"), [(1000, 700, 2), (700, 700, 2), (600, 900, 4)])
def test_charts_and_screener_have_room_in_a_small_page(dashboard, width, height, charts):
    """Where all of it does not fit, it scrolls; nothing is squeezed until it cannot be read."""
    page = dashboard.page
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_label(f"{charts} charts").click()
    page.get_by_label("All pairs on all timeframes").click()
    page.locator(".tk-drawer").wait_for()
    page.wait_for_function("(n) => document.querySelectorAll('.tk-surface').length === n", arg=charts)
    try:
        for chart in page.locator(".tk-charts > .tk-chart").all():
            box = chart.bounding_box()
            assert box["height"] >= 255
            assert box["width"] >= 340
        assert page.locator(".tk-drawer").bounding_box()["height"] >= 215
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator(".tk-drawer").evaluate("(drawer) => drawer.scrollIntoView({ block: 'end' })")
        table = page.locator(".tk-screen-frame").bounding_box()
        assert 0 < table["y"] < table["y"] + 80 < height, "it can be reached"
    finally:
        page.get_by_label("All pairs on all timeframes").click()
        page.get_by_label("One chart").click()
        page.set_viewport_size(before)
        page.wait_for_function("document.querySelectorAll('.tk-surface').length === 1")
        dashboard.until_drawn()


def test_the_page_is_light_or_dark(dashboard):
    page = dashboard.page
    look = "getComputedStyle(document.querySelector(name)).backgroundColor"
    grounds = "['.tk-side', '.tk-chart'].map((name) => {})".replace("{}", look)
    dark, picture = page.evaluate(grounds), dashboard.picture()
    page.get_by_label("Make the page light").click()
    dashboard.until("view.theme === 'light' && !chart.pending")
    assert page.evaluate(grounds) == ["rgb(255, 255, 255)"] * 2
    assert dashboard.picture() != picture
    page.get_by_label("Make the page dark").click()
    dashboard.until("view.theme === 'dark' && !chart.pending")
    assert (page.evaluate(grounds), dashboard.picture()) == (dark, picture)


def test_the_link_opens_the_same_page_and_a_wrong_one_says_so(dashboard, voila):
    page = dashboard.page
    dashboard.pick("ETHUSDT")
    dashboard.until("chart.feed.length === 2500")
    dashboard.chart("chart.show(1000.5, 1180.5)")
    dashboard.until("chart.model.get('seen').first > 990 && chart.model.get('seen').last < 1190")
    tab(dashboard, "Share")
    link = page.get_by_label("Link", exact=True)
    page.wait_for_function("document.querySelector('.tk-share textarea')?.value.includes('ETHUSDT')")
    page.wait_for_function("location.hash.includes('symbol=ETHUSDT') && location.hash.includes('from=')")
    address = link.input_value()
    assert address.split("#")[1] == page.evaluate("location.href").split("#")[1]
    code = "document.querySelectorAll('.tk-share textarea')[1].value"
    page.wait_for_function(f"{code}.includes('KLineDataLoader.load_klines')")
    tab(dashboard, "Indicators")
    wanted = dashboard.state()
    other = page.context.browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    try:
        opened = type(dashboard)(other)
        other.goto(address, timeout=240_000)
        opened.until("chart.feed.length === 2500 && chart.range")
        opened.until("Math.abs(chart.range.low - argument) <= 1", wanted["range"]["low"])
        opened.until_drawn()
        shown = opened.state()
        assert shown["range"]["high"] == pytest.approx(wanted["range"]["high"], abs=1)
        assert [pane["key"] for pane in shown["panes"]] == [pane["key"] for pane in wanted["panes"]]
        for column in ("RSI.rsi", "MACD.macd", "close"):
            assert opened.chart("chart.feed.exact(argument, 1100)", column) == dashboard.chart(
                "chart.feed.exact(argument, 1100)", column
            )
        other.evaluate("location.hash = 'v=1&symbol=../etc&indicators=[[%22RSI%22,{%22period%22:1e9}]]'")
        toast = other.locator(".tk-toast.tk-shown")
        toast.wait_for()
        assert "The link could not be opened" in toast.inner_text()
        assert opened.state()["candles"] == 2500, "what was there stays"
        assert opened.errors == []
    finally:
        other.close()


# Of every chart: its title, what is in view, its panes, its scale, and every value in view, to the last bit.
DRAWN = """() => [...document.querySelectorAll('.tk-surface')].map(({ chart }) => ({
  title: chart.spec.title, low: chart.range.low, high: chart.range.high, scale: chart.arrangement.scale,
  panes: chart.linked.panes.map((pane) => pane.key),
  values: Object.fromEntries([...chart.feed.columns.keys()].map((name) => [name, Array.from(
    { length: Math.round(chart.range.high - chart.range.low) },
    (_, i) => String(chart.feed.exact(name, Math.round(chart.range.low + 0.5) + i)),
  )])),
}))"""
SETTLED = """(wanted) => {
  const charts = [...document.querySelectorAll('.tk-surface')].map(({ chart }) => chart);
  return charts.length === wanted.length && charts.every((chart, i) => chart.range && !chart.pending
    && chart.inspect().complete && chart.spec.title.startsWith(wanted[i].title)
    && Math.abs(chart.range.low - wanted[i].low) < 1e-6 && Math.abs(chart.range.high - wanted[i].high) < 1e-6
    && Object.entries(wanted[i].newest).every(([name, value]) => chart.feed.columns.has(name)
      && Object.is(chart.feed.exact(name, Math.round(chart.range.high - 0.5)), value ?? NaN)));
}"""


def random_state(seed, market):
    """A dashboard as its link has it, and what of it must be drawn, chart by chart."""
    random = np.random.default_rng(seed)
    first = int(random.integers(40, 200))
    last = first + int(random.integers(30, 150))
    charts, wanted = [], []
    for timeframe in [str(random.choice(["1h", "1d"]))] if seed % 3 else ["1h", "1h"]:
        symbol = str(random.choice(["BTCUSDT", "ETHUSDT", "AVAXUSDT"])) if timeframe == "1h" else "BTCUSDT"
        symbol = "BTCUSDT" if not seed % 3 else symbol  # charts side by side show the same span of time
        klines = KLineDataLoader.load_klines(symbol, timeframe, source=str(market))
        names = [str(name) for name in random.choice(IndicatorRegistry.names(), 3, replace=False)]
        entries = checked_entries(
            [{"indicator": name, "params": random_params(random, name)} for name in names]
        )
        scale = str(random.choice(["linear", "log", "percent"]))
        times = klines.index[first], klines.index[last]
        revision = klines.attrs["revision"]
        charts.append(ShownChart(symbol, timeframe, *times, entries, {"scale": scale}, "folder", revision))
        values = {name: klines[name] for name in ("open", "high", "low", "close", "volume")}
        for entry in entries:
            indicator = IndicatorRegistry.get(entry["indicator"], entry["params"])
            frame = indicator.calculate(klines)
            values |= {
                f"{entry['indicator']}.{output.name}": frame[output.name]
                for output in indicator.outputs
                if output.drawn
            }
        wanted.append(
            {
                "title": f"{symbol} · {timeframe}",
                "low": first - 0.5,
                "high": last + 0.5,
                "scale": scale,
                "panes": [
                    "price",
                    *(name for name in names if IndicatorRegistry.get_class(name).pane != "price"),
                ],
                "values": {name: column.to_numpy()[first : last + 1] for name, column in values.items()},
                "newest": {
                    name: None if np.isnan(column.iloc[last]) else float(column.iloc[last])
                    for name, column in values.items()
                },
            }
        )
    return link.write(Shown(charts)), wanted


def test_links_of_ten_random_states_draw_each_of_them_again(dashboard, market):
    """One after the other in one page: each number in view to the last bit, the range, panes and scale."""
    page = dashboard.page
    states = [random_state(seed, market) for seed in range(10)]
    before = page.evaluate("location.hash")

    def drawn(address, wanted):
        page.evaluate("(address) => { location.hash = address; }", address)
        page.wait_for_function(SETTLED, arg=[{**one, "values": None} for one in wanted])
        assert page.locator(".tk-toast.tk-shown").count() == 0
        return page.evaluate(DRAWN)

    for address, wanted in states:
        for one, chart in zip(wanted, drawn(address, wanted), strict=True):
            assert chart["scale"] == one["scale"]
            assert chart["panes"] == one["panes"]
            for name, values in one["values"].items():
                np.testing.assert_array_equal(np.array(chart["values"][name], dtype=float), values, name)
    page.evaluate("(address) => { location.hash = address; }", before)
    dashboard.until("document.querySelectorAll('.tk-surface').length === 1 && chart.feed.length > 0")
