"""A real browser, the dashboard served to it through Voila, and JupyterLab."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, sync_playwright

from toolkit.indicators.warm import warm

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120_000  # milliseconds: a loaded machine takes its time, and no test waits longer than it has to
# What others write into the console: bqplot and ipywidgets, built for another JupyterLab than the one that
# is there; anywidget, which gives a model two seconds to begin, and lets it begin later on a loaded machine.
NOT_OURS = re.compile(
    r"Unsatisfied version|shared (singleton )?module|Failed to create module|doesn't exist in shared scope"
    r"|\[anywidget\] Failed to initialize model"
)

LONG, SHORT, DAYS = 300_000, 3_000, 400


@contextmanager
def serving(command: list[str], port: int, folder: Path, **environment: str) -> Iterator[str]:
    """Run a server until it answers, and end it, with whatever it started, afterwards."""
    log = folder / f"{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}/"
        try:
            for _ in range(600):
                if process.poll() is not None:
                    pytest.fail(f"the server ended with code {process.returncode}:\n{log.read_text()}")
                try:
                    # a page that does not exist: one that does would start a kernel
                    urllib.request.urlopen(f"{address}static/none", timeout=5)
                except urllib.error.HTTPError:
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                pytest.fail(f"the server does not answer:\n{log.read_text()}")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def candles(count: int, timeframe: str, seed: int) -> pd.DataFrame:
    """A table as the dataset has it: a market that is not the sample, so that nothing says it is one."""
    random = np.random.default_rng(seed)
    close = np.round(20_000 * np.exp(np.cumsum(random.standard_t(4, count) * 0.002)), 2)
    open_ = np.concatenate([close[:1], close[:-1]])
    step = pd.Timedelta({"15m": "15min", "1h": "1h", "1d": "1D"}[timeframe])
    start = pd.Timestamp("2025-06-01") - count * step
    return pd.DataFrame(
        {
            "open_time": (start + np.arange(count) * step).astype("datetime64[ns]"),
            "open": open_,
            "high": np.round(np.maximum(open_, close) * (1 + np.abs(random.normal(0, 0.001, count))), 2),
            "low": np.round(np.minimum(open_, close) * (1 - np.abs(random.normal(0, 0.001, count))), 2),
            "close": close,
            "volume": np.round(random.gamma(2, 20, count), 3),
        }
    )


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the dataset's layout with three pairs, one of 300,000 candles, and a dirty one."""
    folder = tmp_path_factory.mktemp("market")
    for symbol, timeframe, count, seed in (
        ("BTC", "1h", SHORT, 1),
        ("BTC", "15m", LONG, 2),
        ("BTC", "1d", DAYS, 3),
        ("ETH", "1h", SHORT - 500, 4),
    ):
        place = folder / "klines" / f"{symbol}USDT"
        place.mkdir(parents=True, exist_ok=True)
        candles(count, timeframe, seed).to_parquet(place / f"{symbol}_{timeframe}.parquet")
    write_quarters_and_hours(folder / "klines" / "AVAXUSDT")
    place = folder / "klines" / "LINKUSDT"
    place.mkdir()
    dirty_candles().to_parquet(place / "LINK_1h.parquet")
    if real := os.environ.get("SYSTEM_V4_CANDLES"):
        (folder / "klines" / "ZRXUSDT").symlink_to(Path(real).resolve() / "klines" / "ZRXUSDT")
    return folder


def write_quarters_and_hours(place: Path) -> None:
    """A pair whose hours are made of its quarters, so that a replay can show how they form."""
    place.mkdir()
    quarters = candles(4 * 600, "15m", 6)
    hour = quarters.groupby(quarters["open_time"].dt.floor("h"))
    hours = hour.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    quarters.to_parquet(place / "AVAX_15m.parquet")
    hours.reset_index().to_parquet(place / "AVAX_1h.parquet")


def dirty_candles() -> pd.DataFrame:
    """1,000 hours: 12 are missing from row 600 on, in 30 nothing is traded, three rows cannot be true."""
    frame = candles(1000, "1h", 5)
    quiet = slice(700, 730)
    frame.loc[quiet.start : quiet.stop - 1, ["open", "high", "low", "close"]] = frame["close"][699]
    frame.loc[quiet.start : quiet.stop - 1, "volume"] = 0.0
    frame.loc[[800, 801, 900], "high"] = -1.0
    return frame.drop(index=range(600, 612))


@pytest.fixture(scope="session")
def compiled() -> None:
    """Every kernel compiled and cached, so that no page waits for that."""
    warm()


