"""The dashboard in a replay, in a real browser: frames while candles come, and memory, seen and not.

    python benchmarks/live_page.py            ten minutes: 3,000 updates seen, as many unseen, and 5,000 more
    python benchmarks/live_page.py --quick    two and a half minutes: 1,500 seen, 1,500 unseen

Twenty updates a second (a candle that forms, four updates a candle) over three indicators. The peer is a
stock bqplot line of 1,000 points on the same page, set anew by the kernel twenty times a second: what a chart
without joining does. Unseen stands for a tab in the background: the page gets no animation frames, which is
what a browser does there (its timers are slowed down too; that is not imitated). Memory is the JavaScript
heap after a collection. Needs Chromium (`CHROMIUM` names one that is not on the path); nothing
leaves this machine.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from browser import FLAGS, ROOT, served
from playwright.sync_api import Page, sync_playwright

QUARTERS = 40_000
RATE = 20  # updates a second: five candles of four states
PEER = """
import asyncio
import bqplot
import numpy as np
from ipywidgets import Button, VBox

scales = {"x": bqplot.LinearScale(), "y": bqplot.LinearScale()}
line = bqplot.Lines(x=np.arange(1000.0), y=np.zeros(1000), scales=scales)
start = Button(description="stock").add_class("stock")
running = []


async def stream():
    random = np.random.default_rng(0)
    values = np.cumsum(random.normal(size=1000))
    while running:
        values = np.append(values[1:], values[-1] + random.normal())
        line.y = values
        start.tooltip = str(int(start.tooltip or 0) + 1)
        await asyncio.sleep(1 / 20)


def toggle(_):
    if running:
        running.clear()
    else:
        running.append(1)
        asyncio.get_running_loop().create_task(stream())


