"""One chart of a dashboard: the candles on it, and what was calculated for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.indicators.base import Indicator
from toolkit.indicators.larger import LargerRun
from toolkit.pipeline import IndicatorPipeline
from toolkit.signals import Signals

Values = dict[str, npt.NDArray[np.float64]]


class Display(Protocol):
    """What a dashboard can show itself on; `toolkit.chart.Chart` is one."""

    loading: str

    def show(self, klines: pd.DataFrame) -> None:
        """Show other candles."""

    def plot(self, label: str, indicator: Indicator, values: Mapping[str, npt.NDArray[np.float64]]) -> None:
        """Draw an indicator, or draw it anew."""

    def remove(self, label: str) -> None:
        """Take an indicator away."""

    def show_signals(self, signals: Mapping[str, Signals]) -> None:
        """Set the markers."""

    def go_to(self, position: int) -> None:
        """Bring a candle into view."""

    # what follows is asked for only where a feed is followed

    badge: str

    def extend(
        self,
        candles: Mapping[str, npt.NDArray[np.float64]],
        values: Mapping[str, Mapping[str, npt.NDArray[np.float64]]],
        *,
        forming: bool = False,
    ) -> None:
        """Draw candles that came after those shown."""

    def rewind(self, length: int) -> None:
        """Keep only the first candles."""

    def mark(self, klines: pd.DataFrame) -> None:
        """Mark anew what was found in the candles shown."""


@runtime_checkable
class Viewport(Protocol):
    """A display that knows what part of the candles is in view, and how it is arranged."""

    arrangement: dict[str, Any]

    @property
    def visible_times(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Opening times of the first and the last candle in view."""

    def show_range(self, first: Any, last: Any) -> None:
        """Bring the candles between two times into view."""

    def observe_visible(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call whenever another range has come into view."""

    def observe_arrangement(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call whenever it was arranged anew."""

    def watch_pointer(self, callback: Callable[[int | None], None]) -> Callable[[], None]:
        """Call with the row under the crosshair; the function returned ends that."""


@dataclass(slots=True)
class Slot:
    """What one chart shows. Of several, one is the active one, and the controls are about it."""

    symbol: str
    timeframe: str
    entries: list[dict[str, Any]] = field(default_factory=list)  # of the configuration, those that are on
    pipeline: IndicatorPipeline = field(default_factory=IndicatorPipeline)
    klines: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    displays: list[Display] = field(default_factory=list)
    plotted: dict[str, tuple[Indicator, str | None]] = field(default_factory=dict)
    values: dict[str, Values] = field(default_factory=dict)
    found: dict[str, Signals] = field(default_factory=dict)
    ordered: list[str] = field(default_factory=list)  # labels, in the order last asked for
    _candles: Values = field(default_factory=dict)  # columns of `klines` that were looked through already

    @property
    def viewport(self) -> Viewport | None:
        """The display that has a view of its own, if there is one."""
        return next((one for one in self.displays if isinstance(one, Viewport)), None)

    @property
    def wanted(self) -> dict[str, tuple[Indicator, str | None]]:
        """What is to be plotted, by the pipeline's labels."""
        timeframes = self.pipeline.timeframes
        return {
            label: (indicator, timeframes.get(label)) for label, indicator in self.pipeline.indicators.items()
        }

    def take(self, klines: pd.DataFrame | None) -> None:
        """Have another frame; what was read of the one before, and its values, are forgotten."""
        self.klines, self.values, self._candles = klines, {}, {}

    def show(self, klines: pd.DataFrame, notes: tuple[str, ...]) -> None:
        """Show other candles; what was calculated for those before is forgotten."""
        self.take(klines)
        self.plotted, self.found, self.notes = {}, {}, notes
        for display in self.displays:
            display.show(klines)

    def forget(self, label: str) -> None:
        """Take an indicator away."""
        del self.plotted[label]
        self.values.pop(label, None)
        self.found.pop(label, None)
        for display in self.displays:
            display.remove(label)

    def calculate(self, label: str, indicator: Indicator, timeframe: str | None) -> None:
        """Calculate an indicator on the whole history and plot it. Raises `ValueError` where the candles do
        not suit it.
        """
        self.values.pop(label, None)
        self.found.pop(label, None)
        values = self.values_of(label, indicator, timeframe)
        self.plotted[label] = indicator, timeframe
        for display in self.displays:
            display.plot(label, indicator, values)

    def values_of(self, label: str, indicator: Indicator, timeframe: str | None) -> Values:
        """Each output at each candle of the frame; kept until the frame is another one."""
        if label in self.values or self.klines is None:
            return self.values.get(label, {})
        if timeframe is None:
            self.values[label] = indicator.compute(self._candles_for(indicator), checked=True)
            return self.values[label]
        if any(indicator.candles_ahead(output) for output in indicator.outputs):
            raise ValueError(
                f"{indicator.name} draws ahead of its candles, which it cannot on a larger timeframe;"
                " put it back on the chart's own"
            )
        larger = LargerRun(indicator, timeframe)
        self.values[label] = larger.commit(larger.prepare(self.klines))
        self.found.setdefault(label, larger.new_signals)
        return self.values[label]

    def _candles_for(self, indicator: Indicator) -> Values:
        """The columns that an indicator reads, looked through once for as long as the frame is the same.
        Raises `ValueError` where they do not suit it.
        """
        klines, held = self.klines, self._candles
        assert klines is not None
        wanted = [*indicator.columns, *(name for name in indicator.inputs if name == "open_time")]
        if any(name not in held for name in wanted):
            indicator.stream().prepare(klines)
        for name in wanted:
            if name == "open_time" and name not in held:
                held[name] = pd.DatetimeIndex(klines.index).as_unit("ms").asi8.astype(np.float64)
            elif name not in held:
                held[name] = np.ascontiguousarray(klines[name].to_numpy(np.float64, na_value=np.nan))
        return held

    def order(self) -> None:
        """Follow the pipeline where what was there already is in another order; nothing is calculated. What
        is new stays below.
        """
        wanted = list(self.wanted)
        before = [label for label in self.ordered if label in wanted]
        self.ordered = wanted
        if before == [label for label in wanted if label in before]:
            return
        moved = [label for label in wanted if label in self.plotted]
        self.plotted = {label: self.plotted[label] for label in moved}
        for display in self.displays:
            for label in moved:
                display.remove(label)
            for label in moved:
                display.plot(label, self.plotted[label][0], self.values_of(label, *self.plotted[label]))

    def signals_of(self, label: str) -> Signals:
        """The signals of an indicator that is plotted."""
        indicator, timeframe = self.plotted[label]
        if label not in self.found and self.klines is not None:
            if timeframe is None:
                self.found[label] = indicator.get_signals(self.klines)
            else:
                larger = LargerRun(indicator, timeframe)
                larger.commit(larger.prepare(self.klines))
                self.found[label] = larger.new_signals
        return self.found[label]

    def connect(self, display: Display) -> None:
        """Show all of it on a display, from now on."""
        self.displays.append(display)
        if self.klines is not None:
            display.show(self.klines)
            for label, (indicator, timeframe) in self.plotted.items():
                display.plot(label, indicator, self.values_of(label, indicator, timeframe))
            display.show_signals(self.found)
