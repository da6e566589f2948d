"""The service within Jupyter and on Binder, through jupyter-server-proxy: `{base_url}/toolkit/`.

Jupyter starts it when it is first asked for, and is then the only one who can reach it: it listens on a
socket in a folder of the same user. Who may use Jupyter may use it. What Jupyter's proxy leaves out, the
guard does: a request's Origin must be the Host, or be named in `TOOLKIT_ORIGINS`. The other settings of
`toolkit serve` are taken from the environment of Jupyter too.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["NAME", "command", "setup"]

NAME = "toolkit"
"""Its path below Jupyter's. (Not `api`: that is Jupyter's own.)"""


def setup() -> dict[str, Any]:
    """What the entry point `jupyter_serverproxy_servers` gives: how it is started and where it is listed."""
    return {
        "command": command,
        "unix_socket": sys.platform != "win32",
        # Time to import pandas and to restore compiled kernels on a busy machine.
        "timeout": 60.0,
        "absolute_url": False,
        "new_browser_tab": True,
        "launcher_entry": {"enabled": True, "title": "System V4 service", "path_info": f"{NAME}/docs"},
    }


def command(port: int, unix_socket: str, base_url: str) -> list[str]:
    """The words that start it.

    Args:
        port: where to listen, if not on a socket in the file system.
        unix_socket: path of that socket; empty where there is none.
        base_url: Jupyter's own path, such as `/user/x/`.
    """
    start = "import sys; from toolkit.cli import main; sys.exit(main())"
    listen = ["--uds", unix_socket] if unix_socket else ["--port", str(port)]
    hosts = [word for name in _hosts() for word in ("--allowed-host", name)]
    words = [sys.executable, "-c", start, "serve", *listen, "--root-path", f"{base_url}{NAME}", *hosts]
    # jupyter-server-proxy formats them once more.
    return [word.replace("{", "{{").replace("}", "}}") for word in words]


def _hosts() -> list[str]:
    """Names by which Jupyter lets itself be called.

    On a hub these are not known here: Jupyter is then told to accept any, because the hub in front
    authenticates each request by a cookie that a foreign name does not get.
    """
    from jupyter_server.serverapp import ServerApp

    if not ServerApp.initialized():
        return []
    jupyter = ServerApp.instance()
    return ["*"] if jupyter.allow_remote_access else list(jupyter.local_hostnames)
