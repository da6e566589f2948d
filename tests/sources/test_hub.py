"""The hub source, with the real huggingface_hub client, against a stand-in on this machine."""

import contextlib
import io
import os
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from sources import hub_stand_in as faults
from sources.hub_stand_in import COMMIT, HubStandIn

from toolkit.sources import download
from toolkit.sources.base import NotStored, SourceError
from toolkit.sources.download import HubRefused, HubUnreachable
from toolkit.sources.hub import HubSource

PATH = "klines/BTCUSDT/BTC_1h.parquet"


def parquet(seed=0):
    times = pd.date_range("2024-01-01", periods=3_000, freq="h")
    file = io.BytesIO()
    pd.DataFrame({"open_time": times, "close": [float(seed + i) for i in range(3_000)]}).to_parquet(file)
    return file.getvalue()


CONTENT = parquet()
PROBE_IN_EARNEST, STALL_IN_EARNEST = download.PROBE_SECONDS, download.STALL_SECONDS


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    # As bounded as in earnest, but quicker to test.
    monkeypatch.setattr(download, "PROBE_SECONDS", 1.0)
    monkeypatch.setattr(download, "STALL_SECONDS", 1.0)
    download.forget_failures()
    return tmp_path / "home"


@pytest.fixture
def hub():
    with HubStandIn({PATH: CONTENT}) as stand_in:
        yield stand_in


def source(hub, **named):
    return HubSource(**({"repository": "owner/candles", "endpoint": hub.endpoint} | named))


def read(hub, **named):
    return source(hub, **named).find("BTCUSDT", "1h").read()


def blob(home):
    (path,) = [path for path in home.rglob("blobs/*") if path.is_file()]
    return path


def test_downloaded_once_verified_and_kept(hub):
    raw = read(hub)
    assert raw.revision == COMMIT
    assert raw.table["close"].tolist() == [float(i) for i in range(3_000)]
    asked = len(hub.requests)
    assert read(hub).revision == COMMIT
    assert len(hub.requests) == asked, "the second time nothing is asked"


def test_what_was_downloaded_needs_no_hub(hub, monkeypatch):
    read(hub)
    hub.fault = faults.status(500)
    assert len(read(hub).table) == 3_000
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert len(read(hub).table) == 3_000


def test_a_pinned_commit(hub):
    read(hub, revision=COMMIT)
    hub.fault = faults.status(500)
    assert read(hub, revision=COMMIT).revision == COMMIT


def test_another_revision_is_not_taken_for_this_one(hub):
    read(hub)
    with pytest.raises(SourceError, match=r"no revision 'v2'.*TOOLKIT_HUB_REVISION"):
        read(hub, revision="v2")


def test_a_file_of_an_earlier_commit_serves_where_the_hub_is_gone(hub, caplog):
    """BTC is fetched, the dataset moves on, ETH is fetched, and then there is no network."""
    read(hub)
    hub.commit = "f" * 40
    hub.files["klines/ETHUSDT/ETH_1h.parquet"] = parquet(1)
    assert source(hub).find("ETHUSDT", "1h").read().revision == "f" * 40
    hub.fault = faults.status(500)
    assert read(hub).revision == COMMIT, "it says which commit it is of"
    assert f"commit {COMMIT}" in caplog.text
    with pytest.raises(SourceError):
        read(hub, revision="v2")
    hub.fault = None
    download.forget_failures()
    assert read(hub).revision == "f" * 40, "with a network, all are of one commit"


def test_small_files_that_git_holds(hub):
    hub.git_files.add(PATH)
    assert len(read(hub).table) == 3_000


def test_a_slow_transfer_is_waited_for(hub):
    hub.fault = faults.slow(2.5)
    started = time.monotonic()
    assert len(read(hub).table) == 3_000
    assert time.monotonic() - started > 2


