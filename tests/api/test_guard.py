"""Who is let in and who is not, on a small app behind the guard, as a server would call it."""

import asyncio
import json

import pytest
from fastapi import FastAPI, WebSocket

from toolkit.api import guard
from toolkit.api.guard import GuardError, Limits, Policy, is_loopback

TOKEN = "a-token-of-some-length"


def small_app(**policy):
    app = FastAPI(docs_url=None, redoc_url=None)
    app.state.seen = []

    @app.get("/thing")
    async def thing():
        return {"a": 1}

    @app.post("/change")
    async def change(body: dict):
        app.state.seen.append(body)
        return body

    @app.get("/docs")
    async def docs():
        return "docs"

    @app.get("/docsmore")
    async def more():
        return "more"

    @app.get("/slow")
    async def slow():
        await asyncio.sleep(0.2)

    @app.websocket("/ws")
    async def ws(socket: WebSocket):
        await socket.accept()
        app.state.seen.append(await socket.receive_text())

    guard.install(app, **policy)
    return app


async def call(app, path="/thing", method="GET", headers=(), body=b"", chunks=None, **scope):
    """Status, headers and content of one request."""
    given = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in given) and scope.pop("host", True):
        given.append((b"host", b"localhost:8000"))
    path, _, query = path.partition("?")
    parts = list(chunks if chunks is not None else [body])
    waiting = asyncio.Event()

    async def receive():
        if not parts:
            await waiting.wait()
        part = parts.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        if part is Ellipsis:
            await waiting.wait()
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    sent = []

    async def send(message):
        sent.append(message)

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": given,
            "scheme": "http",
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 1234),
            "root_path": "",
        }
        | scope,
        receive,
        send,
    )
    if not sent:
        return None, {}, None
    content = b"".join(message.get("body", b"") for message in sent[1:])
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, json.loads(content) if content else None


def get(app, *arguments, **options):
    return asyncio.run(call(app, *arguments, **options))


async def connect(app, headers=(), subprotocols=(), denial=True, text="hello"):
    """All that a WebSocket's server is told to send."""
    given = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in given):
        given.append((b"host", b"localhost:8000"))
    told = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": text},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    sent = []

    async def receive():
        return told.pop(0)

    async def send(message):
        sent.append(message)

    await app(
        {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "path": "/ws",
            "raw_path": b"/ws",
            "query_string": b"",
            "headers": given,
            "subprotocols": list(subprotocols),
            "scheme": "ws",
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 1234),
            "root_path": "",
            "extensions": {"websocket.http.response": {}} if denial else {},
        },
        receive,
        send,
    )
    return sent


def outcome(app, *arguments, **options):
    """`accept`, or the status and detail of the refusal."""
    sent = asyncio.run(connect(app, *arguments, **options))
    if sent[0]["type"] == "websocket.accept":
        return "accept"
    assert sent[0]["type"] == "websocket.http.response.start", sent
    return sent[0]["status"], json.loads(sent[1]["body"])["detail"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8000",
        "127.0.0.1:8000",
        "[::1]:8000",
        "[0:0::1]",
        "localhost:65535",
        "app.example",
        "app.example:99",
    ],
)
def test_its_own_names_are_let_in(host):
    app = small_app(hosts=["app.example"])
    assert get(app, headers=[("Host", host)])[0] == 200
    assert outcome(app, headers=[("Host", host)]) == "accept"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 403),
        ("evil.example:8000", 403),
        ("localhost.evil.example", 403),
        ("evil.localhost", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.0.0.2", 403),
        ("192.168.0.1:8000", 403),
        ("[::2]", 403),
        ("0x7f000001", 403),
        ("2130706433", 403),
        ("localhost.", 403),
        ("", 400),
        (":8000", 400),
        ("localhost:", 400),
        ("localhost:0", 400),
        ("localhost:65536", 400),
        ("localhost:80:80", 400),
        ("localhost/", 400),
        ("user@localhost", 400),
        ("evil.example#localhost", 400),
        ("localhost evil.example", 400),
        ("localhost,evil.example", 403),
        ("[::1", 400),
        ("::1", 400),
        ("[localhost]", 400),
        ("l\u00f6calhost", 403),
        ("x" * 5000, 403),
    ],
)
def test_other_names_are_not(host, status):
    app = small_app()
    found, _, content = get(app, headers=[("Host", host)])
    assert found == status
    assert content["detail"].startswith("Host: ")
    assert len(content["detail"]) < 300
    assert outcome(app, headers=[("Host", host)])[0] == status
    assert app.state.seen == []


