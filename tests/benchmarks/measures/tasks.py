"""From submit to finished: one task at a time, and a thousand at once."""

import time
from pathlib import Path
from statistics import median

from tests.benchmarks.client import Client
from tests.benchmarks.lineup import QUEUES
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table
from tests.live import until

POLL = 0.005


def measure(folder: Path, size: Size) -> list[Table]:
    one = Table("A no-op task, from submit to finished, polled every 5 ms", "ms", "ahead of Celery and Dramatiq")
    many = Table(
        f"{size.batch} no-op tasks, from first submit to last finish, 2 workers", "s", "ahead of Celery and RQ"
    )
    for turn in range(size.turns):
        for contestant in size.who(*QUEUES):
            with Stack(contestant, folder / f"{turn}-{contestant.module}") as stack, Client(stack.url) as client:
                stack.start_api().start_worker().wait()
                one.add(contestant.name, 1000 * median(_one(stack, client) for _ in range(size.samples)))
                many.add(contestant.name, _many(client, size.batch))
    return [one, many]


def _one(stack: Stack, client: Client) -> float:
    begin = time.perf_counter()
    stack.finish(client, client.submit(), pause=POLL)
    return time.perf_counter() - begin


def _many(client: Client, count: int) -> float:
    begin = time.perf_counter()
    open_ids = [client.submit() for _ in range(count)]

    def done() -> bool:
        while open_ids and client.is_finished(open_ids[-1]):
            open_ids.pop()
        return not open_ids

    until(done, 300, POLL)
    return time.perf_counter() - begin
