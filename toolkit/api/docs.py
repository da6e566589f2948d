"""`/docs` and `/redoc`, from files of this machine only, below whatever path the service is reached at.

Swagger UI and ReDoc come with the package `fastapi-standalone-docs`, of which only the files are used: its
code changes functions of FastAPI for every app of the process. The pages name everything relative to
themselves, and their Content-Security-Policy lets a browser load nothing from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.metadata
import importlib.resources
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["install"]

_PACKAGE = "fastapi-standalone-docs"
_FILES = {
    "docs/swagger-ui-bundle.js": ("swagger/swagger-ui-bundle.js", "text/javascript"),
    "docs/swagger-ui.css": ("swagger/swagger-ui.css", "text/css"),
    "docs/favicon.png": ("fastapi/favicon.png", "image/png"),
    "redoc/redoc.standalone.js": ("redoc/redoc.standalone.js", "text/javascript"),
    "redoc/logo-mini.svg": ("redoc/logo-mini.svg", "image/svg+xml"),  # ReDoc's script asks for it there
}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/favicon.png">
{head}
</head>
<body>
<div id="page"></div>
<script src="{bundle}?v={version}"></script>
<script>{script}</script>
</body>
</html>
"""

_SWAGGER = """
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  layout: "BaseLayout",
});
"""

_REDOC = """
const font = { fontFamily: "system-ui, sans-serif" };
Redoc.init("openapi.json", {
  nativeScrollbars: true,
  theme: { typography: { ...font, headings: font } },
}, document.getElementById("page"));
"""


def install(app: FastAPI) -> None:
    """Add both pages.

    Args:
        app: an app with `docs_url=None` and `redoc_url=None`, so that FastAPI adds no pages of its own, and
            with its OpenAPI document at `/openapi.json`.

    Raises:
        ValueError: the app has such pages already, or its document elsewhere.
    """
    if app.docs_url or app.redoc_url or app.openapi_url != "/openapi.json":
        raise ValueError("docs: the app needs docs_url=None, redoc_url=None and openapi_url='/openapi.json'")
    version = importlib.metadata.version(_PACKAGE)
    style = f'<link rel="stylesheet" href="docs/swagger-ui.css?v={version}">'
    plain = "<style>body { margin: 0 }</style>"
    app.router.routes += [
        _page("/docs", f"{app.title}: API", style, "docs/swagger-ui-bundle.js", version, _SWAGGER),
        _page("/redoc", f"{app.title}: reference", plain, "redoc/redoc.standalone.js", version, _REDOC),
    ]
    folder = Path(str(importlib.resources.files(_PACKAGE.replace("-", "_")))) / "static"
    app.router.routes += [
        _file(f"/{address}", folder / name, kind) for address, (name, kind) in _FILES.items()
    ]


def _page(address: str, title: str, head: str, bundle: str, version: str, script: str) -> Route:
    text = _PAGE.format(title=html.escape(title), head=head, bundle=bundle, version=version, script=script)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:;"
        f" script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )

    async def page(request: Request) -> Response:
        return HTMLResponse(text, headers={"content-security-policy": policy})

    return Route(address, page)


def _file(address: str, path: Path, kind: str) -> Route:
    async def file(request: Request) -> Response:
        # The address holds the package's version, so that a newer file is another address.
        return FileResponse(path, media_type=kind, headers={"cache-control": "public, max-age=86400"})

    return Route(address, file)
