"""Checks every request before a route reads it: the key must be known, and the body not too large."""

import secrets

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = {("GET", path) for path in ("/health", "/ready", "/docs", "/openapi.json")}
UPLOAD = "/files"  # it has its own limit, MAX_UPLOAD_MB
LIMIT = 1 << 20
HEADER = b"x-api-key"  # ASGI sends header names in lower case
NO_KEY = {"detail": "Send the core's key in the header X-API-Key."}


class Gate:
    """401 without a known key, 413 for a body that is too large.

    It runs before the routes, so no route can be forgotten and no stranger's body is parsed. FastAPI's own limit for
    bodies answers in plain text instead of JSON.
    """

    def __init__(self, app: ASGIApp, keys: list[bytes]) -> None:
        self.app, self.keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif (scope["method"], scope["path"]) not in OPEN and not self._knows(dict(scope["headers"]).get(HEADER, b"")):
            await JSONResponse(NO_KEY, 401, {"WWW-Authenticate": "APIKey"})(scope, receive, send)
        else:
            await self.app(scope, receive if scope["path"] == UPLOAD else _limited(receive), send)

    def _knows(self, key: bytes) -> bool:
        """Every key is compared, so that the time it takes reveals nothing about any of them."""
        return sum(secrets.compare_digest(key, known) for known in self.keys) > 0


def _limited(receive: Receive) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LIMIT:
            raise HTTPException(413)
        return message

    return counted
