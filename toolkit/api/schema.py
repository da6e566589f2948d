"""The OpenAPI document, with every registered indicator's parameters and bounds."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from toolkit.indicators import IndicatorRegistry, Parameter

__all__ = ["CONFIGURE_SCHEMA", "configure_schema", "install"]

CONFIGURE_SCHEMA = "ConfigureRequest"
_DEFAULTS = ("macd", "rsi")


def parameter_schema(parameter: Parameter) -> dict[str, Any]:
    """JSON Schema of one parameter, from its declaration."""
    if parameter.kind == "choice":
        schema: dict[str, Any] = {"type": "string", "enum": list(parameter.choices)}
    else:
        low, high = parameter.minimum, parameter.maximum
        if parameter.kind == "integer" and low is not None and high is not None:
            low, high = int(low), int(high)
        schema = {"type": parameter.kind, "minimum": low, "maximum": high}
    described = {"description": parameter.description} if parameter.description else {}
    return {**schema, "default": parameter.default, **described}


def configure_schema() -> dict[str, Any]:
    """JSON Schema of what `POST /api/indicators/configure` takes, from the registry."""
    properties = {}
    for name in IndicatorRegistry.names():
        cls = IndicatorRegistry.get_class(name)
        rising = "".join(f" {low} must be less than {high}." for low, high in cls.increasing)
        description = " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())
        properties[name] = {
            "type": "object",
            "description": description + rising,
            "additionalProperties": False,
            "properties": {
                "enabled": {"type": "boolean"},
                "params": {
                    "type": "object",
                    "description": "those that change; the others stay",
                    "additionalProperties": False,
                    "properties": {key: parameter_schema(p) for key, p in cls.parameters().items()},
                },
            },
        }
    return {
        "type": "object",
        "title": CONFIGURE_SCHEMA,
        "description": "Changes by indicator. In names letter case, spaces and underscores do not matter.",
        "additionalProperties": False,
        "properties": properties,
        "example": {
            "MACD": {"enabled": True, "params": {"fast_period": 12}},
            "Bollinger Bands": {"enabled": False},
        },
    }


def install(app: FastAPI) -> None:
    """Make the app's document anew whenever an indicator was registered since."""
    made: dict[tuple[type, ...], dict[str, Any]] = {}

    def openapi() -> dict[str, Any]:
        classes = tuple(map(IndicatorRegistry.get_class, IndicatorRegistry.names()))
        if classes not in made:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            document.setdefault("components", {}).setdefault("schemas", {})[CONFIGURE_SCHEMA] = (
                configure_schema()
            )
            made.clear()
            made[classes] = document
        return made[classes]

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way of extending the document
