"""The dashboard in a real browser, through Voila: from a moved slider, or a pan, to the repaint.

    python benchmarks/browser.py            300,000 candles
    python benchmarks/browser.py --quick    fewer rounds

Beside every time stands its floor from the same page and the same rounds: an empty slider whose callback
sets a label, and a frame in which nothing is drawn. Ratios tell more than times. Needs Chromium (`CHROMIUM`
names one that is not on the path); nothing leaves this machine.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
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
from measure import report
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
CANDLES = 300_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
FLOOR = """from ipywidgets import IntSlider, Label
slider, label = IntSlider(0, 0, 10_000).add_class("floor-slider"), Label("0").add_class("floor-label")
slider.observe(lambda change: setattr(label, "value", str(change.new)), "value")
VBox([slider, label]).add_class("floor")"""

# What is measured, in the page. Every function gives milliseconds; `painted` ends with the frame shown.
SCRIPT = """
const chart = document.querySelector('.tk-surface').chart;
const view = [...chart.views][0];
const painted = () => new Promise((done) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done(performance.now());
  port2.postMessage(0);
}));
const handle = (selector) => document.querySelector(selector + ' .noUi-handle');
const press = (element, key) => element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
async function settled() {
  do await new Promise((done) => setTimeout(done, 60));
  while (!chart.inspect().complete || chart.pending);
}
async function until(start, changed) {
  for (let frame = 0; frame < 300; frame++) {
    const now = await painted();
    if (changed()) return now - start;
  }
  throw new Error('nothing changed');
}
// Ten frames one after the other, as a hand makes them: milliseconds that each took, and of these our script.
async function frames(move) {
  const found = [];
  let before = await painted();
  for (let frame = 0; frame < 12; frame++) {
    chart.spent = 0;
    move();
    const now = await painted();
    if (frame > 1) found.push([now - before, chart.spent]);
    before = now;
  }
  return found;
}
window.measured = {
  async floor() {
    await settled();
    const label = document.querySelector('.floor-label');
    const before = label.textContent;
    const start = performance.now();
    press(handle('.floor-slider'), 'ArrowRight');
    return until(start, () => label.textContent !== before);
  },
  async slider(turn) {
    await settled();
    const column = chart.feed.columns.get('Bollinger Bands.bb_upper');
    const { version } = column;
    let frames = Infinity; // painted when the new values came
    const came = (message) => {
      if (message.type === 'patch') frames = chart.frames;
    };
    chart.model.on('msg:custom', came);
    const start = performance.now();
    press(handle('.bands'), turn % 2 ? 'ArrowLeft' : 'ArrowRight');
    const time = await until(start, () => column.version > version && chart.frames > frames);
    chart.model.off('msg:custom', came);
    return time;
  },
  empty: () => frames(() => {}),
  pan(turn) {
    const sign = turn % 8 < 4 ? -1 : 1;
    return frames(() => {
      const { low, high } = chart.range;
      chart.show(low + (high - low) * 0.01 * sign, high + (high - low) * 0.01 * sign);
    });
  },
  wheel(turn) {
    const box = view.surface.getBoundingClientRect();
    const deltaY = turn % 2 ? -15 : 15;
    const where = { clientX: box.left + 400, clientY: box.top + 200, bubbles: true, cancelable: true };
    return frames(() => view.surface.dispatchEvent(new WheelEvent('wheel', { deltaY, ...where })));
  },
  crosshair(turn) {
    const start = performance.now();
    for (let i = 0; i < 20; i++) view.point({ x: 100 + ((turn * 20 + i) % 500), y: 150 });
    return (performance.now() - start) / 20;
  },
  async show(candles) {
    candles ? chart.showLatest(candles) : chart.showAll();
    await settled();
    await settled();
  },
};
"""


def write_market(folder: Path) -> None:
    """A pair with many candles, in the dataset's layout."""
    random = np.random.default_rng(0)
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
    place = folder / "klines" / "BTCUSDT"
    place.mkdir(parents=True)
    table.to_parquet(place / "BTC_15m.parquet")


def write_notebook(path: Path) -> None:
    """The dashboard, opening with the many candles, and the empty slider below it."""
    notebook = json.loads((ROOT / "notebooks" / "dashboard.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace('"1h"', '"15m"')
    cell = dict(notebook["cells"][-1], id="floor", source=FLOOR)
    notebook["cells"].append(cell)
    path.write_text(json.dumps(notebook), encoding="utf-8")


@contextmanager
def served(notebook: Path, market: Path) -> Iterator[str]:
    """Voila on a free port, and its end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "voila",
        str(notebook),
        f"--port={port}",
        "--no-browser",
        "--Voila.ip=127.0.0.1",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TOOLKIT_SOURCE": str(market)}
    with (notebook.parent / "voila.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=notebook.parent)
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/static/none", timeout=5)
                except urllib.error.HTTPError:
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(timeout=15)


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


def tail(seconds: dict[str, list[float]]) -> None:
    """The slow end of each."""
    print(
        "  95 of 100 are faster than: "
        + ", ".join(f"{name} {np.quantile(times, 0.95) * 1000:.1f} ms" for name, times in seconds.items())
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 15 if parser.parse_args().quick else 60
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not chromium:
        raise SystemExit(f"browser.py: none of {', '.join(names)} is on the path, and CHROMIUM is not set")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch)
        write_market(folder)
        write_notebook(folder / "dashboard.ipynb")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with served(folder / "dashboard.ipynb", folder) as address:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            page.goto(address, timeout=120_000)
            page.wait_for_function("document.querySelector('.tk-surface')?.chart?.inspect().complete")
            page.wait_for_selector(".floor-slider .noUi-handle", state="attached")
            page.add_style_tag(content=".floor { position: fixed; bottom: 0; right: 0; z-index: 99; }")
            page.evaluate(
                "[...document.querySelectorAll('.tk-card')]"
                ".find((card) => card.innerText.includes('Bollinger')).classList.add('bands')"
            )
            page.add_script_tag(content=f"(() => {{ {SCRIPT} }})()")
            print(f"{CANDLES:,} candles, Chromium {browser.version}, {os.cpu_count()} processors")
            for candles, words in (
                (150, "150 candles in view"),
                (5_000, "5,000 in view"),
                (0, "all in view"),
            ):
                page.evaluate("(candles) => measured.show(candles)", candles)
                for title, contenders in (
                    (
                        f"slider to repaint, {words}; floor: an empty slider and its label",
                        ["floor", "slider"],
                    ),
                    (
                        f"pan and wheel to repaint, {words}; floor: a frame with nothing to draw",
                        ["empty", "pan", "wheel"],
                    ),
                ):
                    seconds = run(page, contenders, rounds)
                    report(title, seconds)
                    tail(seconds)
                    page.evaluate("(candles) => measured.show(candles)", candles)
            report("crosshair, one move", run(page, ["crosshair"], rounds), unit="µs")
        browser.close()


if __name__ == "__main__":
    main()
