"""A Redis that is disconnected, hangs, is down or is full; and a worker that freezes."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import Report
from tests.faults.redis_of import redis_of
from tests.live import ROOT, LiveCore, until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("connections")) as live:
        yield live


@pytest.fixture
def core(shared: LiveCore) -> LiveCore:
    until(shared.is_ready, 40)
    return shared


@contextmanager
def second_worker(core: LiveCore, folder: Path) -> Iterator[psutil.Process]:
    """Start a worker on the same queue, beside the core's own."""
    env = {**os.environ, **core.services()["worker"].environ()}
    with (folder / "second.log").open("wb") as log, redis_of(core) as queue:
        before = queue.zcard("okosu:workers")
        process = subprocess.Popen([sys.executable, "-m", "core.worker"], env=env, cwd=ROOT, stdout=log, stderr=log)
        until(lambda: queue.zcard("okosu:workers") > before)
        yield psutil.Process(process.pid)
        process.terminate()
        process.wait(15)


def begin(core: LiveCore, file: Path, seconds: float) -> str:
    """Submit a task and wait until it runs; its trace has its id as its name."""
    task_id = str(uuid.uuid4())
    core.submit("trace", task_id=task_id, file=str(file), name=task_id, seconds=seconds)
    until(lambda: runs(file, task_id) == 1)
    return task_id


def runs(file: Path, task_id: str) -> int:
    return file.read_text().count(task_id) if file.exists() else 0


def children_of(worker: psutil.Process, owner: str) -> bool:
    return int(owner.rpartition("/")[2]) in {child.pid for child in worker.children()}


def owner(core: LiveCore, task_id: str) -> str:
    with redis_of(core) as queue:
        return (queue.hget(f"okosu:task:{task_id}", "owner") or b"").decode()


def test_the_death_of_a_child_process_does_not_disturb_the_other(core: LiveCore, tmp_path: Path) -> None:
    victim, other = (begin(core, tmp_path / "trace", 2) for _ in range(2))
    psutil.Process(int(owner(core, victim).rpartition("/")[2])).kill()
    assert {core.wait(task_id)["task_status"] for task_id in (victim, other)} == {"SUCCESS"}
    assert [runs(tmp_path / "trace", task_id) for task_id in (victim, other)] == [2, 1]


def test_lost_connections_do_not_disturb_runs_and_the_next_task_starts(core: LiveCore, tmp_path: Path) -> None:
    tasks = [begin(core, tmp_path / "trace", 4) for _ in range(2)]
    with redis_of(core) as queue:
        for _ in range(3):
            queue.client_kill_filter(_type="normal", skipme=True)
            queue.client_kill_filter(_type="pubsub")
            time.sleep(0.3)
    waiting = core.submit("echo")

    assert {core.wait(task_id)["task_status"] for task_id in [*tasks, waiting]} == {"SUCCESS"}
    assert [runs(tmp_path / "trace", task_id) for task_id in tasks] == [1, 1]


def test_a_task_that_is_submitted_again_after_a_lost_answer_runs_once(core: LiveCore, tmp_path: Path) -> None:
    task_id, valkey = str(uuid.uuid4()), core.services()["valkey"]
    order = {"job": "counter", "params": {"folder": str(tmp_path), "name": "once"}, "username": "sato"}
    valkey.suspend()
    begun = time.monotonic()
    assert core.http.post("/start_task", json={**order, "task_id": task_id}).status_code == 503
    assert time.monotonic() - begun < 3
    valkey.resume()
    until(core.is_ready)
    for _ in range(3):
        assert core.http.post("/start_task", json={**order, "task_id": task_id}).json() == {"task_id": task_id}

    core.wait(task_id)
    core.wait(core.submit("echo"))
    assert (tmp_path / "once").read_text() == "run\n"


