"""The alerts there are and what fired, kept in one small file."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import filelock
import pandas as pd

from toolkit import settings
from toolkit.alerts.alert import Alert, AlertError, Hit
from toolkit.candles import length_of

__all__ = ["KEPT", "Book", "Fired"]

KEPT = 500
"""So many of those that fired are kept, the newest."""

_VERSION = 1
_PATIENCE = 10.0  # seconds that another program may hold the file


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert whose rule held at the close of a candle."""

    alert: str
    """The alert's `id`."""
    symbol: str
    timeframe: str
    rule: str
    """The alert in words."""
    open_time: str
    """ISO 8601, UTC, as `known_at`, the candle's close."""
    known_at: str
    value: float
    """What the rule compared: the left side of the condition."""
    close: float
    origin: str
    synthetic: bool = False
    missed: bool = False
    """The candle closed while nobody watched: it is listed, and nobody was told."""
    told: Mapping[str, str] = field(default_factory=dict)
    """By whom is told, what came of it."""

    @property
    def text(self) -> str:
        """One line for people. What is no market of today says so first."""
        marks = [
            word
            for word, is_so in (("REPLAY", self.origin == "replay"), ("SYNTHETIC", self.synthetic))
            if is_so
        ]
        marks += ["MISSED"] if self.missed else []
        when = pd.Timestamp(self.known_at).strftime("%Y-%m-%d %H:%M")
        said = f"{self.symbol} {self.timeframe} · {self.rule} · close {self.close:,.10g} at {when} UTC"
        return " ".join([*marks, said])


class Book:
    """One file, `alerts.json` in the home folder: replaced whole or not at all, and locked while it changes,
    so that several programs may share it.

    Raises:
        AlertError: the file cannot be read, or is held by another program for too long.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = settings.folder("alerts") / "alerts.json" if path is None else path

    def alerts(self) -> dict[str, Alert]:
        """The alerts by id, in the order in which they were added, but for the `unusable` ones."""
        return {name: made for name, made in self._made().items() if isinstance(made, Alert)}

    def unusable(self) -> dict[str, str]:
        """By id, why an alert cannot be watched: its indicator is not registered any more, for example."""
        return {name: made for name, made in self._made().items() if isinstance(made, str)}

    def fired(self) -> list[Fired]:
        """What fired, the newest first."""
        return [Fired(**entry) for entry in reversed(self._read()["fired"])]

    def add(self, alert: Alert) -> str:
        """Keep an alert; the same rule again only changes who is told. Returns its id."""
        with self._changing() as content:
            entry = content["alerts"].setdefault(alert.id, {"seen": None})
            entry["alert"] = alert.to_dict()
        return alert.id

    def remove(self, name: str) -> None:
        """Forget an alert; what it fired stays listed. Raises `AlertError` where there is none."""
        with self._changing() as content:
            if name not in content["alerts"]:
                known = ", ".join(content["alerts"]) or "none"
                raise AlertError(f"Alerts: there is no alert {name!r}; there are: {known}")
            del content["alerts"][name]

    def clear(self) -> None:
        """Forget what fired."""
        with self._changing() as content:
            content["fired"] = []

    def judged(
        self,
        name: str,
        hits: Sequence[Hit],
        last: pd.Timestamp,
        *,
        synthetic: bool,
        origin: str,
        missed: bool,
    ) -> list[Fired]:
        """Write down that all candles up to `last` were judged, and those at which the alert fired. Returns
        the ones that nobody has written down before: only these may be told.

        An alert that is judged for the first time begins behind `last` where `missed` ones are looked for.
        """
        with self._changing() as content:
            entry = content["alerts"].get(name)
            if entry is None:
                return []
            seen = None if entry["seen"] is None else pd.Timestamp(entry["seen"])
            if seen is not None and last <= seen:
                return []
            if missed and seen is None:
                hits = []
            alert = Alert.from_dict(entry["alert"])
            fresh = [
                fired_of(alert, hit, synthetic=synthetic, origin=origin, missed=missed)
                for hit in hits
                if seen is None or hit.open_time > seen
            ]
            entry["seen"] = last.isoformat()
            content["fired"] = [*content["fired"], *map(asdict, fresh)][-KEPT:]
        return fresh

    def told(self, fired: Fired, target: str, result: str) -> None:
        """Write down what came of telling somebody."""
        with self._changing() as content:
            for entry in content["fired"]:
                if (entry["alert"], entry["open_time"]) == (fired.alert, fired.open_time):
                    entry["told"] = {**entry["told"], target: result}

    # ----

    def _made(self) -> dict[str, Alert | str]:
        """Each alert, or what is wrong with it: one must not hide the others."""
        made: dict[str, Alert | str] = {}
        for name, entry in self._read()["alerts"].items():
            try:
                made[name] = Alert.from_dict(entry["alert"])
            except (ValueError, KeyError, TypeError) as error:
                made[name] = f"{error}"
        return made

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if content["version"] != _VERSION:
                raise ValueError(f"it is of version {content['version']!r}, not {_VERSION}")
            return {"version": _VERSION, "alerts": dict(content["alerts"]), "fired": list(content["fired"])}
        except FileNotFoundError:
            return {"version": _VERSION, "alerts": {}, "fired": []}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AlertError(
                f"Alerts: {str(self.path)!r} cannot be read ({error}); move it away to begin anew"
            ) from error

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """The content, to be changed; written when all went well."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(f"{self.path}.lock", timeout=_PATIENCE):
                content = self._read()
                before, known = json.dumps(content), [*content["fired"], *content["alerts"]]
                yield content
                if (text := json.dumps(content)) != before:
                    # where the power fails, how far was judged may be lost: it is judged again, the same way
                    self._write(text, durable=known != [*content["fired"], *content["alerts"]])
        except filelock.Timeout as error:
            raise AlertError(f"Alerts: {str(self.path)!r} is held by another program") from error

    def _write(self, text: str, *, durable: bool) -> None:
        # for the owner only (mkstemp): the address of a webhook is often its secret
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".alerts-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def fired_of(alert: Alert, hit: Hit, *, synthetic: bool, origin: str, missed: bool = False) -> Fired:
    """What is told of a hit."""
    closed = hit.open_time + length_of(alert.timeframe)
    return Fired(
        alert.id,
        alert.symbol,
        alert.timeframe,
        alert.text,
        hit.open_time.isoformat(),
        closed.isoformat(),
        hit.value,
        hit.close,
        origin,
        synthetic,
        missed,
    )
