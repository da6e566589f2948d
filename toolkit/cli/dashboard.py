"""`toolkit dashboard`."""

import os
import sys
from typing import Annotated

import typer

from toolkit import settings
from toolkit.cli.words import existing_source

__all__ = ["dashboard"]


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise typer.BadParameter(f"{text!r} is not a port, a whole number from 1 to 65535")
    return port


def dashboard(
    port: Annotated[int, typer.Option(parser=_port, metavar="PORT", help="Port to listen on.")] = 8866,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Where candles are from: auto, hub, sample, or a folder (unset: TOOLKIT_SOURCE, or auto).",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the default browser.")
    ] = False,
    warm: Annotated[
        bool,
        typer.Option(
            "--warm/--no-warm", help="Keep a kernel ready, for the next page to open at once (about 250 MB)."
        ),
    ] = True,
) -> None:
    """Serve the dashboard as a page on this machine.

    The page is at http://127.0.0.1:PORT/, for this machine only, until Ctrl-C.
    """
    # Voila starts its kernels in the notebook's folder, so relative paths are made absolute here, where they
    # were typed.
    if os.environ.get("TOOLKIT_HOME"):
        os.environ["TOOLKIT_HOME"] = str(settings.home())
    named = os.environ["TOOLKIT_SOURCE"] = existing_source(source)
    # jsonschema tries to import this, and would wait as long for its grammar as for all the rest, to check a
    # kind of address that nothing here checks.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # Imported here: it takes a second, and neither --help nor an error should wait for it.
    from toolkit.cli import pages

    pages.serve(port=port, source=named, browser=browser, warm=warm)
