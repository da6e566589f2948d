"""What was found in the candles, on the chart's time axis, in its legend and in the data panel."""

import os

import pytest

from toolkit import KLineDataLoader

GAP, QUIET, BAD, STALE = "#6ec6ff", "#8f9ab2", "#ff9ad5", "#ffb454"
LANE = (21, 27, 39)


@pytest.fixture
def link(market):
    """The dirty candles, checked."""
    return KLineDataLoader.load_klines("LINKUSDT", "1h", source=market)


@pytest.fixture
def dirty(dashboard, link):
    dashboard.pick("LINKUSDT")
    dashboard.until("chart.feed.length === argument", len(link))
    dashboard.until("chart.feed.found.keys.length")
    dashboard.until_drawn()
    return dashboard


def rgb(color):
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


def near(color, wanted):
    """The same but for what blending rounds."""
    return max(abs(a - b) for a, b in zip(color, rgb(wanted), strict=True)) <= 2


def strip(dashboard, x):
    """The colours of the strip's pixels, from the top down, at an x of the chart."""
    data = dashboard.chart(
        "[...view.canvas.getContext('2d').getImageData("
        " Math.floor((argument - chart.range.low) / (chart.range.high - chart.range.low)"
        " * view.plot.width * view.ratio),"
        " (Math.round(view.plot.height) + 1) * view.ratio, 1, 11 * view.ratio).data]",
        x,
    )
    return [tuple(data[i : i + 3]) for i in range(0, len(data), 4)]


def show(dashboard, low, high):
    dashboard.chart("chart.show(argument[0], argument[1])", [low, high])
    dashboard.until("!chart.pending")


def hover(dashboard, x, below=0):
    """Put the pointer over an x of the chart; `below` its panes by so many pixels."""
    page = dashboard.page
    box = page.locator(".tk-surface").bounding_box()
    left, height = dashboard.chart(
        "[(argument - chart.range.low) / (chart.range.high - chart.range.low) * view.plot.width,"
        " view.plot.height]",
        x,
    )
    page.mouse.move(5, 5)
    page.mouse.move(box["x"] + left, box["y"] + (height + below if below else 150))


def told(dashboard):
    chip = dashboard.page.locator(".tk-chip-found")
    chip.wait_for(state="visible")
    return chip.inner_text()


def test_a_gap_lies_between_two_candles(dirty, link):
    [gap] = [gap for gap in link.attrs["report"].gaps if gap.missing == 12]
    row = link.index.get_loc(gap.before)
    show(dirty, row - 30, row + 30)
    assert set(strip(dirty, row - 0.5)) == {rgb(GAP)}, "from top to bottom"
    assert set(strip(dirty, row - 3)) == set(strip(dirty, row + 3)) == {LANE}
    hover(dirty, row - 0.5)
    start = gap.before - 12 * (link.index[1] - link.index[0])
    gap_text = f"gap: 12 candles missing, {start:%Y-%m-%d %H:%M} to {gap.before:%H:%M} UTC"
    assert told(dirty).splitlines()[-1] == gap_text
    hover(dirty, row + 5)
    dirty.page.locator(".tk-chip-found").wait_for(state="hidden")


def test_a_quiet_stretch_and_what_was_left_out(dirty, link):
    report = link.attrs["report"]
    [stretch] = report.zero_volume_stretches
    first, last = map(link.index.get_loc, (stretch.first, stretch.last))
    assert last - first + 1 == stretch.candles == 30
    show(dirty, first - 20, last + 20)
    quiet = strip(dirty, (first + last) / 2)
    assert any(near(color, QUIET) for color in quiet[2:])
    assert quiet[0] == LANE, "not as high as a gap"
    assert set(strip(dirty, first - 2)) == set(strip(dirty, last + 2)) == {LANE}
    hover(dirty, first + 3)
    assert told(dirty).startswith(f"no volume: 30 candles, {stretch.first:%Y-%m-%d %H:%M} to ")
    bad = report.quarantined[0].open_time
    row = int(link.index.searchsorted(bad))
    show(dirty, row - 30, row + 30)
    assert any(near(color, BAD) for color in strip(dirty, row - 0.5))
    hover(dirty, row - 0.5)
    lines = told(dirty).splitlines()
    assert lines[0].startswith("gap: 2 candles missing")
    assert lines[1].startswith(
        f"2 rows quarantined (first: high is not above zero), {bad:%Y-%m-%d %H:%M} to "
    )
    assert any(near(color, GAP) for color in strip(dirty, row - 0.5)), "a gap shows behind the cross"


