"""Every error as `{"detail": text}`, in words that name what is wrong; never a traceback."""

from __future__ import annotations

import contextlib
import json
import logging
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from toolkit.api.models import ErrorResponse

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["describe", "install"]

UNEXPECTED = "an unexpected error; the log of the service says more"

logger = logging.getLogger("toolkit.api")


def install(app: FastAPI) -> None:
    """Let an app answer every error in one form, and say so in its OpenAPI document."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unexpected)
    app.add_middleware(_SocketErrors)
    _document(app)


def describe(errors: Iterable[Mapping[str, Any]]) -> str:
    """pydantic's errors as one line: `limit: Input should be less than or equal to 5000, not 1000000`."""
    return "; ".join(_one(error) for error in errors)


def _one(error: Mapping[str, Any]) -> str:
    place = [str(part) for part in error.get("loc", ()) if part not in ("query", "path", "header")]
    where = ".".join(_short(part) for part in place[:12]) or "request"
    if error.get("type") == "json_invalid":
        reason = error.get("ctx", {}).get("error", "")
        return f"body: not JSON ({_short(str(reason))}, character {place[-1] if place else 0})"
    if where != "body":
        where = where.removeprefix("body.")
    text = f"{where}: {_short(str(error.get('msg', 'not valid')), 500)}"
    if error.get("type") == "missing" or "input" not in error:
        return text
    given = error["input"]
    # A number that is none can't be written as JSON, and a whole body is not worth repeating.
    if isinstance(given, str | int | float | bool) or given is None:
        text += f", not {_short(repr(given))}"
    return text


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": describe(error.errors())}, status_code=422)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if detail == "Not Found":
        detail = f"there is no {_short(request.url.path)!r} here; /docs lists what there is"
    elif detail == "Method Not Allowed":
        allowed = (error.headers or {}).get("Allow", "")
        detail = f"{_short(request.method)} is not allowed here" + (f"; {allowed} is" if allowed else "")
    elif detail == "There was an error parsing the body" and error.__cause__ is not None:
        detail = f"body: {_unreadable(error.__cause__)}"
    if not isinstance(detail, str):
        detail = json.dumps(_finite(detail), default=str)
    return JSONResponse({"detail": detail}, status_code=error.status_code, headers=error.headers)


def _unreadable(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 (byte {error.start})"
    return f"cannot be read ({_short(str(error), 200)})"


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


async def _unexpected(request: Request, error: Exception) -> Response:
    # Starlette raises it again once this is sent, and the server logs it with its traceback.
    logger.error("%s %s: %s", request.method, request.url.path, type(error).__name__)
    return JSONResponse({"detail": UNEXPECTED}, status_code=500)


class _SocketErrors:
    """Ends a WebSocket whose handler failed with 1011 and a reason, and logs why.

    Starlette leaves such an error to the server, which drops the connection without a word.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        closed = False

        async def watch(message: Message) -> None:
            nonlocal closed
            closed = closed or message["type"] in ("websocket.close", "websocket.http.response.start")
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            logger.exception("WebSocket %s", scope["path"])
            if closed:
                return
            with contextlib.suppress(OSError, RuntimeError):  # it has gone
                await send({"type": "websocket.close", "code": 1011, "reason": UNEXPECTED})


def _document(app: FastAPI) -> None:
    """Say of each operation what its errors look like, in place of FastAPI's own form."""
    written = app.openapi

    def openapi() -> dict[str, Any]:
        document = written()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        name = ErrorResponse.__name__
        schemas.setdefault(name, ErrorResponse.model_json_schema())
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        for path in document.get("paths", {}).values():
            for operation in path.values():
                responses = operation["responses"]
                if "422" in responses:
                    responses["422"]["content"] = content
                # 400, 401, 403, 408, 413, 414, 429 and 431, of the guard
                responses["4XX"] = {"description": "refused; `detail` says why", "content": content}
        return document

    app.openapi = openapi  # type: ignore[method-assign]