def test_a_run_survives_a_redis_that_hangs_for_longer_than_the_lease(core: LiveCore, tmp_path: Path) -> None:
    task_id, valkey = begin(core, tmp_path / "trace", 4), core.services()["valkey"]
    valkey.suspend()
    time.sleep(10)
    valkey.resume()
    assert core.wait(task_id)["task_status"] == "SUCCESS"
    assert runs(tmp_path / "trace", task_id) == 1


@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.slow, id="long")])
def test_a_task_runs_soon_after_redis_comes_back(core: LiveCore, report: Report, seconds: float) -> None:
    assert core.process
    core.process.send_signal(signal.SIGSTOP)  # or it would start Redis again
    core.kill("valkey")
    time.sleep(seconds)
    core.process.send_signal(signal.SIGCONT)
    until(core.is_ready, 30)
    back = time.monotonic()
    assert core.wait(core.submit("echo"))["task_status"] == "SUCCESS"
    report(f"{time.monotonic() - back:.1f} s after {seconds} s without Redis")
    assert time.monotonic() - back < 15


def test_a_full_redis_refuses_new_tasks_in_time_but_records_the_results_of_running_ones(
    core: LiveCore, tmp_path: Path
) -> None:
    task_id = begin(core, tmp_path / "trace", 1)
    with redis_of(core) as queue:
        queue.config_set("maxmemory", 1)
        try:
            begun = time.monotonic()
            refused = core.http.post("/start_task", json={"job": "echo", "params": {}, "username": "sato"})
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
            assert time.monotonic() - begun < 3
            assert core.wait(task_id)["task_status"] == "SUCCESS"
        finally:
            queue.config_set("maxmemory", 0)
    assert core.wait(core.submit("echo"))["task_status"] == "SUCCESS"


def test_a_worker_that_was_frozen_loses_its_tasks_and_records_no_second_result(core: LiveCore, tmp_path: Path) -> None:
    file = tmp_path / "trace"
    with second_worker(core, tmp_path) as second:
        tasks = [begin(core, file, 30) for _ in range(4)]  # one for each process of both workers
        frozen = [task_id for task_id in tasks if children_of(second, owner(core, task_id))]
        assert len(frozen) == 2
        for task_id in set(tasks) - set(frozen):  # frees the other worker for the tasks of the frozen one
            core.http.delete(f"/delete_task/{task_id}")
        first_owners = {task_id: owner(core, task_id) for task_id in frozen}
        second.suspend()
        until(lambda: all(runs(file, task_id) == 2 for task_id in frozen), 20)
        second.resume()

        pids = [int(first.rpartition("/")[2]) for first in first_owners.values()]
        assert until(lambda: not any(psutil.pid_exists(pid) for pid in pids), 5)
        assert all(owner(core, task_id) not in ("", first) for task_id, first in first_owners.items())
        assert [core.status(task_id)["task_status"] for task_id in frozen] == ["STARTED", "STARTED"]
        assert [runs(file, task_id) for task_id in frozen] == [2, 2]
        for task_id in frozen:
            core.http.delete(f"/delete_task/{task_id}")


def test_the_death_of_a_worker_does_not_disturb_the_other(core: LiveCore, tmp_path: Path, report: Report) -> None:
    file = tmp_path / "trace"
    with second_worker(core, tmp_path) as second:
        tasks = [begin(core, file, 12) for _ in range(4)]
        others = [task_id for task_id in tasks if children_of(second, owner(core, task_id))]
        victims = set(tasks) - set(others)
        core.kill("worker")
        killed_at = time.monotonic()
        until(lambda: all(runs(file, task_id) == 2 for task_id in victims), 20)
        report(f"runs again after {time.monotonic() - killed_at:.1f} s beside a busy worker")
        for task_id in victims:
            core.http.delete(f"/delete_task/{task_id}")
        assert {core.wait(task_id)["task_status"] for task_id in others} == {"SUCCESS"}
        assert [runs(file, task_id) for task_id in others] == [1, 1]
