"""The exchange's REST service: what was missed, its clock, and whether a pair is traded."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

import httpx2

from toolkit.feeds.base import FeedError
from toolkit.feeds.exchange.venue import Venue

__all__ = ["PAGE", "Rejected", "Rest", "RestError", "UnknownPair", "certificate"]

PAGE = 1_000
"""Candles in a page at most."""

_SECONDS = 10.0
_TOO_MANY, _BANNED = 429, 418
_UNTOLD = {_TOO_MANY: 60.0, _BANNED: 120.0}
"""Seconds to keep away for where the exchange does not say; a ban lasts two minutes at least."""
_Read = TypeVar("_Read")
_FULL = 0.8
"""Share of the minute's weight after which the rest of the minute is left to others."""


class RestError(Exception):
    """An answer could not be had now; the message says why."""


class Rejected(RestError):
    """The exchange does not answer this request, and would not another time."""


class UnknownPair(FeedError):
    """The exchange does not know the pair."""


class Rest:
    """Asks one exchange, never more often than it allows.

    Told to keep away (429, or 418 once it is angry), nothing more is asked until the time it named.
    """

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self._client: httpx2.AsyncClient | None = None
        self._not_before = 0.0

    @property
    def waiting(self) -> float:
        """Seconds for which nothing is asked, as the exchange wants it."""
        return max(0.0, self._not_before - asyncio.get_running_loop().time())

    async def time(self) -> int:
        """The exchange's clock, in ms since 1970 UTC.

        Raises:
            RestError: it cannot be had now.
        """
        answer = await self._get("/api/v3/time", {})
        return _expect(answer, lambda: int(answer["serverTime"]))

    async def klines(self, symbol: str, timeframe: str, start: int | None, limit: int) -> list[list[Any]]:
        """Rows of candles from `start` (ms) on, or without one the last; at most `limit`.

        Raises:
            UnknownPair: there is no such pair.
            RestError: they cannot be had now.
        """
        query: dict[str, Any] = {"symbol": symbol, "interval": timeframe, "limit": limit}
        if start is not None:
            query["startTime"] = start
        answer = await self._get("/api/v3/klines", query)
        return _expect(answer, lambda: [list(row) for row in answer])

    async def status(self, symbol: str) -> str:
        """`TRADING` where the pair is traded now, else what the exchange calls it (`BREAK`, `HALT`).

        Raises:
            UnknownPair: there is no such pair.
            RestError: it cannot be had now.
        """
        answer = await self._get("/api/v3/exchangeInfo", {"symbol": symbol})
        return _expect(answer, lambda: str(answer["symbols"][0]["status"]))

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _get(self, path: str, query: dict[str, Any]) -> Any:
        while (seconds := self.waiting) > 0:
            await asyncio.sleep(seconds)
        if self._client is None:
            # A proxy of the system has no way to this machine's own addresses.
            self._client = httpx2.AsyncClient(timeout=_SECONDS, trust_env=not self.venue.local())
        try:
            answer = await self._client.get(self.venue.rest + path, params=query)
        except httpx2.HTTPError as error:
            refused = certificate(error)
            raise RestError(
                f"{self.venue.rest}: {refused or f'cannot be reached ({error or type(error).__name__})'}"
            ) from error
        self._mind_weight(answer.headers)
        if answer.status_code == 200:
            try:
                return json.loads(answer.content)
            except ValueError as error:
                raise RestError(f"{self.venue.rest}{path}: the answer is no JSON") from error
        raise self._refusal(answer, query)

    def _refusal(self, answer: httpx2.Response, query: dict[str, Any]) -> Exception:
        code, told = None, ""
        try:
            content = json.loads(answer.content)
            code, told = content["code"], str(content["msg"])
        except (ValueError, KeyError, TypeError):
            told = answer.reason_phrase
        name, status = self.venue.name, answer.status_code
        if status in _UNTOLD:
            seconds = _seconds(answer.headers.get("Retry-After"), _UNTOLD[status])
            self._keep_away(seconds)
            what = "too many requests" if status == _TOO_MANY else "this address is banned"
            return RestError(f"{name}: {what} ({status}); asked again in {seconds:.0f} s")
        if code == -1121:
            return UnknownPair(f"{name}: there is no pair {query.get('symbol')!r} ({told})")
        if status == 451:
            return RestError(
                f"{name}: it does not serve this place (451); with the setting live = 'binance-us' the"
                " candles come from Binance US"
            )
        if status == 403:
            self._keep_away(_UNTOLD[_BANNED])
            return RestError(f"{name}: its firewall refuses (403); asked again in {_UNTOLD[_BANNED]:.0f} s")
        kind = Rejected if 400 <= status < 500 else RestError
        return kind(f"{name}: HTTP {status}{f' {code}' if code is not None else ''} {told}".rstrip())

    def _mind_weight(self, headers: httpx2.Headers) -> None:
        used = headers.get("X-MBX-USED-WEIGHT-1M", "")
        if used.isdigit() and int(used) >= _FULL * self.venue.weight:
            self._keep_away(60.0)

    def _keep_away(self, seconds: float) -> None:
        until = asyncio.get_running_loop().time() + seconds
        self._not_before = max(self._not_before, until)


def certificate(error: BaseException | None) -> str | None:
    """What to tell of a certificate that is not the exchange's; None for another error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            reason = getattr(error, "verify_message", "") or str(error)
            return (
                f"its certificate is refused ({reason}): somebody stands in between, or this machine's clock"
                " or certificates are wrong. Nothing is taken from there"
            )
        error = error.__cause__ or error.__context__
    return None


def _seconds(text: str | None, otherwise: float) -> float:
    try:
        return max(1.0, float(text)) if text is not None else otherwise
    except ValueError:
        return otherwise


def _expect(answer: Any, read: Callable[[], _Read]) -> _Read:
    try:
        return read()
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise RestError(f"an answer cannot be read: {str(answer)[:80]!r}") from error
