"""The dashboard's page beside Voila's plainest: until it is ready, the memory of its kernel, what stays.

    python benchmarks/pages.py            15 rounds, then 50 pages opened and closed
    python benchmarks/pages.py --quick    3 rounds, then 10 pages

All servers run at once and are asked in turn. "hello" is a notebook with one label, served by Voila as it
comes; the dashboard is served by `toolkit dashboard` on the sample, with and without a kernel that waits for
the next page. Ready is: the label is there; the chart has painted all of its candles. The browser keeps its
cache, as one that comes back does. Ratios tell more than times. Needs Chromium (`CHROMIUM` names one that is
not on the path); nothing leaves this machine.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from measure import report
from playwright.sync_api import BrowserContext, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    # Voila's own page asks for fonts elsewhere; how long their absence takes to notice is not its speed.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
HELLO = "import ipywidgets\nipywidgets.Label('hello').add_class('hello')"
READY = {
    "hello": "document.querySelector('.hello')?.offsetHeight > 0",
    "dashboard": """(() => {
        const chart = document.querySelector('.tk-surface')?.chart;
        return Boolean(chart && chart.frames > 0 && chart.inspect().complete && !chart.pending);
    })()""",
}
PATIENCE = 120_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that serves one notebook as a page; its children are the pages' kernels."""

    def __init__(self, name: str, process: psutil.Popen, port: int) -> None:
        self.process, self.address = process, f"http://127.0.0.1:{port}/"
        self.ready = READY["hello" if name == "hello" else "dashboard"]
        self.waiting = name == "dashboard, kernel waiting"

    def kernels(self) -> list[psutil.Process]:
        found = []
        for child in self.process.children():
            with suppress(psutil.NoSuchProcess):  # it ended just now
                if "ipykernel" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def memory(self) -> float:
        """Megabytes that the server itself has for its own."""
        return self.process.memory_full_info().uss / 2**20

    def rest(self) -> None:
        """Wait until neither it nor a kernel is busy: one that waits has run the notebook by then."""
        calm = 0
        while calm < 4:
            before = self.spent()
            time.sleep(0.25)
            calm = calm + 1 if self.spent() - before < 0.03 else 0

    def spent(self) -> float:
        total = 0.0
        for one in (self.process, *self.kernels()):
            with suppress(psutil.NoSuchProcess):
                total += sum(one.cpu_times()[:2])
        return total


@contextmanager
def served(name: str, folder: Path) -> Iterator[Server]:
    """A server on a free port, and its end."""
    port = free_port()
    if name == "hello":
        notebook = folder / "hello.ipynb"
        cell = {"cell_type": "code", "id": "hello", "metadata": {}, "outputs": [], "execution_count": None}
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        document = {"cells": [cell | {"source": HELLO}], "metadata": {"kernelspec": kernel}}
        notebook.write_text(json.dumps(document | {"nbformat": 4, "nbformat_minor": 5}))
        words = ["-m", "voila", str(notebook), "--no-browser", f"--port={port}"]
        # Its page cannot end its kernel (Voila refuses that request): they must not fill the memory.
        words += ["--MappingKernelManager.cull_idle_timeout=30", "--MappingKernelManager.cull_interval=5"]
    else:
        start = "import sys; from toolkit.cli import main; sys.exit(main())"
        warm = "--warm" if name == "dashboard, kernel waiting" else "--no-warm"
        words = ["-c", start, "dashboard", "--port", str(port), "--source", "sample", warm]
    with (folder / f"{port}.log").open("w") as log:
        process = psutil.Popen([sys.executable, *words], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(f"the server ended:\n{(folder / f'{port}.log').read_text()}")
            try:
                # A page that does not exist: one that does would start a kernel.
                urllib.request.urlopen(f"http://127.0.0.1:{port}/static/none", timeout=5)
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
        yield Server(name, process, port)
    finally:
        process.terminate()
        process.wait(30)


def open_page(browser: BrowserContext, server: Server, *, politely: bool = True) -> tuple[float, float]:
    """Seconds until the page is ready, and megabytes that its kernel has for its own; then it is closed.

    Args:
        politely: the page is told that it closes, and not just gone.
    """
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    before = {kernel.pid for kernel in server.kernels()}
    started = time.perf_counter()
    page.goto(server.address, timeout=PATIENCE)
    page.wait_for_function(server.ready, polling=10)
    seconds = time.perf_counter() - started
    # One that waited has been there before, and another one waits by now.
    own = [kernel for kernel in server.kernels() if (kernel.pid in before) == server.waiting]
    memory = max(kernel.memory_full_info().uss for kernel in own) / 2**20
    page.close(run_before_unload=politely)
    if politely:
        page.wait_for_event("close")
    return seconds, memory


def until_alone(server: Server, kernels: int) -> float:
    """Seconds until no more kernels are left than there were."""
    started = time.perf_counter()
    while len(server.kernels()) > kernels and time.perf_counter() - started < 180:
        time.sleep(0.1)
    return time.perf_counter() - started


def open_and_close(browser: BrowserContext, server: Server, pages: int) -> None:
    """Opens and closes pages one after the other, and says what is left of them."""
    for _ in range(2):  # what is imported with the first pages stays
        open_page(browser, server)
    until_alone(server, 0)
    kernels, before = len(server.kernels()), server.memory()
    for number in range(pages):
        open_page(browser, server, politely=number % 2 == 0)
    waited = until_alone(server, kernels)
    print(f"\n{pages} pages opened and closed, half of them without a word")
    print(f"  kernels                 {kernels} before, {len(server.kernels())} after ({waited:.1f} s later)")
    print(f"  the server's memory     {before:.1f} MB before, {server.memory():.1f} MB after")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and pages")
    rounds, pages = (3, 10) if parser.parse_args().quick else (15, 50)
    browsers = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, browsers)), None)
    if not chromium:
        raise SystemExit(f"pages.py: none of {', '.join(browsers)} is on the path, and CHROMIUM is not set")
    names = ["hello", "dashboard", "dashboard, kernel waiting"]
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        print(f"Chromium {started.version}, {os.cpu_count()} processors")
        browser = started.new_context(viewport={"width": 1440, "height": 900})
        seconds: dict[str, list[float]] = {name: [] for name in names}
        memory: dict[str, list[float]] = {name: [] for name in names}
        with (
            served(names[0], Path(scratch)) as hello,
            served(names[1], Path(scratch)) as cold,
            served(names[2], Path(scratch)) as warm,
        ):
            servers = dict(zip(names, (hello, cold, warm), strict=True))
            for number in range(rounds + 1):
                for name, server in servers.items():
                    for other in servers.values():
                        other.rest()
                    time_taken, megabytes = open_page(browser, server)
                    if number:
                        seconds[name].append(time_taken)
                        memory[name].append(megabytes)
            # `report` tells how many times as long the others took as the first.
            report("Page ready, times hello", seconds)
            print("\nA page's kernel, memory of its own")
            for name, found in memory.items():
                print(f"  {name:<34}{statistics.median(found):>12,.0f} MB")
            open_and_close(browser, cold, pages)
        started.close()


if __name__ == "__main__":
    main()