def test_stale_candles_have_a_hatched_end(dirty, link):
    dirty.chart("chart.showLatest()")
    dirty.until("!chart.pending")
    assert link.attrs["report"].stale()
    assert any(near(color, STALE) for color in strip(dirty, len(link) - 0.4))
    hover(dirty, len(link) + 0.2, below=5)
    assert told(dirty).startswith(
        f"stale: the last candle closed {link.attrs['report'].closed:%Y-%m-%d %H:%M}"
    )
    assert dirty.page.locator(".tk-summary .tk-stale").inner_text().startswith("stale by ")


def test_the_legend_names_what_occurs_and_a_click_goes_there(dirty, link):
    keys = dirty.page.locator(".tk-key")
    texts = keys.all_inner_texts()
    assert texts[:3] == ["3 gaps", "3.0% no volume", "3 quarantined"]
    assert texts[3].startswith("stale by ")
    before = [link.index.get_loc(gap.before) for gap in link.attrs["report"].gaps][::-1]
    for row in [*before, before[0]]:
        keys.first.click()
        dirty.until("chart.selected === argument", row)
    dirty.pick("BTCUSDT")
    dirty.page.wait_for_function("document.querySelectorAll('.tk-key').length === 1")
    assert dirty.page.locator(".tk-key").inner_text().startswith("stale by ")


def test_a_click_in_the_data_panel_moves_the_chart(dirty, link):
    page = dirty.page
    page.locator(".lm-TabBar-tab", has_text="Data").click()
    page.locator(".tk-data summary", has_text="where they are").click()
    places = page.locator(".tk-data details[open] .tk-place")
    gap = link.attrs["report"].gaps[0]
    assert places.last.inner_text().endswith(": 12 candles missing")
    places.last.click()
    dirty.until("chart.selected === argument", link.index.get_loc(gap.before))
    page.locator(".lm-TabBar-tab", has_text="Indicators").click()


def test_there_are_never_more_marks_than_pixels(dashboard, market):
    """Real candles: a third of 100,000 without volume."""
    if not os.environ.get("SYSTEM_V4_CANDLES"):
        pytest.skip("SYSTEM_V4_CANDLES names no folder of real candles")
    zrx = KLineDataLoader.load_klines("ZRXUSDT", "15m", source=market)
    report = zrx.attrs["report"]
    dashboard.pick("ZRXUSDT")
    dashboard.press("15m")
    dashboard.until("chart.feed.length === argument", len(zrx))
    dashboard.until_drawn()
    for span in (len(zrx), 20_000, 500):
        dashboard.chart("chart.showLatest(argument)", span)
        dashboard.until("!chart.pending")
        state = dashboard.state()
        assert 0 < state["strip"]["quiet"] <= 2 * state["drawn"] < dashboard.chart("view.plot.width")
    dashboard.chart("chart.showAll()")
    dashboard.until("!chart.pending")
    assert dashboard.state()["strip"]["gap"] == len(report.gaps) == 6
    for gap in report.gaps:
        row = zrx.index.get_loc(gap.before)
        assert rgb(GAP) in strip(dashboard, row - 0.5)
    row = 50_000
    hover(dashboard, row, below=5)
    size = 2 ** dashboard.state()["level"]
    at = round(dashboard.chart("view.toX(view.pointer.x)")) // size * size
    quiet = int((zrx["volume"].iloc[at : at + size] == 0).sum())
    times = f"{zrx.index[at]:%Y-%m-%d %H:%M} to "
    assert told(dashboard).startswith(f"no volume: {quiet} of {size} candles, {times}")
    assert "34.1% no volume" in dashboard.page.locator(".tk-key").all_inner_texts()


def test_what_takes_long_is_said(dashboard):
    """The curtain over the chart while candles are loaded, and how much of a long history is there."""
    dashboard.chart(
        """(() => {
          window.said = new Set();
          window.notes = new Set();
          const look = () => {
            if (!window.said) return;
            const curtain = document.querySelector(".tk-curtain");
            if (curtain.classList.contains("tk-shown")) window.said.add(curtain.innerText.trim());
            window.notes.add(document.querySelector(".tk-note").textContent);
            requestAnimationFrame(look);
          };
          look();
        })()"""
    )
    dashboard.press("15m")
    dashboard.until("chart.feed.length === 300000")
    dashboard.until_drawn()
    dashboard.page.locator(".tk-curtain").wait_for(state="hidden")
    said, notes = dashboard.chart("[[...window.said], [...window.notes]]")
    dashboard.chart("(window.said = null)")
    assert "Loading BTCUSDT 15m…" in said
    assert any(note.startswith("History ") and note.endswith("%…") for note in notes)
    assert dashboard.page.locator(".tk-note").inner_text() == ""
