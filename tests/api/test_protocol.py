"""Connections that never get on: no head, half a head, a client that takes nothing."""

import contextlib
import socket
import time

import pytest

from toolkit.api import protocol


@pytest.fixture
def served(serve):
    return serve()


@pytest.fixture
def hasty(monkeypatch):
    """The same with other times, for this test to wait less."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.5)


def rest(connection):
    """What comes until the other end closes."""
    connection.settimeout(20)
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def opened(served):
    return socket.create_connection(("127.0.0.1", served.port))


@pytest.mark.usefixtures("hasty")
def test_a_connection_without_a_request_is_closed(served):
    with opened(served) as connection:
        assert rest(connection) == b""


@pytest.mark.usefixtures("hasty")
def test_half_a_head_is_not_waited_for(served):
    with opened(served) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: local")
        assert b" 408 " in rest(connection).split(b"\r\n")[0]
    with opened(served) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(9999).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET / HT")
        assert b" 408 " in rest(connection).split(b"\r\n")[0]


@pytest.mark.usefixtures("hasty")
def test_a_slow_trickle_is_no_way_around_it(served):
    with opened(served) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(100):
            try:
                connection.sendall(b"a")
            except OSError:
                return
            time.sleep(0.1)
    pytest.fail("it was waited for")


@pytest.mark.usefixtures("hasty")
def test_who_takes_nothing_of_an_answer_is_dropped(served):
    with opened(served) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ask = b"GET /api/klines?symbol=BTCUSDT&timeframe=1h&limit=5000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(ask * 20)
        served.until(lambda: not served._server.server_state.connections, 20)


def test_requests_one_behind_the_other_are_answered_in_their_order(served):
    with opened(served) as connection:
        line = b" HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(
            b"GET /api/timeframes" + line + b"\r\nGET /api/nothing" + line + b"Connection: close\r\n\r\n"
        )
        received = rest(connection)
    assert received.count(b"HTTP/1.1 ") == 2
    assert received.index(b"15m") < received.index(b"/api/nothing")
