"""Tasks that kill their own process, and tasks that need more memory than they may have."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.queue.store import Store
from tests.faults.redis_of import redis_of
from tests.live import LiveCore, until
from tests.valkey import submit


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("attempts"), TASK_MEMORY_MB="300", WORKER_PROCESSES="1") as live:
        yield live


def test_a_task_that_always_kills_its_process_fails_after_3_attempts_with_a_sentence(core: LiveCore) -> None:
    task_id = core.submit("dies")
    status = core.wait(task_id)
    assert status["task_status"] == "FAILURE"
    assert status["error"]["type"] == "WorkerLost"
    assert "ended by the signal SIGKILL" in status["error"]["message"]
    assert "tried 3 times" in status["error"]["message"]
    assert core.log.count(f"Task {task_id} was lost") == 3


def test_a_task_that_must_not_be_retried_fails_after_1_attempt(core: LiveCore) -> None:
    task_id = core.submit("once")
    status = core.wait(task_id)
    assert status["task_status"] == "FAILURE"
    assert "must not be run twice" in status["error"]["message"]
    assert core.log.count(f"Task {task_id} was lost") == 1


@pytest.mark.parametrize("crumbs", [False, True])
def test_a_task_that_needs_too_much_memory_fails_at_once_and_the_next_task_has_all_of_it(
    core: LiveCore, crumbs: bool
) -> None:
    others = {name: process.pid for name, process in core.services().items()}
    task_id = core.submit("hungry", megabytes=400, crumbs=crumbs)
    status = core.wait(task_id)
    assert status["error"] == {
        "type": "MemoryError",
        "message": "The task needed more than 0.293 GB of memory. Try it with less data.",
    }
    assert core.wait(core.submit("hungry", megabytes=200, crumbs=crumbs))["task_status"] == "SUCCESS"
    assert {name: process.pid for name, process in core.services().items()} == others
    assert f"Task {task_id} was lost" not in core.log


def test_a_job_that_exits_fails_with_its_own_message(core: LiveCore) -> None:
    status = core.wait(core.submit("leaves", sentence="There is no such month."))
    assert status["error"] == {"type": "SystemExit", "message": "There is no such month."}


def test_a_task_whose_job_has_been_removed_waits_and_says_so(core: LiveCore) -> None:
    task_id = "01234567-89ab-cdef-0123-456789abcdef"
    env = core.services()["api"].environ()
    store = Store(env["REDIS_URL"].replace("://", f"://:{env['REDIS_PASSWORD']}@"))
    store.run(submit(task_id, job="gone"))
    store.close()
    until(lambda: "does not have this job" in core.status(task_id)["progress"]["message"])
    assert core.status(task_id)["task_status"] == "PENDING"
    core.http.delete(f"/delete_task/{task_id}")


def test_a_task_that_lost_its_message_still_runs_and_is_logged(core: LiveCore, tmp_path: Path) -> None:
    blocker = core.submit("sleeper", seconds=60)
    core.wait(blocker, "STARTED")
    lost = core.submit("counter", folder=str(tmp_path), name="lost")
    with redis_of(core) as queue:
        assert queue.delete("celery") == 1
    core.http.delete(f"/delete_task/{blocker}")
    assert core.wait(lost, seconds=15)["task_status"] == "SUCCESS"
    assert until(lambda: f"Task {lost} waited without a message" in core.log)
    assert (tmp_path / "lost").read_text() == "run\n"
