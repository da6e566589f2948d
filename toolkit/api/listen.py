"""Sockets that listen, opened before anything slow is done: what is wrong with them is said at once."""

from __future__ import annotations

import socket
import stat
import sys
from pathlib import Path

__all__ = ["listen", "listen_unix"]


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on a host's addresses.

    Args:
        host: name or address; `localhost` can be two addresses.
        port: 1 to 65535, or 0 for one that is free.

    Raises:
        OSError: it is in use, or no address of this machine; the message says which.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(f"host: there is no address for {host!r} ({error.strerror})") from error
    sockets: list[socket.socket] = []
    try:
        for family, kind, number, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, number)
            sockets.append(listener)
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # A free port that was given to the first address serves the others too.
            listener.bind((address[0], port, *address[2:]))
            port = listener.getsockname()[1]
            listener.listen(2048)
            listener.setblocking(False)
    except OSError:
        for listener in sockets:
            listener.close()
        raise
    return sockets


def listen_unix(path: Path) -> list[socket.socket]:
    """A socket in the file system, for a proxy of the same user.

    Raises:
        OSError: something that is no socket is there, or the folder cannot be written.
    """
    if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(f"uds: {str(path)!r} is there already, and no socket")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(2048)
    listener.setblocking(False)
    return [listener]
