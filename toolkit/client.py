"""A client of the service: candles and signals as the frames that a notebook has, and streams.

Needs httpx2, and for `Client.stream` websockets; both come with the extra `api`.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlencode, urlsplit

import httpx2
import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.candles import CandleReport
from toolkit.candles.select import Moment, moment
from toolkit.signals import IndicatorSignal

__all__ = ["Client", "ServiceError", "Update"]

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_GOODBYE = 0.5
_SNAPSHOT_BYTES = 32 * 2**20
# Policy violation, message too large: asking again would end the same way.
_REFUSED = {1008, 1009}


class ServiceError(Exception):
    """The service refused or cannot be reached; the message is the service's own."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        """HTTP status or WebSocket close code; None where there was no answer."""


@dataclass(frozen=True, slots=True)
class Update:
    """One message of a stream. Undefined values are NaN."""

    kind: Literal["snapshot", "update", "end"]
    """A snapshot comes first, and again whenever what came before no longer holds (see `reason`); `end` is
    the end of a replay or feed."""
    symbol: str
    timeframe: str
    origin: Literal["live", "replay", "stored"]
    synthetic: bool
    open_time: pd.Timestamp | None = None
    """Of the latest candle, in UTC."""
    candle: Mapping[str, float] = field(default_factory=dict)
    """`open high low close volume` of the latest candle."""
    closed: bool = True
    indicators: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Label → output → value at the latest candle."""
    signals: Mapping[str, list[IndicatorSignal]] = field(default_factory=dict)
    """Label → signals that became known with the latest candle."""
    reason: str = ""
    """Why there is a snapshot: subscribed, configured, data, rewound, missed."""
    history: pd.DataFrame | None = None
    """In a snapshot the last candles with the indicators' columns."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The message as it came."""


