"""Several indicators on the same candles, each under a label."""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import pandas as pd

from toolkit.indicators.base import Indicator
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

    def add(
        self,
        indicator: str | Indicator,
        params: Mapping[str, object] | None = None,
        *,
        label: str | None = None,
    ) -> Self:
        """Add an indicator by name, or an instance (then without `params`). Raises where the label is
        already used.
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
        self._columns[used] = columns
        return self

    def remove(self, label: str) -> Self:
        """Take an indicator out; `KeyError` names the labels there are."""
        self._check(label)
        del self._indicators[label], self._columns[label]
        return self

    def clear(self) -> Self:
        """Take all indicators out."""
        self._indicators.clear()
        self._columns.clear()
        return self

    @property
    def indicators(self) -> dict[str, Indicator]:
        """The indicators by label, in the order in which they were added; a copy."""
        return dict(self._indicators)

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
        outputs = PipelineRun(self).values(klines)
        frame = klines.copy(deep=False)
        for name, values in outputs.items():
            frame[name] = pd.Series(values, frame.index, copy=False)
        return frame

    def get_all_signals(self, klines: pd.DataFrame) -> dict[str, Signals]:
        """Every indicator's signals by label, computed from the candle columns."""
        run = PipelineRun(self)
        run.feed(klines)
        return run.new_signals

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
        self._runs: dict[str, Run] = {}
        for label, indicator in pipeline.indicators.items():
            try:
                self._runs[label] = indicator.stream(states.get(label), timeframe=timeframe)
            except ValueError as error:
                raise PipelineError(f"{label}: {error}") from error

    @property
    def new_signals(self) -> dict[str, Signals]:
        """The signals of the last `feed` or `update`, by label."""
        return {label: run.new_signals for label, run in self._runs.items()}

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
        outputs = self._each(lambda label, run: run.commit(prepared[label]))
        return pd.DataFrame(self._by_column(outputs), index=frame.index, copy=False)

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

    def _each(self, action: Callable[[str, Run], T]) -> dict[str, T]:
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
