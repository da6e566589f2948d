"""What a dashboard shows, apart from how: candles, indicators, signals, what is being loaded and what went
wrong.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import traitlets

from toolkit.candles import find_symbol, find_timeframe
from toolkit.configuration import IndicatorConfiguration
from toolkit.controls.following import Following
from toolkit.controls.later import Later
from toolkit.indicators.base import Indicator
from toolkit.loader import KLineDataLoader
from toolkit.pipeline import IndicatorPipeline
from toolkit.signals import Signals, concatenate

log = logging.getLogger(__name__)

SIGNALS_AFTER = 0.08  # seconds that signals wait for a slider to stop; the lines never wait


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


class Dashboard(traitlets.HasTraits):
    """The state of a dashboard. Controls change `symbol`, `timeframe` and `configuration`; whatever follows,
    follows.

    `klines` is the frame shown, `signals` maps labels to `Signals`, `notes` are warnings that came with the
    candles, `loading` says what is being waited for, `error` is the last thing that went wrong
    (`{"number", "title", "text"}`, empty where nothing did). Nothing that fails is swallowed, and nothing
    that fails takes the last good chart away: a symbol that cannot be loaded is reported and the one before
    stays.

    While a feed is followed (`LiveBar`), `klines` and `signals` grow: a longer frame, at most twice a second.
    `moment` is then the time that a replay has reached, and None otherwise. Nothing that became known later
    may be shown; `take` is what is done with candles that were loaded meanwhile.
    """

    symbol = traitlets.Unicode()
    timeframe = traitlets.Unicode()
    klines = traitlets.Any(None, allow_none=True)
    signals = traitlets.Dict()
    notes = traitlets.Tuple()
    loading = traitlets.Unicode()
    error = traitlets.Dict()
    moment = traitlets.Instance(pd.Timestamp, allow_none=True)

    def __init__(
        self,
        symbol: str = "BTCUSDT",
        timeframe: str = "1h",
        *,
        configuration: IndicatorConfiguration | None = None,
        source: str | None = None,
    ) -> None:
        self._displays: list[Display] = []
        super().__init__(symbol=find_symbol(symbol), timeframe=find_timeframe(timeframe))
        self.configuration = configuration if configuration is not None else IndicatorConfiguration()
        self.source = source
        self._plotted: dict[str, Indicator] = {}
        self._values: dict[str, dict[str, npt.NDArray[np.float64]]] = {}
        self._found: dict[str, Signals] = {}
        self._errors = 0
        self.following: Following | None = None
        self.take: Callable[[pd.DataFrame, tuple[str, ...]], None] = self.show
        self._shown = (self.symbol, self.timeframe)
        self._load_later = Later(self._follow_pickers, 0)
        self._signals_later = Later(self._publish_signals, SIGNALS_AFTER)
        self.configuration.observe(lambda _: self.refresh())
        self.observe(self._picked, ["symbol", "timeframe"])
        self.load()

    # ---- candles

    def _picked(self, _: object) -> None:
        if (self.symbol, self.timeframe) != self._shown:
            self.loading = f"Loading {self.symbol} {self.timeframe}…"
            # not inside the picker's own change: what is loaded, or not, may change the picker
            self._load_later.ask()

    def _follow_pickers(self) -> None:
        if not self.load():
            # what the pickers say is what the chart shows
            self.symbol, self.timeframe = self._shown

    def load(self) -> bool:
        """Load the candles of `symbol` and `timeframe` and show them; whether that went well."""
        self.loading = f"Loading {self.symbol} {self.timeframe}…"
        try:
            with self.reporting(f"{self.symbol} {self.timeframe} could not be loaded"):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    klines = KLineDataLoader.load_klines(self.symbol, self.timeframe, source=self.source)
                self.take(klines, tuple(str(warning.message) for warning in caught))
                return True
            return False
        finally:
            self.loading = ""

    @contextmanager
    def _waiting(self, text: str) -> Iterator[None]:
        """Say what is being waited for, unless it is nothing."""
        before = self.loading
        self.loading = text or before
        try:
            yield
        finally:
            self.loading = before

    @traitlets.observe("loading")
    def _tell_loading(self, change: Any) -> None:
        for display in self._displays:
            display.loading = change["new"]

    def show(self, klines: pd.DataFrame, notes: tuple[str, ...]) -> None:
        """Show other candles, and the warnings that came with them."""
        self._signals_later.cancel()
        self._plotted, self._values, self._found = {}, {}, {}
        self._shown = (self.symbol, self.timeframe)
        self.notes = notes
        self.klines = klines
        self.error = {}
        for display in self._displays:
            display.show(klines)
        self.refresh()
        self._signals_later.now()

    # ---- indicators

    def refresh(self) -> None:
        """Bring what is plotted in line with the configuration; only what changed is calculated."""
        if self.klines is None:
            return
        if self.following is not None:
            self.following.settle()
        wanted = self.configuration.pipeline().indicators
        for label in [label for label in self._plotted if label not in wanted]:
            del self._plotted[label]
            self._values.pop(label, None)
            self._found.pop(label, None)
            for display in self._displays:
                display.remove(label)
        for label, indicator in wanted.items():
            if self._plotted.get(label) == indicator:
                continue
            with self.reporting(f"{label} could not be calculated"):
                with self._waiting(self._wait_text(label, indicator)):
                    self._values.pop(label, None)
                    values = self._values_of(label, indicator)
                for display in self._displays:
                    display.plot(label, indicator, values)
                self._plotted[label] = indicator
                self._found.pop(label, None)
        if self.following is not None:
            self.following.resume()
        self._signals_later.ask()

    def _values_of(self, label: str, indicator: Indicator) -> dict[str, npt.NDArray[np.float64]]:
        """Each output at each candle of the frame; kept until the frame is another one."""
        if label not in self._values:
            frame = indicator.calculate(self.klines)
            self._values[label] = {out.name: frame[out.name].to_numpy() for out in indicator.outputs}
        return self._values[label]

    def _wait_text(self, label: str, indicator: Indicator) -> str:
        """What is being waited for; nothing for a slider's own indicator, which is quick."""
        if needs_compiling(indicator):
            return f"Preparing {indicator.name}: compiled once, then kept…"
        return "" if label in self._plotted else f"Calculating {label}…"

    def _publish_signals(self) -> None:
        if self.following is not None:
            self.following.settle()
        found = {}
        for label, indicator in self._plotted.items():
            with self.reporting(f"The signals of {label} could not be found"):
                if label not in self._found:
                    self._found[label] = indicator.get_signals(self.klines)
                found[label] = self._found[label]
        self.signals = found
        for display in self._displays:
            display.show_signals(found)

    # ---- candles that come one by one; see `Following`

    def show_part(self, klines: pd.DataFrame) -> None:
        """Show so much of the series as was known at some time."""
        self.show(klines, self.notes)

    def grow(self, klines: pd.DataFrame) -> None:
        """What is drawn has come to be this frame."""
        self._values = {}
        self.klines = klines

    def drawn_pipeline(self) -> IndicatorPipeline:
        """The indicators that are drawn: those that could not be calculated are not."""
        pipeline = self.configuration.pipeline()
        for label in pipeline.indicators:
            if label not in self._plotted:
                pipeline.remove(label)
        return pipeline

    def add_signals(self, signals: Mapping[str, Signals]) -> None:
        """Signals at candles that came after all others. Those of an indicator whose signals are still to be
        found are found with them.
        """
        fresh = {label: more for label, more in signals.items() if label in self._found and len(more)}
        if fresh:
            self._found = {
                label: concatenate([found, fresh[label]]) if label in fresh else found
                for label, found in self._found.items()
            }
            self._tell_signals()

    def cut_signals(self, rows: int) -> None:
        """Forget the signals at all but the first candles."""
        self._found = {
            label: found[: int(found.position.searchsorted(rows))] for label, found in self._found.items()
        }
        self._tell_signals()

    def _tell_signals(self) -> None:
        self.signals = dict(self._found)
        for display in self._displays:
            display.show_signals(self.signals)

    # ---- who looks at it

    @property
    def displays(self) -> tuple[Display, ...]:
        """What it is shown on."""
        return tuple(self._displays)

    def connect(self, display: Display) -> None:
        """Show this dashboard on a chart, from now on."""
        if self.following is not None:
            self.following.settle()
        self._displays.append(display)
        if self.klines is not None:
            display.show(self.klines)
            for label, indicator in self._plotted.items():
                display.plot(label, indicator, self._values_of(label, indicator))
            display.show_signals(self._found)

    def go_to(self, position: int) -> None:
        """Bring the candle in row `position` into view."""
        for display in self._displays:
            display.go_to(position)

    # ---- what goes wrong

    @contextmanager
    def reporting(self, title: str) -> Iterator[None]:
        """Whatever fails inside becomes `error`, and goes to the log with its traceback."""
        try:
            yield
        except Exception as error:  # shown, whatever it is: Voila would lose it
            log.exception(title)
            self._errors += 1
            self.error = {"number": self._errors, "title": title, "text": f"{error}" or type(error).__name__}

    def reported(self, title: str, action: Callable[..., Any]) -> Callable[..., None]:
        """`action` as a callback whose failures are reported."""

        def callback(*arguments: Any) -> None:
            with self.reporting(title):
                action(*arguments)

        return callback


def needs_compiling(indicator: Indicator) -> bool:
    """Whether an indicator's kernel was not used in this process yet, so that it is read from the cache, in a
    moment, or compiled, in seconds.
    """
    signatures = getattr(indicator.kernel, "signatures", None)
    return signatures is not None and not signatures
