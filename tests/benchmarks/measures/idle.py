"""How long a start takes, and how much memory an idle core needs."""

import time
from pathlib import Path

from tests.benchmarks.client import Client
from tests.benchmarks.lineup import NAIVE, OURS
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table


def measure(folder: Path, size: Size) -> list[Table]:
    api = Table("Start of the API, until /health answers", "s", "at most the naive design's")
    worker = Table("Start of the worker, until a task is finished", "s", "at most the naive design's")
    memory = Table(
        "An idle core: 4 API processes, worker with 2 children, Redis", "MB (PSS)", "0.9 of the naive design's"
    )
    for turn in range(size.turns):
        for contestant in size.who(OURS, NAIVE):
            with Stack(contestant, folder / f"{turn}-{contestant.module}") as stack, Client(stack.url) as client:
                begin = time.perf_counter()
                stack.start_api().wait()
                api.add(contestant.name, time.perf_counter() - begin)
                task_id = client.submit()
                begin = time.perf_counter()
                stack.start_worker().finish(client, task_id)
                worker.add(contestant.name, time.perf_counter() - begin)
                parts = [process for name in stack.processes for process in stack.family(name)]
                memory.add(contestant.name, sum(part.memory_full_info().pss for part in parts) / 1e6)
    return [api, worker, memory]