class Client:
    """Asks a service of System V4.

    Frames are equal to those of a notebook that has the same candles and the same indicators switched on:
    values to the last bit, dtypes, index, columns, and `attrs` with the mark of synthetic candles.

    Args:
        base_url: where the service is, such as ``http://127.0.0.1:8000``; a path (of a proxy) belongs to it.
        token: where the service asks for one.
        timeout: seconds to wait for an answer. The first one for a series may take some: the candles are
            loaded and the indicators compiled.

    Raises:
        ValueError: `base_url` is no http address.
    """

    def __init__(
        self, base_url: str = "http://127.0.0.1:8000", token: str | None = None, *, timeout: float = 60.0
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"Client: base_url={base_url!r} is not an address such as http://127.0.0.1:8000")
        self.base_url = base_url.rstrip("/")
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # A proxy of the system has no way to this machine's own addresses.
        self._direct = parts.hostname in ("localhost", "127.0.0.1", "::1")
        self._http = httpx2.Client(headers=self._headers, timeout=timeout, trust_env=not self._direct)

    def close(self) -> None:
        """Close the connections; streams are closed by leaving them."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- REST

    def health(self) -> dict[str, Any]:
        """Status, source and age of the candles."""
        return self._json("GET", "/api/health")

    def symbols(self) -> list[str]:
        """The pairs there are."""
        found: list[str] = self._json("GET", "/api/symbols")["symbols"]
        return found

    def timeframes(self) -> list[str]:
        """The timeframes there are, shortest first."""
        found: list[str] = self._json("GET", "/api/timeframes")["timeframes"]
        return found

    def indicators(self) -> dict[str, Any]:
        """`{"indicators": {name: description}, "enabled": [name, ...]}`."""
        return self._json("GET", "/api/indicators")

    def configure(self, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Change the service's configuration, all or nothing; the configuration after.

        Args:
            changes: as for `IndicatorConfiguration.update`, such as
                ``{"MACD": {"enabled": True, "params": {"fast_period": 10}}}``.
        """
        answer = self._json("POST", "/api/indicators/configure", json=_plain(changes))
        current: dict[str, Any] = answer["current_config"]
        return current

    def klines(
        self,
        symbol: str,
        timeframe: str,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        limit: int = 500,
    ) -> pd.DataFrame:
        """Candles with the columns of every indicator that is on: the last `limit` (at most 5,000) that open
        in ``[start, end)``, computed on the full history.

        Raises:
            ServiceError: the service refused, or cannot be reached.
        """
        query = self._query(symbol, timeframe, start, end, limit)
        answer = self._ask("GET", "/api/klines", params={**query, "format": "arrow"})
        table = pa.ipc.open_stream(answer.content).read_all()
        attrs = json.loads(table.schema.metadata[b"system_v4"])
        frame: pd.DataFrame = table.to_pandas()
        del attrs["indicators"]
        frame.attrs = {**attrs, "report": CandleReport.from_dict(attrs["report"])}
        return frame

    def signals(
        self,
        symbol: str,
        timeframe: str,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        limit: int = 500,
        signal_type: str | None = None,
    ) -> dict[str, pd.DataFrame]:
        """Signals by indicator, each frame as `Signals.to_frame` gives it: the last `limit` (at most 5,000)
        of each whose candle opens in ``[start, end)``.

        Raises:
            ServiceError: the service refused, or cannot be reached.
        """
        query = self._query(symbol, timeframe, start, end, limit) | {"format": "columns"}
        if signal_type is not None:
            query["signal_type"] = signal_type
        answer = self._json("GET", "/api/signals", params=query)
        marks = {name: answer["meta"][name] for name in ("source", "revision", "synthetic")}
        attrs = {"symbol": answer["symbol"], "timeframe": answer["timeframe"], **marks}
        return {name: _signal_frame(name, columns, attrs) for name, columns in answer["signals"].items()}

    def _query(
        self, symbol: str, timeframe: str, start: Moment | None, end: Moment | None, limit: int
    ) -> dict[str, Any]:
        query: dict[str, Any] = {"symbol": symbol, "timeframe": timeframe, "limit": limit}
        return query | _bounds(start, end)

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._ask(method, path, **options).content)
        return answer

    def _ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            answer = self._http.request(method, self.base_url + path, **options)
        except httpx2.HTTPError as error:
            raise ServiceError(
                f"{self.base_url} cannot be reached: {error or type(error).__name__}"
            ) from error
        if answer.status_code >= 400:
            raise ServiceError(_detail(answer.content) or f"HTTP {answer.status_code}", answer.status_code)
        return answer

    # -- WebSocket

    async def stream(
        self,
        symbol: str,
        timeframe: str,
        *,
        limit: int = 100,
        replay: float | None = None,
        forming: bool = False,
        start: Moment | None = None,
        end: Moment | None = None,
        reconnect: bool = True,
    ) -> AsyncIterator[Update]:
        """What happens in a series: a snapshot first, then every change. Leaving the loop closes it (within
        `contextlib.aclosing` at once).

        A connection that breaks is made again, after a wait that doubles (half a second to thirty, with
        jitter). Each candle that closed meanwhile then comes with its signals; where the service no longer
        knows what was missed, a snapshot with the reason "missed" says where things stand. A replay goes on
        after its last candle.

        Args:
            limit: candles in the snapshots' `history`, 0 to 5,000.
            replay: play stored candles at so many a second, up to the last, instead.
            forming: candles of the replay also form, where those of a smaller timeframe tell how.
            start: where the replay begins.
            end: first open time that it no longer plays.
            reconnect: False: a connection that breaks raises.

        Raises:
            ServiceError: the service refused, or the connection broke and `reconnect` is False.
        """
        query: dict[str, Any] = {"symbol": symbol, "timeframe": timeframe, "limit": limit}
        if replay is not None:
            query["replay"] = replay
        if forming:
            query["forming"] = "true"
        query |= _bounds(start, end)
        failures = 0
        while True:
            try:
                async for update in self._connected(query):
                    failures = 0
                    if replay is None and "sequence" in update.raw:
                        query["after"] = update.raw["sequence"]
                    yield update
                    if replay is not None and update.kind == "end":
                        return
                    done = update.kind == "update" and update.closed
                    if replay is not None and done and update.open_time is not None:
                        after = update.open_time + pd.Timedelta(1, "ms")
                        query["start"] = after.isoformat()
            except ServiceError as error:
                final = error.status in _REFUSED or (error.status or 0) in range(400, 500)
                if final or not reconnect:
                    raise
            failures += 1
            await asyncio.sleep(_wait(failures))

    async def _connected(self, query: Mapping[str, Any]) -> AsyncIterator[Update]:
        """The updates of one connection; `ServiceError` when it ends."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

        address = f"ws{self.base_url.removeprefix('http')}/ws/chart?{urlencode(query)}"
        complaint = ""
        try:
            async with connect(
                address,
                additional_headers=self._headers,
                max_size=_SNAPSHOT_BYTES,
                # What is left unread keeps the answer to our goodbye from being read, too.
                close_timeout=_GOODBYE,
                compression=None,
                proxy=None if self._direct else True,
            ) as socket:
                async for text in socket:
                    content = json.loads(text)
                    if content["type"] == "error":
                        complaint = content["detail"]
                    elif content["type"] == "resumed":
                        for missed in content["missed"]:
                            yield _update(missed)
                    elif content["type"] in ("snapshot", "update", "end"):
                        yield _update(content)
                raise ServiceError(complaint or "the service closed the stream", socket.close_code)
        except ConnectionClosed as error:
            code = None if error.rcvd is None else error.rcvd.code
            raise ServiceError(complaint or f"the stream broke: {error}", code) from error
        except InvalidStatus as error:
            detail = _detail(error.response.body or b"") or f"HTTP {error.response.status_code}"
            raise ServiceError(detail, error.response.status_code) from error
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise ServiceError(f"{self.base_url} cannot be reached: {error}") from error


def _wait(failures: int) -> float:
    """Seconds until the next attempt; many who were cut off together do not come back together."""
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)


def _bounds(start: Moment | None, end: Moment | None) -> dict[str, str]:
    found = {"start": moment(start, "start"), "end": moment(end, "end")}
    return {name: value.isoformat() for name, value in found.items() if value is not None}


def _plain(value: Any) -> Any:
    """Numpy's numbers as Python's."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _detail(content: bytes | bytearray) -> str:
    """What the service says is wrong."""
    with suppress(ValueError):
        answer = json.loads(content)
        if isinstance(answer, dict) and (detail := answer.get("detail")) is not None:
            return detail if isinstance(detail, str) else json.dumps(detail)
    return ""


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _times(texts: list[str]) -> pd.DatetimeIndex:
    plain = np.array([text.removesuffix("Z") for text in texts], dtype="datetime64[ms]")
    return pd.DatetimeIndex(plain).tz_localize("UTC")


