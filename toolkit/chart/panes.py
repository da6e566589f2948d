"""Panes of a chart: bqplot figures with scales and marks, made from what an indicator declares, and their
description for the controller. Marks are made empty; the controller fills them with what is in view."""

from dataclasses import dataclass, field
from typing import Any

import bqplot

from toolkit.chart.wire import BUY, OTHER, SELL
from toolkit.indicators.base import Indicator

UP, DOWN, AMBER = "#26a69a", "#ef5350", "#ffc857"
# Told apart by luminance as well as hue, and none of them a candle's colour.
PALETTE = ("#2d6cdf", "#e8962e", "#a98bf5", "#ffb2be", "#7fdff5", "#eef07e")
BARS = {"up_grow": UP, "up_fade": "#1b5e5a", "down_grow": DOWN, "down_fade": "#7d3a3c"}
CANDLE_ROLES = (
    ("volume_up", UP),
    ("volume_down", DOWN),
    ("wick_up", UP),
    ("wick_down", DOWN),
    ("body_up", UP),
    ("body_down", DOWN),
)
# group, colour, shape, and the side of the candle: 1 below, -1 above
MARKERS = (
    (OTHER, AMBER, "circle", -1),
    (BUY, "#4be3b0", "triangle-up", 1),
    (SELL, "#ff8a65", "triangle-down", -1),
)
# Where a line is told apart by another output: above zero, below, and where that is neither or both.
TINTS = ("up", "down", "flat")
NEUTRAL = "#9aa4b8"
CLOUD_EDGES = ("#7fc8bd", "#e0a3a0")  # softer than a candle's
COMPARISON = "compare:close"  # no indicator's column is called so: they have a dot
COMPARED = "#e6ecf7"
LEAST_PRICE, LEAST_OWN = 170, 64  # pixels that a pane is high at least; with more panes the chart scrolls
_ORDER = {"band": 0, "zone": 0, "cloud": 0, "level": 1, "segments": 2, "line": 3, "dots": 4}
_AXIS = 76  # pixels right of every pane for its labels; js/view.js has the same number


@dataclass(slots=True)
class Mark:
    """A bqplot mark and what the controller has to know about it."""

    model: Any
    facts: dict[str, Any]

    def describe(self) -> dict[str, Any]:
        """JSON-able."""
        return {"id": self.model.model_id, **self.facts}


@dataclass(slots=True)
class Series:
    """An indicator in a pane: its marks, and its line of the legend."""

    title: str
    columns: list[str]
    marks: list[Mark]
    values: list[dict[str, str]]
    shifts: dict[str, int] = field(default_factory=dict)  # candles that a column is drawn later, where it is
    label: str = ""
    rules: list[tuple[str, str]] = field(default_factory=list)  # types and texts of what it signals
    warmup: int = 0  # candles at which it is not defined yet
    compare: bool = False  # another symbol's prices, not an indicator

    def describe(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "title": self.title,
            "label": self.label,
            "values": self.values,
            "rules": self.rules,
            "warmup": self.warmup,
            "compare": self.compare,
        }


@dataclass(slots=True)
class Pane:
    """A figure with its scales, and the series drawn in it, by label."""

    key: str
    figure: Any
    scales: dict[str, Any]
    candles: list[Mark] = field(default_factory=list)
    markers: list[Mark] = field(default_factory=list)
    series: dict[str, Series] = field(default_factory=dict)
    value_range: tuple[float, float] | None = None
    share: int = 1  # of the chart's height
    least: int = 0  # pixels

    def marks(self) -> list[Mark]:
        """From the bottom up: areas, volume and candles, lines, markers."""
        drawn = [mark for series in self.series.values() for mark in series.marks]
        areas = [mark for mark in drawn if _ORDER[mark.facts["kind"]] == 0]
        others = [mark for mark in drawn if _ORDER[mark.facts["kind"]] > 0]
        return [*areas, *self.candles, *others, *self.markers]

    def refresh(self) -> None:
        """Give the figure the marks that there are now."""
        self.figure.marks = [mark.model for mark in self.marks()]

    def describe(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "key": self.key,
            "figure": self.figure.model_id,
            "scales": {name: scale.model_id for name, scale in self.scales.items()},
            "candles": bool(self.candles),
            "range": self.value_range,
            "columns": [column for series in self.series.values() for column in series.columns],
            "shifts": {column: n for series in self.series.values() for column, n in series.shifts.items()},
            "marks": [mark.describe() for mark in self.marks()],
            "series": [series.describe() for series in self.series.values()],
            "share": self.share,
            "least": self.least,
        }


