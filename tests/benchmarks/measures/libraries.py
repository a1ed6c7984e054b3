"""What a job waits for its library: the first run that imports pandas, and the next."""

from pathlib import Path

from tests.benchmarks.client import Client
from tests.benchmarks.lineup import OURS
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table

ORDER = {"job": "imports", "params": {}, "username": "sato"}


def measure(folder: Path, size: Size) -> list[Table]:
    first = Table("`import pandas` in the first run that needs it", "ms", "as long as it takes")
    second = Table("`import pandas` in the next run", "ms", "at most 50 ms")
    for turn in range(size.turns):
        with Stack(OURS, folder / str(turn)) as stack, Client(stack.url) as client:
            stack.start_api().start_worker().wait()
            for table in (first, second):
                task_id = client.submit(ORDER)
                stack.finish(client, task_id, pause=0.05)
                table.add(OURS.name, client.get(f"/task_status/{task_id}").body["result"]["value"])
    return [first, second]
