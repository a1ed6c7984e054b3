"""What is tidied up, and what must stay."""

import os
import subprocess
from pathlib import Path

import pytest

from core.queue import steps
from core.settings import WorkerSettings
from core.worker.housekeeping import Housekeeping
from tests.valkey import Queue, Valkey, claim, succeed


@pytest.fixture
def housekeeping(queue: Queue, valkey: Valkey, tmp_path: Path) -> Housekeeping:
    return Housekeeping(WorkerSettings(redis_url=valkey.url, data_dir=tmp_path, retention_days=1, _env_file=None))


def test_folders_of_runs_that_are_over_are_removed_and_no_others(
    queue: Queue, housekeeping: Housekeeping, tmp_path: Path
) -> None:
    waiting, running, cancelled, finished = (queue.submit() for _ in range(4))
    for task_id in (running, finished):
        queue.run(claim(task_id, "w/1"))
    queue.run(steps.cancel(cancelled))
    queue.run(succeed(finished, "w/1"))
    unknown = "01234567-89ab-cdef-0123-456789abcdef"
    for task_id in (waiting, running, cancelled, finished, unknown):
        (tmp_path / "scratch" / f"{task_id}-k3j2" / "much").mkdir(parents=True)

    housekeeping.tidy()

    kept = {folder.name[:36] for folder in (tmp_path / "scratch").iterdir()}
    assert kept == {waiting, running}


def test_a_folder_is_removed_however_deep_or_closed_it_is_and_one_that_cannot_be_stops_no_other(
    housekeeping: Housekeeping, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, deep, closed = (tmp_path / "scratch" / f"{number}1234567-89ab-cdef-0123-456789abcdef-k" for number in "012")
    for folder in (stuck, deep, closed):
        (folder / "inner").mkdir(parents=True)
    here = os.getcwd()  # noqa: PTH109  # deeper than a path can be
    os.chdir(deep)
    for _ in range(3000):
        os.mkdir("d")  # noqa: PTH102
        os.chdir("d")
    os.chdir(here)
    closed.chmod(0)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", stuck / "inner"], check=False, capture_output=True)
    is_stuck = os.path.ismount(stuck / "inner")  # only root can make it so
    try:
        housekeeping.tidy()
    finally:
        subprocess.run(["umount", stuck / "inner"], check=False, capture_output=True)

    assert (deep.exists(), closed.exists(), stuck.exists()) == (False, False, is_stuck)
    assert ("cannot be removed" in caplog.text) == is_stuck


def test_tasks_and_files_are_forgotten_when_their_retention_is_over(
    queue: Queue, housekeeping: Housekeeping, tmp_path: Path
) -> None:
    task_id = queue.submit()
    queue.run(steps.cancel(task_id))
    queue.redis.zadd("okosu:tasks:REVOKED", {task_id: 1})
    queue.redis.hset(f"okosu:task:{task_id}", "finished", 1)
    old, new = tmp_path / "files" / "old", tmp_path / "files" / "new"
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (1, 1))

    housekeeping.tidy()

    assert (queue.state(task_id), old.exists(), new.exists()) == ("", False, True)


def test_it_goes_on_when_redis_was_away(tmp_path: Path) -> None:
    folder = tmp_path / "scratch" / "01234567-89ab-cdef-0123-456789abcdef-k3j2"
    folder.mkdir(parents=True)
    late = Valkey(tmp_path)
    housekeeping = Housekeeping(WorkerSettings(redis_url=late.url, data_dir=tmp_path, _env_file=None))
    housekeeping.tidy()
    assert folder.exists()
    with late:
        housekeeping.tidy()
    assert not folder.exists()
