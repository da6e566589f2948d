"""The chart widget: candles with indicators in linked panes, over any length of history."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.candles import is_synthetic
from toolkit.chart import arrangement, found, panes, wire
from toolkit.chart.comparison import Comparison
from toolkit.chart.controller import Controller
from toolkit.chart.telling import Telling
from toolkit.indicators.base import Indicator
from toolkit.pipeline import IndicatorPipeline
from toolkit.signals import Signals, grown
from toolkit.sources.base import SourceError


class Chart(Telling):
    """Candles, volume, indicators and signals on one time axis, to be panned and zoomed over the whole
    history.

        chart = Chart(klines, IndicatorPipeline().add("RSI"))

    `show` takes candles, `plot` adds an indicator or replaces it, `remove` takes it away, `show_signals` sets
    markers, `go_to` moves to a candle, `extend` adds candles as they come. An indicator's lines, bars, areas,
    levels and pane come from its own
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
        self._title = ""
        self._about: dict[str, str] = {}
        self._comparison = Comparison()
        self._x = panes.linear(0, 100)
        self._price = panes.make_pane("price", self._x, 5, with_candles=True)
        self._own: dict[str, panes.Pane] = {}
        self._indicators: dict[str, Indicator] = {}
        self._order: dict[str, int] = {}
        controller = Controller(
            key=uuid.uuid4().hex,
            renderer=renderer,
            arrangement=arrangement.checked({}),
            spec=self._description(),
        )
        controller.on_msg(self._receive)
        super().__init__(wire.Columns(), controller, [self._price.figure])
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
    def indicators(self) -> dict[str, Indicator]:
        """What is plotted, by label; a copy."""
        return dict(self._indicators)

    def show(self, klines: pd.DataFrame, title: str | None = None) -> None:
        """Show other candles. Indicators keep their panes and are empty until they are plotted anew.

        Gaps, candles without volume, and what else their report tells are marked on the time axis.

        `klines`: a candle frame; `title`: text of the legend, by default symbol and timeframe of the frame.
        Candles that are made up are called synthetic there.
        """
        others = bool(self._columns.length)  # what is arranged before that is of these
        self._columns.replace_candles(klines)
        if others:
            self._controller.arrangement = arrangement.without_ranges(self._controller.arrangement)
        self._signals = {}
        self._found = found.find(klines)
        known = [str(klines.attrs[name]) for name in ("symbol", "timeframe") if klines.attrs.get(name)]
        made_up = ["SYNTHETIC"] if is_synthetic(klines) else []
        self._title = " · ".join((known if title is None else [title]) + made_up)
        origin = {name: klines.attrs.get(name) for name in ("symbol", "timeframe", "source", "revision")}
        self._about = {name: str(value) for name, value in origin.items() if value is not None}
        self._compare_again()
        self._describe()
        self._send_all()

    def extend(
        self,
        candles: Mapping[str, npt.NDArray[np.float64]],
        values: Mapping[str, Mapping[str, npt.NDArray[np.float64]]],
        *,
        forming: bool = False,
    ) -> None:
        """Draw candles that came after those shown, without anything else being drawn anew.

        `candles`: float64 arrays of one length: `time` (opening times, milliseconds since 1970), `open`,
        `high`, `low`, `close` and `volume`. `values`: by label what `plot` takes, of the new candles only.
        With `forming` the last of them has not closed: it is drawn as such, and the next call replaces it.
        Whoever looks at the newest candle goes on seeing it; whoever looks back is left where he is.

        Raises `ValueError` where something is missing or of another length, or does not follow.
        """
        rows = {name: np.asarray(array, np.float64) for name, array in candles.items()}
        for label, outputs in values.items():
            rows |= {f"{label}.{name}": np.asarray(array, np.float64) for name, array in outputs.items()}
        if panes.COMPARISON in self._columns.held:
            rows[panes.COMPARISON] = self._comparison.closes(rows["time"], forming=forming)
        self._tick(self._columns.extend(rows, forming=forming))

    def rewind(self, length: int) -> None:
        """Take away all candles but the first `length`, and signals at the others. Raises `ValueError` where
        there are not so many closed ones.
        """
        self._columns.rewind(length)
        self._signals = {
            label: signals[: int(signals.position.searchsorted(length))]
            for label, signals in self._signals.items()
        }
        self._tick(length)

    def mark(self, klines: pd.DataFrame) -> None:
        """Mark on the time axis what was found in `klines`, the candles shown that have closed."""
        before, self._found = self._found, found.find(klines)
        same = zip(before.arrays, self._found.arrays, strict=False)
        if before.content != self._found.content or not all(np.array_equal(*pair) for pair in same):
            self._send_found()

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
        before, self._signals = self._signals, dict(signals)
        more = grown(before, self._signals)
        if more is None:
            self._send_signals()
        elif any(map(len, more.values())):
            self._send_signals(more)

    # ---- another symbol

    @Telling.arrangement.setter  # type: ignore[attr-defined,untyped-decorator]
    def arrangement(self, arranged: Mapping[str, Any]) -> None:
        wanted = arrangement.checked(arranged)
        self._controller.arrangement = wanted
        if self._columns.length and wanted["compare"] != self._comparison.symbol:
            self._choose(wanted["compare"])

    def compare(self, klines: pd.DataFrame | None, title: str | None = None) -> None:
        """Draw the closes of another symbol beside the candles, both in percent since the first candle in
        view; None takes them away.

        `klines`: a candle frame of the same timeframe; its candles are put where their `open_time` is,
        those that are missing stay missing. `title`: by default its symbol. Raises `ValueError` where there
        is nothing to compare with, or the timeframes differ.
        """
        if klines is not None and not self._columns.length:
            raise ValueError("Chart.compare: nothing is shown yet")
        first = self._comparison.klines is None
        self._comparison.take(klines, title, self._columns.step)
        if klines is None:
            self._price.series.pop(panes.COMPARISON, None)
            self._columns.held.pop(panes.COMPARISON, None)
        else:
            title = self._comparison.title
            self._price.series[panes.COMPARISON] = panes.make_comparison(self._price, self._x, title)
            self._put_comparison()
        self._price.refresh()
        self._describe()
        if klines is not None:
            self._patch([panes.COMPARISON], [])
        now = self._controller.arrangement
        scale = now["scale"]
        if klines is None:
            scale = "linear" if scale == "percent" else scale
        elif first:
            scale = "percent" if scale == "linear" else scale
        self._controller.arrangement = {**now, "compare": self._comparison.symbol, "scale": scale}

    def offer_comparisons(self, symbols: Sequence[str], load: Callable[[str], pd.DataFrame | None]) -> None:
        """Let the user choose among `symbols` to compare with, on the chart itself, instead of among all
        pairs. `load(symbol)` gives the candles in the timeframe that is shown, or None where they cannot be
        had (and says so itself).
        """
        self._comparison.offer(symbols, load)
        self._describe()

    def _choose(self, symbol: str | None) -> None:
        """Compare with what the user, or an arrangement, names; the browser says what goes wrong."""
        try:
            offered = self._comparison.offered(self._about)
            self.compare(self._comparison.candles(symbol, self._about) if symbol in offered else None)
        except (SourceError, ValueError, OSError) as error:
            self._controller.send({"type": "problem", "text": f"{symbol} cannot be compared: {error}"})
            self.compare(None)

    def _put_comparison(self) -> None:
        times, forming = self._columns.held["time"].values, self._columns.forming
        self._columns.put(panes.COMPARISON, self._comparison.closes(times, forming=forming))

    def _compare_again(self) -> None:
        """Put the other symbol's closes where other candles are now; with another timeframe they are loaded
        anew, or taken away.
        """
        symbol = self._controller.arrangement["compare"]
        if self._comparison.fits(self._columns.step):
            self._put_comparison()
        elif symbol is not None:
            self._choose(symbol)

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
            "compare": self._comparison.describe(),
            "offers": self._comparison.offered(self._about),
            "x": self._x.model_id,
            "panes": [pane.describe() for pane in (self._price, *self._own.values())],
        }

    # ---- data

    def _receive(self, _: object, message: Mapping[str, Any], __: object) -> None:
        if message.get("type") == "ready":
            if self._columns.length:
                self._send_all()
                self._send_signals()
            self._controller.send({"type": "badge", "text": self._badge})
        elif message.get("type") == "pointer":
            self._pointed(message)
        elif message.get("type") == "compare":
            self._choose(message["symbol"])
        elif message.get("type") == "rows" and message.get("epoch") == self._columns.epoch:
            start, end = int(message["from"]), int(message["to"])
            asked = list(message["columns"])
            listed, data = self._columns.rows(asked, start, end)
            self._tell("rows", {"columns": listed, "asked": asked, "from": start, "to": end}, data)
