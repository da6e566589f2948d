"""Fetching one file from the hub with the real client, in bounded time.

huggingface_hub alone needs 23 s to say that nothing answers, over 6 minutes for a network that swallows
everything, and may repeat a broken transfer for ever. So: a probe of at most three seconds first, a circuit
breaker that remembers a hub that is down, and a transfer that is given up when nothing new arrives.
"""

from __future__ import annotations

import contextlib
import errno
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from toolkit import settings
from toolkit.sources.base import NotStored, SourceError

__all__ = [
    "FREE_SPACE",
    "HubRefused",
    "HubUnreachable",
    "Remote",
    "download",
    "forget_failures",
    "is_checksum",
]

PROBE_SECONDS = 3.0
"""How long the hub may take to say what it has."""
STALL_SECONDS = 4.5
"""How long a transfer may bring nothing new."""
PAUSE_SECONDS = 60.0
"""How long a hub that did not answer is not asked again, and one that did is not probed under the lock."""

FREE_SPACE = "free some space, or set TOOLKIT_HOME to a folder that can be written"
"""What to do when nothing can be written."""

_DISK_ERRORS = {errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}

_Result = TypeVar("_Result")


class HubUnreachable(SourceError):
    """The hub does not answer, or not properly; asking again later may help."""


class HubRefused(SourceError):
    """The hub does not give this dataset to us, or does not have it; something has to be set right first."""


class Remote(NamedTuple):
    """A dataset on a hub."""

    endpoint: str
    repository: str
    revision: str


def is_checksum(text: str) -> bool:
    """Whether an ETag names the content: a sha256 (large files) or git's sha1 of a blob (small ones).

    Anything else cannot be verified, and must not become a file name.
    """
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def download(remote: Remote, relative: str, cache: Path, *, again: bool = False) -> tuple[Path, str]:
    """Fetches ``relative`` into huggingface_hub's cache in the folder ``cache``.

    Args:
        again: even if it is there already.

    Returns:
        where it is, and its checksum by the hub; the bytes are yet to be compared with it.

    Raises:
        NotStored: the dataset has no such file.
        HubUnreachable: the hub cannot be reached, or the transfer stalled.
        HubRefused: the hub refuses the dataset.
        SourceError: the disk is full, or the hub does not say what the file's checksum is.
    """
    breaker = _breaker(remote.endpoint)
    checksum = breaker.ask(remote, lambda: _probe(remote, relative))
    if not is_checksum(checksum):
        raise SourceError(
            f"hub: {remote.endpoint} gives {checksum!r} as checksum of {relative}, which is none;"
            " what cannot be verified is not used"
        )
    blobs = cache / f"datasets--{remote.repository.replace('/', '--')}" / "blobs"
    progress = _Progress(blobs, checksum)
    work = _Background(lambda: _transfer(remote, relative, cache, again, progress))
    try:
        while not work.done.wait(0.05):
            if progress.idle() > STALL_SECONDS:
                progress.stop()
                raise HubUnreachable(f"hub: {remote.endpoint} sent nothing new for {STALL_SECONDS:g} s")
        return work.result(remote, relative), checksum
    except (HubUnreachable, HubRefused) as error:
        breaker.trip(remote, error)
        raise


def forget_failures() -> None:
    """Every hub may be asked again at once, as after a start."""
    with _breakers_lock:
        _breakers.clear()


@dataclass
class _Breaker:
    """Asks one hub; after a failure not again for a while, so that 114 files do not wait 114 times.

    A hub that cannot be reached is left alone altogether, one that refuses a dataset as to that dataset.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    failures: dict[Remote | None, tuple[HubUnreachable | HubRefused, float]] = field(default_factory=dict)
    answered_at: float = float("-inf")

    def ask(self, remote: Remote, question: Callable[[], _Result]) -> _Result:
        self._stop_if_failed(remote)
        if time.monotonic() - self.answered_at < PAUSE_SECONDS:
            return self._asked(remote, question)
        with self.lock:
            self._stop_if_failed(remote)
            return self._asked(remote, question)

    def trip(self, remote: Remote, error: HubUnreachable | HubRefused) -> None:
        if isinstance(error, HubUnreachable):
            self.failures[None], self.answered_at = (error, time.monotonic()), float("-inf")
        else:
            self.failures[remote] = error, time.monotonic()

    def _asked(self, remote: Remote, question: Callable[[], _Result]) -> _Result:
        try:
            answer = question()
        except (HubUnreachable, HubRefused) as error:
            self.trip(remote, error)
            raise
        self.answered_at = time.monotonic()
        return answer

    def _stop_if_failed(self, remote: Remote) -> None:
        for of in (None, remote):
            error, failed_at = self.failures.get(of, (None, float("-inf")))
            ago = time.monotonic() - failed_at
            if error is not None and ago < PAUSE_SECONDS:
                text = f"{error} ({ago:.0f} s ago; asked again after {PAUSE_SECONDS:.0f} s)"
                raise type(error)(text) from error


_breakers: dict[str, _Breaker] = {}
_breakers_lock = threading.Lock()


def _breaker(endpoint: str) -> _Breaker:
    with _breakers_lock:
        return _breakers.setdefault(endpoint, _Breaker())


def _probe(remote: Remote, relative: str) -> str:
    """The file's checksum by the hub."""
    if settings.hub_offline():
        raise SourceError(f"hub: {relative} was not downloaded before, and HF_HUB_OFFLINE is set")
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(
        remote.repository,
        relative,
        repo_type="dataset",
        revision=remote.revision,
        endpoint=remote.endpoint,
    )
    # In a thread: a timeout of the client starts afresh with each step, and looking up a name has none. The
    # client's own is longer, so that it is always the same one that ends it.
    longer = 2 * PROBE_SECONDS
    work = _Background(lambda: get_hf_file_metadata(url, timeout=longer, endpoint=remote.endpoint))
    if not work.done.wait(PROBE_SECONDS):
        raise HubUnreachable(f"hub: {remote.endpoint} did not answer within {PROBE_SECONDS:g} s")
    metadata = work.result(remote, relative)
    if not re.fullmatch(r"[0-9a-f]{40}", metadata.commit_hash or ""):
        raise HubUnreachable(f"hub: what answers at {remote.endpoint} is no hub (it names no commit)")
    return str(metadata.etag or "")


