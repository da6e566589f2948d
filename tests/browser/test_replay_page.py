"""A replay in the dashboard, in a real browser: what is drawn at a candle is what was known then."""

import numpy as np
import pandas as pd
import pytest
from market import same_bits

from toolkit import IndicatorConfiguration, KLineDataLoader

ROWS = 600
COLUMNS = {"MACD.macd": "macd", "RSI.rsi": "rsi", "Bollinger Bands.bb_upper": "bb_upper"}


@pytest.fixture(scope="module")
def avax(market):
    return KLineDataLoader.load_klines("AVAXUSDT", "1h", source=market)


@pytest.fixture
def page(dashboard, avax):
    """The dashboard on candles whose forming can be shown, and back to all of them afterwards."""
    dashboard.pick("AVAXUSDT")
    dashboard.until("chart.feed.length === argument && chart.spec.title.startsWith('AVAXUSDT')", ROWS)
    dashboard.until_drawn()
    yield dashboard
    mode = dashboard.page.locator(".tk-live-mode")
    if mode.input_value() != "stored":
        mode.select_option("stored")
    dashboard.until("chart.feed.badge === '' && chart.feed.length === argument", ROWS)


def press(page, name):
    page.page.locator(f".tk-live-{name}").click()


def seek(page, row):
    """As a hand on the slider does."""
    page.page.locator(".tk-live-slider").evaluate(
        "(slider, row) => { slider.value = row; slider.dispatchEvent(new Event('input')); }", row
    )
    page.until("chart.feed.length === argument && !chart.feed.columns.forming", row)
    settled(page, row)


def settled(page, row):
    """Everything on the page is about the same candles."""
    page.page.wait_for_function(
        "(row) => document.querySelector('.tk-live-slider').value == row"
        " && document.querySelector('.tk-summary').innerText.includes(` ${row} candle`)",
        arg=row,
    )
    page.until("chart.window && !chart.pending")


def close_one(page):
    """Step once from wherever it was paused, and wait until nothing changes any more; the row."""
    press(page, "step")
    page.until(
        """(() => {
          const { value } = document.querySelector(".tk-live-slider");
          const now = [chart.feed.length, chart.feed.columns.forming, value];
          if (String(now) !== window.before) [window.before, window.since] = [String(now), performance.now()];
          return !now[1] && now[0] === Number(now[2]) && performance.now() - window.since > 800;
        })()"""
    )
    row = page.chart("chart.feed.length")
    settled(page, row)
    return row


def check(page, avax, count):
    """What is drawn and told is what was known after `count` candles, and nothing else is on the page."""
    known = IndicatorConfiguration().pipeline().calculate(avax.iloc[:count])
    signals = IndicatorConfiguration().pipeline().get_all_signals(avax.iloc[:count])
    moment = avax.index[count - 1] + pd.Timedelta(hours=1)
    told = page.chart(
        """({
          badge: chart.feed.badge, length: chart.feed.length, forming: chart.feed.columns.forming,
          columns: Object.fromEntries([...chart.feed.columns].map(([name, column]) => [name,
            Array.from({ length: chart.feed.length }, (_, i) => column.exact(i))
              .map((v) => (v === v ? v : null))])),
          beyond: [...chart.feed.columns.values()].every((column) =>
            column.values.subarray(chart.feed.length).every((v) => v !== v)),
          signals: [...chart.feed.signals.position],
          lines: chart.linked.panes.flatMap((pane) => pane.marks).filter((mark) => mark.kind === "line")
            .map((mark) => [mark.column, [...mark.shape.x], [...mark.shape.y]]),
          level: chart.window.level,
        })"""
    )
    assert told["badge"] == f"REPLAY {moment:%Y-%m-%d %H:%M} UTC"
    assert (told["length"], told["forming"], told["beyond"], told["level"]) == (count, False, True, 0)
    assert told["columns"]["time"][-1] == avax.index[count - 1].timestamp() * 1000
    for name in ("open", "high", "low", "close", "volume"):
        assert same_bits(as_array(told["columns"][name]), avax[name].iloc[:count])
    for name, output in COLUMNS.items():
        assert same_bits(as_array(told["columns"][name]), known[output])
    drawn = {name: (x, y) for name, x, y in told["lines"]}
    for name, output in COLUMNS.items():
        x, y = (np.array(values, float) for values in drawn[name])
        assert x.max() == count - 1
        assert same_bits(y, known[output].to_numpy()[x.astype(int)])
    assert sorted(told["signals"]) == sorted(int(p) for s in signals.values() for p in s.position)
    page.page.wait_for_function(
        "(count) => document.querySelector('.tk-signals .tk-count').textContent === count",
        arg=f"{len(told['signals']):,}",
    )
    newest = page.page.locator(".tk-signal .tk-time").first.inner_text()
    assert pd.Timestamp(newest, tz="UTC") < moment
    assert f"to {avax.index[count - 1]:%Y-%m-%d %H:%M} UTC" in page.page.locator(".tk-summary").inner_text()


