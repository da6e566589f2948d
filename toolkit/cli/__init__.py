"""The command line, `toolkit`. Each command says its options with `--help`.

A command is a function in a module of its own that imports what is heavy only when it runs: `--help` and
errors come at once. It is registered here, a line each.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from toolkit import __version__, settings
from toolkit.cli.cache import cache
from toolkit.cli.check import check
from toolkit.cli.dashboard import dashboard
from toolkit.cli.download import download
from toolkit.cli.serve import serve

__all__ = ["main"]


class _Commands(TyperGroup):
    """What goes wrong outside the program is said in one line, and ends it with code 1."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own is not public
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever read the output has gone
            raise
        except (OSError, settings.SettingsError) as error:
            typer.echo(f"toolkit {ctx.invoked_subcommand}: {error}", err=True)
            raise typer.Exit(1) from error


# Plain texts rather than Rich's panels: they come in half the time, and can be searched and piped.
app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(dashboard)
app.command()(serve)
app.command()(download)
app.command()(check)
app.add_typer(cache, name="cache")


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"System V4 {__version__}")
        raise typer.Exit


@app.callback()
def _toolkit(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and exit."),
    ] = False,
) -> None:
    """System V4: crypto candles, indicators and signals."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `toolkit`; those that the process was called with by default.

    Returns:
        The exit code: 0 when all went well, 1 when the command could not be carried out, 2 when the words
        make no command, 130 when it was interrupted.
    """
    try:
        app(None if arguments is None else list(arguments), prog_name="toolkit")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
