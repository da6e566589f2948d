"""The chart widget: candles with indicators in linked panes, over any length of history."""

import contextlib
import copy
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import numpy.typing as npt
import pandas as pd
import traitlets

from toolkit.candles import is_synthetic, timeframe_of
from toolkit.chart import arrangement, found, panes, wire
from toolkit.chart.bundle import script
from toolkit.indicators.base import Indicator
from toolkit.pipeline import IndicatorPipeline
from toolkit.signals import Signals

FIRST_ROWS = 3000  # candles that are sent with the page; the browser asks for the others


class Controller(anywidget.AnyWidget):
    """The browser's side of a chart; see `toolkit/chart/js/controller.js`."""

    _esm = script()
    _css = Path(__file__).with_name("chart.css").read_text(encoding="utf-8")

    key = traitlets.Unicode().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    loading = traitlets.Unicode().tag(sync=True)
    seen = traitlets.Dict().tag(sync=True)
    renderer = traitlets.Unicode("canvas").tag(sync=True)
    arrangement = traitlets.Dict().tag(sync=True)
    goal = traitlets.Dict().tag(sync=True)  # the range that Python last asked for
    watching = traitlets.Bool().tag(sync=True)  # whether Python wants to know the row under the pointer
    group = traitlets.Unicode().tag(sync=True)


