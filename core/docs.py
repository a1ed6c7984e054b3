"""The page at /docs, self-contained: it loads no asset from elsewhere, and none from a route of its own."""

import base64
from functools import cache
from pathlib import Path

import fastapi_offline
from fastapi.openapi.docs import get_swagger_ui_html


@cache
def page() -> str:
    """Swagger UI over /openapi.json, with the field for the key."""
    response = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="okosu core",
        swagger_js_url=_inline("swagger-ui-bundle.js", "text/javascript"),
        swagger_css_url=_inline("swagger-ui.css", "text/css"),
        swagger_favicon_url="data:,",
    )
    return bytes(response.body).decode()


def _inline(name: str, kind: str) -> str:
    content = (Path(fastapi_offline.__file__).parent / "static" / name).read_bytes()
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
