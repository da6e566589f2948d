"""Copy as code: the cell that gives every number on a dashboard again, in any kernel."""

import pandas as pd

from toolkit.candles.report import CandleReport
from toolkit.controls.slots import Slot
from toolkit.controls.state import Dashboard
from toolkit.indicators import IndicatorRegistry


def code_of(state: Dashboard) -> str:
    """A cell for the active chart: its candles of the very revision, its indicators, their signals, and the
    part that is in view. Empty where no candles are loaded.
    """
    slot = state.slot
    if slot.klines is None:
        return ""
    source, revision = slot.klines.attrs.get("source"), slot.klines.attrs.get("revision")
    lines = ["from toolkit import IndicatorPipeline, KLineDataLoader", ""]
    if slot.klines.attrs.get("synthetic"):
        lines.append("# SYNTHETIC sample candles: not a real market")
    if source in (None, "frame") or revision is None:
        lines.append(
            "# these candles came from no source that can be named: load them as they were loaded here"
        )
    lines += _call(
        "klines = KLineDataLoader.load_klines",
        [
            repr(slot.symbol),
            repr(slot.timeframe),
            f"end={_end(slot.klines)!r}",  # what comes later is not what is shown
            f"source={source!r}",
            f"revision={revision!r}",
        ],
    )
    lines += _made_here(slot)
    lines.append("pipeline = IndicatorPipeline()")
    for entry in slot.entries:
        label, name = entry["label"], entry["indicator"]
        arguments = [repr(name), repr(entry["params"])]
        if label != name:
            arguments.append(f"label={label!r}")
        if entry["timeframe"]:
            arguments.append(f"timeframe={entry['timeframe']!r}")
        lines += _call("pipeline.add", arguments)
    lines += ["frame = pipeline.calculate(klines)", "signals = pipeline.get_all_signals(klines)"]
    view = slot.viewport
    if view is not None and view.visible_times is not None:
        first, last = view.visible_times
        lines.append(f"frame.loc[{_text(first)!r}:{_text(last)!r}]  # what is in view")
    else:
        lines.append("frame")
    return "\n".join(lines) + "\n"


def _end(klines: pd.DataFrame) -> str:
    """The first moment that no longer belongs to the candles."""
    report = klines.attrs.get("report")
    closed = report.closed if isinstance(report, CandleReport) else klines.index[-1] + pd.Timedelta(1, "ms")
    return _text(closed)


def _text(time: pd.Timestamp) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _made_here(slot: Slot) -> list[str]:
    """A comment for indicators that no file of the toolkit declares."""
    names = dict.fromkeys(entry["indicator"] for entry in slot.entries)
    own = [
        name
        for name in names
        if not IndicatorRegistry.get_class(name).__module__.startswith("toolkit.indicators.")
    ]
    return [f"# registered in this notebook, and needed before: {', '.join(own)}"] if own else []


def _call(name: str, arguments: list[str]) -> list[str]:
    """On one line where it fits, else an argument a line."""
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= 100:
        return [line]
    return [f"{name}(", *(f"    {argument}," for argument in arguments), ")"]