def _signal_frame(name: str, columns: Mapping[str, Any], attrs: Mapping[str, Any]) -> pd.DataFrame:
    count = len(columns["timestamp"])
    frame = pd.DataFrame(
        {
            "name": np.full(count, name, dtype=object),
            "timestamp": _times(columns["timestamp"]),
            "known_at": _times(columns["known_at"]),
            "signal_type": np.array(columns["signal_type"], dtype=object),
            "value": np.array(columns["value"], dtype=np.float64),
            "confidence": np.array(columns["confidence"], dtype=np.float64),
            **{key: np.array(column, dtype=np.float64) for key, column in columns["metadata"].items()},
        }
    )
    frame.attrs.update(attrs)
    return frame


def _update(content: Mapping[str, Any]) -> Update:
    named = {name: content[name] for name in ("symbol", "timeframe", "origin", "synthetic")}
    if content["type"] == "end":
        return Update("end", **named, raw=content)
    candle = dict(content["latest_candle"] or {})
    opened, closed = candle.pop("open_time", None), candle.pop("closed", True)
    history = content.get("history")
    return Update(
        content["type"],
        **named,
        open_time=None if opened is None else _times([opened])[0],
        candle=candle,
        closed=closed,
        indicators={
            label: {output: _number(value) for output, value in values.items()}
            for label, values in content["indicators"].items()
        },
        signals={label: [_signal(label, row) for row in rows] for label, rows in content["signals"].items()},
        reason=content.get("reason", ""),
        history=None if history is None else _history(history, named),
        raw=content,
    )


def _signal(name: str, row: Mapping[str, Any]) -> IndicatorSignal:
    timestamp, known_at = _times([row["timestamp"]])[0], _times([row["known_at"]])[0]
    return IndicatorSignal(**{**row, "name": name, "timestamp": timestamp, "known_at": known_at})


def _history(history: Mapping[str, Any], named: Mapping[str, Any]) -> pd.DataFrame:
    rows = history["klines"]
    index = _times([row["open_time"] for row in rows]).rename("open_time")
    columns = {
        name: np.array([row[name] for row in rows], dtype=np.float64)
        for name in ("open", "high", "low", "close", "volume")
    }
    for values in history["indicators"].values():
        for output in [name for name in values[0] if name != "open_time"] if values else []:
            columns[output] = np.array([row[output] for row in values], dtype=np.float64)
    frame = pd.DataFrame(columns, index=index)
    marks = {name: history[name] for name in ("source", "revision", "synthetic")}
    frame.attrs.update(symbol=named["symbol"], timeframe=named["timeframe"], **marks)
    return frame