def test_settings_are_used(hub, monkeypatch):
    monkeypatch.setenv("TOOLKIT_HUB_REPOSITORY", "owner/candles")
    monkeypatch.setenv("TOOLKIT_HUB_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("TOOLKIT_HUB_REVISION", COMMIT)
    assert HubSource().find("BTCUSDT", "1h").read().revision == COMMIT
    assert f"/resolve/{COMMIT}/" in hub.requests[0][1]


# --- refresh --------------------------------------------------------------------------------------------


def now():
    return pd.Timestamp.now("UTC")


def test_it_says_when_a_file_was_fetched(hub):
    before = now().floor("s")
    first = source(hub).find("BTCUSDT", "1h")
    assert before <= first.fetched <= now()
    assert source(hub).find("BTCUSDT", "1h").fetched == first.fetched


def test_refresh_of_a_file_that_has_not_changed_transfers_nothing(hub):
    first = source(hub).find("BTCUSDT", "1h")
    time.sleep(0.02)
    again = source(hub).find("BTCUSDT", "1h", refresh=True)
    assert again.fetched > first.fetched, "it is known to be the newest until now"
    assert again.written == first.written
    assert again.identity == first.identity
    assert (again.warning, hub.count("GET")) == ("", 1)
    assert source(hub).find("BTCUSDT", "1h").fetched == again.fetched


def test_refresh_brings_what_is_new(hub):
    read(hub)
    hub.commit, hub.files[PATH] = "f" * 40, parquet(7)
    assert read(hub).revision == COMMIT, "not by itself"
    stored = source(hub).find("BTCUSDT", "1h", refresh=True)
    assert stored.read().revision == "f" * 40
    assert stored.read().table["close"].iloc[0] == 7.0
    hub.fault = faults.status(500)
    assert read(hub).revision == "f" * 40


@pytest.mark.parametrize("fault", [faults.status(503), faults.status(401), faults.silent])
def test_refresh_without_a_hub_says_how_old_it_is(hub, fault):
    first = source(hub).find("BTCUSDT", "1h")
    hub.fault = fault
    started = time.monotonic()
    stored = source(hub).find("BTCUSDT", "1h", refresh=True)
    assert time.monotonic() - started < 4
    assert stored.read().revision == COMMIT
    assert stored.fetched == first.fetched
    assert f"of commit {COMMIT}, which was the newest on {first.fetched:%Y-%m-%d %H:%M} UTC" in stored.warning


def test_refresh_of_a_transfer_that_breaks_off_keeps_the_old_file(hub):
    read(hub)
    hub.commit, hub.files[PATH] = "f" * 40, parquet(7)
    hub.fault = faults.truncated
    stored = source(hub).find("BTCUSDT", "1h", refresh=True)
    assert stored.warning
    assert stored.read().revision == COMMIT


def test_a_pinned_commit_needs_no_refresh(hub):
    read(hub, revision=COMMIT)
    asked = len(hub.requests)
    source(hub, revision=COMMIT).find("BTCUSDT", "1h", refresh=True)
    assert len(hub.requests) == asked


# --- damage ---------------------------------------------------------------------------------------------


def test_a_corrupt_body_of_the_right_size_is_fetched_again(hub):
    hub.fault = faults.corrupt(1)
    assert read(hub).table["close"].tolist() == [float(i) for i in range(3_000)]
    assert hub.count("GET") == 2


def test_a_body_that_stays_corrupt_never_becomes_a_price(hub, home):
    hub.fault = faults.corrupt()
    with pytest.raises(SourceError, match=r"BTC_1h\.parquet is damaged.*also when it was fetched again"):
        read(hub)
    assert not [path for path in home.rglob("blobs/*") if path.is_file()], "it is not left behind"
    hub.fault = None
    assert len(read(hub).table) == 3_000


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "longer"])
def test_a_damaged_file_in_the_cache_is_repaired(hub, home, damage):
    read(hub)
    path = blob(home)
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    elif damage == "longer":
        content += b"!"
    else:
        del content[0 if damage == "empty" else 500 :]
    path.write_bytes(content)
    assert len(read(hub).table) == 3_000
    assert blob(home).read_bytes() == CONTENT


