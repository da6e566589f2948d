"""Several indicators on the same candles, each under a label."""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import pandas as pd

from toolkit.candles import length_of
from toolkit.explain import Explanation, Moment, explain, row_of
from toolkit.indicators.base import Indicator
from toolkit.indicators.larger import LargerRun
from toolkit.indicators.registry import IndicatorRegistry
from toolkit.indicators.run import Run
from toolkit.kernels import Array
from toolkit.signals import Signals

T = TypeVar("T")

STATE_VERSION = 1


class PipelineError(ValueError):
    """An indicator of a pipeline failed; the message begins with its label, the cause is the indicator's
    own error.
    """


class IndicatorPipeline:
    """Indicators under labels, calculated together.

    `add("RSI", {"period": 21})` adds under the indicator's name, with its columns as declared (`rsi`); an
    explicit label (`add("RSI", label="slow")`) gives `slow.rsi`, so that the same indicator can be there
    twice. The methods that change the pipeline return it, so that calls can be chained.
    """

    def __init__(self) -> None:
        self._indicators: dict[str, Indicator] = {}
        self._columns: dict[str, dict[str, str]] = {}
        self._timeframes: dict[str, str] = {}

    def add(
        self,
        indicator: str | Indicator,
        params: Mapping[str, object] | None = None,
        *,
        label: str | None = None,
        timeframe: str | None = None,
    ) -> Self:
        """Add an indicator by name, or an instance (then without `params`). Raises where the label is
        already used.

        With a larger `timeframe` ("4h", "1d", "1w") it is calculated on candles of that length, made of
        those that come, and each of these sees the last larger one that had closed by its own close. Its
        label is then `RSI 1d` unless another is given; beside its outputs (`RSI 1d.rsi`) the frame of
        `calculate` has `RSI 1d.open_time` and `RSI 1d.known_at`: which larger candle they are of, and when
        that became known.
        """
        if isinstance(indicator, str):
            instance = IndicatorRegistry.get(indicator, params)
        elif isinstance(indicator, Indicator):
            if params is not None:
                raise TypeError(
                    f"IndicatorPipeline.add: params={params!r} go with a name; {indicator!r} has its own"
                )
            instance = indicator
        else:
            raise TypeError(f"IndicatorPipeline.add: indicator={indicator!r} must be a name or an Indicator")
        if label is not None and (not isinstance(label, str) or not label.strip()):
            raise ValueError(
                f"IndicatorPipeline.add: label={label!r} is not allowed: it must be text that is not empty"
            )
        if timeframe is not None:
            length_of(timeframe)
            label = f"{instance.name} {timeframe}" if label is None else label
        used = instance.name if label is None else label
        if used in self._indicators:
            raise ValueError(
                f"IndicatorPipeline.add: the label {used!r} is already used by "
                f"{self._indicators[used]!r}; give another label"
            )
        names = [output.name for output in instance.outputs]
        columns = {name: name if label is None else f"{label}.{name}" for name in names}
        for other, taken in self._columns.items():
            if shared := sorted(set(columns.values()) & set(taken.values())):
                raise ValueError(
                    f"IndicatorPipeline.add: {used!r} would write the columns of {other!r}: "
                    f"{', '.join(shared)}; give a label"
                )
        self._indicators[used] = instance
        if timeframe is not None:
            self._timeframes[used] = timeframe
        self._columns[used] = columns
        return self

    def remove(self, label: str) -> Self:
        """Take an indicator out; `KeyError` names the labels there are."""
        self._check(label)
        del self._indicators[label], self._columns[label]
        self._timeframes.pop(label, None)
        return self

    def clear(self) -> Self:
        """Take all indicators out."""
        self._indicators.clear()
        self._columns.clear()
        self._timeframes.clear()
        return self

    @property
    def indicators(self) -> dict[str, Indicator]:
        """The indicators by label, in the order in which they were added; a copy."""
        return dict(self._indicators)

    @property
    def timeframes(self) -> dict[str, str]:
        """The larger timeframes by label, of the indicators that are on one; a copy."""
        return dict(self._timeframes)

    def columns(self, label: str) -> dict[str, str]:
        """The name of each output's column in the frame of `calculate`; a copy."""
        self._check(label)
        return dict(self._columns[label])

    def _check(self, label: str) -> None:
        if label not in self._indicators:
            raise KeyError(
                f"IndicatorPipeline: no indicator is labelled {label!r}; "
                f"labels: {', '.join(self._indicators) or 'none'}"
            )

    def __len__(self) -> int:
        return len(self._indicators)

    def __repr__(self) -> str:
        listed = ", ".join(f"{label}: {indicator!r}" for label, indicator in self._indicators.items())
        return f"IndicatorPipeline({listed})"

    def calculate(self, klines: pd.DataFrame) -> pd.DataFrame:
        """A new frame: the candles plus every indicator's columns. Raises `PipelineError` naming the
        indicator.
        """
        run = PipelineRun(self)
        outputs = run.values(klines)
        frame = klines.copy(deep=False)
        for name, values in {**outputs, **run.seen}.items():
            frame[name] = pd.Series(values, frame.index, copy=False)
        return frame

    def get_all_signals(self, klines: pd.DataFrame) -> dict[str, Signals]:
        """Every indicator's signals by label, computed from the candle columns."""
        run = PipelineRun(self)
        run.feed(klines)
        return run.new_signals

    def explain(self, klines: pd.DataFrame, time: Moment | None = None) -> list[Explanation]:
        """Why each rule gave a signal at one candle, or why not: the numbers that it compared there and
        before, and how far from firing it was.

        `time` is when the candle opens (UTC where it has no time zone); None: the last one. Nothing later
        than that candle is read. Raises `CandleError` where no candle opens then.
        """
        row, found = row_of(klines, time), []
        for label, indicator in self._indicators.items():
            try:
                found += explain(label, indicator, klines, row, timeframe=self._timeframes.get(label))
            except ValueError as error:
                raise PipelineError(f"{label}: {error}") from error
        return found

    def stream(
        self, state: Mapping[str, Any] | None = None, *, timeframe: str | None = None
    ) -> "PipelineRun":
        """Feed candles bar by bar or in chunks, all indicators at once. Later changes of the pipeline don't
        reach it.
        """
        return PipelineRun(self, state, timeframe=timeframe)


