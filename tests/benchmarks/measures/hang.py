"""GET /health while Redis hangs during a submission: does one slow part slow down the whole API?"""

import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.benchmarks.client import Client
from tests.benchmarks.lineup import NAIVE, OURS
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table

HANG = 1.5  # seconds


def measure(folder: Path, size: Size) -> list[Table]:
    worst = Table(f"GET /health, the slowest answer while Redis hangs for {HANG} s", "ms", "50 ms")
    for turn in range(size.turns):
        for contestant in size.who(OURS, NAIVE):
            with Stack(contestant, folder / f"{turn}-{contestant.module}", api_processes=1) as stack:
                stack.start_api().wait()
                worst.add(contestant.name, 1000 * _worst(stack))
    return [worst]


def _worst(stack: Stack) -> float:
    redis = stack.processes["redis"]
    with Client(stack.url) as client:
        client.submit()
        redis.send_signal(signal.SIGSTOP)
        waking = threading.Timer(HANG, redis.send_signal, [signal.SIGCONT])
        waking.start()
        submitter = threading.Thread(target=_submit, args=[stack.url])
        submitter.start()
        end, slowest = time.perf_counter() + HANG, 0.0
        while (begin := time.perf_counter()) < end:
            client.get("/health")
            slowest = max(slowest, time.perf_counter() - begin)
            time.sleep(0.01)
        waking.join()
        submitter.join()
    return slowest


def _submit(url: str) -> None:
    with suppress(AssertionError), Client(url) as client:  # whether it is accepted does not matter here
        client.submit()
