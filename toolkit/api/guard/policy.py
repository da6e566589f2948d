"""What the guard lets through: names, origins, a token and limits, each checked when it is set."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

__all__ = ["LOOPBACK", "PORTS", "GuardError", "Limits", "Policy", "is_loopback", "split_host", "split_origin"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names by which the service may always be called."""

PORTS = {"http": 80, "https": 443}
"""The schemes that a page's origin can have, and the port that each means where none is written."""

_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,256}")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?", re.ASCII)


class GuardError(ValueError):
    """A setting of the guard has a value it cannot have; the message says which and what is allowed."""


@dataclass(frozen=True)
class Limits:
    """How much one request, and all of them together, may take."""

    body: int = 65_536
    """Bytes of a request's body."""
    query: int = 2_048
    """Bytes of a query string."""
    headers: int = 16_384
    """Bytes of all headers together."""
    header_count: int = 100
    requests: int = 256
    """HTTP requests at the same time."""
    sockets: int = 2_000
    """WebSocket connections at the same time."""
    body_seconds: float = 10.0
    """Time for a body to arrive."""


@dataclass(frozen=True)
class Policy:
    """What the guard lets through.

    Args:
        hosts: names of the service other than :data:`LOOPBACK` and the address that was connected to; `"*"`
            for any, where something in front has checked the name.
        origins: origins of pages that may call the service from elsewhere, as in `"https://app.example"`.
        token: what a caller must show; 16 to 256 letters, digits or `.`, `_`, `~`, `-`.
        limits: sizes and numbers.

    Raises:
        GuardError: one of them is not of that form. The message never holds the token.
    """

    hosts: Iterable[str] = ()
    origins: Iterable[str] = ()
    token: str | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hosts", frozenset(_host_name(host) for host in self.hosts) | LOOPBACK)
        object.__setattr__(self, "origins", frozenset(_origin(origin) for origin in self.origins))
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise GuardError("token: allowed are 16 to 256 letters, digits and . _ ~ -")


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to something that listens on `host`.

    A name other than `localhost` counts as not: who resolves it decides where it leads.
    """
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_host(text: str) -> tuple[str, int | None] | None:
    """Name (lower case, IPv6 without brackets) and port of a Host header; None where it is none."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:/?#@\[\]\\]+))(?::(\d{1,5}))?", text)
    if found is None:
        return None
    name = (found[1] or found[2]).lower()
    if found[1]:
        try:
            name = str(ipaddress.IPv6Address(name))
        except ValueError:
            return None
    port = int(found[3]) if found[3] else None
    return (name, port) if port is None or 0 < port < 65536 else None


def split_origin(origin: str) -> tuple[str, str, int | None]:
    """Scheme, name and port; ValueError where it is no origin of a page (such as `null`)."""
    scheme, separator, rest = origin.partition("://")
    host = split_host(rest)
    if scheme not in PORTS or not separator or host is None:
        raise ValueError(origin)
    return scheme, *host


def _origin(text: Any) -> str:
    """An origin as a browser writes it."""
    if isinstance(text, str):
        try:
            parts = urlsplit(text.strip().lower())
            scheme, name, port = split_origin(f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            pass
        else:
            if parts.path in ("", "/") and not parts.query and not parts.fragment:
                written = f"[{name}]" if ":" in name else name
                return f"{scheme}://{written}" + ("" if port in (None, PORTS[scheme]) else f":{port}")
    raise GuardError(f"origin: {text!r} is not one; allowed are such as 'https://app.example' (and no '*')")


def _host_name(text: Any) -> str:
    if text == "*":
        return "*"
    if isinstance(text, str):
        name = text.strip().strip("[]").lower()
        try:
            return str(ipaddress.ip_address(name))
        except ValueError:
            if _NAME.fullmatch(name):
                return name
    raise GuardError(f"allowed host: {text!r} is not a host's name or address (without scheme and port)")
