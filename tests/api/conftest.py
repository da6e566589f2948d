"""The service for tests: the app itself, or the app served by uvicorn on a free port."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
from starlette.testclient import TestClient

from toolkit.api import create_app
from toolkit.api.server import Server, configuration


@pytest.fixture
def app():
    return create_app(source="sample")


@pytest.fixture
def client(app):
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield client


class Served:
    """An app that uvicorn serves in a thread of its own."""

    def __init__(self, app, **options):
        self.app = app
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._server = Server(configuration(app, log_level="critical", **options))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def chart(self):
        return f"ws://127.0.0.1:{self.port}/ws/chart?symbol=BTCUSDT&timeframe=1d"

    def _run(self):
        with contextlib.closing(asyncio.new_event_loop()) as self.loop:
            self.loop.run_until_complete(self._server.serve([self._socket]))

    def call(self, function, *arguments):
        """The result of a function that runs in the server's event loop."""

        async def called():
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(10)

    def until(self, condition, seconds=10.0):
        """Wait until the app is in a state."""
        end = time.monotonic() + seconds
        while not self.call(condition):
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.02)

    def stop(self):
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def serve():
    """Serves an app; everything is stopped afterwards."""
    running = []

    def start(app=None, **options):
        running.append(Served(create_app(source="sample") if app is None else app, **options))
        return running[-1]

    yield start
    for served in running:
        served.stop()
