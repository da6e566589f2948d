"""Where the candles come from and what was found when they were checked."""

from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import pandas as pd
import traitlets

from toolkit.candles import CandleReport, is_synthetic
from toolkit.candles.summary import LISTED, share
from toolkit.controls.state import Dashboard


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
    """One line about the candles shown: their source, and their report in short."""

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
        known = (
            report.parts()
            if isinstance(report, CandleReport)
            else [f"{len(klines):,} candles", f"to {moment(klines.index[-1])} UTC"]
        )
        # what is out of order first: a narrow page cuts the end off
        late = [part for part in known if part.startswith("stale")]
        rest = [part for part in known if part not in late]
        line = " · ".join(
            (
                escape(source_words(klines, short=True)),
                *(f'<b class="tk-stale">{escape(part)}</b>' for part in late),
                *map(escape, rest),
            )
        )
        hint = escape(", ".join(known))
        self.value = f'<span title="{hint}">{line}</span>'


class DataPanel(anywidget.AnyWidget):
    """The origin of the candles shown and their report. Gaps, stretches without volume, quarantined rows and
    incomplete candles are listed, at most 20 of each; a click on one moves the chart there.
    """

    _esm = (Path(__file__).parent / "data_panel.js").read_text(encoding="utf-8")

    content = traitlets.Dict().tag(sync=True)
    selected = traitlets.Dict().tag(sync=True)

    def __init__(self, state: Dashboard) -> None:
        super().__init__()
        self.add_class("tk-scroll")
        self._state = state
        state.observe(lambda _: self._show(), "klines")
        self.observe(state.reported("The chart could not be moved there", self._picked), "selected")
        self._show()

    def _picked(self, change: Any) -> None:
        if change["new"]:
            self._state.go_to(int(change["new"]["position"]))

    def _show(self) -> None:
        klines, notes = self._state.klines, self._state.notes
        if klines is None:
            sections = [{"title": "Data", "paragraphs": ["No candles are loaded."]}]
        else:
            sections = [_origin(klines), _report(klines)]
            if notes:
                sections.append({"title": "Notes", "paragraphs": list(notes)})
        self.content = {"sections": sections}


def source_words(klines: pd.DataFrame, *, short: bool = False) -> str:
    """The source of a frame for people; of a folder only its name where it must be short."""
    if is_synthetic(klines):
        return "synthetic sample"
    source = str(klines.attrs.get("source", "unknown source"))
    return f"folder {Path(source).name}" if short and Path(source).is_absolute() else source


def moment(time: pd.Timestamp | None) -> str:
    """A UTC time to the minute."""
    return "–" if time is None else time.strftime("%Y-%m-%d %H:%M")


def _row(name: str, value: str, *, warn: bool = False, title: str = "", **listed: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "warn": warn, "title": title, **listed}


def _origin(klines: pd.DataFrame) -> dict[str, Any]:
    attrs = klines.attrs
    revision = str(attrs.get("revision") or "not known")
    rows = [
        _row("Market", f"{attrs.get('symbol', '?')} {attrs.get('timeframe', '')}"),
        _row("Source", source_words(klines), warn=is_synthetic(klines)),
        _row("Revision", revision if len(revision) <= 20 else f"{revision[:12]}…", title=revision),
    ]
    report = attrs.get("report")
    if isinstance(report, CandleReport) and report.fetched is not None:
        hint = "When these were last known to be the newest of their source"
        rows.append(_row("As of", moment(report.fetched), title=hint))
    return {"title": "Origin", "rows": rows}


def _row_of(klines: pd.DataFrame, time: pd.Timestamp | None) -> int | None:
    """The first candle that opens then or later, else the last one."""
    return None if time is None else min(int(klines.index.searchsorted(time)), len(klines) - 1)


def _report(klines: pd.DataFrame) -> dict[str, Any]:
    report = klines.attrs.get("report")
    if not isinstance(report, CandleReport):
        return {"title": "Report", "paragraphs": ["These candles came without a report."]}

    def listed(kind: str, total: int, what: str) -> dict[str, Any]:
        """The newest of a kind, and the rows of the chart at which they lie."""
        found = report.findings(kind)
        return {
            "list": [{"text": one.text, "position": _row_of(klines, one.start)} for one in found],
            "fold": what if total <= LISTED else f"{what} (the newest {LISTED})",
            "more": f"… and {total - len(found):,} more" if total > len(found) else "",
        }

    unclosed, late = report.dropped_unclosed, report.behind()
    gaps, rejected = len(report.gaps), len(report.quarantined)
    stretches = len(report.zero_volume_stretches)
    missing = [name.replace("_", " ") for name in report.missing_columns]
    rows = [
        _row("Candles", f"{report.candles:,}"),
        _row("First", moment(report.first)),
        _row("Last", moment(report.last)),
        _row(
            "Closed since then",
            f"{late:,} candles",
            warn=report.stale(),
            title="Candles that have closed since the last one here",
        ),
        _row(
            "Gaps",
            f"{gaps:,} ({report.missing:,} candles missing)" if gaps else "none",
            warn=gaps > 0,
            **listed("gap", gaps, "where they are"),
        ),
        _row(
            "Without volume",
            f"{report.zero_volume:,} ({share(report.zero_volume_share)})" if report.zero_volume else "none",
            warn=report.zero_volume_share > 0.05,
            **listed("no_volume", stretches, "the longest stretches"),
        ),
        _row(
            "Quarantined rows",
            f"{rejected:,}" if rejected else "none",
            warn=rejected > 0,
            **listed("quarantined", rejected, "where, and why"),
        ),
        _row("Duplicates removed", f"{report.duplicates:,}", warn=report.duplicates > 0),
        _row("Unclosed candle", "none" if unclosed is None else f"dropped, {moment(unclosed)}"),
        _row("Missing columns", ", ".join(missing) or "none"),
    ]
    if report.fetched is None:
        del rows[3]
    if report.resampled_from:
        incomplete = len(report.incomplete)
        rows += [
            _row("Made of", f"candles of {report.resampled_from}"),
            _row("Partial ends dropped", f"{len(report.partial):,}"),
            _row(
                "Incomplete",
                f"{incomplete:,}",
                warn=incomplete > 0,
                **listed("incomplete", incomplete, "which ones"),
            ),
        ]
    return {"title": "Report", "rows": rows}
