"""One run of one task against a real queue: how each ending is recorded, and what is left on the disk."""

import json
import mmap
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.queue import steps
from core.queue.store import Store
from core.registry import Job, UploadedFile
from core.worker.runner import JobFailed
from tests.live import until
from tests.runs import ECHO, Runs, job
from tests.valkey import Queue, Valkey, claim, give_back, succeed, take_back

ID = "01234567-89ab-cdef-0123-456789abcdef"


@contextmanager
def meanwhile(queue: Queue, act: Callable[[], Any]) -> Iterator[Callable[[], bool]]:
    """What a job may call to wait until `act` was done, from outside, while the job ran."""
    done = mmap.mmap(-1, 1)  # the only memory that a run shares with its test

    def watch() -> None:
        until(lambda: queue.state(ID) == "STARTED")
        act()
        done[0] = 1

    thread = threading.Thread(target=watch)
    thread.start()
    yield lambda: until(lambda: done[0] == 1)
    thread.join()


def raising(error: BaseException) -> Job:
    def fail() -> None:
        raise error

    return job(fail)


class Odd(Exception):
    def __init__(self, text: str, fields: Any) -> None:
        super().__init__(text)
        self.fields = fields


class Silent(Exception):
    def __str__(self) -> str:
        raise ValueError


def error_of(queue: Queue) -> Any:
    return json.loads(queue.field(ID, "error") or "null")


def test_a_run_records_its_result_and_leaves_nothing_on_the_disk(queue: Queue, runner: Runs) -> None:
    queue.submit(ID, params='{"text":"ab","times":2}')
    runner.run(ECHO, ID, "w/1")
    assert (queue.state(ID), queue.field(ID, "result")) == ("SUCCESS", '{"value":{"text":"abab"}}')
    assert list(runner.scratch.iterdir()) == []


@pytest.mark.parametrize("verdict", ["cancelled", "unknown", "running elsewhere", "finished"])
def test_what_is_not_to_be_run_is_not_run(queue: Queue, runner: Runs, verdict: str) -> None:
    if verdict != "unknown":
        queue.submit(ID)
    if verdict == "cancelled":
        queue.run(steps.cancel(ID))
    elif verdict in ("running elsewhere", "finished"):
        queue.run(claim(ID, "other/1"))
    if verdict == "finished":
        queue.run(succeed(ID, "other/1"))
    before = queue.state(ID)
    runner.run(raising(AssertionError("it ran")), ID, "w/1")
    assert queue.state(ID) == before


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (ValueError("The column 'qty' is missing."), "ValueError", "The column 'qty' is missing."),
        (MemoryError(), "MemoryError", "The task needed more than 0.293 GB of memory. Try it with less data."),
        (SystemExit("no such customer"), "SystemExit", "no such customer"),
        (KeyboardInterrupt(), "KeyboardInterrupt", "KeyboardInterrupt"),
        (ValueError("half a character \ud800"), "ValueError", "half a character ?"),
        (ValueError("x" * (10 << 20)), "ValueError", "x" * 2000),
        (Odd("odd", fields=["a"]), "Odd", "odd"),
        (Odd("odd", fields=None), "Odd", "odd"),
        (Odd("odd", fields={"a": "is odd"}), "Odd", "odd a: is odd."),
        (Silent(), "Silent", "Silent"),
    ],
)
def test_whatever_a_job_raises_is_how_its_task_ended(
    queue: Queue, runner: Runs, error: BaseException, kind: str, sentence: str
) -> None:
    queue.submit(ID)
    with pytest.raises(JobFailed, match=f"^{kind}$"):
        runner.run(raising(error), ID, "w/1")
    assert (queue.state(ID), error_of(queue)) == ("FAILURE", {"type": kind, "message": sentence})
    assert list(runner.scratch.iterdir()) == []


def test_a_result_that_is_no_json_fails_with_a_sentence(queue: Queue, runner: Runs) -> None:
    queue.submit(ID)
    with pytest.raises(JobFailed):
        runner.run(job(object), ID, "w/1")
    assert "cannot be written as JSON" in error_of(queue)["message"]


