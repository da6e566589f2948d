"""The same notebook in JupyterLab, and bqplot drawing the marks itself."""

import re

import pytest

from conftest import PATIENCE, Dashboard

# What a chart looks like where the canvas is not used: paths of bqplot's own.
PATHS = (
    "[...document.querySelectorAll('.jp-OutputArea .tk-pane path.line')]"
    ".map((path) => path.getAttribute('d') ?? '')"
)


COLORS = """() => {
  const paths = [...document.querySelectorAll(".jp-OutputArea .tk-pane path")];
  const styles = paths.map((path) => getComputedStyle(path));
  return [...new Set(styles.flatMap(({ stroke, fill }) => [stroke, fill]))];
}"""
RISING = {"dark": "rgb(38, 166, 154)", "light": "rgb(11, 135, 123)"}
# Every chart that the page holds, seen or not: its key, how often it was painted, what it shows.
HELD = """() => Object.fromEntries([...(globalThis[Symbol.for("system-v4.charts")] ?? [])].map(
  ([key, { views, frames, feed, range }]) => [key, { views: views.size, frames, candles: feed.length, range }]
))"""


def open_notebook(page, lab, reset=""):
    page.goto(f"{lab}lab/tree/dashboard.ipynb{reset}", timeout=2 * PATIENCE)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    # not just any place with that text: a list of running kernels, which is hidden, comes before it
    page.locator(".jp-NotebookPanel-toolbar").get_by_text("Python 3 (ipykernel)").wait_for()
    # what is run while the kernel still starts finds no widgets that listen
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first.wait_for()


def choose(page, menu, item):
    page.locator(".lm-MenuBar-itemLabel").get_by_text(menu, exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()


def choose_theme(page, name):
    page.locator(".lm-MenuBar-itemLabel").get_by_text("Settings", exact=True).click()
    page.get_by_text("Theme", exact=True).hover()
    page.get_by_text(name, exact=True).click()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(2 * PATIENCE)  # Lab is large, and its kernel starts when it likes
    yield page
    page.close()


def test_it_runs_in_jupyterlab(lab, page):
    dashboard = Dashboard(page)
    open_notebook(page, lab, "?reset")
    choose(page, "Run", "Run All Cells")
    dashboard.until_drawn()

    assert page.get_by_text("SYNTHETIC SAMPLE DATA – not a real market").is_visible()
    assert dashboard.state()["canvas"]
    assert dashboard.pixels("#0b877b", "price") > 100, "light, as Lab is"
    choose_theme(page, "JupyterLab Dark")
    dashboard.until("view.theme === 'dark' && !chart.pending")
    assert dashboard.pixels("#26a69a", "price") > 100, "dark, as Lab is now"
    before = dashboard.state()["versions"]["RSI.rsi"]
    handle = dashboard.card("RSI").locator(".noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")
    dashboard.until("chart.inspect().versions['RSI.rsi'] > argument", before)
    page.locator(".tk-surface").focus()
    span = dashboard.chart("chart.range.high - chart.range.low")
    page.keyboard.press("ArrowDown")
    dashboard.until("chart.range.high - chart.range.low > argument * 1.2", span)
    assert page.locator(".jp-Cell.jp-mod-active, .jp-mod-editMode").count() <= 2, (
        "keys went to the chart, not to Lab"
    )

    # a second chart, its marks drawn by bqplot
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(
        "from toolkit import IndicatorPipeline\nfrom toolkit.chart import Chart\n"
        "Chart(state.klines, IndicatorPipeline().add('RSI'), renderer='svg')"
    )
    page.keyboard.press("Shift+Enter")
    dashboard.until(
        "chart.feed.length && chart.inspect().canvas === false && chart.inspect().complete && !chart.pending"
    )
    page.wait_for_function(f"{PATHS}.filter((path) => path.length > 200).length >= 5")
    drawn = page.evaluate(PATHS)
    dashboard.chart("chart.showAll()")
    page.wait_for_function(f"(before) => {PATHS}.join() !== before", arg=",".join(drawn))
    assert not any("NaN" in path for path in page.evaluate(PATHS))
    assert max(len(re.findall("[ML]", path)) for path in page.evaluate(PATHS)) < 4000, (
        "never more than there is room for"
    )
    assert RISING["dark"] in page.evaluate(COLORS)
    choose_theme(page, "JupyterLab Light")
    dashboard.until("view.theme === 'light' && !chart.pending")
    colors = page.evaluate(COLORS)
    assert RISING["light"] in colors
    assert RISING["dark"] not in colors
    page.get_by_label("Save what is seen").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=re.compile("SVG")).click()
    saved = download.value.path().read_text()
    assert saved.count('fill="#0b877b"') > 50, "the candles that bqplot draws are in the picture, too"
    choose_theme(page, "JupyterLab Dark")
    dashboard.until("view.theme === 'dark' && !chart.pending")
    assert RISING["dark"] in page.evaluate(COLORS)
    assert dashboard.errors == []