def test_one_host_is_needed():
    app = small_app()
    assert get(app, host=False)[0] == 400
    two = get(app, headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert two[0] == 400
    assert two[2] == {"detail": "Host: 2 such headers; one is needed"}


def test_the_address_that_was_connected_to_is_a_name_too():
    app = small_app()
    assert get(app, headers=[("Host", "192.168.0.7:8000")], server=("192.168.0.7", 8000))[0] == 200
    assert get(app, headers=[("Host", "192.168.0.8:8000")], server=("192.168.0.7", 8000))[0] == 403
    # a socket in the file system has a path, and none of it is a name
    assert get(app, headers=[("Host", "socket")], server=("socket", None))[0] == 403


def test_any_name_where_something_in_front_has_checked_it():
    app = small_app(hosts=["*"])
    host = ("Host", "hub.example")
    assert get(app, headers=[host])[0] == 200
    assert get(app, headers=[host, ("Origin", "https://hub.example")])[0] == 200
    assert get(app, headers=[host, ("Origin", "https://other.example")])[0] == 403


OWN = [
    ("localhost:8000", "http://localhost:8000"),
    ("LOCALHOST:8000", "http://localhost:8000"),
    ("[::1]:8000", "http://[::1]:8000"),
    ("localhost", "http://localhost"),
    ("localhost:80", "http://localhost"),
    ("localhost", "https://localhost"),
    ("localhost:443", "https://localhost"),
]
FOREIGN = [
    ("localhost:8000", "http://localhost:8001"),
    ("localhost:8000", "http://localhost"),
    ("localhost:8000", "http://127.0.0.1:8000"),
    ("localhost:8000", "http://evil.example"),
    ("localhost:8000", "http://localhost:8000.evil.example"),
    ("localhost:8000", "http://evil.example#localhost:8000"),
    ("localhost:8000", "http://evil@localhost:8000"),
    ("localhost:8000", "null"),
    ("localhost:8000", ""),
    ("localhost:8000", "*"),
    ("localhost:8000", "localhost:8000"),
    ("localhost:8000", "file://localhost:8000"),
    ("localhost:8000", "chrome-extension://localhost:8000"),
    ("localhost:80", "https://localhost"),
    ("localhost:8000", "http://localhost:8000, http://evil.example"),
    ("localhost:8000", "\u00ff" * 400),
]


@pytest.mark.parametrize(("host", "origin"), OWN)
def test_a_page_of_its_own_may_call(host, origin):
    app = small_app()
    headers = [("Host", host), ("Origin", origin)]
    status, found, _ = get(app, headers=headers)
    assert status == 200
    assert "access-control-allow-origin" not in found
    assert outcome(app, headers=headers) == "accept"


@pytest.mark.parametrize(("host", "origin"), FOREIGN)
def test_a_page_of_elsewhere_may_not(host, origin):
    app = small_app()
    headers = [("Host", host), ("Origin", origin)]
    for method, path, body in (
        ("GET", "/thing", b""),
        ("POST", "/change", b"{}"),
        ("OPTIONS", "/thing", b""),
    ):
        status, found, content = get(
            app, path, method, [*headers, ("Content-Length", str(len(body)))], body=body
        )
        assert status == 403
        assert content["detail"].startswith("Origin: ")
        assert "access-control-allow-origin" not in found
    assert outcome(app, headers=headers)[0] == 403
    assert app.state.seen == []


def test_two_origins_are_none():
    app = small_app(origins=["https://app.example"])
    two = [("Origin", "http://localhost:8000"), ("Origin", "https://app.example")]
    assert get(app, headers=two)[0] == 400
    assert outcome(app, headers=two)[0] == 400


def test_cors_is_open_to_the_named_origins_and_no_other():
    app = small_app(origins=["https://App.example:443/", "http://[::1]:3000"])
    for origin in ("https://app.example", "http://[::1]:3000"):
        status, found, _ = get(app, headers=[("Origin", origin)])
        assert status == 200
        assert found["access-control-allow-origin"] == origin
        assert found["vary"] == "Origin"
        assert "access-control-allow-credentials" not in found
        assert outcome(app, headers=[("Origin", origin)]) == "accept"
    # A refusal can be read there too.
    status, found, _ = get(app, "/nothing", headers=[("Origin", "https://app.example")])
    assert (status, found["access-control-allow-origin"]) == (404, "https://app.example")
    for origin in ("http://app.example", "https://app.example:444", "https://sub.app.example"):
        status, found, _ = get(app, headers=[("Origin", origin)])
        assert status == 403
        assert "access-control-allow-origin" not in found
    assert get(app)[1]["vary"] == "Origin"


def test_a_preflight_is_answered_without_a_token():
    app = small_app(origins=["https://app.example"], token=TOKEN)
    ask = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST")]
    status, found, content = get(app, "/change", "OPTIONS", ask)
    assert (status, content) == (204, None)
    assert found["access-control-allow-origin"] == "https://app.example"
    assert found["access-control-allow-methods"] == "GET, POST"
    assert "Authorization" in found["access-control-allow-headers"]
    assert get(app, "/change", "OPTIONS", [("Origin", "https://other.example"), ask[1]])[0] == 403


BEARER = ("Authorization", f"Bearer {TOKEN}")


def test_with_the_token_one_is_let_in():
    app = small_app(token=TOKEN)
    assert get(app, headers=[BEARER])[0] == 200
    assert get(app, headers=[("Authorization", f"bearer   {TOKEN} ")])[0] == 200
    assert outcome(app, headers=[BEARER]) == "accept"
    offered = ["toolkit", f"toolkit.token.{TOKEN}"]
    (accepted, *_) = asyncio.run(connect(app, subprotocols=offered))
    # The browser needs one back, and the token is not sent around.
    assert accepted["subprotocol"] == "toolkit"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \u00ff\u00fe",
        f"Bearer {'x' * 9000}",
    ],
)
def test_without_it_one_is_not(authorization):
    app = small_app(token=TOKEN)
    headers = [] if authorization is None else [("Authorization", authorization)]
    for path, method in (("/thing", "GET"), ("/change", "POST"), ("/docsmore", "GET"), ("/nothing", "GET")):
        status, found, content = get(app, path, method, headers, body=b"{}")
        assert status == 401
        assert found["www-authenticate"] == "Bearer"
        assert TOKEN not in content["detail"]
    assert outcome(app, headers=headers)[0] == 401
    assert app.state.seen == []


