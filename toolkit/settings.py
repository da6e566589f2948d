"""Where things are kept and which settings hold: argument, then environment, then file, then default.

Only the standard library and platformdirs are used here, so that every other module can import it.

========================  ============================  =============================================
name (in settings.toml)   environment                   default
========================  ============================  =============================================
``source``                ``TOOLKIT_SOURCE``            ``auto``
``hub_repository``        ``TOOLKIT_HUB_REPOSITORY``    ``zongowo111/v2-crypto-ohlcv-data``
``hub_revision``          ``TOOLKIT_HUB_REVISION``      ``main``
``hub_endpoint``          ``TOOLKIT_HUB_ENDPOINT``      ``HF_ENDPOINT``, else ``https://huggingface.co``
``live``                  ``TOOLKIT_LIVE``              ``off``
``live_stream``           ``TOOLKIT_LIVE_STREAM``       the exchange's own address
``live_rest``             ``TOOLKIT_LIVE_REST``         the exchange's own address
========================  ============================  =============================================

The folder itself is ``TOOLKIT_HOME``, else the user's cache folder; ``settings.toml`` lies in it.
An empty environment variable counts as not set.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

__all__ = [
    "FOLDERS",
    "LIVE",
    "SOURCES",
    "SettingsError",
    "folder",
    "home",
    "hub_endpoint",
    "hub_offline",
    "hub_repository",
    "hub_revision",
    "live",
    "live_rest",
    "live_stream",
    "source",
]

SOURCES = ("auto", "hub", "sample")
"""Sources that have a name; anything else is the path of a folder."""

LIVE = ("off", "binance", "binance-us")
"""Exchanges that candles are followed from as they happen."""

FOLDERS = ("hub", "candles", "sample", "kernels", "presets", "layouts", "watchlists", "live", "alerts")
"""Folders of :func:`home`, one for each kind of file that is kept."""

_DEFAULTS = {
    "source": "auto",
    "hub_repository": "zongowo111/v2-crypto-ohlcv-data",
    "hub_revision": "main",
    "hub_endpoint": "https://huggingface.co",
    "live": "off",
    "live_stream": "",
    "live_rest": "",
}
_TRUE = {"1", "true", "yes", "on"}


class SettingsError(ValueError):
    """A setting has a value it cannot have; the message says which, where it was set and what is allowed."""


def home() -> Path:
    """The folder for everything the toolkit keeps on disk (it need not exist yet).

    ``TOOLKIT_HOME`` (``~`` is expanded, a relative path is taken from the working directory), else the
    user's cache folder for ``system-v4``.

    Raises:
        SettingsError: the path exists and is not a folder.
    """
    named = os.environ.get("TOOLKIT_HOME", "").strip()
    path = _absolute(named) if named else platformdirs.user_cache_path("system-v4", appauthor=False)
    if path.exists() and not path.is_dir():
        raise SettingsError(f"TOOLKIT_HOME: {str(path)!r} is not a folder; name a folder to keep files in")
    return path


def folder(name: str) -> Path:
    """``home() / name``, made if it is not there yet.

    Raises:
        SettingsError: ``name`` is not one of :data:`FOLDERS`, or the folder cannot be made.
    """
    if name not in FOLDERS:
        raise SettingsError(f"folder: name {name!r} is not one of {', '.join(FOLDERS)}")
    path = home() / name
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"folder: cannot make {str(path)!r} ({error.strerror or error});"
            " set TOOLKIT_HOME to a folder that can be written"
        ) from error
    return path


def source(value: str | os.PathLike[str] | None = None) -> str:
    """Where candles come from: ``"auto"``, ``"hub"``, ``"sample"``, or the absolute path of a folder.

    A relative path given as argument or in the environment is taken from the working directory, one in
    ``settings.toml`` from that file's folder. Names win over folders: write ``./sample`` for a folder
    called ``sample``. Whether the folder is there is checked when it is read.

    Raises:
        SettingsError: the value is no text or path.
    """
    text, where = _get("source", value)
    if text.lower() in SOURCES:
        return text.lower()
    if where == "argument" or where.startswith("TOOLKIT_"):
        return str(_absolute(text))
    return str(_absolute(text, start=home()))


def hub_repository(value: str | None = None) -> str:
    """The dataset on the Hugging Face hub, ``"owner/name"``."""
    text, where = _get("hub_repository", value)
    owner, _, name = text.partition("/")
    if not owner or not name or "/" in name or any(c.isspace() for c in text) or ".." in text:
        raise SettingsError(f"hub_repository: {text!r} ({where}) is not of the form 'owner/name'")
    return text


def hub_revision(value: str | None = None) -> str:
    """Branch, tag or commit of the dataset that is read."""
    text, where = _get("hub_revision", value)
    if any(c.isspace() for c in text) or ".." in text or text.startswith(("/", "-")):
        raise SettingsError(f"hub_revision: {text!r} ({where}) is not a branch, tag or commit")
    return text


def hub_endpoint(value: str | None = None) -> str:
    """Address of the hub, without a slash at the end."""
    text, where = _get("hub_endpoint", value, also="HF_ENDPOINT")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(
            f"hub_endpoint: {text!r} ({where}) is not an address such as {_DEFAULTS['hub_endpoint']!r}"
        )
    return text.rstrip("/")


def live(value: str | None = None) -> str:
    """Which exchange the service follows: one of :data:`LIVE`."""
    text, where = _get("live", value)
    if text.lower() not in LIVE:
        raise SettingsError(f"live: {text!r} ({where}) is not one of {', '.join(LIVE)}")
    return text.lower()


def live_stream(value: str | None = None) -> str:
    """Address of the exchange's WebSocket, without a path; empty: its own."""
    return _address("live_stream", value, ("ws", "wss"), "wss://data-stream.binance.vision")


