"""Dramatiq with its result backend, written as in its guide."""

from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import ResultMissing, Results
from dramatiq.results.backends import RedisBackend

from tests.benchmarks.contestants.shared import REDIS_URL, Order, create

backend = RedisBackend(url=REDIS_URL)
broker = RedisBroker(url=REDIS_URL)
broker.add_middleware(Results(backend=backend))
dramatiq.set_broker(broker)
app = create()


@dramatiq.actor(store_results=True)
def echo(text: str) -> dict[str, str]:
    return {"text": text}


@app.post("/start_task")
def start_task(order: Order) -> dict[str, str]:
    return {"task_id": echo.send(**order.params).message_id}


@app.get("/task_status/{task_id}")
def task_status(task_id: str) -> dict[str, Any]:
    message = echo.message().copy(message_id=task_id)
    try:
        return {"task_id": task_id, "task_status": "SUCCESS", "result": message.get_result(backend=backend)}
    except ResultMissing:
        return {"task_id": task_id, "task_status": "PENDING", "result": None}
