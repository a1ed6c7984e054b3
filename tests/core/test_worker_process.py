"""The worker as its container runs it: a plain `python -m core.worker`, on real children."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core import settings
from core.queue import celery_app
from tests.live import ROOT, lives, until
from tests.valkey import Queue, Valkey


def start(folder: Path, *how: str, **env: str) -> psutil.Popen:
    """A worker with one child, which works in the folder and logs there; no `.env` of the machine reaches it."""
    ours = {"PYTHONPATH": str(ROOT), "DATA_DIR": str(folder), "JOBS_PACKAGE": "tests.jobs", "WORKER_PROCESSES": "1"}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, *(how or ("-m", "core.worker"))]
        return psutil.Popen(command, cwd=folder, env={**os.environ, **ours, **env}, stdout=log, stderr=log)


@pytest.fixture
def worker(queue: Queue, valkey: Valkey, tmp_path: Path) -> Iterator[psutil.Popen]:
    process = start(tmp_path, REDIS_URL=valkey.url)
    until((tmp_path / "worker-beat").exists)
    yield process
    if process.poll() is None:
        process.kill()  # its children die with it
    process.wait(10)


def log(folder: Path) -> str:
    return (folder / "log").read_text()


def run(queue: Queue, job: str, params: str = "{}", state: str = "STARTED") -> str:
    """The id of a task that has come so far."""
    task_id = queue.submit(job=job, params=params)
    until(lambda: queue.state(task_id) == state)
    return task_id


def test_sigterm_hands_a_running_task_back_at_once_and_ends_the_worker_in_seconds(
    queue: Queue, worker: psutil.Popen, tmp_path: Path
) -> None:
    task_id = run(queue, "sleeper", '{"seconds":100}')
    children = worker.children(recursive=True)

    worker.terminate()

    until(lambda: queue.state(task_id) == "RETRY", 2)
    worker.wait(8)
    assert (queue.messages(), queue.field(task_id, "attempt")) == ([task_id], "0")
    assert until(lambda: not any(lives(child.pid) for child in children), 3)
    assert f"Task {task_id} was stopped while it ran" in log(tmp_path)


def test_the_children_of_a_worker_that_is_killed_end_with_it_even_while_they_run_a_task(
    queue: Queue, worker: psutil.Popen
) -> None:
    run(queue, "sleeper", '{"seconds":100}')
    children = worker.children(recursive=True)

    worker.kill()

    assert children
    assert until(lambda: not any(lives(child.pid) for child in children), 5)


# If Redis dies in the wrong moment, this is where a worker hangs.
HANGS = """
import os, time
from core.worker.__main__ import SWITCHES, main

os.environ.update(SWITCHES)
from celery.worker.heartbeat import Heart
from core.worker import celery_hooks

celery_hooks.PATIENCE, Heart.stop = 1, lambda _: time.sleep(300)
main()
"""


def test_a_worker_that_hangs_while_it_stops_ends_in_time(
    queue: Queue, valkey: Valkey, tmp_path: Path
) -> None:  # it is empty
    worker = start(tmp_path, "-c", HANGS, REDIS_URL=valkey.url)
    try:
        until(lambda: " ready." in log(tmp_path))
        children = worker.children()
        worker.terminate()
        assert worker.wait(10) == -signal.SIGALRM
    finally:
        if worker.poll() is None:
            worker.kill()
    assert until(lambda: not any(lives(child.pid) for child in children), 5)


def test_an_idle_worker_ends_when_it_is_told_to(worker: psutil.Popen) -> None:
    worker.terminate()
    worker.wait(8)


def test_a_worker_without_a_setting_names_it_and_does_not_start(tmp_path: Path) -> None:
    assert start(tmp_path).wait(10) == 1
    assert log(tmp_path).startswith("REDIS_URL is not set")


def test_the_death_of_a_child_gives_its_task_back_once(queue: Queue, worker: psutil.Popen, tmp_path: Path) -> None:
    task_id = run(queue, "dies", state="FAILURE")
    assert log(tmp_path).count(f"Task {task_id} was lost while it ran") == 3


def test_a_job_that_raises_is_not_taken_for_the_death_of_its_child(
    queue: Queue, worker: psutil.Popen, tmp_path: Path
) -> None:
    children = worker.children()
    run(queue, "fails", state="FAILURE")
    run(queue, "echo", state="SUCCESS")
    assert worker.children() == children
    assert "was lost" not in log(tmp_path)


def test_a_task_waits_for_a_worker_that_has_its_job_and_holds_nobody_up(
    queue: Queue, valkey: Valkey, worker: psutil.Popen, tmp_path: Path
) -> None:
    (tmp_path / "new_jobs").mkdir()
    (tmp_path / "new_jobs" / "__init__.py").touch()
    (tmp_path / "new_jobs" / "newer.py").write_text(
        'from core.registry import job\n\n@job(title="Newer")\ndef newer() -> int:\n    return 1\n'
    )
    task_id = queue.submit(job="newer")
    run(queue, "echo", state="SUCCESS")
    until(lambda: queue.field(task_id, "message"))
    assert (queue.state(task_id), queue.messages()) == ("PENDING", [])
    assert "Traceback" not in log(tmp_path)

    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    (tmp_path / "newer").mkdir()
    newer = start(
        tmp_path / "newer", DATA_DIR=str(tmp_path), REDIS_URL=valkey.url, JOBS_PACKAGE="new_jobs", PYTHONPATH=path
    )
    try:
        until(lambda: queue.state(task_id) == "SUCCESS", 15)
    finally:
        newer.kill()
        newer.wait(10)
    assert queue.field(task_id, "message") is None


def test_a_nursery_that_was_killed_is_replaced_and_one_whose_template_was_killed_ends_the_worker(
    queue: Queue, worker: psutil.Popen, tmp_path: Path
) -> None:
    run(queue, "echo", state="SUCCESS")
    template = next(child for child in worker.children() if child.children())
    (nursery,) = template.children()
    nursery.kill()
    until(lambda: not lives(nursery.pid))
    run(queue, "echo", state="SUCCESS")

    gone = [template, *template.children()]
    for process in gone:
        process.kill()
    until(lambda: not any(lives(process.pid) for process in gone))
    queue.submit(job="echo")
    worker.wait(15)
    assert "is gone. The worker ends" in log(tmp_path)


def test_a_worker_remembers_a_thousand_revokes(
    queue: Queue, valkey: Valkey, worker: psutil.Popen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", valkey.url)
    for cached in (settings.load_queue, celery_app.create):
        cached.cache_clear()
    with celery_app.create() as app:
        app.control.broadcast("revoke", arguments={"task_id": [f"{number}" for number in range(1500)]})
        run(queue, "echo", state="SUCCESS")
        remembered = until(lambda: app.control.inspect(timeout=5, limit=1).revoked())
    for cached in (settings.load_queue, celery_app.create):
        cached.cache_clear()

    assert [len(ids) for ids in remembered.values()] == [1000]
