"""Serves the dashboard notebook as a page, through Voila, for this machine only."""

import errno
import socket
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.ioloop import IOLoop
from traitlets.config import Config
from voila.app import Voila

__all__ = ["notebook", "serve"]

HOST = "127.0.0.1"
TEMPLATE = Path(__file__).with_name("template")

LEFT_AFTER = 5
"""Seconds after which a kernel that a page has left is ended: a connection that broke comes back sooner."""

NEVER_OPENED_AFTER = 120
"""Seconds of idleness after which a kernel is ended that no page ever reached: it was closed too soon."""

EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "bqplot",
    "bqscales",
]
"""JupyterLab extensions that the page loads. Others that are installed would only make it slower."""


def notebook() -> Path:
    """The dashboard notebook: the wheel's own copy, or the checkout's.

    Raises:
        FileNotFoundError: there is neither.
    """
    package = Path(__file__).parents[1]
    places = [package / "notebooks" / "dashboard.ipynb", package.parent / "notebooks" / "dashboard.ipynb"]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(f"the dashboard notebook is missing; looked for {' and '.join(map(str, places))}")


def serve(*, port: int, source: str, browser: bool = False, warm: bool = True) -> None:
    """Serve the dashboard on 127.0.0.1 until the process is asked to stop, then end its kernels.

    Args:
        port: TCP port, 1 to 65535.
        source: where candles come from; only said here, the kernels read `TOOLKIT_SOURCE`.
        browser: open the page in the default browser once it is there.
        warm: keep one kernel that has already run the notebook, for the next page to open at once.

    Raises:
        OSError: the port is in use, or may not be listened on.
        FileNotFoundError: the dashboard notebook is missing.
    """
    path = notebook()
    _check(port)
    config = {
        "Voila": {
            "ip": HOST,
            "port": port,
            "port_retries": 0,
            "open_browser": True,
            "notebook_path": str(path),
            "log_level": "ERROR",
            "config_file_paths": [],  # settings for other notebooks of the user do not hold here
            "tornado_settings": {
                # There is no token, so a page of another site must not get in by a host name that points
                # here.
                "allow_remote_access": False,
                # Voila's page never gets the cookie of this check, which so refused its request to end the
                # kernel of a page that is closed. Requests of other origins are still refused.
                "disable_check_xsrf": True,
                # On one machine a connection that ends is noticed without asking; and tornado prints that it
                # finds Jupyter's intervals odd.
                "ws_ping_interval": 0,
            },
        },
        "VoilaConfiguration": {
            "template": "lab",
            "theme": "dark",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "extension_allowlist": EXTENSIONS,
            "file_allowlist": [],
            "show_tracebacks": True,  # who looks at the page is who started it
            "multi_kernel_manager_class": _PageKernels,
            "preheat_kernel": warm,
        },
        "MappingKernelManager": {"cull_idle_timeout": NEVER_OPENED_AFTER, "cull_interval": 30},
    }
    server = _Server(config=Config(config))
    server.initialize([])
    server.welcome = f"System V4 dashboard: http://{HOST}:{port}/\nCandles: {source}. Ctrl-C ends it."
    server.in_browser = browser
    with _compiling():
        server.start()


@contextmanager
def _compiling() -> Iterator[None]:
    """Compile every registered indicator meanwhile, in a process of its own with low priority, so that no
    page waits for it; a moment's work where that was done before.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "toolkit.indicators.warm"],
        cwd=Path(__file__).parents[2],  # where this toolkit is, and no other
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what does not compile is reported by the page that needs it
    )
    threading.Thread(target=process.wait, daemon=True).start()  # when it is done, nothing is left of it
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _check(port: int) -> None:
    """Try the port, since Voila's own message for one in use is several lines about something else."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # there, it means that two may listen
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise OSError(
                f"port {port} {reason}; choose another with --port (make dashboard PORT=...)"
            ) from error


class _PageKernels(AsyncMappingKernelManager):
    """Kernels that end with their page.

    Voila's page asks for that when it is closed. One that crashed, or that the browser discarded, does not.
    """

    def __init__(self, **options: Any) -> None:
        self._without_page: set[str] = set()
        super().__init__(**options)  # type: ignore[no-untyped-call]

    async def start_kernel(self, **options: Any) -> str:  # type: ignore[override]  # its type is a blocking one
        # It would warn, once a page, that it talks over this machine's own TCP.
        quiet = ["--IPKernelApp.log_level=ERROR"]
        kernel_id: str = await super().start_kernel(**options, extra_arguments=quiet)
        return kernel_id

    def notify_disconnect(self, kernel_id: str) -> None:
        super().notify_disconnect(kernel_id)  # type: ignore[no-untyped-call]
        IOLoop.current().call_later(LEFT_AFTER, self._end_if_left, kernel_id)

    async def _end_if_left(self, kernel_id: str) -> None:
        if kernel_id in self and not self._kernel_connections.get(kernel_id):
            await self.shutdown_kernel(kernel_id)  # type: ignore[no-untyped-call]

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        # A warm kernel can have been idle for hours when a page takes it, and the page needs a moment to
        # connect: only one that was found without a page twice has none. (Those that still wait for one do
        # not come here.)
        if self._kernel_connections.get(kernel_id):
            self._without_page.discard(kernel_id)
        elif kernel_id in self._without_page:
            await super().cull_kernel_if_idle(kernel_id)  # type: ignore[no-untyped-call]
        else:
            self._without_page.add(kernel_id)


class _Server(Voila):  # type: ignore[misc]  # comes without types
    """Voila, with the templates of this package before its own, and our words instead of its."""

    welcome: str
    in_browser: bool

    def setup_template_dirs(self) -> None:
        super().setup_template_dirs()
        self.template_paths: list[Any] = [str(TEMPLATE), *self.template_paths]

    def launch_browser(self) -> None:
        """Called by Voila when it listens."""
        print(self.welcome, flush=True)
        if self.in_browser:
            webbrowser.open(self.display_url)