def test_parameters_that_no_longer_fit_fail_with_their_names(queue: Queue, runner: Runs) -> None:
    queue.submit(ID, params='{"times":"many"}')
    with pytest.raises(JobFailed):
        runner.run(ECHO, ID, "w/1")
    assert "times: " in error_of(queue)["message"]


def test_the_log_has_the_place_of_a_failure_and_none_of_its_data(
    queue: Queue, runner: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    queue.submit(ID)
    with pytest.raises(JobFailed):
        runner.run(raising(ValueError("Mrs. Sato owes 5 yen")), ID, "w/1")
    assert "test_runner.py" in caplog.text
    assert "Sato" not in caplog.text


@pytest.mark.parametrize(("retry", "runs", "sentence"), [(True, 3, "3 times"), (False, 1, "must not be run twice")])
def test_a_task_whose_worker_is_lost_each_time_fails_with_a_sentence(
    queue: Queue, runner: Runs, retry: bool, runs: int, sentence: str
) -> None:
    queue.submit(ID)
    for _ in range(runs):
        queue.run(claim(ID, "w/1", attempts=runs))
        queue.run(give_back(ID, owner="w/1"))
    runner.run(job(lambda: None, retry=retry), ID, "w/1")
    assert sentence in error_of(queue)["message"]


def test_a_run_that_lost_its_task_records_nothing(queue: Queue, runner: Runs) -> None:
    queue.submit(ID)

    def overtake() -> None:
        queue.lapse(ID)
        queue.run(take_back(ID))
        queue.run(claim(ID, "w/2"))

    with meanwhile(queue, overtake) as done:
        runner.run(job(done), ID, "w/1")
    assert (queue.state(ID), queue.field(ID, "result")) == ("STARTED", None)


def test_a_file_of_the_result_is_kept_when_the_folder_of_the_run_is_gone(queue: Queue, runner: Runs) -> None:
    queue.submit(ID)

    def write() -> dict[str, Any]:
        Path("copy.csv").write_text("a,b")
        return {"files": ["copy.csv"]}

    runner.run(job(write), ID, "w/1")
    (file,) = json.loads(queue.field(ID, "result") or "")["files"]
    kept = runner.files.find(file["file_id"])
    assert isinstance(kept, UploadedFile)
    assert kept.path.read_text() == "a,b"


def test_a_finished_run_waits_for_a_redis_that_is_away_and_progress_does_not_matter(tmp_path: Path) -> None:
    with Valkey(tmp_path) as valkey:
        queue = Queue(valkey)
        queue.submit(ID)
        runner = Runs(Store(valkey.url), tmp_path)

        def hang() -> None:
            valkey.process.send_signal(signal.SIGSTOP)
            threading.Timer(2.5, valkey.process.send_signal, [signal.SIGCONT]).start()

        with meanwhile(queue, hang) as done:
            runner.run(replace(ECHO, function=lambda progress, **_: progress(0.5) or done()), ID, "w/1")
        assert queue.field(ID, "result") == '{"value":true}'


def reporting(seconds: float, step: float) -> Job:
    """A job that reports thousands of times a second."""

    def report(progress: Any) -> None:
        begin, count = time.monotonic(), 0
        while time.monotonic() - begin < seconds:
            count += 1
            progress(count * step, f"{count}")
        progress(7.5, "ready \ud800")

    return replace(ECHO, function=lambda progress, **_: report(progress))


@pytest.mark.parametrize("step", [1e-9, 1.0], ids=["shares", "steps far beyond 1"])
def test_progress_is_told_at_most_twice_a_second_and_always_at_the_end(queue: Queue, runner: Runs, step: float) -> None:
    queue.submit(ID)
    told = set[str | None]()

    def look() -> None:
        while queue.state(ID) == "STARTED":
            told.add(queue.field(ID, "message"))

    with meanwhile(queue, look):
        runner.run(reporting(1.2, step), ID, "w/1")
    assert 2 <= len(told) <= 5
    assert (queue.field(ID, "done"), queue.field(ID, "message")) == ("1.0", "ready ?")
