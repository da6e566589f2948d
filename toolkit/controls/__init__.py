"""Controls of a dashboard: parts that a notebook puts together, all around one `Dashboard` that holds what
is shown.

state = Dashboard("BTCUSDT", "1h")
chart = Chart()
state.connect(chart)
VBox([SymbolPicker(state), TimeframePicker(state), IndicatorList(state), chart])
"""

from toolkit.controls.alerts_panel import AlertsPanel
from toolkit.controls.data import Banner, DataPanel, DataSummary
from toolkit.controls.indicator_list import IndicatorList
from toolkit.controls.indicators import IndicatorControls
from toolkit.controls.live_bar import LiveBar
from toolkit.controls.page import Theme, Toast
from toolkit.controls.pickers import SymbolPicker, TimeframePicker
from toolkit.controls.progress import Progress
from toolkit.controls.screener_table import ScreenerTable
from toolkit.controls.signal_table import SignalTable
from toolkit.controls.state import Dashboard

__all__ = [
    "AlertsPanel",
    "Banner",
    "Dashboard",
    "DataPanel",
    "DataSummary",
    "IndicatorControls",
    "IndicatorList",
    "LiveBar",
    "Progress",
    "ScreenerTable",
    "SignalTable",
    "SymbolPicker",
    "Theme",
    "TimeframePicker",
    "Toast",
]
