"""The README's lines on the service, run as they stand there but for the port."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pytest
from served import ROOT, TOOLKIT, _end, _start, free_port, standalone

SECTION = re.search(r"^## The service\n(.*?)^## ", (ROOT / "README.md").read_text(), re.M | re.S)[1]
SHELL = re.findall(r"^```sh\n(.*?)^```", SECTION, re.M | re.S)
CURL = [line for line in SHELL[0].splitlines() if line]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with standalone(tmp_path_factory.mktemp("readme")) as service:
        yield service


def run(line, port, folder, **environment):
    assert shutil.which("curl"), "curl is needed to try the README's lines"
    line = line.replace("localhost:8000", f"127.0.0.1:{port}").replace("curl ", "curl -sS --fail-with-body ")
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env={**os.environ, "no_proxy": "*", **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (line, done.stderr, done.stdout)
    return done.stdout


@pytest.mark.parametrize("line", CURL, ids=range(len(CURL)))
def test_each_curl_line_is_answered(line, service, tmp_path):
    printed = run(line, service.port, tmp_path)
    if "-o klines.arrow" in line:
        table = pa.ipc.open_stream((tmp_path / "klines.arrow").read_bytes()).read_all()
        assert table.num_rows == 500
        return
    answer = json.loads(printed)
    assert "detail" not in answer
    if "limit=100" in line:
        assert answer["data_points"] == len(answer["klines"]) == 100
        assert set(answer["indicators"]) == {"MACD", "RSI", "Bollinger Bands"}
    elif "format=columns" in line:
        assert answer["klines"]["open_time"][0] == "2025-01-01T00:00:00Z"
    elif "signal_type" in line:
        found = [signal["signal_type"] for signals in answer["signals"].values() for signal in signals]
        assert set(found) == {"BUY"}
    elif "configure" in line:
        assert answer["current_config"]["MACD"]["params"]["fast_period"] == 10
        assert answer["current_config"]["RSI"]["enabled"] is False
        service.http.post(
            "/api/indicators/configure",
            json={"MACD": {"params": {"fast_period": 12}}, "RSI": {"enabled": True}},
        )


def test_the_lines_cover_what_there_is():
    assert len(CURL) >= 7
    for path in ("/api/klines", "/api/signals", "/api/indicators/configure", "/api/health"):
        assert any(path in line for line in CURL)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the token in the README's line")
def test_the_lines_with_a_token_work_in_their_turn(tmp_path):
    export, serve, curl = SHELL[1].splitlines()
    line = export.removeprefix("export TOOLKIT_TOKEN=").removeprefix("$(").removesuffix(")")
    token = subprocess.run(line.split(), capture_output=True, text=True, check=True).stdout.strip()
    words = serve.split()[1:]
    assert words == ["serve", "--host", "0.0.0.0"]
    # For this machine only, all the same: a token is needed wherever it is given.
    port = free_port()
    words[2] = "127.0.0.1"
    process, log = _start([*TOOLKIT, *words, "--port", str(port)], tmp_path, TOOLKIT_TOKEN=token)
    try:
        for _ in range(600):
            time.sleep(0.1)
            assert process.poll() is None, log.read_text()
            try:
                answer = run(curl, port, tmp_path, TOOLKIT_TOKEN=token)
                break
            except AssertionError:
                continue
        assert json.loads(answer)["count"] == 38
        with pytest.raises(AssertionError, match="a token is needed"):
            run(curl.replace('-H "Authorization: Bearer $TOOLKIT_TOKEN"', ""), port, tmp_path)
        with pytest.raises(AssertionError, match="not the right one"):
            run(curl, port, tmp_path, TOOLKIT_TOKEN="another-token-than-that")
        assert token not in log.read_text()
    finally:
        assert _end(process) == 0


def test_the_options_that_the_readme_names_are_there():
    shown = subprocess.run([*TOOLKIT, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    for option in set(re.findall(r"--[a-z-]+", SECTION)):
        assert option in shown
    assert Path(ROOT / "README.md").read_text().count("TOOLKIT_TOKEN") >= 2
