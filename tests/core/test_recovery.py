"""What a worker's beat renews, takes back and repairs, against a real queue."""

import json
from pathlib import Path
from typing import Literal

import pytest

from core.queue import steps
from core.queue.records import Waiting
from core.registry import discover
from core.settings import WorkerSettings
from core.worker.recovery import WINDOW, Recovery, missing
from tests.live import until
from tests.valkey import Queue, Valkey, claim

JOBS = discover("tests.jobs")


def test_nothing_is_missing_if_each_waiting_task_has_a_message() -> None:
    assert missing(Waiting(["a", "b"], ["a", "b"]), whole=True) == set()


def test_a_task_without_a_message_is_missing_wherever_it_stands_in_a_queue_that_is_known_whole() -> None:
    assert missing(Waiting(["b"], ["a", "b", "c"]), whole=True) == {"a", "c"}


def test_of_a_longer_queue_only_what_stands_before_a_known_message_is_missing() -> None:
    assert missing(Waiting(["b", "d"], ["a", "b", "c", "d", "e"]), whole=False) == {"a", "c"}


def test_a_head_full_of_messages_for_nobody_tells_nothing() -> None:
    assert missing(Waiting(["cancelled", "finished"], ["a"]), whole=False) == set()


class Worker:
    """The recovery of one worker, the runs that it has, and those that it was told to end."""

    def __init__(self, valkey: Valkey, folder: Path, name: str) -> None:
        config = WorkerSettings(redis_url=valkey.url, data_dir=folder, _env_file=None)
        self.runs: list[tuple[str, str]] = []
        self.ended: list[str] = []
        self.recovery = Recovery(config, name, JOBS, lambda: self.runs)

    def beat(self) -> None:
        self.recovery.beat(self.ended.append)


@pytest.fixture
def worker(queue: Queue, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr("core.worker.recovery.SETTLED", 0.2)
    return Worker(valkey, tmp_path, "w")


def test_a_beat_renews_what_runs_and_is_seen(queue: Queue, worker: Worker, tmp_path: Path) -> None:
    task_id = queue.submit()
    queue.run(claim(task_id, "w/1"))
    queue.lapse(task_id)
    worker.runs = [(task_id, "w/1")]
    worker.beat()
    assert queue.state(task_id) == "STARTED"
    assert int(queue.redis.zscore("okosu:leases", task_id) or 0) > 1
    assert (queue.run(steps.workers(10)), (tmp_path / "worker-beat").exists()) == (1, True)


def test_a_beat_takes_back_what_a_silent_worker_held(
    queue: Queue, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    task_id = queue.submit()
    queue.run(claim(task_id, "gone/1"))
    queue.lapse(task_id)
    worker.beat()
    assert queue.state(task_id) == "RETRY"
    assert f"The lease of task {task_id} has lapsed" in caplog.text


def test_a_beat_ends_what_was_cancelled(queue: Queue, worker: Worker) -> None:
    task_id = queue.submit()
    queue.run(claim(task_id, "w/1"))
    queue.run(steps.cancel(task_id))
    worker.runs = [(task_id, "w/1")]
    worker.beat()
    assert worker.ended == ["w/1"]


def test_a_lost_message_is_replaced_once_and_it_is_told(
    queue: Queue, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    task_id = queue.submit()
    queue.redis.delete("celery")

    def repaired() -> bool:
        worker.beat()
        return bool(queue.messages())

    assert until(repaired, 5)
    for _ in range(20):
        worker.beat()
    assert queue.messages() == [task_id]
    assert caplog.text.count("it has a new one") == 1


def test_a_message_between_queue_and_claim_is_not_taken_for_lost(
    queue: Queue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.worker.recovery.SETTLED", 0)
    task_id = queue.submit()
    queue.redis.delete("celery")
    worker.beat()
    assert queue.messages() == []
    queue.run(claim(task_id, "w/1"))
    worker.beat()
    assert queue.messages() == []


def test_a_message_lost_from_a_long_queue_is_replaced(queue: Queue, worker: Worker) -> None:
    lost, *others = [queue.submit() for _ in range(3 * WINDOW)]
    queue.redis.rpop("celery")

    def repaired() -> bool:
        worker.beat()
        return queue.messages() == [lost, *others]

    assert until(repaired, 5)


@pytest.mark.parametrize(
    ("job", "how", "attempts"), [("echo", "lost", "1"), ("echo", "stopped", "0"), ("once", "stopped", "1")]
)
def test_a_stop_is_no_attempt_unless_the_job_must_not_run_twice(
    queue: Queue, worker: Worker, job: str, how: Literal["lost", "stopped"], attempts: str
) -> None:
    task_id = queue.submit(job=job)
    queue.run(claim(task_id, "w/1"))
    worker.recovery.give_back(task_id, "w/1", how)
    assert (queue.state(task_id), queue.field(task_id, "attempt")) == ("RETRY", attempts)


def test_what_cannot_be_given_back_now_is_left_to_its_lease(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Valkey(tmp_path) as valkey:
        worker = Worker(valkey, tmp_path, "w")
    worker.recovery.give_back("a task", "w/1", "lost")
    assert "when its lease has lapsed" in caplog.text


def test_a_task_whose_job_is_gone_fails_with_the_names_of_those_there_are(queue: Queue, worker: Worker) -> None:
    task_id = queue.submit(job="renamed")
    worker.recovery.refuse(task_id, "renamed")
    error = json.loads(queue.field(task_id, "error") or "")
    assert error["type"] == "UnknownJob"
    assert "no job 'renamed'" in error["message"]
    assert "echo" in error["message"]