def linear(low: float = 0.0, high: float = 1.0) -> Any:
    """A scale with fixed ends: marks never stretch it."""
    return bqplot.LinearScale(min=low, max=high, allow_padding=False)


def make_pane(key: str, x: Any, share: int, *, with_candles: bool = False) -> Pane:
    """An empty pane, `share` parts high, on the time axis `x`; the price pane also holds candles, volume and
    markers.
    """
    price = linear()
    scales = {"price": price, "volume": linear()} if with_candles else {"price": price}
    least = LEAST_PRICE if with_candles else LEAST_OWN
    figure = bqplot.Figure(
        scale_x=x,
        scale_y=price,
        fig_margin={"top": 0, "bottom": 0, "left": 0, "right": _AXIS},
        min_aspect_ratio=0.01,
        max_aspect_ratio=200,
        padding_x=0,
        padding_y=0,
        background_style={"fill": "transparent"},
        layout={
            "width": "100%",
            "min_height": f"{least}px",
            "flex": f"{share} 1 0px",
            "margin": "0",
        },
    )
    figure.add_class("tk-pane")
    pane = Pane(key, figure, scales, share=share, least=least)
    if with_candles:
        for role, color in CANDLE_ROLES:
            scale = "volume" if role.startswith("volume") else "price"
            lines = _lines(pane, x, color, scale=scale, opacities=[0.28 if scale == "volume" else 1.0])
            pane.candles.append(Mark(lines, {"kind": "segments", "role": role, "scale": scale}))
        for group, color, shape, side in MARKERS:
            scatter = bqplot.Scatter(
                x=[],
                y=[],
                scales={"x": x, "y": price},
                colors=[color],
                marker=shape,
                default_size=42,
                preserve_domain={"x": True, "y": True},
            )
            pane.markers.append(Mark(scatter, {"kind": "markers", "group": group, "side": side}))
        pane.refresh()
    return pane


def _lines(pane: Pane, x: Any, color: str, *, scale: str = "price", **style: Any) -> Any:
    return bqplot.Lines(
        x=[],
        y=[],
        scales={"x": x, "y": pane.scales[scale]},
        colors=[color],
        preserve_domain={"x": True, "y": True},
        **{"stroke_width": 1.5, **style},
    )


