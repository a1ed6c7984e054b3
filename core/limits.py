"""No JSON body longer than a limit is read; uploads have a limit of their own."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LIMIT = 1 << 20


class LimitBody:
    """413 as soon as a body proves too long, whatever its header says."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET" or scope["path"] == "/files":
            await self.app(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LIMIT:
                raise HTTPException(413, "The request is larger than 1 MB. Send data as a file through POST /files.")
            return message

        await self.app(scope, counted, send)