def _transfer(remote: Remote, relative: str, cache: Path, again: bool, progress: _Progress) -> Path:
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        """Draws nothing (the bars of several threads, in a page, would be noise), but tells of progress."""

        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **(named | {"disable": True}))  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> bool | None:
            progress.add(n or 0)
            return None

    # It reports progress once per chunk of 10 MB, more than most files have: a slow line would look dead.
    constants.DOWNLOAD_CHUNK_SIZE = 2**13
    return Path(
        hf_hub_download(
            remote.repository,
            relative,
            repo_type="dataset",
            revision=remote.revision,
            endpoint=remote.endpoint,
            cache_dir=cache,
            etag_timeout=PROBE_SECONDS,
            force_download=again,
            tqdm_class=Bar,
        )
    )


class _Background:
    """Something that is done in a thread nobody need wait for."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.done = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None
        self._work = work
        threading.Thread(target=self._run, name="toolkit-hub", daemon=True).start()

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - handed over to whoever asks for the result
            self._error = error
        finally:
            self.done.set()

    def result(self, remote: Remote, relative: str) -> Any:
        """What came out, errors of the client as ours."""
        if self._error is not None:
            raise _translated(self._error, remote, relative) from self._error
        return self._value


class _Progress:
    """Notices when a transfer brings new bytes; ends it on request.

    Another process may be fetching the same file, while the client waits for it: its unfinished file,
    which begins with the checksum, grows in the cache.
    """

    def __init__(self, blobs: Path, checksum: str) -> None:
        self._blobs, self._checksum = blobs, checksum
        self._bytes, self._most = 0, -1
        self._on_disk = self._size()
        self._moved = self._looked = time.monotonic()
        self._stopped = False

    def idle(self) -> float:
        """Seconds since the last new byte."""
        now = time.monotonic()
        if now - self._looked > 0.5:
            self._looked = now
            size = self._size()
            if size > self._on_disk:
                self._on_disk, self._moved = size, now
        return now - self._moved

    def stop(self) -> None:
        self._stopped = True

    def add(self, count: float) -> None:
        if self._stopped:
            raise HubUnreachable("hub: the transfer was given up")
        # A transfer that starts again subtracts what it had: only what was never reached before counts.
        self._bytes += int(count)
        if self._bytes > self._most:
            self._most, self._moved = self._bytes, time.monotonic()

    def _size(self) -> int:
        total = 0
        for path in self._blobs.glob(f"{self._checksum}*"):
            with contextlib.suppress(OSError):
                total += path.stat().st_size
        return total


def _translated(error: BaseException, remote: Remote, relative: str) -> BaseException:
    """The client's error as one of ours that says what to do."""
    import httpx2
    from huggingface_hub import errors

    where = f"{remote.repository} at {remote.endpoint}"
    if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
        return NotStored(f"hub: there is no {relative} in {where}")
    if isinstance(error, errors.RevisionNotFoundError):
        return HubRefused(f"hub: {where} has no revision {remote.revision!r}; check TOOLKIT_HUB_REVISION")
    if isinstance(error, errors.GatedRepoError):
        return HubRefused(f"hub: {where} asks for access: request it there and log in with 'hf auth login'")
    if isinstance(error, errors.RepositoryNotFoundError):
        return HubRefused(
            f"hub: there is no dataset {where}, or it is private; check TOOLKIT_HUB_REPOSITORY,"
            " or log in with 'hf auth login'"
        )
    if isinstance(error, errors.HfHubHTTPError) and error.response.status_code in (401, 403):
        return HubRefused(f"hub: {where} refuses ({error.response.status_code}); log in with 'hf auth login'")
    # Writing to a full disk raises without a name of a file; opening one that is not allowed, with it.
    if isinstance(error, OSError) and (error.errno in _DISK_ERRORS or error.filename is not None):
        named = f" in {error.filename!r}" if error.filename is not None else ""
        return SourceError(f"hub: cannot keep the download{named} ({error.strerror or error}); {FREE_SPACE}")
    if isinstance(error, (OSError, httpx2.HTTPError)):
        return HubUnreachable(f"hub: {remote.endpoint} cannot be reached or broke off ({_brief(error)})")
    if isinstance(error, SourceError) or not isinstance(error, Exception):
        return error
    return SourceError(f"hub: {where} could not be read ({_brief(error)})")


def _brief(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
