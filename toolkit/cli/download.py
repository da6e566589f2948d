"""`toolkit download`."""

import logging
from typing import Annotated

import typer

from toolkit.cli.words import Symbols, Timeframes, bytes_text, grouped, in_parallel, progress

__all__ = ["download"]


def download(
    symbols: Symbols = None,
    timeframes: Timeframes = None,
    workers: Annotated[
        int, typer.Option(min=1, max=32, help="How many files are fetched at a time.", metavar="N")
    ] = 8,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Ask the hub about files that are there, too: is there a newer one?"),
    ] = False,
) -> None:
    """Fetch candles from the hub onto this disk.

    Files that are there already are verified and not fetched again, so that an interrupted download goes on
    where it was. What is missing in the end is listed, and the exit code is then 1.
    """
    from toolkit.sources.base import SourceError
    from toolkit.sources.hub import Fetched, HubSource

    # Its warnings of each attempt would stand in between; what failed in the end is said below.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    source = HubSource()
    files = [(symbol, timeframe) for symbol in symbols or () for timeframe in timeframes or ()]

    def fetch(file: tuple[str, str]) -> Fetched | SourceError:
        try:
            return source.fetch(*file, refresh=refresh)
        except SourceError as error:
            return error

    fetched: list[Fetched] = []
    missing: dict[tuple[str, str], SourceError] = {}
    with progress("Downloading", len(files), lines=True) as advance:
        for file, result in in_parallel(fetch, files, workers):
            if isinstance(result, SourceError):
                missing[file] = result
                advance(f"{' '.join(file)}: missing")
            else:
                fetched.append(result)
                size = bytes_text(result.size)
                advance(f"{' '.join(file)}: {size}" if result.new else f"{' '.join(file)}: {size}, was there")

    new = [one for one in fetched if one.new]
    typer.echo(
        f"{len(fetched)} of {len(files)} files of {source.repository} are there and verified"
        f" ({bytes_text(sum(one.size for one in fetched))}); {len(new)} fetched now"
        f" ({bytes_text(sum(one.size for one in new))})"
    )
    for warning in dict.fromkeys(one.warning for one in fetched if one.warning):
        typer.echo(f"Not refreshed: {warning}", err=True)
    if missing:
        typer.echo(f"Missing: {len(missing)} of {len(files)} files", err=True)
        typer.echo(grouped({file: missing[file] for file in files if file in missing}), err=True)
        typer.echo("What is there stays; the same command goes on from here.", err=True)
        raise typer.Exit(1)
