"""The service as users run it: `toolkit serve` in a process of its own, or behind Jupyter's proxy."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
from websockets.sync.client import connect

ROOT = Path(__file__).parents[1]
TOOLKIT = [sys.executable, "-c", "import sys; from toolkit.cli import main; sys.exit(main())"]
JUPYTER_TOKEN = "token-of-the-test"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """A service that runs, and how it is called."""

    def __init__(self, process: subprocess.Popen[str], url: str, headers: dict[str, str], log: Path) -> None:
        self.process = process
        self.url = url
        self.headers = headers
        self.log = log
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    @property
    def origin(self) -> str:
        """That of its own pages."""
        return "/".join(self.url.split("/")[:3])

    @property
    def port(self) -> int:
        return int(self.origin.rsplit(":", 1)[1])

    def socket(self, query: str = "symbol=BTCUSDT&timeframe=1d", **options):
        """A WebSocket to the chart."""
        headers = {**self.headers, **options.pop("headers", {})}
        return connect(
            f"{self.url.replace('http', 'ws', 1)}/ws/chart?{query}",
            additional_headers=headers,
            proxy=None,
            open_timeout=30,
            **options,
        )

    def configuration(self) -> dict:
        """What every read of the state gives: to see that nothing was changed."""
        return {
            "enabled": self.http.get("/api/indicators").json()["enabled"],
            "klines": self.http.get("/api/klines?symbol=BTCUSDT&timeframe=1d&limit=2").json()["indicators"],
        }


def ask(connection, **message) -> dict:
    """Send a message and read until its answer."""
    connection.send(json.dumps({**message, "id": "asked"}))
    for _ in range(50):
        answer = json.loads(connection.recv(timeout=30))
        if answer.get("id") == "asked":
            return answer
    raise AssertionError("no answer")


def _start(command: list[str], folder: Path, **environment: str) -> tuple[subprocess.Popen[str], Path]:
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TOOLKIT_SOURCE": "sample", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return process, log


def _end(process: subprocess.Popen[str]) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def wait_for(service: Service, path: str = "/api/health") -> None:
    for _ in range(900):
        assert service.process.poll() is None, service.log.read_text()
        with contextlib.suppress(httpx2.HTTPError):
            if service.http.get(path).status_code < 500:
                return
        time.sleep(0.1)
    raise AssertionError(service.log.read_text())


@contextlib.contextmanager
def standalone(folder: Path, *words: str, wait: bool = True, **environment: str) -> Iterator[Service]:
    """`toolkit serve` on a free port."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    process, log = _start([*TOOLKIT, "serve", "--port", str(port), *words], folder, **environment)
    service = Service(process, f"http://127.0.0.1:{port}", {}, log)
    try:
        if wait:
            wait_for(service)
        yield service
    finally:
        _end(process)
        service.http.close()


@contextlib.contextmanager
def in_jupyter(folder: Path, base_url: str, *, wait: bool = True, **environment: str) -> Iterator[Service]:
    """The same behind a Jupyter server at `base_url`, which starts it when it is first asked for."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", f"--ServerApp.base_url={base_url}", f"--ServerApp.root_dir={folder}"),
        f"--IdentityProvider.token={JUPYTER_TOKEN}",
        # Others that are installed would only take time to start.
        "--ServerApp.jpserver_extensions={'jupyter_server_proxy': True, 'jupyterlab': False, 'jupyter_lsp': "
        "False, 'jupyter_server_terminals': False, 'notebook_shim': False, 'voila.server_extension': False, "
        "'bqplot': False}",
    ]
    process, log = _start(command, folder, JUPYTER_CONFIG_DIR=str(folder / "config"), **environment)
    authorization = {"Authorization": f"token {JUPYTER_TOKEN}"}
    service = Service(process, f"http://127.0.0.1:{port}{base_url}toolkit", authorization, log)
    try:
        if wait:
            wait_for(service)
        yield service
    finally:
        _end(process)
        service.http.close()
