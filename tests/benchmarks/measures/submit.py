"""POST /start_task over 16 connections, with everything that each contestant does for it."""

import json
from pathlib import Path

from tests.benchmarks.client import ORDER
from tests.benchmarks.lineup import BARE, QUEUES
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table
from tests.benchmarks.wrk import load

# One is the default of uvicorn and of a core without containers; four is what the compose file starts.
PROCESSES = {1: "one API process", 4: "four API processes"}
MUST = "ahead of every queue; 0.4 of the bare route"


def measure(folder: Path, size: Size) -> list[Table]:
    rates = {count: Table(f"Submit: 16 connections, {name}", "requests/s", MUST) for count, name in PROCESSES.items()}
    p99s = {
        count: Table(f"Submit: 99th percentile, {name}", "ms", "at most Dramatiq's")
        for count, name in PROCESSES.items()
    }
    for turn in range(size.turns):
        for count, rate in rates.items():
            for contestant in size.who(*QUEUES, BARE):
                with Stack(contestant, folder / f"{turn}-{count}-{contestant.module}", api_processes=count) as stack:
                    stack.start_api().wait()
                    found = load(stack.url, [("POST", "/start_task", json.dumps(ORDER))], seconds=size.seconds)
                    rate.add(contestant.name, found.rate)
                    p99s[count].add(contestant.name, found.p99)
                    if contestant is BARE:
                        raw = load(stack.url, [("POST", "/lpush", "{}")], seconds=size.seconds)
                        rate.add("one raw LPUSH", raw.rate)
                        p99s[count].add("one raw LPUSH", raw.p99)
    return [*rates.values(), *p99s.values()]