def make_series(pane: Pane, x: Any, label: str, indicator: Indicator, order: int) -> Series:
    """The marks of an indicator, from its declaration alone; `order` chooses the colours."""
    palette = [PALETTE[(2 * order + order // 3 + i) % len(PALETTE)] for i in range(len(PALETTE))]
    colors: dict[str, str] = {}
    marks: list[Mark] = []

    def add(model: Any, kind: str, **facts: Any) -> None:
        marks.append(Mark(model, {"kind": kind, **facts}))

    def area(color: str, opacity: float) -> Any:
        return _lines(pane, x, color, fill="between", fill_colors=[color], fill_opacities=[opacity])

    for one, other in indicator.fills:
        colors[one] = colors[other] = palette.pop(0) if palette else PALETTE[0]
        add(area(colors[one], 0.07), "band", columns=[f"{label}.{one}", f"{label}.{other}"])
    for pair in indicator.clouds:
        for name, edge in zip(pair, CLOUD_EDGES, strict=True):
            colors.setdefault(name, edge)
        for role, color in (("above", UP), ("below", DOWN)):
            add(area(color, 0.14), "cloud", role=role, columns=[f"{label}.{name}" for name in pair])
    levels = level_values(indicator)
    if len(levels) == 2:
        add(area(palette[0] if palette else PALETTE[0], 0.06), "zone", values=levels)
    for value in levels:
        add(_lines(pane, x, "#5d677d", stroke_width=1, line_style="dashed"), "level", value=value)
    drawn = [output for output in indicator.outputs if output.drawn]
    for output in drawn:
        column = f"{label}.{output.name}"
        by = f"{label}.{output.colored_by}" if output.colored_by is not None else None
        if output.kind == "histogram" and by is None:
            colors[output.name] = NEUTRAL
            for role, color in BARS.items():
                add(_lines(pane, x, color), "segments", role=role, column=column)
            continue
        if output.name not in colors:
            colors[output.name] = NEUTRAL if by else palette.pop(0) if palette else PALETTE[0]
        own = colors[output.name]
        kind, make = {
            "line": ("line", _lines),
            "dots": ("dots", _dots),
            "histogram": ("segments", _lines),
        }[output.kind]
        if by is None:
            add(make(pane, x, own), kind, column=column)
        else:
            for tint, color in zip(TINTS, (UP, DOWN, own), strict=True):
                model = make(pane, x, color)
                if tint == "flat":
                    model.opacities = [0.5]
                add(model, kind, column=column, role=tint, by=by)
    # lines lie over bars, whatever was declared first
    marks.sort(key=lambda mark: _ORDER[mark.facts["kind"]])
    return Series(
        title=series_title(label, indicator),
        columns=[f"{label}.{name}" for name in needed(indicator)],
        marks=marks,
        values=[
            {
                "column": f"{label}.{output.name}",
                "name": output.name,
                "color": colors[output.name],
                "unit": output.unit,
            }
            for output in drawn
        ],
        shifts=shifts(label, indicator),
        label=label,
        rules=rules(indicator),
        warmup=indicator.warmup,
    )


def make_comparison(pane: Pane, x: Any, title: str) -> Series:
    """The line of another symbol's closes, in the pane of the candles."""
    line = _lines(pane, x, COMPARED, stroke_width=1.75)
    value = {"column": COMPARISON, "name": f"close of {title}", "color": COMPARED, "unit": "price"}
    mark = Mark(line, {"kind": "line", "column": COMPARISON, "compare": True})
    return Series(title, [COMPARISON], [mark], [value], compare=True)


def _dots(pane: Pane, x: Any, color: str) -> Any:
    return bqplot.Scatter(
        x=[],
        y=[],
        scales={"x": x, "y": pane.scales["price"]},
        colors=[color],
        marker="circle",
        default_size=12,
        preserve_domain={"x": True, "y": True},
    )


def needed(indicator: Indicator) -> list[str]:
    """The outputs that a chart reads: those it draws, and those that areas and colours come from."""
    wanted = {output.name for output in indicator.outputs if output.drawn}
    wanted |= {output.colored_by for output in indicator.outputs if output.drawn and output.colored_by}
    wanted |= {name for pair in (*indicator.fills, *indicator.clouds) for name in pair}
    return [output.name for output in indicator.outputs if output.name in wanted]


def shifts(label: str, indicator: Indicator) -> dict[str, int]:
    """How many candles later (negative: earlier) columns are drawn, where they are."""
    moved = {f"{label}.{output.name}": indicator.candles_ahead(output) for output in indicator.outputs}
    return {column: candles for column, candles in moved.items() if candles}


def rules(indicator: Indicator) -> list[tuple[str, str]]:
    """Types and texts of an indicator's rules, in their order."""
    return [(rule.signal_type, indicator.rule_text(rule)) for rule in indicator.rules]


def series_title(label: str, indicator: Indicator) -> str:
    """`RSI 14 70 30`: the numbers, and what was chosen where it is not the usual."""
    usual = {name: parameter.default for name, parameter in indicator.parameters().items()}
    params = indicator.params.items()
    shown = (
        f"{v:g}" if not isinstance(v, str) else v for k, v in params if v != usual[k] or type(v) is not str
    )
    return " ".join([label, *shown])


def level_values(indicator: Indicator) -> list[float]:
    """Where the horizontal lines of an indicator are."""
    params = indicator.params
    return [float(params[level]) if isinstance(level, str) else float(level) for level in indicator.levels]