class PipelineRun:
    """A pipeline on one series of candles; `toolkit.indicators.run.Run` for every indicator at once."""

    def __init__(
        self,
        pipeline: IndicatorPipeline,
        state: Mapping[str, Any] | None = None,
        *,
        timeframe: str | None = None,
    ) -> None:
        self._columns = {label: pipeline.columns(label) for label in pipeline.indicators}
        states: Mapping[str, Any] = {}
        if state is not None:
            states = state.get("indicators", {}) if isinstance(state, Mapping) else {}
            if (
                not isinstance(state, Mapping)
                or state.get("version") != STATE_VERSION
                or list(states) != list(self._columns)
            ):
                raise ValueError(
                    "IndicatorPipeline.stream: this state can't be used: it must be of version "
                    f"{STATE_VERSION} and of the labels {list(self._columns)}, not {list(states)}"
                )
        self._runs: dict[str, Run | LargerRun] = {}
        for label, indicator in pipeline.indicators.items():
            larger, held = pipeline.timeframes.get(label), states.get(label)
            try:
                if larger is None:
                    self._runs[label] = indicator.stream(held, timeframe=timeframe)
                else:
                    self._runs[label] = LargerRun(indicator, larger, held, base=timeframe)
            except ValueError as error:
                raise PipelineError(f"{label}: {error}") from error

    @property
    def new_signals(self) -> dict[str, Signals]:
        """The signals of the last `feed` or `update`, by label."""
        return {label: run.new_signals for label, run in self._runs.items()}

    @property
    def seen(self) -> dict[str, pd.DatetimeIndex]:
        """For indicators on a larger timeframe, by column (`RSI 1d.open_time`, `RSI 1d.known_at`): which
        larger candle each candle of the last `feed` or `update` sees, and when that one became known.
        """
        return {
            f"{label}.{name}": times
            for label, run in self._runs.items()
            if isinstance(run, LargerRun)
            for name, times in run.seen.items()
        }

    @property
    def state(self) -> dict[str, Any]:
        """All that the run remembers, JSON-able."""
        return {
            "version": STATE_VERSION,
            "indicators": {label: run.state for label, run in self._runs.items()},
        }

    def feed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Every indicator's columns for a chunk of closed candles, on the index of `frame`.

        Candles that do not suit one of the indicators are fed to none.
        """
        prepared = self._each(lambda label, run: run.prepare(frame))
        outputs = self._by_column(self._each(lambda label, run: run.commit(prepared[label])))
        fed = pd.DataFrame(outputs, index=frame.index, copy=False)
        for name, times in self.seen.items():
            fed[name] = pd.Series(times, frame.index)
        return fed

    def values(self, frame: pd.DataFrame) -> dict[str, Array]:
        """Every indicator's columns without signals, for a run that ends with this frame."""
        prepared = self._each(lambda label, run: run.prepare(frame))
        return self._by_column(self._each(lambda label, run: run.values(prepared[label])))

    def update(self, candle: Mapping[str, Any]) -> dict[str, float]:
        """Every indicator's values for one closed candle, by column name.

        A candle that does not suit one of the indicators is fed to none.
        """
        prepared = self._each(lambda label, run: run.prepare_candle(candle))
        return self._by_column(self._each(lambda label, run: run.commit_candle(prepared[label])))

    def peek(self, candle: Mapping[str, Any]) -> dict[str, float]:
        """Every indicator's values if `candle` closed now; nothing is committed."""
        return self._by_column(self._each(lambda label, run: run.peek(candle)))

    def _each(self, action: Callable[[str, Any], T]) -> dict[str, T]:
        """Do something with every run; an error says which indicator it comes from."""
        results = {}
        for label, run in self._runs.items():
            try:
                results[label] = action(label, run)
            except Exception as error:
                raise PipelineError(f"{label}: {error}") from error
        return results

    def _by_column(self, outputs: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
        return {
            column: outputs[label][name]
            for label, columns in self._columns.items()
            for name, column in columns.items()
        }
