"""A small server that the real huggingface_hub client takes for the hub, with faults to order.

It answers what the client asks for one dataset: HEAD and GET of ``/datasets/{repo}/resolve/{rev}/{path}``
(ranges too), and the two ``/api`` calls a snapshot needs. It listens on 127.0.0.1, on a free port.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"

Fault = Callable[["Request"], bool]
"""Answers a request in its own way and returns True, or returns False to let it be answered properly."""


class HubStandIn:
    """The server; a context manager.

    Attributes:
        files: what the dataset holds, ``{path: bytes}``; may be changed at any time.
        fault: one of the faults below, or None.
        requests: ``(method, path)`` of every request so far.
        git_files: paths that git itself holds, named by git's sha1 (others are large files, by sha256).
    """

    def __init__(self, files: dict[str, bytes], repository: str = "owner/candles") -> None:
        self.files = files
        self.repository = repository
        self.commit = COMMIT
        self.fault: Fault | None = None
        self.git_files: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.released = threading.Event()
        """Set at the end, so that handlers that hang return."""
        stand_in = self

        class Handler(Request):
            hub = stand_in

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> HubStandIn:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def count(self, method: str) -> int:
        """How many requests of this method there were."""
        return sum(1 for asked, _ in list(self.requests) if asked == method)

    def checksum(self, path: str) -> str:
        """What the hub says the file's checksum is."""
        content = self.files[path]
        if path in self.git_files:
            return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return hashlib.sha256(content).hexdigest()


class Request(BaseHTTPRequestHandler):
    """One request; faults use its methods."""

    hub: HubStandIn
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._handle()

    def do_GET(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    @property
    def file(self) -> str | None:
        """The path of the file that is asked for, if it is there."""
        parts = unquote(urlsplit(self.path).path).split(f"/datasets/{self.hub.repository}/resolve/", 1)
        if len(parts) < 2:
            return None
        revision, _, path = parts[1].partition("/")
        return path if revision in ("main", self.hub.commit) and path in self.hub.files else None

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        """Status, headers, and the body where it is a GET."""
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def refuse(self, status: int, code: str = "") -> bool:
        """An error as the hub words it."""
        self.answer(status, {"X-Error-Code": code} if code else {})
        return True

    def serve(self, body: bytes, checksum: str) -> bool:
        """A file, or the part of it that is asked for."""
        headers = {"X-Repo-Commit": self.hub.commit, "ETag": f'"{checksum}"', "Accept-Ranges": "bytes"}
        begin = self.headers.get("Range", "").removeprefix("bytes=").partition("-")[0]
        if self.command == "GET" and begin.isdigit():
            at = int(begin)
            part = f"bytes {at}-{len(body) - 1}/{len(body)}"
            self.answer(206, headers | {"Content-Range": part}, body[at:])
        else:
            self.answer(200, headers, body)
        return True

    def _handle(self) -> None:
        self.hub.requests.append((self.command, self.path))
        try:
            if self.hub.fault is None or not self.hub.fault(self):
                self._properly()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _properly(self) -> None:
        path = urlsplit(self.path).path
        api = f"/api/datasets/{self.hub.repository}/"
        if self.file is not None:
            self.serve(self.hub.files[self.file], self.hub.checksum(self.file))
        elif path == f"{api}revision/main":
            siblings = [{"rfilename": name} for name in self.hub.files]
            body = {"id": self.hub.repository, "sha": self.hub.commit, "siblings": siblings}
            self.answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
        elif path == f"{api}tree/{self.hub.commit}":
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": self.hub.checksum(name)}
                for name, content in self.hub.files.items()
            ]
            self.answer(200, {"Content-Type": "application/json"}, json.dumps(tree).encode())
        elif f"/{self.hub.repository}/" in path:
            known = any(f"/{revision}" in path for revision in ("main", self.hub.commit))
            self.refuse(404, "EntryNotFound" if known else "RevisionNotFound")
        else:
            self.refuse(404, "RepoNotFound")


def status(code: int, error: str = "", method: str | None = None) -> Fault:
    """Every request (or those of one method) is refused."""
    return lambda request: method in (None, request.command) and request.refuse(code, error)


def corrupt(times: int = 10**6) -> Fault:
    """Bodies of the right size with one bit flipped, the first so many times."""
    left = [times]

    def fault(request: Request) -> bool:
        path = request.file
        if path is None or request.command != "GET" or left[0] <= 0:
            return False
        left[0] -= 1
        body = bytearray(request.hub.files[path])
        body[len(body) // 2] ^= 0x10
        return request.serve(bytes(body), request.hub.checksum(path))

    return fault


def truncated(request: Request) -> bool:
    """Half the body, then the connection ends; ranges are ignored, so that it never gets further."""
    path = request.file
    if path is None or request.command != "GET":
        return False
    body = request.hub.files[path]
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[: len(body) // 2])
    request.close_connection = True
    return True


def stalled(request: Request) -> bool:
    """Some of the body, and then nothing, with the connection held open."""
    path = request.file
    if path is None or request.command != "GET":
        return False
    body = request.hub.files[path]
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[:100])
    request.wfile.flush()
    request.hub.released.wait(60)
    request.close_connection = True
    return True


def silent(request: Request) -> bool:
    """No answer at all: what a network that swallows everything looks like once connected."""
    request.hub.released.wait(60)
    request.close_connection = True
    return True


def etag(text: str) -> Fault:
    """Files are said to have this checksum."""

    def fault(request: Request) -> bool:
        path = request.file
        return path is not None and request.serve(request.hub.files[path], text)

    return fault


def slow(seconds: float, pieces: int = 20) -> Fault:
    """The body arrives piece by piece over so many seconds."""

    def fault(request: Request) -> bool:
        path = request.file
        if path is None or request.command != "GET":
            return False
        body = request.hub.files[path]
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        size = -(-len(body) // pieces)
        for at in range(0, len(body), size):
            request.wfile.write(body[at : at + size])
            request.wfile.flush()
            time.sleep(seconds / pieces)
        return True

    return fault