@pytest.fixture(scope="session")
def voila(
    compiled: None, market: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The dashboard's address, as `toolkit dashboard` serves it."""
    port = free_port()
    start = "import sys; from toolkit.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "dashboard", "--port", str(port), "--source", str(market)]
    with serving(command, port, tmp_path_factory.mktemp("voila")) as address:
        yield address


@pytest.fixture(scope="session")
def lab(compiled: None, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab's address, with a copy of the dashboard notebook."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "notebooks" / "dashboard.ipynb", folder)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
    ]
    settings = [
        "--ServerApp.token=",
        "--ServerApp.password=",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
        f"--LabApp.user_settings_dir={folder / 'settings'}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with serving([*command, *settings], port, folder, JUPYTER_CONFIG_DIR=str(folder / "config")) as address:
        yield address


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[object]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


class Dashboard:
    """A page with a dashboard: what is on it, and what its chart draws."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", self._failed)
        page.on("console", self._console)

    def _failed(self, error: object) -> None:
        if not NOT_OURS.search(f"{error}"):
            self.errors.append(f"{error}\n{error.stack}")

    def _console(self, message: object) -> None:
        if message.type == "error" and not NOT_OURS.search(message.text):
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def chart(self, expression: str, argument: object = None) -> object:
        """A JavaScript expression with `chart` (the controller) and `view` (its canvas and legends)."""
        return self.page.evaluate(f"(argument) => {{ {FIND}; return {expression}; }}", argument)

    def until(self, condition: str, argument: object = None) -> None:
        """Wait until a JavaScript expression of `chart`, `view` and `argument` holds."""
        self.page.wait_for_function(
            f"(argument) => {{ {FIND}; return Boolean(chart && {condition}); }}",
            arg=argument,
            timeout=PATIENCE,
        )

    def until_drawn(self) -> None:
        """Wait until all candles are there and a frame of them was painted."""
        self.until(
            "chart.inspect().complete && chart.window && chart.range && !chart.pending && chart.frames > 0"
        )

    def state(self) -> dict:
        return self.chart("chart.inspect()")

    def pane(self, key: str) -> dict | None:
        return next((pane for pane in self.state()["panes"] if pane["key"] == key), None)

    def picture(self) -> bytes:
        """The canvas as painted, to tell whether it changed."""
        return self.chart("view.canvas.toDataURL()").encode()

    def pixels(self, color: str, key: str) -> int:
        """How many pixels of a pane have exactly this colour (#rrggbb)."""
        return self.chart(
            """(() => {
              const { top, height } = view.panes.find(({ pane }) => pane.key === argument.key);
              const { data } = view.canvas.getContext('2d').getImageData(
                0, Math.ceil(top * view.ratio), view.plot.width * view.ratio, Math.floor(height *
                view.ratio));
              const [r, g, b] = [1, 3, 5].map((i) => parseInt(argument.color.slice(i, i + 2), 16));
              let found = 0;
              for (let i = 0; i < data.length; i += 4) {
                if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) found++;
              }
              return found;
            })()""",
            {"key": key, "color": color},
        )

    def pick(self, symbol: str) -> None:
        self.page.locator(".tk-symbol select").select_option(symbol)

    def press(self, timeframe: str) -> None:
        self.page.locator(".tk-timeframe button", has_text=re.compile(f"^{timeframe}$")).click()

    def card(self, name: str) -> object:
        return self.page.locator(".tk-card").filter(has=self.page.get_by_text(name, exact=True))


FIND = (
    "const surface = document.querySelector('.tk-surface');"
    "const view = [...(surface?.chart?.views ?? [])][0];"
    "const chart = view?.chart"
)


@pytest.fixture(scope="session")
def opened(voila: str, browser: object) -> Iterator[Dashboard]:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    dashboard = Dashboard(page)
    page.goto(voila, timeout=2 * PATIENCE)
    dashboard.until_drawn()
    yield dashboard
    page.close()


@pytest.fixture
def dashboard(opened: Dashboard) -> Iterator[Dashboard]:
    """The dashboard as it opens: BTCUSDT, 1h, the newest candles. One page serves all tests."""
    opened.page.mouse.move(5, 5)
    if opened.page.locator(".tk-symbol select").input_value() != "BTCUSDT":
        opened.pick("BTCUSDT")
    opened.press("1h")
    opened.until(f"chart.feed.length === {SHORT} && chart.spec.title.startsWith('BTCUSDT')")
    opened.chart("(chart.highlight(null), chart.showLatest())")
    opened.until_drawn()
    yield opened
    assert opened.errors == []
