"""What a worker's beat renews, takes back and repairs, against a real queue."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from core.job_files import reading
from core.queue import steps
from core.queue.records import Waiting, Workers
from core.settings import WorkerSettings
from core.worker.recovery import WINDOW, Recovery, Running, missing
from tests.live import until
from tests.valkey import Queue, Valkey, claim

JOBS = {name: reading.load("tests.jobs", name) for name in ("echo", "once")}
JOBS["patient"] = replace(JOBS["echo"], max_minutes=60)


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
        config = WorkerSettings(redis_url=valkey.url, data_dir=folder, task_max_minutes=0.01, _env_file=None)
        self.runs: list[Running] = []
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
    worker.runs = [Running(task_id, "w/1", "echo")]
    worker.beat()
    assert queue.state(task_id) == "STARTED"
    assert int(queue.redis.zscore("okosu:leases", task_id) or 0) > 1
    assert (queue.run(steps.workers(10)), (tmp_path / "worker-beat").exists()) == (Workers(1, set(JOBS)), True)


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
    worker.runs = [Running(task_id, "w/1", "echo")]
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


def test_a_run_that_takes_too_long_is_ended_and_its_task_says_so(queue: Queue, worker: Worker) -> None:
    hung, patient = queue.submit(), queue.submit()
    worker.runs = [Running(hung, "w/1", "echo"), Running(patient, "w/2", "patient")]
    for run in worker.runs:
        queue.run(claim(run.task_id, run.owner))

    def beaten() -> list[str]:
        worker.beat()
        return worker.ended

    until(beaten, 5)

    assert worker.ended == ["w/1"]
    assert (queue.state(hung), queue.state(patient)) == ("FAILURE", "STARTED")
    assert "longer than 0.01 minutes" in (queue.field(hung, "error") or "")


def test_a_task_whose_job_the_worker_does_not_have_waits_and_says_so(
    queue: Queue, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    task_id = queue.take(queue.submit(job="newer"))

    worker.recovery.set_aside(task_id, "newer")

    assert queue.state(task_id) == "PENDING"
    assert "waits for one that has it" in (queue.field(task_id, "message") or "")
    assert f"Task {task_id} waits for a worker that has the job 'newer'" in caplog.text


def test_what_cannot_be_set_aside_now_is_sent_again_as_a_lost_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Valkey(tmp_path) as valkey:
        worker = Worker(valkey, tmp_path, "w")
    worker.recovery.set_aside("a task", "newer")
    assert "is sent again" in caplog.text


def test_a_task_that_was_set_aside_gets_no_message_from_a_worker_without_its_job(
    queue: Queue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.worker.recovery.SETTLED", -1)  # it looks for lost messages in every beat
    worker.recovery.set_aside(queue.take(queue.submit(job="newer")), "newer")

    for _ in range(5):
        worker.beat()

    assert queue.messages() == []


def test_a_worker_that_has_the_job_recalls_the_oldest_tasks_for_its_free_processes(
    queue: Queue, worker: Worker
) -> None:
    tasks = [queue.take(queue.submit()) for _ in range(3)]
    for task_id in reversed(tasks):
        worker.recovery.set_aside(task_id, "echo")
    later = queue.submit()

    worker.runs = [Running("a task", "w/1", "echo")]  # of two processes, one is free
    worker.beat()
    assert queue.messages() == [tasks[0], later]

    worker.runs = []
    worker.beat()
    assert queue.messages() == [tasks[1], tasks[2], tasks[0], later]
    assert [queue.field(task_id, "message") for task_id in tasks] == [None] * 3


def test_a_busy_worker_recalls_nothing(queue: Queue, worker: Worker) -> None:
    task_id = queue.take(queue.submit())
    worker.recovery.set_aside(task_id, "echo")
    worker.runs = [Running("a task", "w/1", "echo"), Running("another", "w/2", "echo")]

    worker.beat()

    assert queue.messages() == []


def test_a_task_that_was_cancelled_while_it_was_set_aside_is_not_recalled(queue: Queue, worker: Worker) -> None:
    task_id = queue.take(queue.submit())
    worker.recovery.set_aside(task_id, "echo")
    queue.run(steps.cancel(task_id))

    worker.beat()

    assert (queue.messages(), queue.redis.zcard("okosu:aside")) == ([], 0)


def test_a_task_that_runs_or_is_over_is_not_set_aside(queue: Queue, worker: Worker) -> None:
    task_id = queue.take(queue.submit())
    queue.run(claim(task_id, "w/1"))

    worker.recovery.set_aside(task_id, "echo")

    assert (queue.state(task_id), queue.redis.zcard("okosu:aside")) == ("STARTED", 0)


def test_many_tasks_that_wait_aside_do_not_hide_a_lost_message(queue: Queue, worker: Worker) -> None:
    for _ in range(2 * WINDOW):
        worker.recovery.set_aside(queue.take(queue.submit(job="newer")), "newer")
    lost = queue.take(queue.submit())

    def repaired() -> bool:
        worker.beat()
        return queue.messages() == [lost]

    assert until(repaired, 5)
