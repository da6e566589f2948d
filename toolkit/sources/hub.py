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
from typing import NamedTuple
from urllib.parse import quote

import pandas as pd

from toolkit import settings
from toolkit.sources.base import NotStored, Raw, SourceError, Stored, file_identity, relative_path, written_at
from toolkit.sources.download import FREE_SPACE, Remote, download, is_checksum
from toolkit.sources.tables import read_parquet

__all__ = ["Fetched", "HubSource"]

_log = logging.getLogger(__name__)


class Fetched(NamedTuple):
    """A file of the hub that is on this disk, and is what the hub says it is."""

    size: int
    """Its bytes."""
    commit: str
    new: bool
    """It was transferred just now."""
    warning: str
    """Why it may not be the newest, where a newer one was asked for in vain."""


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

    def find(self, symbol: str, timeframe: str, *, refresh: bool = False) -> Stored:
        """See :class:`toolkit.sources.base.Source`.

        Uses the network only for what is not there, and to ``refresh``: where the file has not changed,
        that transfers nothing. If the hub cannot be asked, an older version serves, with a ``warning``.
        """
        relative = relative_path(symbol, timeframe)
        path, warning = self._found(relative, refresh)
        commit = _commit(path, relative)
        return Stored(
            identity=(commit, file_identity(path)),
            read=lambda: Raw(read_parquet(self._verified(path, relative), str(path)), commit),
            written=written_at(path),
            fetched=self._confirmed(relative, commit) or written_at(path),
            warning=warning,
        )

    def fetch(self, symbol: str, timeframe: str, *, refresh: bool = False) -> Fetched:
        """Has the file of a supported symbol and timeframe on this disk, verified, without decoding it.

        Raises:
            NotStored: the hub has no such file.
            SourceError: it is not there and cannot be fetched.
        """
        relative = relative_path(symbol, timeframe)
        before = _identity(self._cached(relative))
        path, warning = self._found(relative, refresh)
        content = self._verified(path, relative)
        # Where a damaged file was replaced, the path is the same and the file another one.
        return Fetched(len(content), _commit(path, relative), _identity(path) != before, warning)

    def _found(self, relative: str, refresh: bool) -> tuple[Path, str]:
        """The file, fetched if need be, and a text where it may not be the newest."""
        cached = self._cached(relative)
        # A commit never changes.
        if cached is not None and not (refresh and not is_commit(self.revision)):
            return cached, ""
        return self._fetched(relative, cached)

    def _cached(self, relative: str) -> Path | None:
        """The file of an earlier download, unverified."""
        commits = (
            [self.revision] if is_commit(self.revision) else _commits(self._folder() / "refs" / self.revision)
        )
        return self._snapshot(commits, relative)

    def _fetched(self, relative: str, cached: Path | None) -> tuple[Path, str]:
        """The file from the network, or an older one and a text that says so.

        Older is what was there already, or the file of an earlier commit that this branch has been at.
        """
        try:
            path = self._download(relative)
        except NotStored:
            raise
        except SourceError as error:
            older = cached or self._snapshot(reversed(_commits(self._history())), relative)
            if older is None:
                raise
            commit = _commit(older, relative)
            since = self._confirmed(relative, commit) or written_at(older)
            known = f"the newest on {since:%Y-%m-%d %H:%M} UTC"
            warning = f"{error}; using {relative} of commit {commit}, which was {known}"
            _log.warning("%s", warning)
            return older, warning
        if not is_commit(self.revision):
            try:
                self._remember(relative, _commit(path, relative))
            except OSError as error:
                _log.warning("when %s was fetched is not kept: %s", relative, error)
        return path, ""

    def _remember(self, relative: str, commit: str) -> None:
        """Notes that the hub has just named this commit for the file.

        The branch moves on with every file that is fetched later; those fetched before stay behind.
        """
        history, note = self._history(), self._confirmation(relative)
        note.parent.mkdir(parents=True, exist_ok=True)
        if commit not in _commits(history):
            with history.open("a", encoding="ascii") as file:
                file.write(f"{commit}\n")
        note.write_text(f"{commit}\n", encoding="ascii")

    def _confirmed(self, relative: str, commit: str) -> pd.Timestamp | None:
        """When the hub last named this commit for the file; None where that is not known."""
        note = self._confirmation(relative)
        return written_at(note) if _commits(note) == [commit] else None

    def _snapshot(self, commits: Iterable[str], relative: str) -> Path | None:
        paths = (self._folder() / "snapshots" / commit / relative for commit in commits)
        return next((path for path in paths if path.is_file()), None)

    def _download(self, relative: str, *, again: bool = False) -> Path:
        path, checksum = download(self._remote, relative, _cache(), again=again)
        if not path.is_symlink():
            try:
                _note_path(path).write_text(checksum, encoding="ascii")
            except OSError as error:
                raise SourceError(
                    f"hub: cannot keep the checksum of {relative} ({error}); {FREE_SPACE}"
                ) from error
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
        return self._notes() / "commits.txt"

    def _confirmation(self, relative: str) -> Path:
        """Holds the commit that the hub named for a file; its age is that of the answer."""
        return self._notes() / f"{relative}.txt"

    def _notes(self) -> Path:
        return _cache() / "history" / self._folder().name / quote(self.revision, safe="")


def _identity(path: Path | None) -> object:
    """Of the bytes that a path leads to: two commits can share them."""
    return None if path is None else file_identity(path.resolve())


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


def is_commit(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{40}", text) is not None


def _commits(path: Path) -> list[str]:
    """The commits named in a file, a line each."""
    try:
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
    return [line for line in lines if is_commit(line)]


def _commit(path: Path, relative: str) -> str:
    """The commit is the folder of the snapshot."""
    return path.parents[relative.count("/")].name
