"""Huey, written as in its README."""

from typing import Any

from huey import RedisHuey

from tests.benchmarks.contestants.shared import REDIS_URL, Order, create

huey = RedisHuey("plain", url=REDIS_URL)
app = create()


@huey.task()
def echo(text: str) -> dict[str, str]:
    return {"text": text}


@app.post("/start_task")
def start_task(order: Order) -> dict[str, str]:
    return {"task_id": echo(**order.params).id}


@app.get("/task_status/{task_id}")
def task_status(task_id: str) -> dict[str, Any]:
    result = huey.result(task_id, preserve=True)
    return {"task_id": task_id, "task_status": "PENDING" if result is None else "SUCCESS", "result": result}
