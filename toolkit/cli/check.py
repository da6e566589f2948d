"""`toolkit check`."""

import json
import warnings
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from toolkit.cli.words import (
    Symbols,
    Timeframes,
    existing_source,
    grouped,
    in_parallel,
    names_of,
    progress,
    table,
)

if TYPE_CHECKING:
    from toolkit.candles import CandleReport

__all__ = ["check"]

WORKERS = 4
HEADS = (
    *("pair", "timeframe", "rows", "candles", "first", "last", "gaps", "missing", "no volume"),
    *("duplicates", "quarantined", "unclosed", "placeholders", "age"),
)


class _Checked(NamedTuple):
    report: "CandleReport"
    synthetic: bool
    source: str
    revision: str | None


def check(
    symbols: Symbols = None,
    timeframes: Timeframes = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Where candles are from: hub, sample, or a folder (unset: TOOLKIT_SOURCE, or the hub).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole reports, as JSON.")] = False,
) -> None:
    """Load candles and print what was found.

    A line for each pair and timeframe. Files of the hub that are not there yet are fetched. What cannot be
    loaded is listed, and the exit code is then 1.

    gaps and missing: stretches of missing candles, and how many candles they miss. no volume: share of the
    candles in which nothing was traded. quarantined: rows that cannot be true and were left out. unclosed:
    the last candle was still forming and was left out. placeholders: columns that are absent, or hold zeros
    in place of values. age: time since the last candle closed.
    """
    from toolkit.candles import SYMBOLS, CandleError
    from toolkit.loader import KLineDataLoader
    from toolkit.sources.base import NotStored, SourceError

    # `auto` would put the sample in place of what is missing, and there is nothing to find out about that.
    named = existing_source(source, auto="hub")
    files = [(symbol, timeframe) for symbol in symbols or () for timeframe in timeframes or ()]

    def load(file: tuple[str, str]) -> _Checked | Exception:
        try:
            attrs = KLineDataLoader.load_klines(*file, source=named).attrs
        except (SourceError, CandleError) as error:
            return error
        return _Checked(attrs["report"], attrs["synthetic"], attrs["source"], attrs["revision"])

    results: dict[tuple[str, str], _Checked | Exception] = {}
    with progress("Checking", len(files), lines=False) as advance, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say stands in the table
        for file, result in in_parallel(load, files, WORKERS):
            results[file] = result
            advance(" ".join(file))
    checked = [one for file in files if isinstance(one := results[file], _Checked)]
    failed = {file: one for file in files if isinstance(one := results[file], Exception)}
    typer.echo(_as_json(checked, failed) if as_json else _as_text(checked, len(files), named))
    # A folder need not hold all there could be: what it lacks is a failure only where it was asked for.
    absent = [file for file, error in failed.items() if isinstance(error, NotStored)]
    if checked and symbols == list(SYMBOLS):
        for file in absent:
            del failed[file]
        if absent:
            typer.echo(f"Not there: {names_of(absent)}", err=True)
    if failed:
        typer.echo(f"Not loaded: {len(failed)} of {len(files)} files\n{grouped(failed)}", err=True)
        raise typer.Exit(1)


def _as_json(checked: list[_Checked], failed: dict[tuple[str, str], Exception]) -> str:
    reports: list[dict[str, Any]] = [
        {
            "source": one.source,
            "revision": one.revision,
            "synthetic": one.synthetic,
            "age_seconds": int(one.report.age().total_seconds()),
            **one.report.to_dict(),
        }
        for one in checked
    ]
    reasons = {" ".join(file): str(error) for file, error in failed.items()}
    return json.dumps({"reports": reports, "failed": reasons}, indent=1)


def _as_text(checked: list[_Checked], asked: int, source: str) -> str:
    reports = [one.report for one in checked]
    lines = [table(HEADS, map(_row, reports))] if reports else []
    if any(one.synthetic for one in checked):
        lines.insert(0, "SYNTHETIC sample candles: made up, no real market")
    lines.append(
        f"{len(reports)} of {asked} files ({source}): {sum(r.candles for r in reports):,} candles,"
        f" {sum(len(r.gaps) for r in reports):,} gaps ({sum(r.missing for r in reports):,} missing),"
        f" {sum(len(r.quarantined) for r in reports):,} rows quarantined"
    )
    return "\n".join(lines)


def _row(report: "CandleReport") -> tuple[str | int, ...]:
    age = report.age()
    return (
        report.symbol,
        report.timeframe,
        report.rows,
        report.candles,
        f"{report.first:%Y-%m-%d %H:%M}",
        f"{report.last:%Y-%m-%d %H:%M}",
        len(report.gaps),
        report.missing,
        f"{report.zero_volume_share:.1%}",
        report.duplicates,
        len(report.quarantined),
        "-" if report.dropped_unclosed is None else "dropped",
        len(report.missing_columns),
        f"{age.days} d" if age.days > 1 else f"{age.total_seconds() / 3600:.1f} h",
    )
