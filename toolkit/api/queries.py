"""The queries of the REST routes: each a model, for validation and for the OpenAPI document alike.

FastAPI would read each parameter by itself, which takes longer than the answer.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["LIMIT", "MAX_LIMIT", "KlinesQuery", "SignalsQuery", "parameters", "read"]

LIMIT, MAX_LIMIT = 500, 5_000

_MOMENT = "ISO 8601, in UTC where it has no time zone, such as 2024-01-31 or 2024-01-31T12:00:00Z"
_Moment = Annotated[str, Field(max_length=64)]


class _Series(BaseModel):
    model_config = ConfigDict(extra="forbid")

    symbol: str = Field(
        min_length=1,
        max_length=64,
        description="a pair; btc and BTC/USDT mean BTCUSDT",
        examples=["BTCUSDT"],
    )
    timeframe: str = Field(min_length=1, max_length=16, description="see /api/timeframes", examples=["1h"])
    start: _Moment | None = Field(None, description=f"first open time that belongs to it; {_MOMENT}")
    end: _Moment | None = Field(None, description=f"first open time that no longer does; {_MOMENT}")
    limit: int = Field(
        LIMIT, ge=1, le=MAX_LIMIT, description="of those between start and end the last so many"
    )


class KlinesQuery(_Series):
    """What `/api/klines` is asked."""

    format: Literal["json", "columns", "arrow"] = Field(
        "json", description="an object a candle, an array a column, or an Arrow IPC stream"
    )


class SignalsQuery(_Series):
    """What `/api/signals` is asked; `limit` is that of each indicator."""

    signal_type: str | None = Field(
        None, max_length=64, description="only signals of this type", examples=["BUY"]
    )
    format: Literal["json", "columns"] = Field("json", description="an object a signal, or an array a column")


Query = TypeVar("Query", bound=_Series)


def read(request: Request, model: type[Query]) -> Query:
    """The request's query.

    Raises:
        RequestValidationError: it is not valid, names a parameter that there is not, or one twice.
    """
    given = dict(request.query_params)
    try:
        found = model.model_validate(given)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in faults]) from None
    pairs = request.query_params.multi_items()
    if len(pairs) > len(given):
        twice = sorted({name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1})
        fault = {"type": "twice", "loc": ("query", twice[0]), "msg": "Parameter is given twice"}
        raise RequestValidationError([fault])
    return found


def parameters(model: type[_Series]) -> list[dict[str, Any]]:
    """The query in the OpenAPI document."""
    schema = model.model_json_schema()
    listed = []
    for name, described in schema["properties"].items():
        about = {key: described.pop(key) for key in ("description",) if key in described}
        required = name in schema.get("required", ())
        listed.append({"name": name, "in": "query", "required": required, **about, "schema": described})
    return listed