def test_a_token_in_the_address_or_in_another_subprotocol_is_none():
    app = small_app(token=TOKEN)
    assert get(app, f"/thing?token={TOKEN}")[0] == 401
    for offered in ([TOKEN], [f"token.{TOKEN}"], ["toolkit", "toolkit.token."], ["toolkit.token.wrong"]):
        status, detail = outcome(app, subprotocols=offered)
        assert status == 401
        assert "token" in detail


def test_the_documentation_needs_none():
    app = small_app(token=TOKEN)
    assert get(app, "/docs")[0] == 200
    assert get(app, "/user/x/toolkit/docs", root_path="/user/x/toolkit")[0] == 200
    assert get(app, "/user/x/toolkit/thing", root_path="/user/x/toolkit")[0] == 401
    assert get(app, "/docs/../thing")[0] != 200  # such a path is not resolved by anyone


def test_a_server_that_cannot_deny_with_a_response_closes_with_a_reason():
    app = small_app()
    (closed,) = asyncio.run(connect(app, headers=[("Origin", "http://evil.example")], denial=False))
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert closed["reason"].startswith("Origin: 'http://evil.example'")
    assert len(closed["reason"].encode()) <= 123


def test_subprotocols_that_are_not_ours_are_left_to_the_app():
    (accepted, *_) = asyncio.run(connect(small_app(), subprotocols=["other"]))
    assert accepted.get("subprotocol") is None


POST = [("Content-Type", "application/json")]
SMALL = Limits(body=100, query=50, headers=1000, header_count=20, body_seconds=0.05)


def test_a_body_up_to_the_limit_arrives_whole_however_it_is_cut():
    body = json.dumps({"a": "x" * 91}).encode()
    assert len(body) == 100
    for chunks in ([body], [body[:1], body[1:50], b"", body[50:]]):
        app = small_app(request_limits=SMALL)
        headers = [*POST, ("Transfer-Encoding", "chunked")]
        assert get(app, "/change", "POST", headers, chunks=chunks)[2] == {"a": "x" * 91}
        assert app.state.seen == [{"a": "x" * 91}]