def as_array(values):
    return np.array([np.nan if value is None else value for value in values], float)


def test_pause_step_seek_and_back(page, avax):
    page.page.locator(".tk-live-mode").select_option("replay")
    page.until("chart.feed.badge !== ''")
    seek(page, 400)
    check(page, avax, 400)
    press(page, "step")
    settled(page, 401)
    press(page, "step")
    settled(page, 402)
    check(page, avax, 402)
    press(page, "back")
    settled(page, 401)
    check(page, avax, 401)
    seek(page, 150)
    check(page, avax, 150)
    page.page.locator(".tk-live-speed").select_option("50")
    press(page, "play")
    page.until("chart.feed.length >= 190")
    press(page, "play")
    page.page.wait_for_function("document.querySelector('.tk-live-play').title === 'Play'")
    check(page, avax, close_one(page))  # a candle that was forming closes
    press(page, "stop")
    page.until("chart.feed.badge === '' && chart.feed.length === argument", ROWS)
    page.page.locator(".tk-live-badge").wait_for(state="hidden")


def test_the_view_follows_or_stays_put(page):
    page.page.locator(".tk-live-mode").select_option("replay")
    page.until("chart.feed.badge !== ''")
    seek(page, 300)
    page.chart("chart.showLatest()")
    page.until("!chart.pending")
    before = page.state()["range"]
    press(page, "step")
    settled(page, 301)
    after = page.state()["range"]
    assert [after[end] - before[end] for end in ("low", "high")] == [1, 1]
    page.chart("chart.show(100, 200)")
    page.until("!chart.pending")
    press(page, "step")
    settled(page, 302)
    assert page.state()["range"] == {"low": 100, "high": 200}
    press(page, "view")  # from the candle in view on: the 200th
    page.until("chart.feed.length === 201")
    settled(page, 201)


def test_forming_candles_and_a_tab_without_frames(page, avax):
    """Where no frame is painted (a hidden tab) every tick is put in place, and nothing is kept for later."""
    page.page.locator(".tk-live-mode").select_option("replay")
    page.until("chart.feed.badge !== ''")
    seek(page, 300)
    page.chart(
        """(() => {
          window.forming = [];
          window.asked = [];
          window.frames = window.requestAnimationFrame;
          window.requestAnimationFrame = (action) => window.asked.push(action);
          chart.model.on("msg:custom", window.came = (message) => {
            if (message.type !== "tick") return;
            const { feed } = chart;
            const row = feed.length - 1;
            const at = (name) => feed.exact(name, row);
            window.forming.push([row, feed.columns.forming, ...["open", "high", "low", "close"].map(at)]);
          });
        })()"""
    )
    page.page.locator(".tk-live-speed").select_option("20")
    press(page, "play")
    page.until("chart.feed.length >= 360")
    press(page, "play")
    page.page.wait_for_function("document.querySelector('.tk-live-play').title === 'Play'", polling=50)
    seen, asked, painted = page.chart(
        """(() => {
          window.requestAnimationFrame = window.frames;
          chart.model.off("msg:custom", window.came);
          const asked = window.asked.length;
          const before = chart.frames;
          window.asked.forEach((action) => action(performance.now()));
          return [window.forming, asked, chart.frames - before];
        })()"""
    )
    assert len(seen) >= 10  # a busy machine joins ticks
    assert any(forming for _, forming, *_ in seen)
    assert asked < 10, "a frame is asked for once, however many ticks came"
    assert painted == 1
    for row, forming, open_, high, low, close in seen:
        stored = avax.iloc[row]
        assert open_ == stored["open"]
        assert stored["low"] <= low <= min(open_, close) <= max(open_, close) <= high <= stored["high"]
        if not forming:
            assert (high, low, close) == tuple(stored[["high", "low", "close"]])
    row = close_one(page)
    page.chart("chart.showLatest()")
    page.until("!chart.pending")
    check(page, avax, row)
