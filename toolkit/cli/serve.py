"""`toolkit serve`."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit import settings
from toolkit.cli.dashboard import _port
from toolkit.cli.words import existing_source

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

__all__ = ["serve"]


def serve(
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Address to listen on; one of other machines needs a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(parser=_port, metavar="PORT", help="Port to listen on.", show_default=True)
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TOOLKIT_TOKEN",
            metavar="TOKEN",
            help="What callers must show. The environment hides it from other users of this machine.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Where candles are from: auto, hub, sample, or a folder (unset: TOOLKIT_SOURCE, or auto).",
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Follow series on an exchange while somebody does: that of the setting live, else binance.",
        ),
    ] = False,
    configuration: Annotated[
        Path | None,
        typer.Option(
            envvar="TOOLKIT_CONFIGURATION",
            metavar="FILE",
            dir_okay=False,
            help="JSON file that keeps which indicators are on, over a restart.",
            show_default=False,
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            envvar="TOOLKIT_ORIGINS",
            metavar="ORIGIN",
            help="Origin of pages that may call, such as https://app.example; once for each.",
            show_default=False,
        ),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            envvar="TOOLKIT_HOSTS",
            metavar="NAME",
            help="Name it may be called by, other than localhost and its address; once for each.",
            show_default=False,
        ),
    ] = None,
    root_path: Annotated[
        str, typer.Option(metavar="PATH", help="Path that a proxy in front takes off.", show_default=False)
    ] = "",
    uds: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Listen on a socket in the file system, for a proxy.", hidden=True),
    ] = None,
) -> None:
    """Serve candles, indicators and signals to programs: REST and WebSocket.

    The documentation is at http://127.0.0.1:PORT/docs. Ctrl-C ends it.
    """
    named = existing_source(source)
    # So that a relative path means the same for whatever is started from here.
    if os.environ.get("TOOLKIT_HOME"):
        os.environ["TOOLKIT_HOME"] = str(settings.home())
    os.environ["TOOLKIT_SOURCE"] = named
    if root_path.strip("/"):
        root_path = "/" + root_path.strip("/")
    try:
        from toolkit.api.guard import GuardError, Policy, is_loopback
    except ModuleNotFoundError as error:
        raise settings.SettingsError(
            f'{error.name} is not installed; the service needs pip install "system-v4[api]"'
        ) from error
    try:
        Policy(allowed_host or (), origin or (), token)
    except GuardError as error:
        raise settings.SettingsError(str(error)) from error
    if uds is None and token is None and not is_loopback(host):
        raise settings.SettingsError(
            f"host {host!r} can be reached from other machines, so a token is needed: set TOOLKIT_TOKEN to 16"
            " or more letters and digits, which callers then show"
        )
    # Before all that takes time: whether the port is free is said at once.
    sockets = _listening(host, port, uds)
    try:
        venue = settings.live()
        venue = "binance" if live and venue == "off" else venue
        app = _app(
            named, configuration, live=venue, hosts=allowed_host or (), origins=origin or (), token=token
        )
        if uds is None:
            # What waits for this line may connect: the sockets listen.
            typer.echo(f"System V4 service: {_address(host, port)}/ (documentation: /docs)")
            followed = "" if venue == "off" else f", and {venue} as they happen"
            typer.echo(f"Candles: {named}{followed}. Ctrl-C ends it.")
            sys.stdout.flush()
        from toolkit.api import server

        server.run(app, sockets, root_path=root_path, log_level="warning")
    finally:
        for listener in sockets:
            listener.close()
        if uds is not None:
            uds.unlink(missing_ok=True)


def _listening(host: str, port: int, uds: Path | None) -> list[socket.socket]:
    from toolkit.api import listen

    if uds is not None:
        return listen.listen_unix(uds)
    try:
        return listen.listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            text = f"port {port} is in use; choose another with --port (make serve PORT=...)"
        elif error.errno == errno.EADDRNOTAVAIL:
            text = f"host {host!r} is no address of this machine"
        elif error.errno == errno.EACCES:
            text = f"port {port} may not be listened on; choose one above 1023 with --port"
        else:
            raise
        raise OSError(text) from error


def _app(source: str, configuration: Path | None, **guard: Any) -> FastAPI:
    from toolkit.api import create_app
    from toolkit.configuration import ConfigurationError

    try:
        return create_app(source=source, configuration_path=configuration, **guard)
    except ConfigurationError as error:
        raise settings.SettingsError(str(error)) from error


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
