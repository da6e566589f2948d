"""The command line, `toolkit`. Each command says its options with `--help`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from toolkit import __version__, settings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `toolkit`; those that the process was called with by default.

    Returns:
        The exit code: 0 when all went well, 1 when the command could not be carried out, 130 when it was
        interrupted before it began.

    Raises:
        SystemExit: the words make no command (exit code 2), or ask for help or the version.
    """
    options = _parser().parse_args(arguments)
    try:
        return _dashboard(options)
    except (OSError, settings.SettingsError) as error:
        print(f"toolkit {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the server listens; after that it ends by itself
        return 130


def _dashboard(options: argparse.Namespace) -> int:
    # Voila starts its kernels in the notebook's folder, so relative paths are made absolute here, where they
    # were typed.
    if os.environ.get("TOOLKIT_HOME"):
        os.environ["TOOLKIT_HOME"] = str(settings.home())
    source = os.environ["TOOLKIT_SOURCE"] = settings.source(options.source)
    if source not in settings.SOURCES and not Path(source).is_dir():
        raise settings.SettingsError(f"source: there is no folder {source}")
    # jsonschema tries to import this, and would wait as long for its grammar as for all the rest, to check a
    # kind of address that nothing here checks.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # Imported here: it takes a second, and neither --help nor an error should wait for it.
    from toolkit.cli import dashboard

    dashboard.serve(port=options.port, source=source, browser=options.browser, warm=options.warm)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="toolkit", description="System V4: crypto candles, indicators and signals."
    )
    parser.add_argument("--version", action="version", version=f"System V4 {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    dashboard = commands.add_parser(
        "dashboard",
        help="serve the dashboard as a page on this machine",
        description="Serve the dashboard on http://127.0.0.1:PORT/, for this machine only, until Ctrl-C.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    dashboard.add_argument("--port", type=_port, default=8866, help="port to listen on")
    dashboard.add_argument(
        "--source",
        help="where candles come from: auto, hub, sample, or a folder (unset: TOOLKIT_SOURCE, else auto)",
    )
    dashboard.add_argument(
        "--browser",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="open the page in the default browser",
    )
    dashboard.add_argument(
        "--warm",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep a kernel ready, for the next page to open at once (about 250 MB)",
    )
    return parser


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, a whole number from 1 to 65535")
    return port
