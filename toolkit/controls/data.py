"""Where the candles come from and what was found when they were checked."""

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd

from toolkit.candles import CandleReport, is_synthetic
from toolkit.controls.state import Dashboard

LISTED = 50  # gaps and quarantined rows that are listed one by one


class Banner(ipywidgets.HTML):  # type: ignore[misc]  # ipywidgets comes without types
    """Says that the candles shown are synthetic; not there when they are real."""

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self.add_class("tk-banner")
        state.observe(lambda _: self._show(state), "klines")
        self._show(state)

    def _show(self, state: Dashboard) -> None:
        synthetic = state.klines is not None and is_synthetic(state.klines)
        self.layout.display = None if synthetic else "none"
        reason = " ".join(state.notes)
        self.value = (
            '<div role="alert"><b>SYNTHETIC SAMPLE DATA – not a real market</b>'
            + (f'<span title="{escape(reason)}">{escape(reason)}</span>' if reason else "")
            + "</div>"
            if synthetic
            else ""
        )


class DataSummary(ipywidgets.HTML):  # type: ignore[misc]  # ipywidgets comes without types
    """One line about the candles shown: source, how many, gaps, age of the last."""

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self.add_class("tk-summary")
        state.observe(lambda _: self._show(state.klines), "klines")
        self._show(state.klines)

    def _show(self, klines: pd.DataFrame | None) -> None:
        if klines is None:
            self.value = ""
            return
        report = klines.attrs.get("report")
        parts = [source_words(klines, short=True), f"{len(klines):,} candles"]
        if isinstance(report, CandleReport) and report.gaps:
            parts.append(f"{len(report.gaps):,} gap{'s' if len(report.gaps) > 1 else ''}")
        parts.append(f"to {moment(klines.index[-1])} UTC")
        self.value = " · ".join(escape(part) for part in parts)


class DataPanel(ipywidgets.HTML):  # type: ignore[misc]  # ipywidgets comes without types
    """The origin of the candles shown and their report: gaps, duplicates, quarantined rows, and so on."""

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self.add_class("tk-data")
        state.observe(lambda _: self._show(state), "klines")
        self._show(state)

    def _show(self, state: Dashboard) -> None:
        if state.klines is None:
            self.value = '<p class="tk-empty">No candles are loaded.</p>'
            return
        self.value = "".join(
            (*_origin(state.klines), *_report(state.klines.attrs.get("report")), *_notes(state.notes))
        )


def source_words(klines: pd.DataFrame, *, short: bool = False) -> str:
    """The source of a frame for people; of a folder only its name where it must be short."""
    if is_synthetic(klines):
        return "synthetic sample"
    source = str(klines.attrs.get("source", "unknown source"))
    return f"folder {Path(source).name}" if short and Path(source).is_absolute() else source


def moment(time: pd.Timestamp | None) -> str:
    """A UTC time to the minute."""
    return "–" if time is None else time.strftime("%Y-%m-%d %H:%M")


def _row(name: str, value: str, *, warn: bool = False, title: str = "") -> str:
    hint = f' title="{escape(title)}"' if title else ""
    kind = "tk-fact tk-warn" if warn else "tk-fact"
    return f'<div class="{kind}"{hint}><span>{escape(name)}</span><b>{escape(value)}</b></div>'


def _origin(klines: pd.DataFrame) -> list[str]:
    attrs = klines.attrs
    revision = str(attrs.get("revision") or "not known")
    return [
        "<h4>Origin</h4>",
        _row("Market", f"{attrs.get('symbol', '?')} {attrs.get('timeframe', '')}"),
        _row("Source", source_words(klines), warn=is_synthetic(klines)),
        _row("Revision", revision if len(revision) <= 20 else f"{revision[:12]}…", title=revision),
    ]


def _report(report: Any) -> list[str]:
    if not isinstance(report, CandleReport):
        return ["<h4>Report</h4>", '<p class="tk-empty">These candles came without a report.</p>']
    gaps = [f"{moment(gap.after)} → {moment(gap.before)}: {gap.missing:,} missing" for gap in report.gaps]
    reasons = [f"{moment(bad.open_time)}: {bad.reason}" for bad in report.quarantined]
    unclosed = report.dropped_unclosed
    return [
        "<h4>Report</h4>",
        _row("Candles", f"{report.candles:,}"),
        _row("First", moment(report.first)),
        _row("Last", moment(report.last)),
        _row(
            "Gaps", f"{len(gaps):,} ({report.missing:,} candles missing)" if gaps else "none", warn=bool(gaps)
        ),
        _list(gaps[::-1], "the gaps"),
        _row("Duplicates removed", f"{report.duplicates:,}", warn=report.duplicates > 0),
        _row("Quarantined rows", f"{len(reasons):,}", warn=bool(reasons)),
        _list(reasons, "the reasons"),
        _row(
            "Without volume",
            f"{report.zero_volume:,} ({report.zero_volume_share:.2%})",
            warn=report.zero_volume_share > 0.05,
        ),
        _row("Unclosed candle", "none" if unclosed is None else f"dropped, {moment(unclosed)}"),
        _row("Missing columns", f"{len(report.missing_columns)}"),
        _list([name.replace("_", " ") for name in report.missing_columns], "their names"),
    ]


def _notes(notes: tuple[str, ...]) -> list[str]:
    return ["<h4>Notes</h4>", *(f"<p>{escape(note)}</p>" for note in notes)] if notes else []


def _list(lines: list[str], what: str) -> str:
    if not lines:
        return ""
    shown = "".join(f"<li>{escape(line)}</li>" for line in lines[:LISTED])
    more = f"<li>… and {len(lines) - LISTED:,} more</li>" if len(lines) > LISTED else ""
    return f"<details><summary>{escape(what)}</summary><ul>{shown}{more}</ul></details>"
