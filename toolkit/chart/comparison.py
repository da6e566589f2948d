"""The other symbol that a chart compares with: its candles, and where they come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.candles import SYMBOLS, is_synthetic, timeframe_of
from toolkit.chart.panes import COMPARISON
from toolkit.loader import KLineDataLoader

Load = Callable[[str], pd.DataFrame | None]


@dataclass(slots=True)
class Comparison:
    """What is compared with, if anything, and what the user may choose."""

    klines: pd.DataFrame | None = None
    title: str = ""
    symbols: list[str] = field(default_factory=list)
    load: Load | None = None

    @property
    def symbol(self) -> str | None:
        """What an arrangement keeps of it."""
        return None if self.klines is None else str(self.klines.attrs.get("symbol") or self.title)

    def describe(self) -> dict[str, str] | None:
        """JSON-able."""
        return None if self.klines is None else {"column": COMPARISON, "title": self.title}

    def offer(self, symbols: Sequence[str], load: Load) -> None:
        """Let the user choose among these."""
        self.symbols, self.load = list(symbols), load

    def offered(self, about: Mapping[str, str]) -> list[str]:
        """What there is to choose from beside the candles shown: by default every pair, where the shown ones
        came through the loader.
        """
        if self.load is None and {"symbol", "timeframe", "source"} <= set(about):
            return list(SYMBOLS)
        return self.symbols

    def candles(self, symbol: str, about: Mapping[str, str]) -> pd.DataFrame | None:
        """Load a symbol in the timeframe that is shown.

        Raises what the loader raises, and `ValueError` where its candles come from elsewhere: real and made
        up prices are not to be compared.
        """
        if self.load is not None:
            return self.load(symbol)
        klines = KLineDataLoader.load_klines(symbol, about["timeframe"])
        if str(klines.attrs.get("source")) != about["source"]:
            raise ValueError(
                f"Chart.compare: {symbol} would come from {klines.attrs.get('source')}, "
                f"the candles shown from {about['source']}"
            )
        return klines

    def take(self, klines: pd.DataFrame | None, title: str | None, step: float) -> None:
        """Compare with these candles, or with none. Raises `ValueError` where their timeframe is not `step`
        milliseconds.
        """
        if klines is None:
            self.klines, self.title = None, ""
            return
        if not self._fits(klines, step):
            raise ValueError(
                f"Chart.compare: klines of {timeframe_of(klines)} are not allowed: the candles shown last "
                f"{pd.Timedelta(step, 'ms')}"
            )
        self.klines = klines
        self.title = title or str(klines.attrs.get("symbol") or "other")
        if is_synthetic(klines):
            self.title += " SYNTHETIC"

    @staticmethod
    def _fits(klines: pd.DataFrame, step: float) -> bool:
        own = timeframe_of(klines)
        return own is not None and own.total_seconds() * 1000 == step

    def fits(self, step: float) -> bool:
        """Whether its candles are as long as those shown."""
        return self.klines is not None and self._fits(self.klines, step)

    def closes(self, times: npt.NDArray[np.float64], *, forming: bool = False) -> npt.NDArray[np.float64]:
        """Its closes at opening times (milliseconds), NaN where it has no candle that opens then, and at the
        last one while that still forms: the close is not known before.
        """
        assert self.klines is not None
        index = pd.DatetimeIndex(times.astype(np.int64).astype("datetime64[ms]"), tz="UTC")
        values = self.klines["close"].reindex(index).to_numpy(np.float64, copy=True)
        if forming and len(values):
            values[-1] = np.nan
        return np.asarray(values)
