"""The command line, and what is served: one small notebook in place of the dashboard, for speed."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

import toolkit
from toolkit import cli
from toolkit.cli import pages

SLIDER = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "slider",
            "metadata": {},
            "outputs": [],
            "source": "import ipywidgets\nipywidgets.IntSlider()",
        }
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture(autouse=True)
def _source_as_it_was(monkeypatch):
    """The command hands its source on to its kernels by the environment."""
    monkeypatch.setenv("TOOLKIT_SOURCE", "sample")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("words", [["--help"], ["dashboard", "--help"]])
def test_help_says_what_can_be_done(words, capsys):
    assert cli.main(words) == 0
    assert "dashboard" in capsys.readouterr().out


def test_words_that_make_no_command_are_said(capsys):
    assert cli.main(["dashbord"]) == 2
    assert "No such command 'dashbord'. Did you mean 'dashboard'?" in capsys.readouterr().err
    assert cli.main([]) == 2
    assert "Usage: toolkit [OPTIONS] COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["dashboard", "--help"], ["download", "--help"]]
)
def test_help_waits_for_nothing_heavy(words):
    script = f"""
import sys
from toolkit.cli import main
main({words!r})
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert not loaded & {"pandas", "numpy", "numba", "pyarrow", "voila", "tornado", "rich", "huggingface_hub"}


def test_the_console_script_says_its_version():
    script = Path(sys.executable).with_name("toolkit")
    printed = subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout
    assert printed == f"System V4 {toolkit.__version__}\n"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "many", "8866.5"])
def test_a_port_that_is_none_is_refused(port, capsys):
    assert cli.main(["dashboard", "--port", port]) == 2
    said = capsys.readouterr().err
    assert f"Invalid value for '--port': '{port}' is not a port, a whole number from 1 to 65535" in said


