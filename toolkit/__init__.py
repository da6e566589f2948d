"""System V4: real candles, indicators, signals and charts for research on crypto markets.

Every public name is here, and loaded when it is first used: `from toolkit import KLineDataLoader, MACD`.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # `typing` itself would take longer to import than all that is here
if TYPE_CHECKING:
    from typing import Any

    from toolkit.alerts import Alert, AlertError, Alerts
    from toolkit.candles import CandleError, is_synthetic, resample
    from toolkit.client import Client, ServiceError
    from toolkit.configuration import ConfigurationError, IndicatorConfiguration
    from toolkit.feeds.base import FeedError
    from toolkit.feeds.live import LiveEvent, live
    from toolkit.feeds.replay import Replay, ReplayError
    from toolkit.indicators import (
        MACD,
        RSI,
        BollingerBands,
        Indicator,
        IndicatorRegistry,
        ParameterError,
        UnknownIndicatorError,
    )
    from toolkit.loader import KLineDataLoader, LoadError, StaleDataWarning, SyntheticDataWarning
    from toolkit.lookahead import Audit, LookAheadError, audit
    from toolkit.pipeline import IndicatorPipeline, PipelineError
    from toolkit.screener import Screen, screen
    from toolkit.signals import IndicatorSignal, Signals
    from toolkit.sources import SourceError

__version__ = "0.1.0"

_HOMES = {
    "toolkit.alerts": ("Alert", "AlertError", "Alerts"),
    "toolkit.candles": ("CandleError", "is_synthetic", "resample"),
    "toolkit.client": ("Client", "ServiceError"),
    "toolkit.configuration": ("ConfigurationError", "IndicatorConfiguration"),
    "toolkit.feeds.base": ("FeedError",),
    "toolkit.feeds.live": ("LiveEvent", "live"),
    "toolkit.feeds.replay": ("Replay", "ReplayError"),
    "toolkit.indicators": (
        "MACD",
        "RSI",
        "BollingerBands",
        "Indicator",
        "IndicatorRegistry",
        "ParameterError",
        "UnknownIndicatorError",
    ),
    "toolkit.loader": ("KLineDataLoader", "LoadError", "StaleDataWarning", "SyntheticDataWarning"),
    "toolkit.lookahead": ("Audit", "LookAheadError", "audit"),
    "toolkit.pipeline": ("IndicatorPipeline", "PipelineError"),
    "toolkit.screener": ("Screen", "screen"),
    "toolkit.signals": ("IndicatorSignal", "Signals"),
    "toolkit.sources": ("SourceError",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "MACD",
    "RSI",
    "Alert",
    "AlertError",
    "Alerts",
    "Audit",
    "BollingerBands",
    "CandleError",
    "Client",
    "ConfigurationError",
    "FeedError",
    "Indicator",
    "IndicatorConfiguration",
    "IndicatorPipeline",
    "IndicatorRegistry",
    "IndicatorSignal",
    "KLineDataLoader",
    "LiveEvent",
    "LoadError",
    "LookAheadError",
    "ParameterError",
    "PipelineError",
    "Replay",
    "ReplayError",
    "Screen",
    "ServiceError",
    "Signals",
    "SourceError",
    "StaleDataWarning",
    "SyntheticDataWarning",
    "UnknownIndicatorError",
    "audit",
    "is_synthetic",
    "live",
    "resample",
    "screen",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'toolkit' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
