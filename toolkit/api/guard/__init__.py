"""Who may call the service, and how much may be sent: one layer in front of HTTP and WebSocket alike.

A service on one's own machine is within reach of every page that one's browser opens. So a request must name
this service as its host (else a foreign name could be pointed here), must come from a page of the service
itself or of an origin that was named, must carry the token where there is one, and must be of a bounded size.
What is refused gets `{"detail": ...}` with a status of 4xx; so does a WebSocket, before it is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from toolkit.api.guard.layer import Guard
from toolkit.api.guard.policy import GuardError, Limits, Policy, is_loopback
from toolkit.api.guard.request import PUBLIC, SUBPROTOCOL, TOKEN_SUBPROTOCOL

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = [
    "PUBLIC",
    "SUBPROTOCOL",
    "TOKEN_SUBPROTOCOL",
    "Guard",
    "GuardError",
    "Limits",
    "Policy",
    "install",
    "is_loopback",
]


def install(
    app: FastAPI,
    *,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    token: str | None = None,
    request_limits: Limits | None = None,
) -> None:
    """Put the guard in front of an app. Called last, so that it stands before every other middleware.

    Args:
        app: the app.
        hosts, origins, token, request_limits: see :class:`~toolkit.api.guard.Policy`.

    Raises:
        GuardError: one of them cannot be.
    """
    policy = Policy(hosts, origins, token, request_limits or Limits())
    app.add_middleware(Guard, policy=policy)
    if policy.token is not None:
        _document_token(app)


def _document_token(app: FastAPI) -> None:
    """Say in the OpenAPI document how the token is given."""
    written = app.openapi

    def openapi() -> dict[str, Any]:
        document = written()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["token"] = {"type": "http", "scheme": "bearer"}
        document["security"] = [{"token": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]
