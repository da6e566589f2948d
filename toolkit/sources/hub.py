"""The hub source: the dataset on the Hugging Face hub, downloaded once, verified whenever it is read.

Files lie in huggingface_hub's own cache layout under ``settings.folder("hub")``: ``refs/<revision>`` holds
the commit, ``snapshots/<commit>/<path>`` points to ``blobs/<checksum>``. What is there is found without
huggingface_hub, for importing that takes longer than reading the candles.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from toolkit import settings
from toolkit.sources.base import NotStored, Raw, SourceError, Stored, file_identity, relative_path
from toolkit.sources.download import Remote, download, is_checksum
from toolkit.sources.folder import read_parquet

__all__ = ["HubSource"]

_log = logging.getLogger(__name__)


class HubSource:
    """The dataset on the Hugging Face hub, from the cache where it is there, else from the network.

    What is read is compared with the checksum that the hub gave for it; a file that differs is fetched
    once more, and if that one differs too, nothing is returned. The frame's ``revision`` is the commit.

    Args:
        repository: the dataset, ``"owner/name"``; default: the settings.
        revision: branch, tag or commit; default: the settings.
        endpoint: the hub's address; default: the settings.

    Raises:
        SettingsError: one of them cannot be.
    """

    name = "hub"

    def __init__(
        self, *, repository: str | None = None, revision: str | None = None, endpoint: str | None = None
    ) -> None:
        self.revision = settings.hub_revision(revision)
        self.repository = settings.hub_repository(repository)
        self._remote = Remote(settings.hub_endpoint(endpoint), self.repository, self.revision)

    def find(self, symbol: str, timeframe: str) -> Stored:
        """See :class:`toolkit.sources.base.Source`. Uses the network only for what is not there."""
        relative = relative_path(symbol, timeframe)
        path = self._cached(relative) or self._fetched(relative)
        commit = _commit(path, relative)
        return Stored(
            identity=(commit, file_identity(path)),
            read=lambda: Raw(read_parquet(self._verified(path, relative), str(path)), commit),
        )

    def _cached(self, relative: str) -> Path | None:
        """The file of an earlier download, unverified."""
        commits = (
            [self.revision]
            if _is_commit(self.revision)
            else _commits(self._folder() / "refs" / self.revision)
        )
        return self._snapshot(commits, relative)

    def _fetched(self, relative: str) -> Path:
        """The file from the network; without one, of an earlier commit that this branch has been at."""
        try:
            path = self._download(relative)
        except NotStored:
            raise
        except SourceError as error:
            earlier = self._snapshot(reversed(_commits(self._history())), relative)
            if earlier is None:
                raise
            _log.warning("%s; using %s of commit %s", error, relative, _commit(earlier, relative))
            return earlier
        # The branch moves on with every file that is fetched later; those fetched before stay behind.
        commit, history = _commit(path, relative), self._history()
        if not _is_commit(self.revision) and commit not in _commits(history):
            history.parent.mkdir(parents=True, exist_ok=True)
            with history.open("a", encoding="ascii") as file:
                file.write(f"{commit}\n")
        return path

    def _snapshot(self, commits: Iterable[str], relative: str) -> Path | None:
        paths = (self._folder() / "snapshots" / commit / relative for commit in commits)
        return next((path for path in paths if path.is_file()), None)

    def _download(self, relative: str, *, again: bool = False) -> Path:
        path, checksum = download(self._remote, relative, _cache(), again=again)
        if not path.is_symlink():
            _note_path(path).write_text(checksum, encoding="ascii")
        return path

    def _verified(self, path: Path, relative: str) -> bytes:
        """The file's bytes, if they are what the hub says they are."""
        for attempt in ("cached", "fetched again"):
            content, fault = _read(path)
            if content is not None:
                return content
            if attempt == "cached":
                try:
                    path = self._download(relative, again=True)
                except SourceError as error:
                    raise SourceError(
                        f"hub: {relative} {fault}; fetching it again failed: {error}"
                    ) from error
        # Not left behind: the next attempt starts from nothing.
        for damaged in (path.resolve(), path):
            with contextlib.suppress(OSError):
                damaged.unlink()
        raise SourceError(f"hub: {relative} {fault}, also when it was fetched again; try later")

    def _folder(self) -> Path:
        return _cache() / f"datasets--{self.repository.replace('/', '--')}"

    def _history(self) -> Path:
        """Where the commits are noted that the branch was at when files were fetched."""
        return _cache() / "history" / self._folder().name / f"{quote(self.revision, safe='')}.txt"


def _cache() -> Path:
    try:
        return settings.folder("hub")
    except settings.SettingsError as error:
        raise SourceError(f"hub: there is no place to keep downloads: {error}") from error


def _read(path: Path) -> tuple[bytes | None, str]:
    """The bytes, or what is wrong with them."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, f"cannot be read ({error})"
    checksum = _expected(path)
    if len(checksum) == 64:
        actual = hashlib.sha256(content).hexdigest()
    else:
        # A small file that git itself holds is named by git's checksum of a blob.
        header = f"blob {len(content)}\0".encode()
        actual = hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
    if actual != checksum:
        return None, f"is damaged ({len(content):,} bytes whose checksum is not that of the hub)"
    return content, ""


def _expected(path: Path) -> str:
    """The checksum the hub gave: the blob's name, or a note beside the file where there are no links."""
    name = path.readlink().name if path.is_symlink() else ""
    if not name:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            name = _note_path(path).read_text(encoding="ascii").strip()
    return name if is_checksum(name) else ""


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.checksum")


def _is_commit(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{40}", text) is not None


def _commits(path: Path) -> list[str]:
    """The commits named in a file, a line each."""
    try:
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
    return [line for line in lines if _is_commit(line)]


def _commit(path: Path, relative: str) -> str:
    """The commit is the folder of the snapshot."""
    return path.parents[relative.count("/")].name