def test_it_can_be_opened_again(lab, page):
    """On the kernel that showed it before: the page answers, what was shown is shown where it was, and after
    another run the charts of the run before neither move, nor are sent anything.
    """
    dashboard = Dashboard(page)
    open_notebook(page, lab, "?reset")
    choose(page, "Run", "Run All Cells")
    # of this run, whatever the kernel holds of those before
    page.locator(".tk-tools button[title='2 charts']").click()
    page.wait_for_function("document.querySelectorAll('.tk-surface').length === 2")
    dashboard.until_drawn()
    dashboard.until("chart.others.length === 1")
    dashboard.chart("chart.show(400, 500)")
    dashboard.until("chart.model.get('seen').last === 500")
    # an open screener takes nothing from the charts: the notebook scrolls
    heights = "[...document.querySelectorAll('.tk-charts > .tk-chart')].map((chart) => chart.clientHeight)"
    alone = page.evaluate(heights)
    page.get_by_label("All pairs on all timeframes").click()
    page.locator(".tk-drawer").wait_for()
    assert page.evaluate(heights) == alone
    assert min(alone) >= 255
    assert page.locator(".tk-drawer").bounding_box()["height"] == 300
    page.get_by_label("All pairs on all timeframes").click()
    page.locator(".tk-drawer").wait_for(state="hidden")
    choose(page, "File", "Save Notebook")
    page.wait_for_function(
        "!document.querySelector('.jp-Document.jp-mod-dirty, .lm-TabBar-tab.jp-mod-dirty')"
    )

    open_notebook(page, lab)
    page.wait_for_function("document.querySelectorAll('.tk-surface').length === 2")
    page.locator(".tk-surface").first.scroll_into_view_if_needed()
    dashboard.until_drawn()
    assert dashboard.state()["range"] == {"low": 400, "high": 500}
    held = page.evaluate(HELD)
    assert {chart["candles"] > 0 for chart in held.values() if not chart["views"]} <= {False}, (
        "of an earlier run, and nobody looks at it"
    )

    choose(page, "Run", "Run All Cells")
    page.wait_for_function("document.querySelectorAll('.tk-surface').length === 1")
    page.locator(".tk-tools button[title='2 charts']").click()
    page.wait_for_function("document.querySelectorAll('.tk-surface').length === 2")
    dashboard.until_drawn()
    dashboard.until("chart.others.length === 1 && chart.others[0].feed.complete && !chart.pending")
    page.evaluate("new Promise((done) => setTimeout(done, 1000))")  # until all is told
    before = page.evaluate(HELD)
    dashboard.chart(
        """(() => {
          globalThis.told = [];
          for (const { model } of globalThis[Symbol.for("system-v4.charts")].values()) {
            model.on("change:seen", () => globalThis.told.push(model.get("key")));
          }
        })()"""
    )
    surface = page.locator(".tk-surface").first
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 150, steps=4)
    page.mouse.up()
    shown = page.evaluate(HELD)
    moved = {key for key, chart in shown.items() if chart["range"] != before[key]["range"]}
    assert moved == {key for key, chart in shown.items() if chart["views"]}
    assert len(moved) == 2
    close = dashboard.chart("view.panes[0].candle[3].textContent")
    page.mouse.move(box["x"] + 60, box["y"] + 150)
    dashboard.until("view.panes[0].candle[3].textContent !== argument", close)
    page.evaluate("new Promise((done) => setTimeout(done, 1000))")
    told = page.evaluate("globalThis.told")
    assert set(told) == moved, "no other one says anything"
    assert dashboard.errors == []


def test_two_views_of_the_dashboard(lab, page):
    """Lab shows an output at a second place: both are the same chart, and at rest nothing goes on."""
    dashboard = Dashboard(page)
    open_notebook(page, lab, "?reset")
    choose(page, "Run", "Run All Cells")
    dashboard.until_drawn()
    page.locator(".jp-OutputArea-output .tk-brand").click(button="right")
    page.locator(".lm-Menu-itemLabel", has_text="Create New View for Cell Output").click()
    page.locator(".jp-LinkedOutputView .tk-surface").wait_for()
    dashboard.until("chart.views.size === 2")
    box = page.locator(".jp-LinkedOutputView .tk-surface").bounding_box()
    low = dashboard.state()["range"]["low"]
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 150, steps=4)
    page.mouse.up()
    dashboard.until("chart.range.low < argument && !chart.pending", low)
    page.evaluate("new Promise((done) => setTimeout(done, 1500))")  # the theme is looked at now and then
    frames = dashboard.state()["frames"]
    page.evaluate("new Promise((done) => setTimeout(done, 1500))")
    assert dashboard.state()["frames"] == frames
    painted = (
        "[...chart.views].map(({ canvas }) => canvas.getContext('2d').getImageData(0, 0, canvas.width, 300)"
    )
    assert all(dashboard.chart(f"{painted}.data.some(Boolean))"))
    assert dashboard.errors == []
