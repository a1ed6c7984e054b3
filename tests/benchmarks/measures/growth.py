"""How okosu scales with the size of a file, with workers, with hosts and with API processes."""

import json
import time
from functools import partial
from pathlib import Path

from tests.benchmarks.client import ORDER, Client
from tests.benchmarks.lineup import OURS
from tests.benchmarks.measures.files import transfer
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table
from tests.benchmarks.wrk import load
from tests.live import until

ORDERS = [("POST", "/start_task", json.dumps(ORDER))]
SLEEP = {"job": "sleeper", "params": {"seconds": 0.5}, "username": "sato"}
HOSTS = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 4))  # hosts, and worker processes on each


def measure(folder: Path, size: Size) -> list[Table]:
    files = Table("Growth: a file, from upload until a job has opened it", "s")
    workers = Table(f"Growth: {size.sleepers} tasks that sleep for 0.5 s", "s")
    rate = Table("Growth: POST /start_task, 16 connections", "requests/s")
    for turn in range(size.turns):
        with Stack(OURS, folder / f"{turn}-files", api_processes=1) as stack:
            stack.start_api().start_worker().wait()
            file = folder / "file"
            for mb in (1, size.file_mb // 4, size.file_mb):
                file.write_bytes(b"0123456789abcdef" * (mb << 16))
                files.add(f"{mb} MB", transfer(stack, OURS, file))
        for hosts, processes in HOSTS:
            with Stack(OURS, folder / f"{turn}-{hosts}-{processes}", workers=processes) as stack:
                stack.start_api().wait()
                for host in range(hosts):
                    stack.start_worker(f"worker {host}")
                until(partial(_work, stack, hosts), 60)
                workers.add(f"{hosts} x {processes} worker processes", _sleep_all(stack, size.sleepers))
        for processes in (1, 2, 4, 8):
            with Stack(OURS, folder / f"{turn}-api-{processes}", api_processes=processes) as stack:
                stack.start_api().wait()
                rate.add(f"{processes} API processes", load(stack.url, ORDERS, seconds=size.seconds).rate)
    return [files, workers, rate]


def _work(stack: Stack, hosts: int) -> bool:
    return stack.lives() and stack.redis.zcard("okosu:workers") == hosts


def _sleep_all(stack: Stack, count: int) -> float:
    with Client(stack.url) as client:
        stack.finish(client, client.submit())
        begin = time.perf_counter()
        for task_id in [client.submit(SLEEP) for _ in range(count)]:
            stack.finish(client, task_id)
        return time.perf_counter() - begin
