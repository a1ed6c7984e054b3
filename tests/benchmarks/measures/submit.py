"""POST /start_task under 16 connections, with everything that each of them does for it."""

import json
from pathlib import Path

from tests.benchmarks.client import ORDER
from tests.benchmarks.lineup import BARE, QUEUES
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table
from tests.benchmarks.wrk import load


def measure(folder: Path, size: Size) -> list[Table]:
    rate = Table(
        "Submit: POST /start_task, 16 connections", "requests/s", "ahead of every queue; 0.4 of the bare route"
    )
    p99 = Table("The same, 99th percentile", "ms", "not more than Dramatiq's")
    for turn in range(size.turns):
        for contestant in size.who(*QUEUES, BARE):
            with Stack(contestant, folder / f"{turn}-{contestant.module}") as stack:
                stack.start_api().wait()
                found = load(stack.url, [("POST", "/start_task", json.dumps(ORDER))], seconds=size.seconds)
                rate.add(contestant.name, found.rate)
                p99.add(contestant.name, found.p99)
                if contestant is BARE:
                    raw = load(stack.url, [("POST", "/lpush", "{}")], seconds=size.seconds)
                    rate.add("one raw LPUSH", raw.rate)
                    p99.add("one raw LPUSH", raw.p99)
    return [rate, p99]
