"""One run of one task, in a child of the worker: claim, call the job, record how it ended."""

import logging
import os
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core import processes
from core.errors import QueueUnavailable
from core.files import Files
from core.queue import steps
from core.queue.records import TaskError, task_error
from core.queue.steps import Step
from core.queue.store import Store
from core.registry import Job
from core.worker import results

log = logging.getLogger(__name__)

T = TypeVar("T")
LEASE = 8.0  # s; renewed by the worker's main process
ATTEMPTS = 3
RETRY_SECONDS = 0.5
REPORT_SECONDS = 0.5


class JobFailed(Exception):
    """What Flower shows: the exception's class, and none of the user's data."""


def owner_of(worker: str, pid: int) -> str:
    """The owner of a run: one child process of one worker."""
    return f"{worker}/{pid}"


@dataclass(frozen=True)
class Runner:
    store: Store
    files: Files
    scratch: Path
    memory_mb: int

    def run(self, job: Job, task_id: str, owner: str) -> None:
        """Run the task if this process can claim it, and record how it ended. JobFailed if the job raised."""
        allowed = ATTEMPTS if job.retry else 1
        lost = task_error("WorkerLost", _lost_sentence(job))
        params = self._insist(steps.claim(task_id, owner, lease=LEASE, attempts=allowed, lost=lost))
        if params is None:
            return
        kind = ""
        try:
            with self._folder(task_id):
                arguments = job.validate(params, self.files.find)
                answer = job.run(arguments, Progress(self.store, task_id, owner))
                end = steps.succeed(task_id, owner, results.to_json(answer, self.files.keep))
        except BaseException as error:  # noqa: BLE001  # whatever a job raises, even SystemExit, ends its task
            processes.reserve(use=isinstance(error, MemoryError))
            kind = type(error).__name__
            end = steps.fail(task_id, owner, self._explain(error))
            # The message is not logged: it may contain the user's data.
            log.error("Task %s (%s) failed: %s\n%s", task_id, job.name, kind, _frames(error))  # noqa: TRY400  # exception() would log the message
        self._insist(end)
        processes.reserve(use=False)
        if kind:
            raise JobFailed(kind)

    @contextmanager
    def _folder(self, task_id: str) -> Iterator[None]:
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{task_id}-", dir=self.scratch, ignore_cleanup_errors=True) as folder:
            os.chdir(folder)
            try:
                yield
            finally:
                os.chdir("/")

    def _explain(self, error: BaseException) -> TaskError:
        if isinstance(error, MemoryError):
            sentence = f"The task needed more than {self.memory_mb / 1024:.3g} GB of memory. Try it with less data."
            return task_error("MemoryError", sentence)
        fields = getattr(error, "fields", {})
        detail = " ".join(f"{name}: {sentence}." for name, sentence in fields.items())
        return task_error(type(error).__name__, f"{error} {detail}".strip()[:2000] or type(error).__name__)

    def _insist(self, step: Step[T]) -> T:
        """Redis may be away for a while; a run that took hours must not be lost because of that."""
        while True:
            try:
                return self.store.run(step)
            except QueueUnavailable:
                time.sleep(RETRY_SECONDS)


class Progress:
    """Progress reports: at most two a second reach Redis, and the last one always does."""

    def __init__(self, store: Store, task_id: str, owner: str) -> None:
        self._store, self._task_id, self._owner, self._next = store, task_id, owner, 0.0

    def __call__(self, done: float, message: str = "") -> None:
        done = min(max(0.0, float(done)), 1.0)  # in this order NaN becomes 0
        if time.monotonic() < self._next and done < 1:
            return
        self._next = time.monotonic() + REPORT_SECONDS
        try:
            self._store.run(steps.progress(self._task_id, self._owner, done, str(message)[:200]))
        except QueueUnavailable:
            log.warning("Progress of task %s could not be told.", self._task_id)


def _lost_sentence(job: Job) -> str:
    if not job.retry:
        return "The worker was lost or stopped while it ran this task, and the job says that it must not be run twice."
    return f"The worker was lost {ATTEMPTS} times while it ran this task. It may need more memory than there is."


def _frames(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)).rstrip()
