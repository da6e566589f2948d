"""The dashboard in a real browser, through Voila, with 300,000 candles in five panes.

    python benchmarks/browser.py            ten minutes of updates, seen and hidden, too
    python benchmarks/browser.py --quick    fewer rounds
    python benchmarks/browser.py beside     one of its parts: opening, alone, beside, updates

From a moved slider, a pan, another symbol or an update to the repaint; until the page is ready; memory.
Beside every time stands its floor from the same rounds (an empty slider whose callback sets a label, a frame
in which nothing is drawn, a notebook with one label), and lightweight-charts and plotly.js in the same
browser, with the same candles (`peers.py`). Ratios tell more than times. Needs Chromium (`CHROMIUM` names
one that is not on the path); nothing leaves this machine.
"""

import argparse
import json
import os
import random
import shutil
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import peers
import psutil
from measure import report
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
CANDLES = 300_000
PLOTLY = 5_000  # candles that it holds
PARTS = ("opening", "alone", "beside", "updates")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
CHARTS = Path(__file__).with_name("charts")  # what is run in the pages
HELLO = "import ipywidgets\nipywidgets.Label('hello').add_class('hello')"
READY = {
    "hello": "document.querySelector('.hello')?.offsetHeight > 0",
    "dashboard": """(() => {
        const chart = document.querySelector('.tk-surface')?.chart;
        return Boolean(chart && chart.frames > 0 && chart.range && !chart.pending);
    })()""",
}


def read(name: str) -> str:
    """A file of what is run in the pages."""
    return (CHARTS / name).read_text(encoding="utf-8")


def write_market(folder: Path) -> pd.DataFrame:
    """Two pairs with many candles, in the dataset's layout; the first one's."""
    tables = []
    for seed, symbol in enumerate(("BTC", "ETH")):
        random = np.random.default_rng(seed)
        close = 20_000 * np.exp(np.cumsum(random.standard_t(4, CANDLES) * 0.001))
        open_ = np.concatenate([close[:1], close[:-1]])
        times = pd.Timestamp("2017-01-01") + np.arange(CANDLES) * pd.Timedelta(minutes=15)
        table = pd.DataFrame(
            {
                "open_time": times.astype("datetime64[ns]"),
                "open": open_,
                "high": np.maximum(open_, close) * 1.001,
                "low": np.minimum(open_, close) * 0.999,
                "close": close,
                "volume": random.gamma(2, 20, CANDLES),
            }
        )
        place = folder / "klines" / f"{symbol}USDT"
        place.mkdir(parents=True)
        table.to_parquet(place / f"{symbol}_15m.parquet")
        tables.append(table)
    return tables[0].assign(open_time=tables[0]["open_time"].dt.tz_localize("UTC")).set_index("open_time")


