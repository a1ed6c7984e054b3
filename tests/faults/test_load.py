"""The core under sustained load: every status is documented, and no process grows."""

import os
import time

import pytest

from tests.faults.conftest import Report
from tests.faults.load import Clients, memory, redis_bytes, settle
from tests.live import LiveCore

LONG = float(os.environ.get("SOAK_SECONDS", "1200"))
MAY_ANSWER = {"200", "201", "404", "409", "503"}


@pytest.mark.parametrize(
    "seconds", [12, pytest.param(LONG, marks=[pytest.mark.slow, pytest.mark.timeout(LONG + 300)], id="long")]
)
def test_mixed_load_meets_no_error_and_no_process_grows(own_core: LiveCore, report: Report, seconds: float) -> None:
    clients = Clients(own_core, 16)
    steps = [clients.submit, clients.poll, clients.poll, clients.cancel, clients.upload]
    steps += [clients.listing, clients.join, clients.leave, clients.look]

    clients.work(steps, seconds / 10)
    settle(own_core)
    before = memory(own_core)
    clients.work(steps, seconds * 9 / 10)
    settle(own_core)
    after = memory(own_core)

    parts = ", ".join(f"{name} {before[name]:.0f} -> {after[name]:.0f} MB" for name in before)
    report(f"{seconds:.0f} s, {clients.statuses.total()} requests {dict(clients.statuses)}; {parts}")
    assert set(clients.statuses) <= MAY_ANSWER
    limit = 1.1 if seconds > 600 else 1.3  # a worker's children are still growing to full size at first
    assert all(after[name] <= before[name] * limit for name in before if name != "valkey")


@pytest.mark.parametrize(
    "tasks", [2000, pytest.param(200_000, marks=[pytest.mark.slow, pytest.mark.timeout(3000)], id="long")]
)
def test_no_process_grows_with_the_number_of_submissions(own_core: LiveCore, report: Report, tasks: int) -> None:
    clients = Clients(own_core, 8)
    clients.work([clients.submit], 2)
    before, first = memory(own_core), clients.statuses.total()

    begin = time.monotonic()
    while (submitted := clients.statuses.total() - first) < tasks:
        clients.work([clients.submit], min(5.0, max(0.5, (tasks - submitted) / 400)))
    rate = submitted / (time.monotonic() - begin)
    after = memory(own_core)

    parts = ", ".join(f"{name} {before[name]:.0f} -> {after[name]:.0f} MB" for name in before)
    report(f"{submitted} submissions at {rate:.0f}/s; {parts}")
    assert set(clients.statuses) == {"200"}
    assert all(after[name] <= before[name] + 20 for name in before if name != "valkey")  # runs come and go


def test_a_small_finished_task_takes_little_memory_in_redis(own_core: LiveCore, report: Report) -> None:
    before = redis_bytes(own_core)
    for _ in range(1000):
        own_core.submit("echo", text="x")
    settle(own_core)

    each = (redis_bytes(own_core) - before) / 1000

    report(f"{each:.0f} bytes per task")
    assert each <= 1024