def test_every_flipped_bit_and_every_truncation_of_a_cached_file_is_noticed(hub, home):
    """200 bits and 20 lengths, with a hub that is down: an error each time, and never a price."""
    read(hub)
    path = blob(home)
    hub.fault = faults.status(503)
    random = np.random.default_rng(4)
    damaged = []
    for at in random.integers(0, 8 * len(CONTENT), 200):
        content = bytearray(CONTENT)
        content[at // 8] ^= 1 << (at % 8)
        damaged.append(bytes(content))
    damaged += [CONTENT[:size] for size in np.linspace(0, len(CONTENT) - 1, 20, dtype=int)]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(SourceError, match="is damaged"):
            read(hub)
    assert hub.count("HEAD") <= 3, "and the hub is not asked 220 times"
    path.write_bytes(CONTENT)
    assert len(read(hub).table) == 3_000


def test_a_damaged_file_and_no_hub(hub, home):
    read(hub)
    blob(home).write_bytes(CONTENT[:500])
    hub.fault = faults.status(503)
    with pytest.raises(
        SourceError, match=r"is damaged .500 bytes.*fetching it again failed.*cannot be reached"
    ):
        read(hub)


def test_a_file_without_links_is_verified_by_a_note(hub, home):
    """Where there are no symbolic links, the client puts the file itself into the snapshot."""
    read(hub)
    (pointer,) = home.rglob("snapshots/*/klines/BTCUSDT/BTC_1h.parquet")
    content = pointer.read_bytes()
    pointer.unlink()
    pointer.write_bytes(content)
    read(hub)
    assert hub.count("GET") == 2, "without a note it cannot be verified, so it is fetched again"
    pointer.unlink()
    pointer.write_bytes(content)
    note = pointer.with_name("BTC_1h.parquet.checksum")
    note.write_text(hub.checksum(PATH))
    read(hub)
    assert hub.count("GET") == 2
    note.write_text("0" * 64)
    read(hub)
    assert hub.count("GET") == 3


# --- faults ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (
            faults.status(401, "RepoNotFound"),
            HubRefused,
            "no dataset owner/candles .*TOOLKIT_HUB_REPOSITORY",
        ),
        (faults.status(401), HubRefused, "refuses .401.; log in"),
        (faults.status(403, "GatedRepo"), HubRefused, "asks for access"),
        (faults.status(403), HubRefused, "refuses .403."),
        (faults.status(404, "RepoNotFound"), HubRefused, "no dataset owner/candles"),
        (faults.status(404, "EntryNotFound"), NotStored, "there is no klines/BTCUSDT/BTC_1h.parquet"),
        (faults.status(404, "RevisionNotFound"), HubRefused, "no revision 'main'"),
        (faults.status(404), HubUnreachable, "404"),
        (faults.status(429), HubUnreachable, "429"),
        (faults.status(500), HubUnreachable, "500"),
        (faults.status(503), HubUnreachable, "503"),
        (faults.status(500, method="GET"), HubUnreachable, "500"),
        (faults.silent, HubUnreachable, "did not answer within 1 s"),
        (faults.stalled, HubUnreachable, "sent nothing new for 1 s"),
        (faults.truncated, HubUnreachable, "sent nothing new for 1 s"),
        (faults.etag("../../../evil"), SourceError, "'../../../evil' as checksum.*not used"),
        (faults.etag(""), SourceError, "cannot be verified"),
        (faults.etag("abc"), SourceError, "cannot be verified"),
        (faults.etag("A" * 64), SourceError, "cannot be verified"),
        (faults.etag("/etc/passwd" + "0" * 53), SourceError, "cannot be verified"),
        (faults.etag("%2e%2e%2f" * 7), SourceError, "cannot be verified"),
    ],
)
def test_every_fault_ends_soon_with_a_reason(hub, home, fault, kind, message):
    hub.fault = fault
    started = time.monotonic()
    with pytest.raises(SourceError, match=message) as caught:
        read(hub)
    assert type(caught.value) is kind
    assert time.monotonic() - started < 4
    assert not [path for path in home.rglob("*.parquet") if path.is_file()]


def test_a_file_the_dataset_does_not_have(hub):
    with pytest.raises(NotStored, match=r"klines/ETHUSDT/ETH_15m.parquet"):
        source(hub).find("ETHUSDT", "15m")


def test_nothing_listens():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(HubUnreachable, match="cannot be reached"):
            HubSource(repository="owner/candles", endpoint=endpoint).find("BTCUSDT", "1h")
        assert time.monotonic() - started < 3


def test_a_checksum_of_other_content_is_believed_not_the_content(hub):
    hub.fault = faults.etag("0" * 64)
    with pytest.raises(SourceError, match=r"is damaged.*also when it was fetched again"):
        read(hub)


