"""RQ, written as on the first page of its documentation."""

from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job

from tests.benchmarks.contestants.shared import REDIS_URL, Order, create

redis = Redis.from_url(REDIS_URL)
queue = Queue(connection=redis)
app = create()


def echo(text: str) -> dict[str, str]:
    return {"text": text}


@app.post("/start_task")
def start_task(order: Order) -> dict[str, str]:
    return {"task_id": queue.enqueue(echo, **order.params).id}


@app.get("/task_status/{task_id}")
def task_status(task_id: str) -> dict[str, Any]:
    job = Job.fetch(task_id, connection=redis)
    is_finished = job.get_status() == "finished"
    return {
        "task_id": task_id,
        "task_status": "SUCCESS" if is_finished else "PENDING",
        "result": job.return_value() if is_finished else None,
    }
