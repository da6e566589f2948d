"""The same notebook in JupyterLab, and bqplot drawing the marks itself."""

import re

from conftest import PATIENCE, Dashboard

# What a chart looks like where the canvas is not used: paths of bqplot's own.
PATHS = (
    "[...document.querySelectorAll('.jp-OutputArea .tk-pane path.line')]"
    ".map((path) => path.getAttribute('d') ?? '')"
)


def test_it_runs_in_jupyterlab(lab, browser):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(2 * PATIENCE)  # Lab is large, and its kernel starts when it likes
    dashboard = Dashboard(page)
    page.goto(f"{lab}lab/tree/dashboard.ipynb?reset", timeout=2 * PATIENCE)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel)").first.wait_for()
    page.get_by_text("Run", exact=True).first.click()
    page.get_by_text("Run All Cells", exact=True).click()
    dashboard.until_drawn()

    assert page.get_by_text("SYNTHETIC SAMPLE DATA – not a real market").is_visible()
    assert dashboard.state()["canvas"]
    assert dashboard.pixels("#0b877b", "price") > 100, "light, as Lab is"
    page.get_by_text("Settings", exact=True).click()
    page.get_by_text("Theme", exact=True).hover()
    page.get_by_text("JupyterLab Dark", exact=True).click()
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
    assert dashboard.errors == []
    page.close()