class Chart(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets comes without types
    """Candles, volume, indicators and signals on one time axis, to be panned and zoomed over the whole
    history.

        chart = Chart(klines, IndicatorPipeline().add("RSI"))

    `show` takes candles, `plot` adds an indicator or replaces it, `remove` takes it away, `show_signals` sets
    markers, `go_to` moves to a candle. An indicator's lines, bars, areas, levels and pane come from its own
    declaration. `visible` is the range of rows in view, as the browser last told.

    `renderer="svg"` lets bqplot draw its marks itself, slower, instead of painting them on a canvas.
    """

    def __init__(
        self,
        klines: pd.DataFrame | None = None,
        pipeline: IndicatorPipeline | None = None,
        *,
        renderer: str = "canvas",
    ) -> None:
        if renderer not in ("canvas", "svg"):
            raise ValueError(f"Chart: renderer={renderer!r} is not allowed: it must be 'canvas' or 'svg'")
        self._columns = wire.Columns()
        self._signals: Mapping[str, Signals] = {}
        self._found = found.Found({}, [])
        self._title = ""
        self._about: dict[str, str] = {}
        self._compared: pd.DataFrame | None = None
        self._other = ""  # what is compared with
        self._offers: list[str] = []
        self._load: Callable[[str], pd.DataFrame | None] | None = None
        self._x = panes.linear(0, 100)
        self._price = panes.make_pane("price", self._x, 5, with_candles=True)
        self._own: dict[str, panes.Pane] = {}
        self._indicators: dict[str, Indicator] = {}
        self._order: dict[str, int] = {}
        self._goals = 0
        self._watchers: list[Callable[[int | None], None]] = []
        self._controller = Controller(
            key=uuid.uuid4().hex,
            renderer=renderer,
            spec=self._description(),
            arrangement=arrangement.checked({}),
        )
        self._controller.on_msg(self._receive)
        super().__init__([self._price.figure, self._controller])
        self.add_class("tk-chart")
        if klines is not None:
            self.show(klines)
            if pipeline is not None:
                frame = pipeline.calculate(klines)
                for label, indicator in pipeline.indicators.items():
                    columns = pipeline.columns(label)
                    self.plot(label, indicator, {name: frame[columns[name]].to_numpy() for name in columns})
                self.show_signals(pipeline.get_all_signals(klines))

    @property
    def loading(self) -> str:
        """What is being waited for; shown over the chart unless empty."""
        return str(self._controller.loading)

    @loading.setter
    def loading(self, text: str) -> None:
        self._controller.loading = text

    @property
    def visible(self) -> tuple[float, float] | None:
        """First and last row in view (fractions of a candle included), or None before anything was shown."""
        seen = self._controller.seen
        if not seen or seen["epoch"] != self._columns.epoch:
            return None
        return float(seen["first"]), float(seen["last"])

    @property
    def visible_times(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Opening times (UTC) of the first and the last candle in view, or None before anything was shown."""
        seen = self.visible
        if seen is None or not self._columns.length:
            return None
        times = self._columns.held["time"].values
        first, last = (min(max(round(row), 0), len(times) - 1) for row in seen)
        return pd.Timestamp(times[first], unit="ms", tz="UTC"), pd.Timestamp(times[last], unit="ms", tz="UTC")

    def observe_visible(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` whenever another range has come into view and rests. Returns a function that
        ends this.
        """
        return self._observe("seen", callback)

    @property
    def arrangement(self) -> dict[str, Any]:
        """How the chart is arranged, as JSON can hold it; a copy. Setting it restores what was kept.

        `scale` ("linear", "log" or "percent"), `timezone` ("UTC" or an IANA name), `theme` ("auto", "dark"
        or "light"), `panes` (a list, from top to bottom, of `{"key", "height", "folded"}`: keys are "price"
        and the indicators' labels, heights are shares), `drawings` (by symbol: lists of `{"id", "kind",
        "pane", "points"}`, points in milliseconds since 1970 and in values) and `compare` (a symbol or
        None). What is missing is as in a new chart; `ValueError` names what is wrong. Panes that are not
        there yet take their place when they come. (`layout` is what ipywidgets calls the CSS of a widget.)
        """
        return copy.deepcopy(self._controller.arrangement)

    @arrangement.setter
    def arrangement(self, arranged: Mapping[str, Any]) -> None:
        wanted = arrangement.checked(arranged)
        self._controller.arrangement = wanted
        if wanted["compare"] != (self._other or None) and (self._load is not None or not wanted["compare"]):
            self._choose(wanted["compare"])

    def observe_arrangement(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` whenever `arrangement` changed, by hand or by Python. Returns a function that
        ends this.
        """
        return self._observe("arrangement", callback)

    @property
    def group(self) -> str:
        """Charts of one group on a page show the same span of time, and their crosshairs move together;
        an empty name means alone.
        """
        return str(self._controller.group)

    @group.setter
    def group(self, name: str) -> None:
        self._controller.group = name

    def watch_pointer(self, callback: Callable[[int | None], None]) -> Callable[[], None]:
        """Call `callback(row)` with the row of the candle under the crosshair whenever the pointer rests on
        another one, and `callback(None)` when it has left the chart. Returns a function that ends this.
        While nobody watches, the browser says nothing.
        """
        self._watchers.append(callback)
        self._controller.watching = True

        def end() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)
            self._controller.watching = bool(self._watchers)

        return end

    def show_range(self, first: Any, last: Any) -> None:
        """Bring the candles from `first` to `last` into view, both times (anything that pandas reads as
        one; without a time zone: UTC). Times beyond the candles are allowed; the view stays near them.

        Raises `ValueError` where nothing is shown yet, a time cannot be read, or `last` is before `first`.
        """
        low, high = self._row_of("first", first), self._row_of("last", last)
        if high < low:
            raise ValueError(f"Chart.show_range: last={last!r} is not allowed: it is before first={first!r}")
        self._goals += 1
        self._controller.goal = {
            "number": self._goals,
            "epoch": self._columns.epoch,
            "low": low - 0.5,
            "high": high + 0.5,
        }

    @property
    def indicators(self) -> dict[str, Indicator]:
        """What is plotted, by label; a copy."""
        return dict(self._indicators)

    def show(self, klines: pd.DataFrame, title: str | None = None) -> None:
        """Show other candles. Indicators keep their panes and are empty until they are plotted anew.

        Gaps, candles without volume, and what else their report tells are marked on the time axis.

        `klines`: a candle frame; `title`: text of the legend, by default symbol and timeframe of the frame.
        Candles that are made up are called synthetic there.
        """
        self._columns.replace_candles(klines)
        self._signals = {}
        self._found = found.find(klines)
        known = [str(klines.attrs[name]) for name in ("symbol", "timeframe") if klines.attrs.get(name)]
        made_up = ["SYNTHETIC"] if is_synthetic(klines) else []
        self._title = " · ".join((known if title is None else [title]) + made_up)
        origin = {name: klines.attrs.get(name) for name in ("symbol", "timeframe", "source", "revision")}
        self._about = {name: str(value) for name, value in origin.items() if value is not None}
        self._align()
        self._describe()
        self._send_all()

    def plot(self, label: str, indicator: Indicator, values: Mapping[str, npt.NDArray[np.float64]]) -> None:
        """Draw an indicator, or draw it anew: `values` holds a float64 array, as long as the candles, for
        each output that is drawn or that an area or a colour comes from.

        Raises `ValueError` where an output is missing or of another length.
        """
        drawn = panes.needed(indicator)
        if missing := [name for name in drawn if name not in values]:
            raise ValueError(f"Chart.plot: values of {label} lack {', '.join(missing)}")
        held = self._indicators.get(label)
        if held is not None and type(held) is not type(indicator):
            self.remove(label)
        names = [f"{label}.{name}" for name in drawn]
        for column, name in zip(names, drawn, strict=True):
            self._columns.put(column, values[name])
        # the values first: the browser draws them while it is told the new title
        self._patch(names, [indicator.candles_ahead(output) for output in indicator.outputs])
        if held != indicator:
            self._indicators[label] = indicator
            self._place(label, indicator)
            self._describe()

    def remove(self, label: str) -> None:
        """Take an indicator off the chart; its pane closes where it had one of its own. Unknown labels are
        ignored.
        """
        if self._indicators.pop(label, None) is None:
            return
        for pane in (self._price, *self._own.values()):
            if series := pane.series.pop(label, None):
                for column in series.columns:
                    self._columns.held.pop(column, None)
        if self._own.pop(label, None) is None:
            self._price.refresh()
        self._arrange()
        self._describe()

    def show_signals(self, signals: Mapping[str, Signals]) -> None:
        """Set the markers: signals by the indicator's label, their positions counted in rows of the candles
        shown.
        """
        self._signals = dict(signals)
        self._send_signals()

    def compare(self, klines: pd.DataFrame | None, title: str | None = None) -> None:
        """Draw the closes of another symbol beside the candles, both in percent since the first candle in
        view; None takes them away.

        `klines`: a candle frame of the same timeframe; its candles are put where their `open_time` is,
        those that are missing stay missing. `title`: by default its symbol. Raises `ValueError` where there
        is nothing to compare with, or the timeframes differ.
        """
        if klines is None:
            self._other, self._compared = "", None
            if self._price.series.pop(panes.COMPARISON, None) is not None:
                self._columns.held.pop(panes.COMPARISON, None)
                self._price.refresh()
                self._describe()
            self._rearrange(compare=None, scale={"percent": "linear"})
            return
        if not self._columns.length:
            raise ValueError("Chart.compare: nothing is shown yet")
        step = timeframe_of(klines)
        if step is None or step.total_seconds() * 1000 != self._columns.step:
            raise ValueError(
                f"Chart.compare: klines of {step} are not allowed: the candles shown last "
                f"{pd.Timedelta(self._columns.step, 'ms')}"
            )
        first = self._compared is None
        self._compared = klines
        self._other = title or str(klines.attrs.get("symbol") or "other")
        if is_synthetic(klines):
            self._other += " SYNTHETIC"
        self._price.series[panes.COMPARISON] = panes.make_comparison(self._price, self._x, self._other)
        self._align()
        self._price.refresh()
        self._describe()
        self._patch([panes.COMPARISON], [])
        compared = str(klines.attrs.get("symbol") or self._other)
        self._rearrange(compare=compared, scale={"linear": "percent"} if first else {})

    def offer_comparisons(self, symbols: Sequence[str], load: Callable[[str], pd.DataFrame | None]) -> None:
        """Let the user choose a symbol to compare with on the chart itself. `load(symbol)` gives its candles
        in the timeframe that is shown, or None where they cannot be had (and says so itself).
        """
        self._offers, self._load = list(symbols), load
        self._describe()

    def go_to(self, position: int) -> None:
        """Bring a candle (its row) to the middle and mark it. Raises `IndexError` where there is no such
        row.
        """
        if not 0 <= position < self._columns.length:
            raise IndexError(
                f"Chart.go_to: position={position} is not allowed: there are {self._columns.length} candles"
            )
        self._controller.send({"type": "go", "position": int(position)})

    # ---- another symbol

    def _choose(self, symbol: str | None) -> None:
        """What the user, or an arrangement, wants to compare with."""
        self.compare(self._load(symbol) if symbol and self._load is not None else None)

    def _rearrange(self, *, compare: str | None, scale: Mapping[str, str]) -> None:
        now = self._controller.arrangement
        self._controller.arrangement = {
            **now,
            "compare": compare,
            "scale": scale.get(now["scale"], now["scale"]),
        }

    def _align(self) -> None:
        """Put the other symbol's closes where the candles shown are. With another timeframe they are loaded
        anew, or taken away.
        """
        if self._compared is None:
            return
        step = timeframe_of(self._compared)
        if step is None or step.total_seconds() * 1000 != self._columns.step:
            symbol = self._compared.attrs.get("symbol")
            again = self._load(str(symbol)) if symbol and self._load is not None else None
            if again is None:
                self.compare(None)
                return
            self._compared = again
        close = self._compared["close"].reindex(self._index())
        self._columns.put(panes.COMPARISON, close.to_numpy(np.float64))

    def _index(self) -> pd.DatetimeIndex:
        times = self._columns.held["time"].values.astype(np.int64)
        return pd.DatetimeIndex(times.astype("datetime64[ms]"), tz="UTC")

    def _observe(self, name: str, callback: Callable[[], None]) -> Callable[[], None]:
        def changed(_: object) -> None:
            callback()

        self._controller.observe(changed, name)
        return lambda: self._controller.unobserve(changed, name)

    def _row_of(self, name: str, time: Any) -> float:
        """The row at which a time lies: the last candle that opened by then, counted on beyond both ends."""
        if not self._columns.length:
            raise ValueError("Chart.show_range: nothing is shown yet")
        moment: Any = None
        with contextlib.suppress(TypeError, ValueError):
            moment = pd.Timestamp(time)
        if not isinstance(moment, pd.Timestamp):  # pandas' NaT is none
            raise ValueError(f"Chart.show_range: {name}={time!r} is not allowed: it must be a time")
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment
        millis = moment.timestamp() * 1000
        times, step = self._columns.held["time"].values, self._columns.step
        if millis < times[0]:
            return float((millis - times[0]) // step)
        if millis > times[-1]:
            return float(len(times) - 1 + (millis - times[-1]) // step)
        return float(np.searchsorted(times, millis, side="right") - 1)

    # ---- panes

    def _place(self, label: str, indicator: Indicator) -> None:
        """Make the marks of an indicator, or only move its levels where they are there already."""
        order = self._order.setdefault(label, len(self._order))
        own = indicator.pane == "own"
        pane = self._own.get(label) if own else self._price
        if pane is None:
            pane = self._own[label] = panes.make_pane(label, self._x, 2)
            self._arrange()
        pane.value_range = indicator.value_range if own else None
        series = pane.series.get(label)
        if series is None:
            pane.series[label] = panes.make_series(pane, self._x, label, indicator, order)
            pane.refresh()
            return
        levels = panes.level_values(indicator)
        moving = iter(levels)
        for mark in series.marks:
            if mark.facts["kind"] == "level":
                mark.facts["value"] = next(moving)
            elif mark.facts["kind"] == "zone":
                mark.facts["values"] = levels
        series.title = panes.series_title(label, indicator)
        series.rules, series.warmup = panes.rules(indicator), indicator.warmup
        series.shifts = panes.shifts(label, indicator)

    def _arrange(self) -> None:
        figures = [self._price.figure, *(pane.figure for pane in self._own.values())]
        self.children = (*figures, self._controller)

    def _describe(self) -> None:
        self._controller.spec = self._description()

    def _description(self) -> dict[str, Any]:
        return {
            "title": self._title,
            "about": {
                **self._about,
                "marks": [word for word in ("SYNTHETIC", "REPLAY") if word in self._title],
            },
            "compare": None if self._compared is None else {"column": panes.COMPARISON, "title": self._other},
            "offers": self._offers,
            "x": self._x.model_id,
            "panes": [pane.describe() for pane in (self._price, *self._own.values())],
        }

    # ---- data

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        if message.get("type") == "ready":
            if self._columns.length:
                self._send_all()
                self._send_signals()
        elif message.get("type") == "pointer" and message.get("epoch") == self._columns.epoch:
            row = message["row"]
            for callback in list(self._watchers):
                callback(None if row is None else int(row))
        elif message.get("type") == "compare":
            symbol = message["symbol"]
            self._choose(symbol if symbol in self._offers else None)
        elif message.get("type") == "rows" and message.get("epoch") == self._columns.epoch:
            start, end = int(message["from"]), int(message["to"])
            listed, data = self._columns.rows(list(message["columns"]), start, end)
            self._tell("rows", {"columns": listed, "from": start, "to": end}, data)

    def _tell(self, kind: str, content: dict[str, Any], buffers: list[Any]) -> None:
        self._controller.send({"type": kind, "epoch": self._columns.epoch, **content}, buffers)

    def _send_all(self) -> None:
        length = self._columns.length
        start = max(0, length - FIRST_ROWS)
        listed, data = self._columns.rows(list(self._columns.held), start, length)
        self._tell(
            "reset", {"length": length, "step": self._columns.step, "columns": listed, "from": start}, data
        )
        self._tell("found", self._found.content, [array.data for array in self._found.arrays])

    def _patch(self, names: list[str], shifts: list[int]) -> None:
        """Send what is in view of changed columns; the browser asks for the rest when no more changes
        come. `shifts`: how many candles later than they are known they are drawn.
        """
        seen = self._controller.seen
        if seen and seen["epoch"] == self._columns.epoch:
            level, start, end = int(seen["level"]), int(seen["from"]), int(seen["to"])
        else:
            level, start, end = 0, max(0, self._columns.length - FIRST_ROWS), self._columns.length
        size = 1 << level
        start = max(0, start - -(-max([0, *shifts]) // size))
        end = min(-(-self._columns.length // size), end + -(-max([0, *(-n for n in shifts)]) // size))
        listed, data = [], []
        for name in names:
            column = self._columns.held[name]
            listed.append((name, column.version))
            data += [part.data for part in wire.buckets(column.values, level, start, end)]
        self._tell("patch", {"columns": listed, "level": level, "from": start}, data)

    def _send_signals(self) -> None:
        rules, columns = wire.signal_columns(self._signals)
        self._tell("signals", {"rules": rules}, [column.data for column in columns])
