"""The service: the pipeline of the notebooks over REST and WebSocket, for programs.

Needs the extra `api` (`pip install "system-v4[api]"`). `create_app()` makes the FastAPI app, and
:mod:`toolkit.api.server` serves it.
"""

from toolkit.api.app import create_app

__all__ = ["create_app"]
