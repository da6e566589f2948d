"""A message on this machine's desktop, through apprise where that is installed."""

from __future__ import annotations

import importlib
import sys

from toolkit.alerts.alert import AlertError

__all__ = ["check", "show"]

_SERVICES = {"darwin": "macosx://", "win32": "windows://"}
_ELSE = "dbus://"


def check() -> None:
    """Raises `AlertError` where apprise is not installed."""
    try:
        importlib.import_module("apprise")
    except ImportError as error:
        raise AlertError(
            "Alerts: to='desktop' needs apprise, which is not installed: pip install 'system-v4[desktop]'"
        ) from error


def show(title: str, text: str) -> None:
    """Show it. Raises `AlertError` where there is no apprise, or no desktop that shows it."""
    check()
    apprise = importlib.import_module("apprise")
    sender = apprise.Apprise()
    service = _SERVICES.get(sys.platform, _ELSE)
    if not sender.add(service) or not sender.notify(title=title, body=text):
        raise AlertError(f"Alerts: this desktop does not show messages ({service} of apprise)")