def test_a_network_that_swallows_everything():
    """Connections are neither taken nor refused: the queue of those that wait for it is full."""
    with socket.socket() as hole, contextlib.ExitStack() as waiting:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(8):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(hole.getsockname())
        endpoint = f"http://127.0.0.1:{hole.getsockname()[1]}"
        started = time.monotonic()
        # A kernel under load may still take one in, and break it off.
        with pytest.raises(HubUnreachable, match=r"did not answer within 1 s|cannot be reached or broke off"):
            HubSource(repository="owner/candles", endpoint=endpoint).find("BTCUSDT", "1h")
        assert time.monotonic() - started < 3


def test_a_name_that_is_looked_up_for_ever(monkeypatch):
    ended = threading.Event()

    def lookup(*args, **named):
        ended.wait(30)
        raise socket.gaierror("given up")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    started = time.monotonic()
    try:
        with pytest.raises(HubUnreachable, match="did not answer within 1 s"):
            HubSource(repository="owner/candles", endpoint="http://hub.example").find("BTCUSDT", "1h")
        assert time.monotonic() - started < 3
    finally:
        ended.set()


def test_the_bounds_in_earnest():
    assert PROBE_IN_EARNEST <= 3.0
    assert STALL_IN_EARNEST <= 5.0


def test_offline_says_so(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SourceError, match="HF_HUB_OFFLINE"):
        read(hub)
    assert hub.requests == []


def test_no_place_to_keep_downloads(hub, home):
    home.mkdir()
    (home / "hub").write_text("a file is in the way")
    with pytest.raises(SourceError, match=r"no place to keep downloads.*TOOLKIT_HOME"):
        read(hub)


@pytest.mark.parametrize("names", [(), ("blobs/x.incomplete",)], ids=["on write", "on open"])
def test_a_full_disk(hub, monkeypatch, names):
    def full(*args, **named):
        raise OSError(28, "No space left on device", *names)

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    with pytest.raises(SourceError, match=r"cannot keep the download.*No space left.*TOOLKIT_HOME") as caught:
        read(hub)
    assert type(caught.value) is SourceError, "the hub is not to blame"


def test_a_disk_that_is_really_full(hub, home):
    """A process of its own may write no file above 20 kB: the system refuses what would be larger."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from toolkit.sources.hub import HubSource\n"
        f"HubSource(repository='owner/candles', endpoint={hub.endpoint!r}).find('BTCUSDT', '1h')"
    )
    environment = os.environ | {"TOOLKIT_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert time.monotonic() - started < 15
    assert "SourceError: hub: cannot keep the download (File too large); free some space" in done.stderr
    assert not [path for path in home.rglob("*") if path.is_file() and path.stat().st_size >= 20_000]


# --- circuit breaker ------------------------------------------------------------------------------------


def test_a_hub_that_is_down_is_asked_once(hub):
    hub.fault = faults.status(503)
    for _ in range(38):
        with pytest.raises(HubUnreachable, match="503"):
            read(hub)
    assert len(hub.requests) == 1


@pytest.mark.parametrize(("status", "code"), [(401, ""), (404, "RepoNotFound"), (404, "RevisionNotFound")])
def test_a_hub_that_refuses_is_asked_once(hub, status, code):
    hub.fault = faults.status(status, code)
    for _ in range(38):
        with pytest.raises(HubRefused):
            read(hub)
    assert len(hub.requests) == 1


def test_it_is_asked_again_after_a_pause(hub, monkeypatch):
    hub.fault = faults.status(503)
    with pytest.raises(HubUnreachable):
        read(hub)
    hub.fault = None
    with pytest.raises(HubUnreachable, match="ago; asked again after"):
        read(hub)
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    assert len(read(hub).table) == 3_000


def test_a_stalled_transfer_opens_it_too(hub):
    hub.fault = faults.stalled
    with pytest.raises(HubUnreachable, match="nothing new"):
        read(hub)
    started = time.monotonic()
    with pytest.raises(HubUnreachable, match="nothing new"):
        read(hub)
    assert time.monotonic() - started < 0.2


def test_a_missing_file_does_not_open_it(hub):
    with pytest.raises(NotStored):
        source(hub).find("ETHUSDT", "1h")
    assert len(read(hub).table) == 3_000


def test_one_hubs_failure_is_not_anothers(hub):
    with HubStandIn({PATH: CONTENT}) as other:
        other.fault = faults.status(500)
        with pytest.raises(HubUnreachable):
            read(other)
        assert len(read(hub).table) == 3_000
