"""The service: the pipeline of the notebooks over REST and WebSocket, for programs.

Needs the extra `api` (`pip install "system-v4[api]"`). `create_app()` makes the FastAPI app, and
:mod:`toolkit.api.server` serves it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.api.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    # Only when it is asked for: a port in use or a token that is missing is said without seconds of imports.
    if name != "create_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from toolkit.api.app import create_app

    return create_app
