"""What all contestants' APIs have in common: the body of a submission, and a health route."""

import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

REDIS_URL = os.environ["REDIS_URL"]


class Order(BaseModel):
    job: str
    params: dict[str, Any]
    username: str


def create(**options: Any) -> FastAPI:
    app = FastAPI(**options)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app
