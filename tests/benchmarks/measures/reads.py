"""GET /task_status and GET /tasks, with few and with many tasks on record."""

import json
from pathlib import Path

from tests.benchmarks.client import ORDER, Client
from tests.benchmarks.lineup import BARE, NAIVE, OURS
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table
from tests.benchmarks.wrk import load


def measure(folder: Path, size: Size) -> list[Table]:
    status = Table("GET /task_status, 16 connections", "requests/s", "0.5 of the bare route; flat within 10 %")
    listed = Table("GET /tasks, the 50 newest", "requests/s", "flat within 20 %")
    held = Table("Growth: Redis with that many tasks waiting", "MB")
    for turn in range(size.turns):
        for contestant in size.who(OURS, NAIVE, BARE):
            with Stack(contestant, folder / f"{turn}-{contestant.module}") as stack, Client(stack.url) as client:
                stack.start_api().wait()
                ids = [client.submit() for _ in range(100)]
                polls = [("GET", f"/task_status/{task_id}", "") for task_id in ids]
                status.add(contestant.name, load(stack.url, polls, seconds=size.seconds).rate)
                if contestant is not OURS:
                    continue
                newest = [("GET", "/tasks?limit=50", "")]
                listed.add(OURS.name, load(stack.url, newest, seconds=size.seconds).rate)
                held.add("100", _megabytes(stack))
                _fill(stack, client, size.records)
                held.add(f"{size.records:,}", _megabytes(stack))
                many = f"{OURS.name}, {size.records:,} on record"
                status.add(many, load(stack.url, polls, seconds=size.seconds).rate)
                listed.add(many, load(stack.url, newest, seconds=size.seconds).rate)
    return [status, listed, held]


def _fill(stack: Stack, client: Client, count: int) -> None:
    while client.get("/activity").body["waiting"] < count:
        load(stack.url, [("POST", "/start_task", json.dumps(ORDER))], seconds=min(10.0, count / 2000))


def _megabytes(stack: Stack) -> float:
    return float(stack.redis.info("memory")["used_memory"]) / 1e6
