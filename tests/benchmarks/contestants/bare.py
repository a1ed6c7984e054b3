"""Upper limits: a route that does nothing, one that pushes raw bytes to Redis, and one that discards a body."""

from fastapi import Request
from redis.asyncio import Redis

from tests.benchmarks.contestants.shared import REDIS_URL, create

app = create()
redis = Redis.from_url(REDIS_URL)
MESSAGE = b"x" * 400


@app.post("/start_task")
async def start_task() -> dict[str, str]:
    return {"task_id": "00000000-0000-4000-8000-000000000000"}


@app.get("/task_status/{task_id}")
async def task_status(task_id: str) -> dict[str, str]:
    return {"task_id": task_id, "task_status": "SUCCESS"}


@app.post("/lpush")
async def lpush() -> dict[str, str]:
    await redis.lpush("bare", MESSAGE)
    return {"task_id": "00000000-0000-4000-8000-000000000000"}


@app.post("/files")
async def files(request: Request) -> dict[str, int]:
    return {"size": sum([len(chunk) async for chunk in request.stream()])}
