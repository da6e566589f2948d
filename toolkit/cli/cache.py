"""`toolkit cache`."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from toolkit import settings
from toolkit.cli.words import bytes_text, progress, table

__all__ = ["cache"]

HOLDS = {
    "hub": "downloads, as the hub has them",
    "candles": "checked candles, for the next process",
    "sample": "the synthetic sample market",
    "kernels": "compiled indicators",
    "presets": "sets of indicators that you saved",
    "watchlists": "pairs that you watch",
    "layouts": "layouts of the dashboard that you saved",
    "live": "what was kept of live candles",
    "alerts": "alerts, and what fired",
}
"""What is in each folder of `settings.FOLDERS`."""

REGAINED = ("hub", "candles", "sample", "kernels")
"""Folders whose content comes back by itself: cleared unless others are named."""

cache = typer.Typer(
    help="Show, clear or fill what is kept on disk.", invoke_without_command=True, rich_markup_mode=None
)


@cache.callback()
def show(context: typer.Context) -> None:
    """Show what is kept on disk and how large it is."""
    if context.invoked_subcommand is not None:
        return
    sizes = {name: _size(settings.home() / name) for name in settings.FOLDERS}
    rows = [(name, files, bytes_text(size), HOLDS[name]) for name, (files, size) in sizes.items()]
    typer.echo(settings.home())
    typer.echo(table(("folder", "files", "size", "what"), rows))
    typer.echo(f"{bytes_text(sum(size for _, size in sizes.values()))} in all; `toolkit cache clear` clears")


def _folder(words: list[str] | None) -> list[str]:
    for word in words or ():
        if word not in settings.FOLDERS:
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(settings.FOLDERS)}")
    return list(dict.fromkeys(words or REGAINED))


@cache.command()
def clear(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            callback=_folder,
            metavar="WHAT",
            help=f"Folders to clear, of {', '.join(settings.FOLDERS)};"
            f" where none is given, those that come back by themselves: {', '.join(REGAINED)}.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Remove what is kept on disk. It asks first."""
    home = settings.home()
    sizes = {name: _size(home / name) for name in what or ()}
    there = {name: found for name, found in sizes.items() if found[0]}
    if not there:
        typer.echo(f"There is nothing to clear in {home} ({', '.join(sizes)})")
        return
    for name, (files, size) in there.items():
        typer.echo(f"{name}: {files:,} files, {bytes_text(size)} ({HOLDS[name]})")
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("there is no terminal to ask at; --yes clears without asking")
        typer.confirm(f"Remove this from {home}?", abort=True)
    for name in there:
        _empty(home / name)
    typer.echo(f"{bytes_text(sum(size for _, size in there.values()))} cleared")


@cache.command()
def warm() -> None:
    """Compile the indicators and make the sample market of BTCUSDT.

    What is first opened or calculated would do that otherwise, and take some seconds longer.
    """
    from toolkit.candles import TIMEFRAMES
    from toolkit.indicators import IndicatorRegistry
    from toolkit.loader import KLineDataLoader
    from toolkit.pipeline import IndicatorPipeline

    names = IndicatorRegistry.names()
    with progress("Warming", len(TIMEFRAMES) + len(names), lines=True) as advance:
        for timeframe in TIMEFRAMES:
            klines = KLineDataLoader.load_klines("BTCUSDT", timeframe, source="sample", last=1_000)
            advance(f"sample BTCUSDT {timeframe}")
        for name in names:
            pipeline = IndicatorPipeline().add(name)
            pipeline.get_all_signals(klines)
            pipeline.stream().feed(klines.iloc[:1])
            advance(name)
    typer.echo(f"The sample of BTCUSDT and {len(names)} indicators are ready in {settings.home()}")


def _size(folder: Path) -> tuple[int, int]:
    """How many files there are, and their bytes; what a link leads to is not counted twice."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return len(files), sum(path.stat().st_size for path in files)


def _empty(folder: Path) -> None:
    """Removes what is in it. The folder itself may be a link to a place that is shared."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
