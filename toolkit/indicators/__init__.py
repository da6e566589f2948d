"""Indicators: one short file each, found by `IndicatorRegistry` because it is there."""

from toolkit.indicators.base import Dots, Histogram, Indicator, Line, Output
from toolkit.indicators.bollinger_bands import BollingerBands
from toolkit.indicators.macd import MACD
from toolkit.indicators.parameters import Bounds, Level, Parameter, ParameterError, Period, Source
from toolkit.indicators.registry import IndicatorRegistry, UnknownIndicatorError
from toolkit.indicators.rsi import RSI
from toolkit.indicators.run import Run

__all__ = [
    "MACD",
    "RSI",
    "BollingerBands",
    "Bounds",
    "Dots",
    "Histogram",
    "Indicator",
    "IndicatorRegistry",
    "Level",
    "Line",
    "Output",
    "Parameter",
    "ParameterError",
    "Period",
    "Run",
    "Source",
    "UnknownIndicatorError",
]
