"""Which market, and how long a candle lasts."""

import ipywidgets

from toolkit.controls.state import Dashboard
from toolkit.loader import KLineDataLoader


class SymbolPicker(ipywidgets.Dropdown):  # type: ignore[misc]  # ipywidgets comes without types
    """A list of the supported pairs; choosing one loads it."""

    def __init__(self, state: Dashboard) -> None:
        super().__init__(options=KLineDataLoader.get_supported_symbols(), value=state.symbol, tooltip="Pair")
        self.add_class("tk-symbol")
        self.observe(
            state.reported(
                "The symbol could not be changed", lambda _: state.set_trait("symbol", self.value)
            ),
            "value",
        )
        # not what the change says: it may be old already where a symbol could not be loaded
        state.observe(lambda _: self.set_trait("value", state.symbol), "symbol")


class TimeframePicker(ipywidgets.ToggleButtons):  # type: ignore[misc]  # ipywidgets comes without types
    """A button for each timeframe; choosing one loads its candles."""

    def __init__(self, state: Dashboard) -> None:
        frames = KLineDataLoader.get_supported_timeframes()
        super().__init__(
            options=frames, value=state.timeframe, tooltips=[f"Candles of {frame}" for frame in frames]
        )
        self.add_class("tk-timeframe")
        self.observe(
            state.reported(
                "The timeframe could not be changed", lambda _: state.set_trait("timeframe", self.value)
            ),
            "value",
        )
        state.observe(lambda _: self.set_trait("value", state.timeframe), "timeframe")
