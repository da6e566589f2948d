"""A message to an address that a user gave, without being led to addresses that nobody outside may reach."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

__all__ = ["WebhookError", "post"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}
_MOST_REDIRECTS = 3
_LONGEST_WAIT = 10.0  # seconds before another attempt, whatever the receiver asks for


class WebhookError(Exception):
    """The message was not delivered; the text says why."""


class _Again(WebhookError):
    """It may work at another attempt, `wait` seconds later."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


class _Place(NamedTuple):
    """Where to connect to: an address that was looked up and checked."""

    url: SplitResult
    host: str
    port: int
    address: str


def post(
    url: str,
    payload: Mapping[str, Any],
    *,
    allow_private: bool = False,
    timeout: float = 5.0,
    attempts: int = 3,
) -> None:
    """Send `payload` as JSON in a POST request.

    The name is looked up once for each request, the addresses it stands for are checked, and the connection
    goes to the one that was checked. Redirects that keep the method (307, 308) are followed, at most three,
    each checked the same way; others are refused. No proxy is used.

    Args:
        url: an http or https address.
        payload: JSON values.
        allow_private: allow addresses that only this machine or its network can reach.
        timeout: seconds for one request, from the look-up to the answer.
        attempts: how often it is tried where the receiver cannot be reached, or is busy (429, 5xx).

    Raises:
        WebhookError: it is refused, or could not be delivered.
    """
    body = json.dumps(dict(payload), allow_nan=False).encode()
    for attempt in range(1, attempts + 1):
        try:
            _send(url, body, allow_private, timeout)
            return
        except _Again as error:
            if attempt == attempts:
                raise WebhookError(f"{error} ({attempts} attempts)") from error
            time.sleep(min(_LONGEST_WAIT, max(error.wait, 0.5 * 2 ** (attempt - 1))))


def _send(url: str, body: bytes, allow_private: bool, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    for _ in range(_MOST_REDIRECTS + 1):
        place = _look_up(url, allow_private)
        status, headers = _request(place, body, deadline)
        if 200 <= status < 300:
            return
        if status in (307, 308):
            there = urljoin(url, headers.get("location", ""))
            if place.url.scheme == "https" and urlsplit(there).scheme != "https":
                raise WebhookError(f"{place.host} redirects to an address that is not encrypted")
            url = there
            continue
        if status == 429 or status >= 500:
            wait = headers.get("retry-after", "0")
            raise _Again(f"{place.host} answered {status}", float(wait) if wait.isdigit() else 0.0)
        raise WebhookError(f"{place.host} answered {status}")
    raise WebhookError(f"{urlsplit(url).hostname} redirects too often")


def _look_up(url: str, allow_private: bool) -> _Place:
    """The address behind a URL. All that the name stands for must be allowed, so that none can be chosen."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname or ""
    except (ValueError, KeyError) as error:
        raise WebhookError("it is not an http or https address") from error
    if not host or parts.username is not None:
        raise WebhookError("the address needs a host and may hold no user name")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _Again(f"{host} cannot be looked up ({error})") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private:
        for address in addresses:
            if not _is_public(address):
                raise WebhookError(
                    f"{host} is {address}, which only this machine or its network can reach; it is refused"
                    " unless private addresses are allowed"
                )
    return _Place(parts, host, port, addresses[0])


def _is_public(address: str) -> bool:
    """Whether everybody on the internet reaches the same machine there."""
    ip = ipaddress.ip_address(address.split("%")[0])
    inside: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [ip]
    if isinstance(ip, ipaddress.IPv6Address):
        inside += [one for one in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if one is not None]
        if ip in _NAT64:
            inside.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if ip.ipv4_mapped is not None:
            inside.remove(ip)
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in inside)


def _request(place: _Place, body: bytes, deadline: float) -> tuple[int, dict[str, str]]:
    """Status and headers of one POST. The connection is cut at the deadline, whatever it is doing then."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _Again(f"{place.host} did not answer in time")
    connection = http.client.HTTPConnection(place.host, place.port, timeout=left)
    cut = threading.Timer(left, lambda: _cut(connection))
    cut.daemon = True
    cut.start()
    try:
        connection.sock = socket.create_connection((place.address, place.port), timeout=left)
        if place.url.scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=place.host)
        path = (place.url.path or "/") + (f"?{place.url.query}" if place.url.query else "")
        name = f"[{place.host}]" if ":" in place.host else place.host
        usual = place.port == _PORTS[place.url.scheme]
        headers = {
            "Host": name if usual else f"{name}:{place.port}",
            "Content-Type": "application/json",
            "User-Agent": "system-v4",
            "Connection": "close",
        }
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    except ssl.SSLCertVerificationError as error:
        raise WebhookError(f"{place.host} has a certificate that is not valid for it") from error
    except TimeoutError as error:
        raise _Again(f"{place.host} did not answer in time") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = time.monotonic() >= deadline
        why = "did not answer in time" if late else f"cannot be reached ({error or type(error).__name__})"
        raise _Again(f"{place.host} {why}") from error
    finally:
        cut.cancel()
        connection.close()


def _cut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
