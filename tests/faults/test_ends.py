"""A run that is cancelled, stopped or killed ends with all that it started; a cancelled task never runs again."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.faults.redis_of import redis_of
from tests.live import ROOT, LiveCore, lives, until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("ends")) as live:
        yield live


@pytest.fixture
def core(shared: LiveCore) -> LiveCore:
    until(shared.is_ready, 40)
    until(lambda: "worker" in shared.services())
    return shared


def family(core: LiveCore, file: Path) -> tuple[str, list[psutil.Process]]:
    """A running task and its processes: itself, a child, a daemon."""
    task_id = core.submit("family", file=str(file))
    return task_id, [psutil.Process(pid) for pid in written(file, 3)]


def written(file: Path, lines: int) -> list[int]:
    return until(
        lambda: found if file.exists() and len(found := [int(i) for i in file.read_text().split()]) == lines else None
    )


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(lives(process.pid) for process in processes)


def as_admin(core: LiveCore, call: str) -> None:
    """As Flower does it, or a person with Celery's own commands."""
    code = f"from core.queue.celery_app import create; create().control.{call}"
    env = {**os.environ, **core.services()["api"].environ()}
    subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, check=True)


def test_a_cancelled_run_ends_with_all_that_it_started(core: LiveCore, tmp_path: Path) -> None:
    task_id, processes = family(core, tmp_path / "pids")
    assert core.http.delete(f"/delete_task/{task_id}").status_code == 200
    assert until(lambda: all_gone(processes), 3)
    assert core.status(task_id)["task_status"] == "REVOKED"


def test_a_worker_survives_cancellations_at_every_moment(core: LiveCore) -> None:
    """Some tasks are on their way to a child that is just being killed; Celery then names the worker's own process."""

    def cancel_one(moment: float) -> None:
        task_id = core.submit("sleeper", seconds=0.03)
        time.sleep(moment)
        core.http.delete(f"/delete_task/{task_id}")

    with ThreadPoolExecutor(4) as people:
        list(people.map(cancel_one, [number % 7 / 100 for number in range(400)]))

    assert core.wait(core.submit("echo", text="x"), seconds=15)["task_status"] == "SUCCESS"


def test_a_run_that_is_terminated_in_flower_ends_with_all_that_it_started(core: LiveCore, tmp_path: Path) -> None:
    task_id, processes = family(core, tmp_path / "pids")
    as_admin(core, f"revoke({task_id!r}, terminate=True)")
    assert until(lambda: all_gone(processes), 3)
    assert core.status(task_id)["task_status"] == "REVOKED"


def test_a_cancelled_run_ends_even_if_its_worker_did_not_hear_of_it(core: LiveCore, tmp_path: Path) -> None:
    task_id, processes = family(core, tmp_path / "pids")
    with redis_of(core) as queue:
        queue.client_kill_filter(_type="pubsub")
        core.http.delete(f"/delete_task/{task_id}")
    assert until(lambda: all_gone(processes), 5)


@pytest.mark.parametrize("victim", ["child", "worker"])
def test_all_that_a_killed_run_started_ends_and_its_task_runs_again(
    core: LiveCore, tmp_path: Path, victim: str
) -> None:
    task_id, processes = family(core, tmp_path / "pids")
    core.kill(victim)
    assert until(lambda: all_gone(processes), 5)
    again = written(tmp_path / "pids", 6)
    core.http.delete(f"/delete_task/{task_id}")
    assert until(lambda: not any(psutil.pid_exists(pid) for pid in again), 5)


def test_a_worker_that_is_told_to_stop_hands_its_task_back_at_once_without_counting_an_attempt(
    core: LiveCore, tmp_path: Path
) -> None:
    task_id, processes = family(core, tmp_path / "pids")
    worker = core.services()["worker"]
    worker.terminate()
    assert core.wait(task_id, "RETRY", seconds=3)
    worker.wait(5)
    assert all_gone(processes)
    written(tmp_path / "pids", 6)
    with redis_of(core) as queue:
        assert queue.hget(f"okosu:task:{task_id}", "attempt") == b"1"
    core.http.delete(f"/delete_task/{task_id}")


def test_a_revoke_that_only_workers_heard_is_remembered(core: LiveCore, tmp_path: Path) -> None:
    busy = [core.submit("sleeper", seconds=60) for _ in range(2)]
    for task_id in busy:
        core.wait(task_id, "STARTED")
    waiting = core.submit("counter", folder=str(tmp_path), name="revoked")
    as_admin(
        core, f"broadcast('revoke', arguments={{'task_id': {waiting!r}, 'terminate': False, 'signal': 'SIGTERM'}})"
    )
    core.wait(waiting, "REVOKED", seconds=3)
    core.kill("worker")
    for task_id in busy:
        core.http.delete(f"/delete_task/{task_id}")
    until(lambda: "worker" in core.services())
    core.wait(core.submit("echo"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("through", ["the API", "Flower"])
def test_a_task_that_is_cancelled_while_no_worker_is_alive_never_runs(
    core: LiveCore, tmp_path: Path, through: str
) -> None:
    assert core.process
    core.process.send_signal(19)  # so that it starts no worker
    try:
        core.kill("worker")
        task_id = core.submit("counter", folder=str(tmp_path), name="cancelled")
        if through == "Flower":
            as_admin(core, f"revoke({task_id!r})")
        else:
            assert core.http.delete(f"/delete_task/{task_id}").status_code == 200
        core.kill("valkey")
    finally:
        core.process.send_signal(18)
    until(core.is_ready, 40)
    assert core.wait(core.submit("counter", folder=str(tmp_path), name="after"))["task_status"] == "SUCCESS"

    assert core.status(task_id)["task_status"] == "REVOKED"
    assert [file.name for file in tmp_path.iterdir()] == ["after"]