def write_notebooks(folder: Path, updates: int) -> None:
    """The dashboard, opening with many candles in five panes; the same with the floors; and the plainest."""
    notebook = json.loads((ROOT / "notebooks" / "dashboard.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace('"1h"', '"15m"')
    last = notebook["cells"][-1]
    panes = "\n".join(
        f"state.configuration.set_indicator_enabled({name!r}, True)" for name in ("ATR", "Stochastic")
    )
    notebook["cells"].append(dict(last, id="panes", source=panes))
    (folder / "dashboard.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    notebook["cells"].append(dict(last, id="floor", source=read("cell.txt").replace("COUNT", str(updates))))
    (folder / "measured.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    notebook["cells"] = [dict(last, id="hello", source=HELLO)]
    (folder / "hello.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Voila on a free port, for every notebook of a folder, and its end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "voila",
        str(folder),
        f"--port={port}",
        "--no-browser",
        "--Voila.ip=127.0.0.1",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TOOLKIT_SOURCE": str(folder)}
    with (folder / "voila.log").open("w") as log:
        process = psutil.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/static/none", timeout=5)
                except urllib.error.HTTPError:
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/voila/render/", process
        finally:
            process.terminate()
            process.wait(timeout=60)


class Meter:
    """What a page's main thread has done, and what it holds, as Chromium counts it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable")

    def _metrics(self) -> dict[str, float]:
        return {one["name"]: one["value"] for one in self._session.send("Performance.getMetrics")["metrics"]}

    def busy(self) -> float:
        """Seconds."""
        return self._metrics()["TaskDuration"]

    def heap(self) -> float:
        """Megabytes of JavaScript objects, after a collection."""
        self._session.send("HeapProfiler.collectGarbage")
        return self._metrics()["JSHeapUsedSize"] / 2**20


def run(page: Page, names: list[str], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round, all of `names` once a round, after three rounds that are not counted."""
    seconds: dict[str, list[float]] = {}
    for turn in range(-3, rounds):
        for name in names:
            found = page.evaluate(f"(turn) => measured.{name}(turn)", turn + 3)
            if turn < 0:
                continue
            for whole, *spent in found if isinstance(found, list) else [[found]]:
                seconds.setdefault(name, []).append(whole / 1000)
                if spent and name != "empty":
                    seconds.setdefault(f"{name}, of it our own script", []).append(spent[0] / 1000)
    return seconds


def beside(charts: dict[str, Meter], action: str, rounds: int) -> tuple[dict, dict]:
    """Seconds of an action, and of its main thread for each frame or time, every chart once a round.

    Every round has an order of its own and there is a pause before each: what one left to be drawn would
    else be counted as the next one's.
    """
    names, shuffle = list(charts), random.Random(1).shuffle
    whole: dict[str, list[float]] = {name: [] for name in charts}
    busy: dict[str, list[float]] = {name: [] for name in charts}
    for turn in range(-1, rounds):
        shuffle(names)
        for name in names:
            meter = charts[name]
            meter.page.bring_to_front()
            meter.page.wait_for_timeout(500)
            before = meter.busy()
            found = meter.page.evaluate(f"(turn) => measured.{action}(turn)", turn + 1)
            spent = meter.busy() - before
            if turn < 0:
                continue
            frames = found if isinstance(found, list) else [[found]]
            whole[name].append(float(np.median([frame[0] for frame in frames])) / 1000)
            busy[name].append(spent / (12 if isinstance(found, list) else 1))
    return whole, busy


def tail(seconds: dict[str, list[float]]) -> None:
    """The slow end of each."""
    print(
        "  95 of 100 are faster than: "
        + ", ".join(f"{name} {np.quantile(times, 0.95) * 1000:.1f} ms" for name, times in seconds.items())
    )


def prepare(page: Page, address: str) -> None:
    """Open the dashboard and put what is measured into it."""
    page.set_default_timeout(120_000)
    page.goto(f"{address}measured.ipynb", timeout=120_000)
    page.wait_for_function("document.querySelector('.tk-surface')?.chart?.inspect().complete")
    page.wait_for_function("document.querySelector('.tk-surface').chart.linked.panes.length === 5")
    page.wait_for_selector(".floor-slider .noUi-handle", state="attached")
    page.add_style_tag(content=".floor { position: fixed; bottom: 0; right: 0; z-index: 99; }")
    page.evaluate(
        "[...document.querySelectorAll('.tk-card')]"
        ".find((card) => card.innerText.includes('Bollinger')).classList.add('bands')"
    )
    page.add_script_tag(content=f"(() => {{ {read('ours.js')} }})()")


def measure_alone(page: Page, rounds: int) -> None:
    """Our chart beside its floors."""
    for candles, words in ((150, "150 candles in view"), (5_000, "5,000 in view"), (0, "all in view")):
        page.evaluate("(candles) => measured.show(candles)", candles)
        for title, contenders in (
            (f"Slider to repaint, {words}; floor: an empty slider and its label", ["floor", "slider"]),
            (f"Pan and wheel, {words}; floor: a frame with nothing to draw", ["empty", "pan", "wheel"]),
        ):
            seconds = run(page, contenders, rounds)
            report(title, seconds)
            tail(seconds)
            page.evaluate("(candles) => measured.show(candles)", candles)
    report("Crosshair, one move", run(page, ["crosshair"], rounds), unit="µs")
    seconds = run(page, ["floor", "symbol"], max(4, rounds // 5))
    report("Another symbol until it is painted; floor: an empty slider and its label", seconds)


def measure_beside(browser: Browser, page: Page, klines: pd.DataFrame, rounds: int) -> None:
    """Our chart beside others, in pages of one browser."""
    columns = peers.table(klines)
    size = page.locator(".tk-controller").bounding_box()
    opened = {
        name: peers.open_peer(browser, name, columns, (size["width"], size["height"]), PLOTLY)
        for name in ("lightweight-charts", "plotly")
    }
    charts = {"ours": Meter(page)} | {name: Meter(one) for name, one in opened.items() if one is not None}
    print(f"\nplotly holds {PLOTLY:,} candles only: with all of them a single pan takes many seconds")
    for candles in (150, 900, 5_000, 0):
        words = f"{candles:,} candles in view" if candles else "all candles in view"
        for meter in charts.values():
            meter.page.evaluate("(candles) => measured.show(candles)", candles)
        whole, busy = beside(charts, "pan", rounds)
        report(f"Pan, a frame, {words}", whole)
        report(f"Pan, main thread a frame, {words}", busy)
    others = {name: meter for name, meter in charts.items() if name != "ours"}
    ours = run(page, ["slider"], rounds)["slider"]
    theirs = beside(others, "band", rounds)[0] if others else {}
    report(
        "Bollinger Bands of all candles replaced (ours with the slider and the kernel)",
        {"ours": ours, **theirs},
    )
    print("\nMemory of the page's JavaScript")
    for name, meter in charts.items():
        print(f"  {name:<34}{meter.heap():>12,.0f} MB")
    for one in opened.values():
        if one is not None:
            one.close()


def measure_updates(page: Page, updates: int) -> None:
    """Twenty updates a second: each until it is painted, the main thread, and what they leave behind."""
    meter = Meter(page)
    page.bring_to_front()
    for words in ("seen", "hidden: no frames"):
        page.evaluate("(() => { measured.show(150); measured.watch(); })()")
        if words != "seen":
            page.evaluate("window.requestAnimationFrame = () => 1")
        heap, busy, start = meter.heap(), meter.busy(), time.perf_counter()
        before = page.locator("button.updates").inner_text()
        page.evaluate("document.querySelector('button.updates').click()")
        page.wait_for_function(
            "(before) => document.querySelector('button.updates').innerText !== before",
            arg=before,
            polling=200,
            timeout=(updates / 5 + 60) * 1000,
        )
        if (said := page.locator("button.updates").inner_text()) != f"{before} done":
            raise RuntimeError(f"browser.py: the updates ended with {said}")
        seconds = time.perf_counter() - start
        print(f"\nUpdates, {updates:,} at twenty a second, {words} ({updates / seconds:.1f} a second came)")
        print(f"  main thread an update             {(meter.busy() - busy) / updates * 1000:>12.2f} ms")
        waits = [wait / 1000 for (wait,) in page.evaluate("window.waits")]
        if words == "seen":
            report("Update to repaint", {"ours": waits})
            tail({"ours": waits})
        print(f"  JavaScript's memory               {meter.heap() - heap:>+12.1f} MB")


def measure_opening(browser: Browser, address: str, server: psutil.Process, rounds: int) -> None:
    """Until a page is ready, and its kernel's memory."""
    seconds: dict[str, list[float]] = {name: [] for name in READY}
    memory: dict[str, list[float]] = {name: [] for name in READY}
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    for number in range(rounds + 1):
        for name, ready in READY.items():
            before = {child.pid for child in server.children()}
            page = context.new_page()
            start = time.perf_counter()
            page.goto(f"{address}{name}.ipynb", timeout=120_000)
            page.wait_for_function(ready, polling=10, timeout=120_000)
            if number:
                seconds[name].append(time.perf_counter() - start)
                kernels = [child for child in server.children() if child.pid not in before]
                memory[name] += [kernel.memory_full_info().uss / 2**20 for kernel in kernels]
            if name == "dashboard":  # not while its history is on the way
                page.wait_for_function("document.querySelector('.tk-surface').chart.inspect().complete")
            page.close()
    report("Page ready, every page with a kernel of its own", seconds)
    print("\nMemory of the page's kernel")
    for name, found in memory.items():
        print(f"  {name:<34}{float(np.median(found)):>12,.0f} MB")
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all unless some are named")
    asked = parser.parse_args()
    quick, parts = asked.quick, asked.parts or PARTS
    if wrong := set(parts) - set(PARTS):
        raise SystemExit(f"browser.py: {wrong.pop()!r} is no part; there are {', '.join(PARTS)}")
    rounds, updates = (12, 300) if quick else (60, 12_000)
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not chromium:
        raise SystemExit(f"browser.py: none of {', '.join(names)} is on the path, and CHROMIUM is not set")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch)
        klines = write_market(folder)
        write_notebooks(folder, updates)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        print(f"{CANDLES:,} candles, five panes, Chromium {browser.version}, {os.cpu_count()} processors")
        if "opening" in parts:
            with served(folder) as (address, server):
                measure_opening(browser, address, server, 3 if quick else 10)
        with served(folder) as (address, _):  # without the kernels of all those pages
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            prepare(page, address)
            if "alone" in parts:
                measure_alone(page, rounds)
            if "beside" in parts:
                measure_beside(browser, page, klines, 4 if quick else 12)
            if "updates" in parts:
                measure_updates(page, updates)
        browser.close()


if __name__ == "__main__":
    main()
