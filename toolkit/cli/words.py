"""What several commands share: their words for symbols and timeframes, progress, tables, work in parallel."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from toolkit import settings

__all__ = [
    "Advance",
    "Files",
    "Symbols",
    "Timeframes",
    "bytes_text",
    "existing_source",
    "grouped",
    "in_parallel",
    "names_of",
    "progress",
    "table",
]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

Files = list[tuple[str, str]]
"""Symbol and timeframe of each."""

Advance = Callable[[str], None]
"""Tells that one more piece is done, and which."""


def _symbols(words: list[str] | None) -> list[str]:
    from toolkit.candles import SYMBOLS, CandleError, find_symbol

    try:
        found = [find_symbol(word) for text in words or () for word in text.split(",") if word.strip()]
    except CandleError as error:
        raise typer.BadParameter(str(error).removeprefix("symbol: ")) from error
    return list(dict.fromkeys(found)) or list(SYMBOLS)


def _timeframes(words: list[str] | None) -> list[str]:
    from toolkit.candles import TIMEFRAMES, CandleError, find_timeframe

    try:
        found = {find_timeframe(word) for text in words or () for word in text.split(",") if word.strip()}
    except CandleError as error:
        raise typer.BadParameter(str(error).removeprefix("timeframe: ")) from error
    return [name for name in TIMEFRAMES if name in found or not found]


Symbols = Annotated[
    list[str] | None,
    typer.Argument(
        callback=_symbols,
        metavar="SYMBOLS",
        help="Pairs such as BTCUSDT or btc; all 38 where none is given.",
        show_default=False,
    ),
]
"""Pairs, as an argument; the command gets their full names, all of them where none was given."""

Timeframes = Annotated[
    list[str] | None,
    typer.Option(
        "--timeframes",
        "-t",
        callback=_timeframes,
        metavar="15m,1h,1d",
        help="Timeframes, with commas between them; all three where none is given.",
        show_default=False,
    ),
]
"""Timeframes, as an option; the command gets them shortest first, all of them where none was given."""


def existing_source(named: str | None, *, auto: str = "auto") -> str:
    """The source that the word means, else the settings; ``auto`` stands for what they call so.

    Raises:
        SettingsError: it is a folder that is not there.
    """
    source = settings.source(named)
    if source not in settings.SOURCES and not Path(source).is_dir():
        raise settings.SettingsError(f"source: there is no folder {source}")
    return auto if source == "auto" else source


def grouped(failures: Mapping[tuple[str, str], Exception]) -> str:
    """Which files failed, under the reason that they share."""
    reasons: dict[str, Files] = {}
    for file, error in failures.items():
        # A failure that was only remembered says how long ago it was; what it remembers is its cause.
        cause = error.__cause__
        reason = str(cause if type(cause) is type(error) else error)
        reasons.setdefault(reason, []).append(file)
    return "\n".join(f"  {reason}\n    {names_of(files)}" for reason, files in reasons.items())


def names_of(files: Files) -> str:
    """The pairs, each with its timeframes."""
    pairs: dict[str, list[str]] = {}
    for symbol, timeframe in files:
        pairs.setdefault(symbol, []).append(timeframe)
    return ", ".join(f"{symbol} {' '.join(names)}" for symbol, names in pairs.items())


@contextlib.contextmanager
def progress(what: str, total: int, *, lines: bool) -> Iterator[Advance]:
    """Shows how far the work is, on standard error: a bar where that is a terminal.

    Args:
        what: what is being done, for the bar.
        total: how many pieces there are.
        lines: where it is no terminal, write a line a piece (else nothing).
    """
    if not sys.stderr.isatty():
        width, done = len(str(total)), 0

        def advance(piece: str) -> None:
            nonlocal done
            done += 1
            if lines:
                print(f"{done:>{width}}/{total} {piece}", file=sys.stderr, flush=True)

        yield advance
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[piece]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, piece="")
        yield lambda piece: bar.update(task, advance=1, piece=piece)


def in_parallel(
    work: Callable[[_Item], _Result], items: Sequence[_Item], workers: int
) -> Iterator[tuple[_Item, _Result]]:
    """Each item with what ``work`` made of it, in the order in which they are done.

    The threads are daemons: a program that is interrupted does not wait for what they are at.
    """
    left: queue.SimpleQueue[_Item] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[_Item, _Result | None, BaseException | None]] = queue.SimpleQueue()
    for item in items:
        left.put(item)

    def run() -> None:
        while True:
            try:
                item = left.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((item, work(item), None))
            except BaseException as error:  # noqa: BLE001 - handed over to whoever waits for the result
                done.put((item, None, error))

    for _ in range(min(workers, len(items))):
        threading.Thread(target=run, name="toolkit-cli", daemon=True).start()
    for _ in items:
        while True:
            # Not without end: a signal that arrives just before the wait would be noticed only after it.
            with contextlib.suppress(queue.Empty):
                item, result, error = done.get(timeout=0.2)
                break
        if error is not None:
            raise error
        yield item, result  # type: ignore[misc]  # the result of `work` where there is no error


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns under their heads, numbers to the right; never cut off, to be searched and piped."""
    body = [list(row) for row in rows]
    texts = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in body]
    widths = [max(map(len, column)) for column in zip(heads, *texts, strict=True)]
    right = [any(isinstance(row[number], int) for row in body) for number in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        placed = zip(cells, widths, right, strict=True)
        return "  ".join(
            cell.rjust(width) if to else cell.ljust(width) for cell, width, to in placed
        ).rstrip()

    return "\n".join([line(heads), *map(line, texts)])


def bytes_text(size: float) -> str:
    """A size for people: ``12.3 MB``."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
