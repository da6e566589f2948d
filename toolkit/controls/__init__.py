"""Controls of a dashboard: parts that a notebook puts together, all around one `Dashboard` that holds what
is shown.

state = Dashboard("BTCUSDT", "1h")
VBox([SymbolPicker(state), TimeframePicker(state), IndicatorList(state), Charts(state)])
"""

from toolkit.controls.address import Address
from toolkit.controls.alerts_panel import AlertsPanel
from toolkit.controls.charts import Charts
from toolkit.controls.data import Banner, DataPanel, DataSummary
from toolkit.controls.indicator_list import IndicatorList
from toolkit.controls.indicators import IndicatorControls
from toolkit.controls.live_bar import LiveBar
from toolkit.controls.page import Status, Theme, Toast
from toolkit.controls.pickers import SymbolPicker, TimeframePicker
from toolkit.controls.progress import Progress
from toolkit.controls.saved import LayoutPicker, PresetPicker
from toolkit.controls.screener_panel import ScreenerPanel, Watchlist
from toolkit.controls.screener_table import ScreenerTable
from toolkit.controls.share import Share
from toolkit.controls.signal_table import SignalTable
from toolkit.controls.state import Dashboard
from toolkit.controls.tabs import Drawer, Tabs
from toolkit.controls.tools import Tools
from toolkit.controls.why_panel import WhyPanel

__all__ = [
    "Address",
    "AlertsPanel",
    "Banner",
    "Charts",
    "Dashboard",
    "DataPanel",
    "DataSummary",
    "Drawer",
    "IndicatorControls",
    "IndicatorList",
    "LayoutPicker",
    "LiveBar",
    "PresetPicker",
    "Progress",
    "ScreenerPanel",
    "ScreenerTable",
    "Share",
    "SignalTable",
    "Status",
    "SymbolPicker",
    "Tabs",
    "Theme",
    "TimeframePicker",
    "Toast",
    "Tools",
    "Watchlist",
    "WhyPanel",
]
