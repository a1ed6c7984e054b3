"""The naive design: routes that block the event loop, data inside messages, and a list whose lock locks nothing."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from celery import Celery
from celery.result import AsyncResult
from fasteners import interprocess_locked
from pydantic import BaseModel

from tests.benchmarks.contestants.shared import REDIS_URL, Order, create

celery = Celery("naive", broker=REDIS_URL, backend=REDIS_URL)
app = create()
USERS = Path(os.environ["DATA_DIR"]) / "active_user_list.json"
LOCK = USERS.with_suffix(".lock")


class User(BaseModel):
    username: str


@celery.task
def echo(text: str) -> dict[str, str]:
    return {"text": text}


@celery.task
def measure(data: str) -> dict[str, int]:
    return {"size": len(data)}


JOBS = {"echo": echo, "measure": measure}


def add(username: str) -> dict[str, str]:
    users: dict[str, str] = json.loads(USERS.read_text()) if USERS.exists() else {}
    users[username] = datetime.now(ZoneInfo("Asia/Tokyo")).strftime("%Y/%m/%d %H:%M")
    USERS.write_text(json.dumps(users))
    return users


@app.post("/start_task")
async def start_task(order: Order) -> dict[str, str]:
    task = JOBS[order.job].delay(**order.params)
    add(order.username)
    return {"task_id": task.id}


@app.get("/task_status/{task_id}")
async def task_status(task_id: str) -> dict[str, Any]:
    result = AsyncResult(task_id, app=celery)
    return {"task_id": task_id, "task_status": result.status, "result": result.result}


@interprocess_locked(LOCK)
@app.post("/add_active_user")
async def add_active_user(user: User) -> dict[str, str]:
    return add(user.username)
