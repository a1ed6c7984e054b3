"""The page at /docs. It contains all of its assets, so it loads nothing from elsewhere."""

import base64
from functools import cache
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi.openapi.docs import get_swagger_ui_html

GUIDE = """\
Run long jobs over HTTP. No request stays open while a job runs.

1. Press **Authorize** and enter the core's key. Programs send it in the header `X-API-Key`.
2. `GET /jobs` lists the jobs, with the JSON Schema of each job's parameters.
3. `POST /files` uploads a file. Pass the `file_id` of its answer as the job's file parameter.
4. `POST /start_task` returns a `task_id` at once.
5. Poll `GET /task_status/{task_id}` every second or two for the task's progress and result.

Every error is `{"detail": "what happened and what to do now"}`. A 422 also names the `fields` to correct.
"""


# It stands alone: it may ask this address only, and no other site may show it in a frame.
HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


def locked(description: dict[str, Any], public: set[tuple[str, str]]) -> dict[str, Any]:
    """The OpenAPI description, in which every route except the public ones needs the key."""
    description["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if (method.upper(), path) not in public:
                operation["security"] = [{"key": []}]
    return description


@cache
def page() -> str:
    """Swagger UI for /openapi.json, with a field for the key."""
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