@pytest.mark.parametrize("length", ["101", str(10**18), "1" + "0" * 5000, "-1", "1e3", "abc", ""])
def test_a_body_that_says_it_is_too_large_is_refused_unread(length):
    app = small_app(request_limits=Limits(body=100, headers=10_000))
    status, found, content = get(app, "/change", "POST", [*POST, ("Content-Length", length)], chunks=[None])
    assert status == 413
    assert found["connection"] == "close"
    assert content == {"detail": "body: more than 100 bytes, which is the limit"}


def test_a_body_that_becomes_too_large_is_refused():
    app = small_app(request_limits=SMALL)
    headers = [*POST, ("Transfer-Encoding", "chunked")]
    assert get(app, "/change", "POST", headers, chunks=[b"[" * 60, b"[" * 60, ...])[0] == 413
    # and one that says less than it is
    assert get(app, "/change", "POST", [*POST, ("Content-Length", "3")], body=b" " * 101)[0] == 413


def test_a_body_that_does_not_come_is_not_waited_for():
    app = small_app(request_limits=SMALL)
    headers = [*POST, ("Content-Length", "30")]
    status, _, content = get(app, "/change", "POST", headers, chunks=[b"{", ...])
    assert (status, content["detail"]) == (408, "body: not there after 0.05 seconds")
    # and of one who has gone nothing is left
    assert get(app, "/change", "POST", headers, chunks=[b"{", None]) == (None, {}, None)
    assert app.state.seen == []


def test_query_and_headers_are_bounded():
    app = small_app(request_limits=SMALL)
    assert get(app, "/thing?" + "a" * 50)[0] == 200
    assert get(app, "/thing?" + "a" * 51)[2] == {"detail": "query: 51 bytes; allowed are 50"}
    assert get(app, "/thing?" + "a" * 51)[0] == 414
    assert get(app, headers=[("X", "y" * 900)])[0] == 200
    assert get(app, headers=[("X", "y" * 1000)])[0] == 431
    assert get(app, headers=[("X", "y")] * 19)[0] == 200
    assert get(app, headers=[("X", "y")] * 20)[0] == 431
    assert outcome(app, headers=[("X", "y")] * 20)[0] == 431


def test_requests_at_the_same_time_are_bounded():
    app = small_app(request_limits=Limits(requests=3))

    async def together():
        return await asyncio.gather(*(call(app, "/slow") for _ in range(5)))

    found = asyncio.run(together())
    assert [status for status, *_ in found] == [200, 200, 200, 429, 429]
    assert found[-1][1]["retry-after"] == "1"
    assert get(app)[0] == 200  # those that ended count no longer


def test_web_sockets_at_the_same_time_are_bounded():
    app = small_app(request_limits=Limits(sockets=0))
    assert outcome(app)[0] == 429
    app = small_app(request_limits=Limits(sockets=1))
    for _ in range(3):
        assert outcome(app) == "accept"


def test_what_a_response_may_be_used_for():
    for path in ("/thing", "/nothing"):
        found = get(small_app(), path)[1]
        assert found["x-content-type-options"] == "nosniff"
        assert found["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"origins": ["*"]}, "origin: '*' is not one"),
        ({"origins": ["null"]}, "origin: 'null'"),
        ({"origins": ["app.example"]}, "origin: 'app.example'"),
        ({"origins": ["https://app.example/path"]}, "origin: "),
        ({"origins": ["https://app.example?x"]}, "origin: "),
        ({"origins": ["https://user@app.example"]}, "origin: "),
        ({"origins": ["ftp://app.example"]}, "origin: "),
        ({"origins": ["https://app.example:0"]}, "origin: "),
        ({"origins": [None]}, "origin: None"),
        ({"hosts": ["http://app.example"]}, "allowed host: 'http://app.example'"),
        ({"hosts": ["app.example:80"]}, "allowed host: "),
        ({"hosts": [""]}, "allowed host: ''"),
        ({"hosts": ["*.example"]}, "allowed host: "),
        ({"token": "short"}, "token: allowed are 16 to 256"),
        ({"token": ""}, "token: allowed are"),
        ({"token": "with spaces in it, and a comma"}, "token: allowed are"),
    ],
)
def test_settings_that_are_none_are_refused(settings, said):
    with pytest.raises(GuardError) as refused:
        Policy(**settings)
    assert str(refused.value).startswith(said)
    if token := settings.get("token"):
        assert token not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.168.0.1", "example.org", "localhost.evil.example"]
)
def test_not_loopback(host):
    assert not is_loopback(host)
