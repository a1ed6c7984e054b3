"""taskiq, written as in the README of taskiq-redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from tests.benchmarks.contestants.shared import REDIS_URL, Order, create

backend = RedisAsyncResultBackend(redis_url=REDIS_URL)
broker = RedisStreamBroker(url=REDIS_URL).with_result_backend(backend)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


app = create(lifespan=lifespan)


@broker.task
async def echo(text: str) -> dict[str, str]:
    return {"text": text}


@app.post("/start_task")
async def start_task(order: Order) -> dict[str, str]:
    return {"task_id": (await echo.kiq(**order.params)).task_id}


@app.get("/task_status/{task_id}")
async def task_status(task_id: str) -> dict[str, Any]:
    if not await backend.is_result_ready(task_id):
        return {"task_id": task_id, "task_status": "PENDING", "result": None}
    result = await backend.get_result(task_id)
    return {"task_id": task_id, "task_status": "SUCCESS", "result": result.return_value}