start.on_click(toggle)
VBox([start, bqplot.Figure(marks=[line], layout={"height": "300px", "width": "600px"})]).add_class("peer")
"""
HIDE = """
// Before all other scripts, so that every library gets its frames, or none, from here.
const real = window.requestAnimationFrame.bind(window);
const cancel = window.cancelAnimationFrame.bind(window);
const held = [];
let hidden = false;
window.requestAnimationFrame = (action) => (hidden ? -held.push(action) : real(action));
window.cancelAnimationFrame = (number) => (number < 0 ? (held[-number - 1] = () => {}) : cancel(number));
window.heldFrames = () => held.length;
window.seenFrame = real;
window.hide = (wanted) => {
  hidden = wanted;
  if (!hidden) for (const action of held.splice(0)) real(action);
};
"""
SCRIPT = """
const { chart } = document.querySelector('.tk-surface');
window.seen = { ticks: 0, at: [], frames: [] };
chart.model.on('msg:custom', (message) => {
  if (message.type !== 'tick') return;
  seen.ticks++;
  const [came, frames] = [performance.now(), chart.frames];
  if (seen.hidden) return;
  const look = () => (chart.frames > frames ? seen.at.push(performance.now() - came) : seenFrame(look));
  seenFrame(look);
});
let last = performance.now();
(function frame(now) { seen.frames.push(now - last); last = now; seenFrame(frame); })(last);
"""


def write_market(folder: Path) -> None:
    """A pair whose hours are made of its quarters."""
    random = np.random.default_rng(0)
    close = np.round(20_000 * np.exp(np.cumsum(random.standard_t(4, QUARTERS) * 0.001)), 2)
    open_ = np.concatenate([close[:1], close[:-1]])
    table = pd.DataFrame(
        {
            "open_time": pd.Timestamp("2024-01-01") + np.arange(QUARTERS) * pd.Timedelta(minutes=15),
            "open": open_,
            "high": np.maximum(open_, close),
            "low": np.minimum(open_, close),
            "close": close,
            "volume": np.round(random.gamma(2, 20, QUARTERS), 3),
        }
    )
    place = folder / "klines" / "BTCUSDT"
    place.mkdir(parents=True)
    table.to_parquet(place / "BTC_15m.parquet")
    hour = table.groupby(table["open_time"].dt.floor("h"))
    hours = hour.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    hours.reset_index().to_parquet(place / "BTC_1h.parquet")


def heap(page: Page) -> float:
    """Megabytes of JavaScript after a collection."""
    session = page.context.new_cdp_session(page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    session.detach()
    return float(used)


def replay(page: Page, updates: int, *, hidden: bool) -> None:
    """So many updates of a replay, and what they cost."""
    before = heap(page)
    page.evaluate(
        "(hidden) => { hide(hidden); Object.assign(seen, { hidden, ticks: 0, at: [], frames: [] }); }", hidden
    )
    page.evaluate("document.querySelector('.tk-live-play').click()")
    began, peak = time.monotonic(), 0.0
    while page.evaluate("seen.ticks") < updates:
        page.wait_for_timeout(2_000)
        peak = max(peak, page.evaluate("performance.memory.usedJSHeapSize") / 2**20)
    spent = time.monotonic() - began
    page.evaluate("document.querySelector('.tk-live-play').click()")
    page.wait_for_timeout(500)
    ticks, asked = page.evaluate("[seen.ticks, heldFrames()]")
    words = "unseen" if hidden else "seen"
    line = (
        f"  {ticks:,} updates {words}, {ticks / spent:.1f} a second: heap {before:.1f} → {heap(page):.1f} MB"
    )
    line += f" (at most {peak:.0f} between collections)"
    if hidden:
        line += f", {asked} frames asked for"
        page.evaluate("hide(false)")
        page.wait_for_timeout(500)
        line += f"; seen again {heap(page):.1f} MB"
    print(line)
    if not hidden:
        paint, frames = (np.array(page.evaluate(f"seen.{name}")) for name in ("at", "frames"))
        print(
            "    from a message to its paint, ms: "
            f"p50 {np.quantile(paint, 0.5):.1f}, p95 {np.quantile(paint, 0.95):.1f};"
            f" between frames: p50 {np.quantile(frames, 0.5):.1f}, p95 {np.quantile(frames, 0.95):.1f}"
        )


def stock(page: Page, updates: int, *, hidden: bool) -> None:
    """The peer: a stock mark that is set anew."""
    before = heap(page)
    page.evaluate("(hidden) => hide(hidden)", hidden)
    page.evaluate("document.querySelector('.stock').click()")
    page.wait_for_timeout(1000 * updates / RATE)
    asked = page.evaluate("heldFrames()")
    page.evaluate("document.querySelector('.stock').click()")
    page.wait_for_timeout(500)
    words = "unseen" if hidden else "seen"
    count = page.locator(".stock").get_attribute("title")
    print(
        f"  stock bqplot line, {words}: heap {before:.1f} → {heap(page):.1f} MB ({count} updates in all)"
        + (f", {asked:,} frames asked for" if hidden else "")
    )
    if hidden:
        page.evaluate("hide(false)")
        page.wait_for_timeout(2_000)
        print(f"    seen again {heap(page):.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer updates")
    quick = parser.parse_args().quick
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not chromium:
        raise SystemExit(f"live_page.py: none of {', '.join(names)} is on the path, and CHROMIUM is not set")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch)
        write_market(folder)
        notebook = json.loads((ROOT / "notebooks" / "dashboard.ipynb").read_text(encoding="utf-8"))
        notebook["cells"].append(dict(notebook["cells"][-1], id="peer", source=PEER))
        (folder / "dashboard.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*FLAGS, "--enable-precise-memory-info"]
        )
        with served(folder) as (address, _server):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            page.add_init_script(f"(() => {{ {HIDE} }})()")
            page.goto(f"{address}dashboard.ipynb", timeout=120_000)
            page.wait_for_function("document.querySelector('.tk-surface')?.chart?.inspect().complete")
            page.wait_for_selector(".stock", state="attached")
            page.evaluate(f"() => {{ {SCRIPT} }}")
            page.locator(".tk-live-mode").select_option("replay")
            page.wait_for_function("document.querySelector('.tk-live').dataset.mode === 'replay'")
            page.evaluate(
                "(() => { const slider = document.querySelector('.tk-live-slider'); slider.value = 2000;"
                " slider.dispatchEvent(new Event('input')); })()"
            )
            page.wait_for_function("document.querySelector('.tk-surface').chart.feed.length === 2000")
            page.locator(".tk-live-speed").select_option("5")
            page.wait_for_timeout(2_000)
            print(f"Chromium {browser.version}, {os.cpu_count()} processors, {RATE} updates a second")
            replay(page, 100, hidden=False)  # what is made once is made
            print("and from here on:")
            replay(page, 1_500 if quick else 3_000, hidden=False)
            replay(page, 1_500 if quick else 3_000, hidden=True)
            stock(page, 100, hidden=False)
            stock(page, 400 if quick else 1_000, hidden=True)
            if not quick:
                replay(page, 5_000, hidden=False)
        browser.close()


if __name__ == "__main__":
    main()
