"""`toolkit download`, with the real client against a stand-in for the hub that holds all 114 files."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from sources import hub_stand_in as faults
from sources.hub_stand_in import HubStandIn

from toolkit import cli
from toolkit.candles import SYMBOLS, TIMEFRAMES
from toolkit.sources import download
from toolkit.sources.base import relative_path

FILES = {
    relative_path(symbol, timeframe): f"{symbol} {timeframe}".encode() * 200
    for symbol in SYMBOLS
    for timeframe in TIMEFRAMES
}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(download, "PROBE_SECONDS", 1.0)
    monkeypatch.setattr(download, "STALL_SECONDS", 1.0)
    download.forget_failures()
    with HubStandIn(dict(FILES)) as stand_in:
        monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("TOOLKIT_HUB_REPOSITORY", stand_in.repository)
        monkeypatch.setenv("TOOLKIT_HUB_ENDPOINT", stand_in.endpoint)
        yield stand_in


def stored(home):
    """What every file that can be found holds."""
    found = {
        path.relative_to(home): path.read_bytes()
        for path in home.glob("hub/datasets--*/snapshots/*/**/*.parquet")
    }
    return {"/".join(path.parts[4:]): content for path, content in found.items()}


def test_all_114_files_and_none_of_them_twice(hub, capsys, tmp_path):
    assert cli.main(["download"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("114 of 114 files of owner/candles are there and verified (")
    assert "; 114 fetched now" in said.out
    lines = said.err.splitlines()
    assert (lines[0][:5], lines[-1][:8]) == ("  1/1", "114/114 ")
    assert len(lines) == 114
    assert stored(tmp_path / "home") == FILES
    assert hub.count("GET") == 114
    asked = len(hub.requests)
    assert cli.main(["download"]) == 0
    assert "114 of 114 files" in (again := capsys.readouterr().out)
    assert "; 0 fetched now (0 B)" in again
    assert len(hub.requests) == asked, "what is there is not asked for again"


def test_what_is_damaged_is_fetched_again_and_what_is_not_is_not(hub, capsys, tmp_path):
    assert cli.main(["download", "btc,eth", "sol"]) == 0
    (damaged, *_) = sorted(tmp_path.glob("home/hub/datasets--*/blobs/*"))
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    capsys.readouterr()
    assert cli.main(["download", "BTC/USDT", "eth", "sol"]) == 0
    assert "9 of 9 files" in (said := capsys.readouterr().out)
    assert "; 1 fetched now" in said
    assert hub.count("GET") == 10


def test_refresh_fetches_what_is_new(hub, capsys):
    assert cli.main(["download", "btc", "-t", "1d,1h"]) == 0
    hub.commit = "f" * 40
    hub.files["klines/BTCUSDT/BTC_1d.parquet"] += b"and a day"
    assert cli.main(["download", "btc", "-t", "1d,1h"]) == 0
    capsys.readouterr()
    assert cli.main(["download", "btc", "-t", "1d,1h", "--refresh"]) == 0
    assert "2 of 2 files" in (said := capsys.readouterr().out)
    assert "; 1 fetched now" in said
    hub.fault = faults.status(503)
    assert cli.main(["download", "btc", "-t", "1d", "--refresh"]) == 0
    assert "Not refreshed: hub: " in capsys.readouterr().err


def test_what_is_missing_is_listed(hub, capsys):
    for timeframe in ("1h", "15m"):
        del hub.files[f"klines/ZRXUSDT/ZRX_{timeframe}.parquet"]
    assert cli.main(["download", "zrx", "xrp"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("4 of 6 files")
    end = said.err[said.err.index("Missing: 2 of 6 files\n") :]
    assert "there is no klines/ZRXUSDT/ZRX_15m.parquet in owner/candles" in end
    assert "    ZRXUSDT 15m\n" in end
    assert "    ZRXUSDT 1h\n" in end
    assert "XRP" not in end


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.status(503), "cannot be reached or broke off"),
        (faults.silent, "did not answer within 1 s"),
        (faults.status(401), "refuses (401); log in with 'hf auth login'"),
    ],
)
def test_a_dead_hub_is_asked_once_for_114_files(hub, capsys, fault, reason):
    hub.fault = fault
    assert cli.main(["download"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("0 of 114 files")
    end = said.err[said.err.index("Missing: 114 of 114 files\n") :]
    assert end.count(reason) == 1, "the reason they share is said once"
    assert all(f"{symbol} 15m 1h 1d" in end for symbol in SYMBOLS)
    assert len(hub.requests) == 1


def test_one_that_dies_on_the_way_leaves_what_was_fetched(hub, capsys, tmp_path):
    hub.fault = lambda request: hub.count("GET") > 20 and request.refuse(503)
    assert cli.main(["download", "--workers", "2"]) == 1
    whole = stored(tmp_path / "home")
    assert 15 <= len(whole) <= 22
    assert whole.items() <= FILES.items()
    assert len(hub.requests) < 80, "three for each file that came, a few for those at which it died"
    hub.fault = None
    download.forget_failures()
    before = hub.count("GET")
    assert cli.main(["download"]) == 0
    assert stored(tmp_path / "home") == FILES
    assert hub.count("GET") - before == 114 - len(whole)


def test_interrupted_it_ends_at_once_and_leaves_nothing_half_written(hub, tmp_path):
    hub.fault = lambda request: hub.count("GET") > 20 and faults.stalled(request)
    # A shell that runs the tests in the background has this signal ignored.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "import sys; from toolkit.cli import main; sys.exit(main(['download']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        said = [process.stderr.readline() for _ in range(20)]
        until = time.monotonic() + 20
        while hub.count("GET") <= 20 and time.monotonic() < until:
            time.sleep(0.02)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        said += process.stderr.readlines()
    assert process.returncode == 130
    assert time.monotonic() - started < 3
    assert "Traceback" not in "".join(said)
    whole = stored(tmp_path / "home")
    assert len(whole) == 20
    assert whole.items() <= FILES.items()
    hub.fault = None
    before = hub.count("GET")
    assert cli.main(["download"]) == 0
    assert stored(tmp_path / "home") == FILES
    assert hub.count("GET") - before == 94


def test_a_terminal_gets_a_bar(hub):
    terminal, end = pty.openpty()
    script = "import sys; from toolkit.cli import main; sys.exit(main(['download', 'btc']))"
    environment = os.environ | {"COLUMNS": "100", "TERM": "xterm"}
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=end, env=environment, text=True
        )
        with process:
            out = process.stdout.read()
        shown = os.read(terminal, 100_000).decode()
    finally:
        os.close(terminal)
        os.close(end)
    assert process.returncode == 0
    assert out.startswith("3 of 3 files")
    assert "Downloading" in shown
    assert "3/3" in shown
    assert "━" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["btcc"], "Invalid value for 'SYMBOLS': 'btcc' is not supported; did you mean 'BTCUSDT'"),
        (["-t", "2h"], "'2h' is not supported; allowed are '15m', '1h' or '1d'"),
        (["--workers", "0"], "Invalid value for '--workers': "),
    ],
)
def test_words_that_mean_nothing_are_refused_before_anything_is_asked(hub, capsys, words, said):
    assert cli.main(["download", *words]) == 2
    assert said in capsys.readouterr().err
    assert hub.requests == []
