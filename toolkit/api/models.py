"""The answers' types, for the OpenAPI document. Bodies are encoded from arrays; tests hold them to these."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Candle",
    "ConfigureResponse",
    "ErrorResponse",
    "HealthResponse",
    "IndicatorsResponse",
    "KlinesColumnsResponse",
    "KlinesResponse",
    "Meta",
    "RootResponse",
    "SignalsColumnsResponse",
    "SignalsResponse",
    "SymbolsResponse",
    "TimeframesResponse",
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorResponse(BaseModel):
    """What was wrong, and what is allowed."""

    detail: str


class RootResponse(_Model):
    """What this is."""

    name: str
    version: str
    status: Literal["ok"]


class LiveStatus(_Model):
    """How the exchange is, whose candles come in as they happen."""

    venue: str
    state: Literal["off", "connecting", "connected", "waiting"] = Field(
        description="of the connection; off: no series is followed"
    )
    error: str | None = Field(description="why it is not as it should be")
    series: int = Field(description="series that are followed")
    ready: int = Field(description="those of which everything up to now is known")
    halted: list[str] = Field(description="those that the exchange does not trade now")
    connections: int = Field(description="how often a connection was made")
    frame_age_seconds: float | None = Field(description="time since the last frame")
    next_attempt_seconds: float | None = Field(description="time to the next attempt to connect")
    rest_waits_seconds: float | None = Field(description="time for which the exchange wants no requests")
    clock_skew_seconds: float | None = Field(
        description="how far this machine's clock is ahead of the exchange's"
    )


class HealthResponse(_Model):
    """Whether it runs, and how old the candles are that it has loaded."""

    status: Literal["ok"]
    version: str
    source: str = Field(description="the source that candles are asked of")
    synthetic: bool | None = Field(
        description="whether the newest loaded candles are made up; null: none loaded"
    )
    last_closed: datetime | None = Field(description="when the newest loaded candle closed")
    data_age_seconds: float | None = Field(description="time since then; null: nothing is loaded yet")
    connections: int = Field(description="open WebSockets")
    streams: int = Field(description="streams that they follow")
    live: LiveStatus | None = Field(description="the exchange; null: none is followed")


class SymbolsResponse(_Model):
    """The pairs."""

    symbols: list[str]
    count: int


class TimeframesResponse(_Model):
    """The timeframes, shortest first."""

    timeframes: list[str]


class RuleDescription(_Model):
    signal_type: str
    when: str


class IndicatorDescription(BaseModel):
    """One indicator."""

    params: dict[str, dict[str, Any]] = Field(description="kind, default, bounds and step of each parameter")
    defaults: dict[str, float | int | str]
    bounds: dict[str, list[float | int | str]] = Field(description="[minimum, maximum], or the choices")
    outputs: list[str]
    inputs: list[str]
    pane: str
    rules: list[RuleDescription]
    warmup: int = Field(description="candles before every output is defined, with the defaults")
    description: str


class IndicatorsResponse(_Model):
    """Every indicator, and which are on."""

    indicators: dict[str, IndicatorDescription]
    enabled: list[str]


class ReportSummary(_Model):
    """What was found when the candles were checked; of the whole history."""

    text: str = Field(description="all of it in a line, for people")
    candles: int
    first: datetime
    last: datetime
    closed: datetime = Field(description="when the last candle closed")
    gaps: int
    missing: int = Field(description="candles missing in all gaps together")
    duplicates: int
    quarantined: int = Field(description="rows that cannot be true and were left out")
    zero_volume: int = Field(description="candles in which nothing was traded")
    zero_volume_share: float
    dropped_unclosed: datetime | None = Field(description="open time of a last candle that was not closed")
    missing_columns: list[str] = Field(description="columns that the source has no values for")
    resampled_from: str | None
    partial: int
    incomplete: int
    seams: list[tuple[datetime, str, str]] = Field(
        description="from when on the candles are of another source: open time, source before, source after"
    )
    corrected: int = Field(
        description="candles that the exchange changed after their close, kept as they were"
    )
    found: dict[str, list[tuple[datetime | None, datetime | None, str]]] = Field(
        description="the newest findings of each kind: from, to, and a text"
    )
    fetched: datetime | None = Field(description="when the source was asked last")


class Candle(_Model):
    """One candle."""

    open_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool


class Meta(_Model):
    """Where the candles come from."""

    source: str
    revision: str | None
    synthetic: bool = Field(description="the candles are made up, and no market's")
    report: ReportSummary
    last_closed_candle: Candle


class _Klines(_Model):
    symbol: str
    timeframe: str
    data_points: int
    timestamp_start: datetime | None
    timestamp_end: datetime | None
    meta: Meta


class Kline(_Model):
    open_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


class IndicatorRow(BaseModel):
    """An indicator's values at one candle, by output; null where it is not defined."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]
    open_time: datetime


class KlinesResponse(_Klines):
    """Candles and the values of every indicator that is on, an object a candle."""

    klines: list[Kline]
    indicators: dict[str, list[IndicatorRow]]


class KlineColumns(_Model):
    open_time: list[datetime]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


class KlinesColumnsResponse(_Klines):
    """The same, an array a column; the indicators' values lie on the open times of the candles."""

    klines: KlineColumns
    indicators: dict[str, dict[str, list[float | None]]]


class Signal(_Model):
    """One signal."""

    timestamp: datetime = Field(description="open time of its candle")
    known_at: datetime = Field(description="close of its candle: before that nobody could know it")
    signal_type: str
    value: float
    confidence: float = Field(ge=0, le=1, description="a strength read off the candle, not a probability")
    metadata: dict[str, float | str] = Field(description="the rule in words, and the numbers it compared")


class _Signals(_Model):
    symbol: str
    timeframe: str
    meta: Meta


class SignalsResponse(_Signals):
    """Signals by indicator, oldest first."""

    signals: dict[str, list[Signal]]


class SignalColumns(_Model):
    timestamp: list[datetime]
    known_at: list[datetime]
    signal_type: list[str]
    value: list[float]
    confidence: list[float]
    metadata: dict[str, list[float | None]]


class SignalsColumnsResponse(_Signals):
    """The same, an array a column."""

    signals: dict[str, SignalColumns]


class IndicatorState(_Model):
    enabled: bool
    params: dict[str, float | int | str]


class ConfigureResponse(_Model):
    """The configuration after the change."""

    status: Literal["ok"]
    message: str
    current_config: dict[str, IndicatorState]
