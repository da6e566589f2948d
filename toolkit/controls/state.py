"""What a dashboard shows, apart from how: candles, indicators, signals, what is being loaded and what went
wrong.
"""

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
import traitlets

from toolkit.candles import find_symbol, find_timeframe
from toolkit.configuration import IndicatorConfiguration
from toolkit.controls.following import Following
from toolkit.controls.later import Later
from toolkit.controls.slots import Display, Slot
from toolkit.explain import Explanation
from toolkit.indicators.base import Indicator
from toolkit.loader import KLineDataLoader
from toolkit.pipeline import IndicatorPipeline
from toolkit.signals import Signals, concatenate

log = logging.getLogger(__name__)

SIGNALS_AFTER = 0.08  # seconds that signals wait for a slider to stop; the lines never wait
MOST_CHARTS = 4
LINKS = ("symbol", "timeframe")


class Dashboard(traitlets.HasTraits):
    """The state of a dashboard. Controls change `symbol`, `timeframe` and `configuration`; whatever follows,
    follows.

    `klines` is the frame shown, `signals` maps labels to `Signals`, `notes` are warnings that came with the
    candles, `loading` says what is being waited for, `error` is the last thing that went wrong
    (`{"number", "title", "text"}`, empty where nothing did). Nothing that fails is swallowed, and nothing
    that fails takes the last good chart away: a symbol that cannot be loaded is reported and the one before
    stays.

    There can be several charts (`add_chart`), each with its own candles and indicators. All of the above is
    about the `active` one, by its place among `slots`. `linked` names what all charts share: "symbol",
    "timeframe", both or neither. `watched` are the pairs of the watchlist.

    While a feed is followed (`LiveBar`), `klines` and `signals` grow: a longer frame, at most twice a second.
    `moment` is then the time that a replay has reached, and None otherwise. Nothing that became known later
    may be shown; `take` is what is done with candles that were loaded meanwhile. A feed is followed on one
    chart alone.
    """

    symbol = traitlets.Unicode()
    timeframe = traitlets.Unicode()
    klines = traitlets.Any(None, allow_none=True)
    signals = traitlets.Dict()
    notes = traitlets.Tuple()
    loading = traitlets.Unicode()
    error = traitlets.Dict()
    moment = traitlets.Instance(pd.Timestamp, allow_none=True)
    active = traitlets.Int(0)
    charts = traitlets.Int(1)
    linked: Any = traitlets.Tuple()
    watched: Any = traitlets.Tuple()

    def __init__(
        self,
        symbol: str = "BTCUSDT",
        timeframe: str = "1h",
        *,
        configuration: IndicatorConfiguration | None = None,
        source: str | None = None,
    ) -> None:
        symbol, timeframe = find_symbol(symbol), find_timeframe(timeframe)
        self.slots = [Slot(symbol, timeframe)]
        super().__init__(symbol=symbol, timeframe=timeframe)
        self.configuration = configuration if configuration is not None else IndicatorConfiguration()
        self.source = source
        self._errors = 0
        self._following: Following | None = None
        self.take: Callable[[pd.DataFrame, tuple[str, ...]], None] = self.show
        self._task: asyncio.Task[None] | None = None
        self._load_later = Later(self._follow_pickers, 0)
        self._signals_later = Later(self._publish_signals, SIGNALS_AFTER)
        self.configuration.observe(lambda _: self.refresh())
        self.observe(self._picked, ["symbol", "timeframe"])
        self.load()

    @property
    def slot(self) -> Slot:
        """The active chart."""
        return self.slots[self.active]

    @property
    def following(self) -> Following | None:
        """What brings the candles of a feed, where one is followed."""
        return self._following

    @following.setter
    def following(self, following: Following | None) -> None:
        if following is not None and len(self.slots) > 1:
            raise ValueError(
                "candles are followed or replayed on one chart, where no other shows what comes later:"
                " switch the other charts off first"
            )
        self._following = following

    def _check_alone(self) -> None:
        if self._following is not None:
            raise ValueError("stop the replay or the live candles first: they are for one chart")

    # ---- candles

    def pick(self, symbol: str, timeframe: str) -> None:
        """Set both at once; what is between them is not loaded."""
        with self.hold_trait_notifications():
            self.symbol, self.timeframe = symbol, timeframe

    def _picked(self, _: object) -> None:
        if (self.symbol, self.timeframe) != (self.slot.symbol, self.slot.timeframe):
            self.loading = f"Loading {self.symbol} {self.timeframe}…"
            # not inside the picker's own change: what is loaded, or not, may change the picker
            self._load_later.ask()

    def _follow_pickers(self) -> None:
        self._end_task()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._load(self._to_load())
        else:
            # in a thread, so that the page can go on, and cancel
            self._task = loop.create_task(self._load_beside())

    def cancel(self) -> None:
        """Stop waiting for the candles that are being loaded; those before stay."""
        self._end_task()
        self._load_later.cancel()
        self._restore_pickers()
        self.loading = ""

    def _end_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _restore_pickers(self) -> None:
        """What the pickers say is what the chart shows."""
        self.pick(self.slot.symbol, self.slot.timeframe)

    @property
    def is_reading(self) -> bool:
        """Whether candles are being read, which can be cancelled."""
        return self._task is not None or self._load_later.pending

    def load(self) -> bool:
        """Load the candles of `symbol` and `timeframe` and show them; whether that went well."""
        return self._load([(self.slot, self.symbol, self.timeframe)])

    def _load(self, jobs: list[tuple[Slot, str, str]]) -> bool:
        went = True
        try:
            while jobs and went:
                slot, symbol, timeframe = jobs.pop(0)
                self.loading, went = f"Loading {symbol} {timeframe}…", False
                with self.reporting(f"{symbol} {timeframe} could not be loaded"):
                    self._put(slot, symbol, timeframe, *self.read(symbol, timeframe))
                    went = True
                jobs = jobs or self._to_load()
        finally:
            self.loading = ""
            self._restore_pickers()
        return went

    async def _load_beside(self) -> None:
        """What there is to load, read in a thread."""
        went, jobs = True, self._to_load()
        try:
            while jobs and went:
                slot, symbol, timeframe = jobs.pop(0)
                self.loading, went = f"Loading {symbol} {timeframe}…", False
                with self.reporting(f"{symbol} {timeframe} could not be loaded"):
                    read = await asyncio.to_thread(self.read, symbol, timeframe)
                    self._put(slot, symbol, timeframe, *read)
                    went = True
                jobs = jobs or self._to_load()
        except asyncio.CancelledError:
            return  # whoever cancelled says what is shown
        self._task = None
        self.loading = ""
        self._restore_pickers()

    def _to_load(self) -> list[tuple[Slot, str, str]]:
        """The charts that do not show what they should, the active one first."""
        wanted = [(self.slot, self.symbol, self.timeframe)]
        for slot in self.slots:
            if slot is not self.slot:
                symbol = self.symbol if "symbol" in self.linked else slot.symbol
                timeframe = self.timeframe if "timeframe" in self.linked else slot.timeframe
                wanted.append((slot, symbol, timeframe))
        return [job for job in wanted if job[1:] != (job[0].symbol, job[0].timeframe)]

    def read(self, symbol: str, timeframe: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Candles and the warnings that came with them; for a thread, too."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            klines = KLineDataLoader.load_klines(symbol, timeframe, source=self.source)
        return klines, tuple(str(warning.message) for warning in caught)

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
        for display in self.slot.displays:
            display.loading = change["new"]

    def show(self, klines: pd.DataFrame, notes: tuple[str, ...]) -> None:
        """Show other candles on the active chart, and the warnings that came with them."""
        self._show(self.slot, self.symbol, self.timeframe, klines, notes)

    def _put(
        self, slot: Slot, symbol: str, timeframe: str, klines: pd.DataFrame, notes: tuple[str, ...]
    ) -> None:
        """Show what was loaded; on the active chart by `take`."""
        if slot is self.slot and (symbol, timeframe) == (self.symbol, self.timeframe):
            self.take(klines, notes)
        else:
            self._show(slot, symbol, timeframe, klines, notes)

    def _show(
        self, slot: Slot, symbol: str, timeframe: str, klines: pd.DataFrame, notes: tuple[str, ...]
    ) -> None:
        slot.symbol, slot.timeframe = symbol, timeframe
        slot.show(klines, notes)
        if slot is self.slot:
            self._signals_later.cancel()
            self.notes = notes
            self.klines = klines
            self.error = {}
        self._refresh(slot)
        self._signals(slot)

    def put(
        self,
        symbol: str,
        timeframe: str,
        klines: pd.DataFrame,
        notes: tuple[str, ...],
        entries: list[dict[str, Any]],
    ) -> None:
        """Show candles that were read already on the active chart, with these indicators and no others."""
        self._check_alone()
        self.cancel()
        slot = self.slot
        slot.take(None)  # nothing is calculated for the candles before
        self.klines = None
        for label in list(slot.plotted):
            slot.forget(label)
        self.configuration.show_only(entries)
        self._show(slot, symbol, timeframe, klines, notes)
        self._restore_pickers()

    # ---- indicators

    def refresh(self) -> None:
        """Bring what is plotted in line with the configuration; only what changed is calculated."""
        if self._following is not None and self.klines is not None:
            self._following.settle()
            self._refresh(self.slot)
            self._following.resume()
        else:
            self._refresh(self.slot)
        if self.klines is not None:
            self._signals_later.ask()

    def _refresh(self, slot: Slot) -> None:
        if slot is self.slot:
            slot.pipeline, slot.entries = self.configuration.pipeline(), self.configuration.enabled_entries()
        if slot.klines is None:
            return
        wanted = slot.wanted
        for label in [label for label in slot.plotted if label not in wanted]:
            slot.forget(label)
        for label, (indicator, timeframe) in wanted.items():
            if slot.plotted.get(label) == (indicator, timeframe):
                continue
            with (
                self.reporting(f"{label} could not be calculated"),
                self._waiting(self._wait_text(slot, label, indicator)),
            ):
                slot.calculate(label, indicator, timeframe)
        slot.order()

    def _wait_text(self, slot: Slot, label: str, indicator: Indicator) -> str:
        """What is being waited for; nothing for a slider's own indicator, which is quick."""
        if needs_compiling(indicator):
            return f"Preparing {indicator.name}: compiled once, then kept…"
        return "" if label in slot.plotted else f"Calculating {label}…"

    def _publish_signals(self) -> None:
        if self._following is not None:
            self._following.settle()
        self._signals(self.slot)

    def _signals(self, slot: Slot) -> None:
        found: dict[str, Signals] = {}
        for label in slot.plotted:
            with self.reporting(f"The signals of {label} could not be found"):
                found[label] = slot.signals_of(label)
        if slot is self.slot:
            self.signals = found
        for display in slot.displays:
            display.show_signals(found)

    # ---- candles that come one by one; see `Following`

    def show_part(self, klines: pd.DataFrame) -> None:
        """Show so much of the series as was known at some time."""
        self.show(klines, self.notes)

    def grow(self, klines: pd.DataFrame) -> None:
        """What is drawn has come to be this frame."""
        self.slot.take(klines)
        self.klines = klines

    def drawn_pipeline(self) -> IndicatorPipeline:
        """The indicators that are drawn: those that could not be calculated are not."""
        pipeline = self.configuration.pipeline()
        for label in pipeline.indicators:
            if label not in self.slot.plotted:
                pipeline.remove(label)
        return pipeline

    def add_signals(self, signals: Mapping[str, Signals]) -> None:
        """Signals at candles that came after all others. Those of an indicator whose signals are still to be
        found are found with them.
        """
        slot = self.slot
        fresh = {label: more for label, more in signals.items() if label in slot.found and len(more)}
        if fresh:
            slot.found = {
                label: concatenate([found, fresh[label]]) if label in fresh else found
                for label, found in slot.found.items()
            }
            self._tell_signals()

    def cut_signals(self, rows: int) -> None:
        """Forget the signals at all but the first candles."""
        found = self.slot.found
        self.slot.found = {label: one[: int(one.position.searchsorted(rows))] for label, one in found.items()}
        self._tell_signals()

    def _tell_signals(self) -> None:
        self.signals = dict(self.slot.found)
        for display in self.slot.displays:
            display.show_signals(self.signals)

    @property
    def displays(self) -> tuple[Display, ...]:
        """What the active chart is shown on."""
        return tuple(self.slot.displays)

    def explain(self, row: int | None = None) -> list[Explanation]:
        """Why each rule of the active chart fired at a candle (its row; None: the last), or why not."""
        if self.klines is None or not len(self.klines):
            return []
        row = len(self.klines) - 1 if row is None else row
        return self.slot.pipeline.explain(self.klines, self.klines.index[row])

    # ---- charts

    def add_chart(self, symbol: str | None = None, timeframe: str | None = None) -> int:
        """One more chart, with the active one's indicators and, unless others are named, its candles; its
        place. The active chart stays active.
        """
        self._check_alone()
        if len(self.slots) >= MOST_CHARTS:
            raise ValueError(
                f"Dashboard.add_chart: there are {MOST_CHARTS} charts already, the most there can be"
            )
        slot = Slot(
            find_symbol(symbol) if symbol is not None else self.slot.symbol,
            find_timeframe(timeframe) if timeframe is not None else self.slot.timeframe,
            entries=list(self.slot.entries),
            pipeline=self.configuration.pipeline(),
        )
        self.slots.append(slot)
        if (slot.symbol, slot.timeframe) == (self.slot.symbol, self.slot.timeframe):
            read = self.klines, self.slot.notes
        else:
            read = self.read(slot.symbol, slot.timeframe)
        self._show(slot, slot.symbol, slot.timeframe, *read)
        self.charts = len(self.slots)
        return len(self.slots) - 1

    def remove_chart(self, place: int) -> None:
        """Take a chart away; the first one stays. Where it was the active one, the first becomes it."""
        if not 0 < place < len(self.slots):
            raise ValueError(
                f"Dashboard.remove_chart: place={place!r} is not allowed: it must be from 1 to"
                f" {len(self.slots) - 1}"
            )
        if self.active == place:
            self.activate(0)
        del self.slots[place]
        if self.active > place:
            self.active -= 1
        self.charts = len(self.slots)

    def link(self, *names: str) -> None:
        """Have all charts share their "symbol", their "timeframe", both or neither, the active one's."""
        if wrong := [name for name in names if name not in LINKS]:
            raise ValueError(f"Dashboard.link: {wrong[0]!r} is not allowed: it must be of {', '.join(LINKS)}")
        self.linked = tuple(dict.fromkeys(names))
        if self._to_load():
            self._load_later.ask()

    def activate(self, place: int) -> None:
        """Make another chart the active one: from now on the controls are about it."""
        if not 0 <= place < len(self.slots):
            raise ValueError(
                f"Dashboard.activate: place={place!r} is not allowed: there are {len(self.slots)} charts"
            )
        if place == self.active:
            return
        self.cancel()
        if self._signals_later.pending:
            self._signals_later.now()
        self.active = place
        slot = self.slot
        self.notes, self.klines = slot.notes, slot.klines
        self._restore_pickers()
        self.configuration.show_only(slot.entries)
        self._signals(slot)

    def connect(self, display: Display, place: int = 0) -> None:
        """Show a chart of this dashboard on a display, from now on."""
        if self._following is not None:
            self._following.settle()
        self.slots[place].connect(display)

    def go_to(self, position: int) -> None:
        """Bring the candle in row `position` into view."""
        for display in self.slot.displays:
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

    def tell(self, title: str, text: str) -> None:
        """Say something that is no failure where failures are said."""
        self._errors += 1
        self.error = {"number": self._errors, "title": title, "text": text, "kind": "note"}

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
