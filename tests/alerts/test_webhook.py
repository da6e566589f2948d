"""Webhooks: what is sent, what is refused, and how long it takes at most."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from toolkit.alerts import WebhookError, post, webhook

INSIDE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::1", "2001:db8::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers["Host"], json.loads(body)))
        if self.path == "/hangs":
            self.server.released.wait(10)
        status, headers = self.server.answers.pop(0) if self.server.answers else (204, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.seen, server.answers, server.released = [], [], threading.Event()
    server.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(webhook.time, "sleep", lambda seconds: None)
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def names(monkeypatch, receiver):
    """Names and what they stand for; whatever is connected to is the receiver."""
    known, connected, really = {}, [], socket.getaddrinfo

    def look_up(host, port, *more, **named):
        if host[0].isdigit():
            return really(host, port, *more, **named)
        try:
            addresses = known[host]
        except KeyError:
            raise socket.gaierror("no such name") from None
        if callable(addresses):
            addresses = addresses()
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    connect = socket.create_connection

    def create_connection(address, timeout):
        connected.append(address[0])
        return connect(("127.0.0.1", receiver.port), timeout)

    monkeypatch.setattr(webhook.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(webhook.socket, "create_connection", create_connection)
    known["connected"] = connected
    return known


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_that_only_some_can_reach(address, names, receiver):
    assert not webhook._is_public(address)
    names["inside.example"] = ["93.184.215.14", address]
    with pytest.raises(WebhookError, match="which only this machine or its network can reach"):
        post("http://inside.example/", {})
    assert receiver.seen == names["connected"] == []


def test_addresses_that_all_can_reach():
    for address in ("93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"):
        assert webhook._is_public(address)


def test_literal_addresses_are_refused_however_they_are_written(receiver):
    for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001", "127.1", "[::ffff:7f00:1]"):
        with pytest.raises(WebhookError, match=r"can reach|cannot be looked up"):
            post(f"http://{host}:{receiver.port}/", {}, attempts=1)
    assert receiver.seen == []


def test_what_is_sent(receiver):
    post(f"http://127.0.0.1:{receiver.port}/a/b?c=d", {"text": "é", "value": 0.1}, allow_private=True)
    assert receiver.seen == [("/a/b?c=d", f"127.0.0.1:{receiver.port}", {"text": "é", "value": 0.1})]


def test_the_connection_goes_to_the_address_that_was_checked(names, receiver):
    """A name that changes what it stands for is not looked up a second time."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    names["rebinding.example"] = lambda: next(answers)
    post("http://rebinding.example/x", {})
    assert names["connected"] == ["93.184.215.14"]
    assert receiver.seen[0][:2] == ("/x", "rebinding.example")
    with pytest.raises(WebhookError, match=r"127\.0\.0\.1, which only"):
        post("http://rebinding.example/x", {})


def test_redirects(names, receiver):
    names |= {"one.example": ["8.8.8.8"], "two.example": ["8.8.4.4"], "inside.example": ["10.0.0.1"]}
    receiver.answers[:] = [(307, {"Location": "http://two.example/new"}), (200, {})]
    post("http://one.example/", {"text": "x"})
    assert [(path, host, body["text"]) for path, host, body in receiver.seen] == [
        ("/", "one.example", "x"),
        ("/new", "two.example", "x"),
    ]
    for answers, words in (
        ([(308, {"Location": "http://inside.example/"})], "10.0.0.1, which only"),
        ([(307, {"Location": "http://169.254.169.254/latest"})], "cannot be looked up|169.254.169.254"),
        ([(302, {"Location": "http://two.example/"})], "answered 302"),
        ([(307, {"Location": "/"})] * 4, "redirects too often"),
        ([(307, {"Location": "file:///etc/passwd"})], "not an http or https address"),
    ):
        receiver.answers[:] = answers
        with pytest.raises(WebhookError, match=words):
            post("http://one.example/", {}, attempts=1)


@pytest.mark.parametrize(("answers", "requests"), [([500, 503, 200], 3), ([429, 200], 2), ([404], 1)])
def test_it_is_tried_again_where_that_may_help(receiver, answers, requests):
    receiver.answers[:] = [(status, {"Retry-After": "1"}) for status in answers]
    address = f"http://127.0.0.1:{receiver.port}/"
    if answers == [404]:
        with pytest.raises(WebhookError, match=r"127\.0\.0\.1 answered 404$"):
            post(address, {}, allow_private=True)
    else:
        post(address, {}, allow_private=True)
    assert len(receiver.seen) == requests


def test_attempts_are_bounded_and_so_is_the_time(receiver, monkeypatch):
    receiver.answers[:] = [(500, {"Retry-After": "86400"})] * 5
    waited = []
    monkeypatch.setattr(webhook.time, "sleep", waited.append)
    address = f"http://127.0.0.1:{receiver.port}"
    with pytest.raises(WebhookError, match=r"answered 500 \(3 attempts\)"):
        post(address, {}, allow_private=True)
    assert len(receiver.seen) == 3
    assert waited == [10.0, 10.0]
    began = time.monotonic()
    with pytest.raises(WebhookError, match=r"did not answer in time \(2 attempts\)"):
        post(f"{address}/hangs", {}, allow_private=True, timeout=0.2, attempts=2)
    assert time.monotonic() - began < 5
    receiver.server_close()
    with pytest.raises(WebhookError, match="cannot be reached"):
        post(address, {}, allow_private=True, attempts=1)


@pytest.mark.parametrize(
    "url", ["ftp://example.org", "http://", "http://a:b@example.org", "nothing", "http://x:y"]
)
def test_addresses_that_are_none(url):
    with pytest.raises(WebhookError):
        post(url, {}, attempts=1)