def test_a_port_in_use_is_said_in_one_line(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert cli.main(["dashboard", "--port", str(port)]) == 1
    said = capsys.readouterr()
    assert said.err == (
        f"toolkit dashboard: port {port} is in use; choose another with --port (make dashboard PORT=...)\n"
    )
    assert said.out == ""


def test_a_source_that_is_not_there_is_said_in_one_line(capsys, tmp_path):
    assert cli.main(["dashboard", "--source", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err == f"toolkit dashboard: source: there is no folder {tmp_path}/nowhere\n"


@pytest.mark.parametrize(("words", "variable"), [(["--source", "here"], "hub"), ([], "here")])
def test_relative_paths_are_taken_from_where_it_was_typed(words, variable, monkeypatch, tmp_path):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOOLKIT_SOURCE", variable)
    monkeypatch.setenv("TOOLKIT_HOME", "kept")
    served = {}
    monkeypatch.setattr(pages, "serve", lambda **options: served.update(options))
    assert cli.main(["dashboard", "--port", "9000", *words]) == 0
    assert os.environ["TOOLKIT_SOURCE"] == str(tmp_path / "here")
    assert os.environ["TOOLKIT_HOME"] == str(tmp_path / "kept")
    assert served == {"port": 9000, "source": str(tmp_path / "here"), "browser": False, "warm": True}


def test_a_missing_notebook_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(pages, "__file__", str(tmp_path / "toolkit" / "cli" / "pages.py"))
    with pytest.raises(FileNotFoundError, match=r"the dashboard notebook is missing; looked for .*notebooks"):
        pages.notebook()


class Server:
    """`toolkit dashboard` in a process of its own, with the small notebook."""

    def __init__(self, notebook, *words):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        code = (
            # A shell that runs the tests in the background has this signal ignored.
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
            "import sys; from pathlib import Path; from toolkit.cli import main, pages;"
            f"pages.notebook = lambda: Path({str(notebook)!r}); pages.LEFT_AFTER = 0.5;"
            f"sys.exit(main(['dashboard', '--port', '{self.port}', '--source', 'sample', *{words!r}]))"
        )
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline()

    def get(self, path="", method="GET", **headers):
        """Status and text."""
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def page(self):
        """The page's text and its kernel's id."""
        status, text = self.get()
        assert status == 200
        config = re.search(r'id="jupyter-config-data" type="application/json">(.*?)</script>', text, re.S)[1]
        return text, json.loads(config)["kernelId"]

    def has(self, kernel):
        return self.get(f"api/kernels/{kernel}")[0] == 200

    def kernels(self):
        """Process ids of the running kernels."""
        command = ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)]
        found = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
        return [int(line.split()[0]) for line in found if "ipykernel" in line]

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        with self.process:
            try:
                return self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "slider.ipynb"
    path.write_text(json.dumps(SLIDER))
    return path


@pytest.fixture(scope="module")
def server(notebook):
    server = Server(notebook, "--no-warm")
    yield server
    server.stop()


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_the_address_is_printed_when_the_page_can_be_opened(server):
    assert server.said == f"System V4 dashboard: {server.url}\n"
    text, _ = server.page()
    assert "<title>System V4</title>" in text


def test_the_page_needs_nothing_from_elsewhere(server):
    text, _ = server.page()
    loaded = re.findall(r"""(?:src|href)=["']?([^"'\s>]+)""", text)
    assert loaded
    assert [url for url in loaded if not url.startswith(("/", "#", "data:"))] == []
    assert "font-awesome" not in text.lower()


def test_the_page_starts_covered_and_dark(server):
    text, _ = server.page()
    # Painted before the kernel starts.
    assert text.index('id="cover"') < text.index('id="jupyter-config-data"')
    assert 'data-jp-theme-light="false"' in text


def test_no_file_is_served(server):
    assert server.get("voila/files/slider.ipynb")[0] == 403


@pytest.mark.parametrize("path", ["toolkit/", "toolkit/api/symbols", "proxy/8000/", "proxy/absolute/8000/"])
def test_no_other_service_is_reached_through_it(server, path):
    """jupyter-server-proxy is for Jupyter, which has a token; the page has none."""
    status, text = server.get(path)
    assert status == server.get("nothing-at-all/")[0] >= 400
    assert "BTCUSDT" not in text


def test_an_error_has_a_page_of_ours(server, notebook):
    away = notebook.rename(notebook.with_suffix(".away"))
    try:
        status, text = server.get()
    finally:
        away.rename(notebook)
    assert status == 404
    assert "<title>System V4</title>" in text
    assert "://" not in text


@pytest.mark.parametrize("path", ["", "nothing", "api/kernels/01234567-89ab-cdef-0123-456789abcdef"])
def test_another_host_name_is_refused(server, path):
    assert server.get(path, Host="rebound.example")[0] == 403


def test_a_page_of_another_site_cannot_end_a_kernel(server):
    _, kernel = server.page()
    assert server.get(f"voila/api/shutdown/{kernel}", "POST", Origin="http://other.example")[0] == 404
    assert server.has(kernel)


def test_closing_the_page_ends_its_kernel(server):
    _, kernel = server.page()
    before = server.kernels()
    # What Voila's page sends when it is closed.
    assert server.get(f"voila/api/shutdown/{kernel}", "POST", Origin=server.url.rstrip("/"))[0] == 204
    assert not server.has(kernel)
    wait_until(lambda: len(server.kernels()) < len(before))


def test_a_page_that_went_without_a_word_loses_its_kernel_and_one_that_comes_back_does_not(server):
    _, kernel = server.page()

    async def connect():
        address = f"ws://127.0.0.1:{server.port}/api/kernels/{kernel}/channels"
        return await websocket_connect(HTTPRequest(address, headers={"Origin": server.url.rstrip("/")}))

    async def leave(connection):
        connection.close()
        while await connection.read_message() is not None:  # until the server has closed it too
            pass

    async def leave_and_come_back():
        await leave(await connect())
        connection = await connect()
        await asyncio.sleep(1.5)
        assert server.has(kernel)
        await leave(connection)

    asyncio.run(leave_and_come_back())
    wait_until(lambda: not server.has(kernel))


def test_a_web_socket_of_another_site_is_refused(server):
    _, kernel = server.page()

    async def connect():
        address = f"ws://127.0.0.1:{server.port}/api/kernels/{kernel}/channels"
        return await websocket_connect(HTTPRequest(address, headers={"Origin": "http://other.example"}))

    with pytest.raises(Exception, match="403"):
        asyncio.run(connect())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_warm_kernel_waits_for_a_page_and_all_end_with_the_server(notebook, how):
    server = Server(notebook)
    try:
        wait_until(lambda: len(server.kernels()) == 1)
        _, kernel = server.page()
        assert server.has(kernel)
        wait_until(lambda: len(server.kernels()) == 2)  # the page's, and the next one
        kernels = server.kernels()
    finally:
        code = server.stop(how)
    assert code == 0
    for pid in kernels:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
