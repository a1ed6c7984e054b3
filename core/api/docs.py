"""The page at /docs, self-contained: it loads no asset from elsewhere, and none from a route of its own."""

import base64
from functools import cache
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi.openapi.docs import get_swagger_ui_html

GUIDE = """\
Run long jobs, one HTTP request at a time: no request stays open while a job runs.

1. Press **Authorize** and give the core's key; programs send it as the header `X-API-Key`.
2. `GET /jobs` says what can be run, with the JSON Schema of each job's parameters.
3. `POST /files` takes a file. The `file_id` in its answer is what a job's file parameter wants.
4. `POST /start_task` answers with a `task_id` at once.
5. `GET /task_status/{task_id}`, asked every second or two, says how far the task is, and its result.

Every error is `{"detail": "what happened and what to do now"}`; a 422 also names the `fields` to correct.
"""


def locked(description: dict[str, Any], public: set[tuple[str, str]]) -> dict[str, Any]:
    """The OpenAPI description, where every route but the public ones asks for the key."""
    description["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if (method.upper(), path) not in public:
                operation["security"] = [{"key": []}]
    return description


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