def live_rest(value: str | None = None) -> str:
    """Address of the exchange's REST service, without a path; empty: its own."""
    return _address("live_rest", value, ("http", "https"), "https://data-api.binance.vision")


def _address(name: str, value: str | None, schemes: tuple[str, ...], example: str) -> str:
    text, where = _get(name, value)
    parts = urlsplit(text)
    if text and (parts.scheme not in schemes or not parts.hostname):
        raise SettingsError(f"{name}: {text!r} ({where}) is not an address such as {example!r}")
    return text.rstrip("/")


def hub_offline() -> bool:
    """Whether ``HF_HUB_OFFLINE`` asks for no network use; read afresh, unlike in huggingface_hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in _TRUE


def _get(name: str, argument: object, *, also: str | None = None) -> tuple[str, str]:
    """The text of a setting and where it came from."""
    if argument is not None:
        if isinstance(argument, os.PathLike):
            argument = os.fspath(argument)
        if not isinstance(argument, str) or not argument.strip():
            raise SettingsError(f"{name}: {argument!r} is not a non-empty text")
        return argument.strip(), "argument"
    for variable in (f"TOOLKIT_{name.upper()}", also):
        text = os.environ.get(variable, "").strip() if variable else ""
        if text and variable:
            return text, variable
    stored = _file().get(name)
    if stored is not None:
        return stored, "settings.toml"
    return _DEFAULTS[name], "default"


def _file() -> Mapping[str, str]:
    """The settings in ``settings.toml``; nothing where there is no such file."""
    path = home() / "settings.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{str(path)!r} cannot be read as TOML: {error}") from error
    for name, value in content.items():
        if name not in _DEFAULTS:
            near = difflib.get_close_matches(name, _DEFAULTS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(_DEFAULTS)}"
            raise SettingsError(f"{str(path)!r}: unknown setting {name!r}; {hint}")
        if not isinstance(value, str) or not value.strip():
            raise SettingsError(f"{str(path)!r}: {name} = {value!r} is not a non-empty text")
    return {name: value.strip() for name, value in content.items()}


def _absolute(text: str, start: Path | None = None) -> Path:
    path = (start or Path.cwd()) / Path(text).expanduser()
    # Not resolve(): links stay as they were typed.
    return Path(os.path.normpath(path))
