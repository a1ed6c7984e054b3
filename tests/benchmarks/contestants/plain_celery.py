"""Celery, written as in its first steps."""

from typing import Any

from celery import Celery
from celery.result import AsyncResult

from tests.benchmarks.contestants.shared import REDIS_URL, Order, create

celery = Celery("plain", broker=REDIS_URL, backend=REDIS_URL)
app = create()


@celery.task
def echo(text: str) -> dict[str, str]:
    return {"text": text}


@app.post("/start_task")
def start_task(order: Order) -> dict[str, str]:
    return {"task_id": echo.delay(**order.params).id}


@app.get("/task_status/{task_id}")
def task_status(task_id: str) -> dict[str, Any]:
    result = AsyncResult(task_id, app=celery)
    return {"task_id": task_id, "task_status": result.status, "result": result.result}
