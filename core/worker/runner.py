"""One run of one task, in a child of the worker: claim, call the job, record how it ended."""

import json
import logging
import os
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import processes
from core.errors import QueueUnavailable
from core.files import Files
from core.queue.store import Store
from core.registry import Job
from core.worker import results

log = logging.getLogger(__name__)

LEASE = 8_000_000  # µs; renewed by the worker's main process
ATTEMPTS = 3
RETRY_SECONDS = 0.5
REPORT_SECONDS = 0.5


class JobFailed(Exception):
    """What Flower shows: the kind of the failure and none of the user's data."""


def owner_of(worker: str, pid: int) -> str:
    """Who runs a task: one child of one worker."""
    return f"{worker}/{pid}"


def failure(kind: str, sentence: str) -> str:
    """The error of a task, as its record keeps it: in Unicode, which the name of a file need not be."""
    return json.dumps({"type": kind, "message": sentence.encode(errors="replace").decode()})


@dataclass(frozen=True)
class Runner:
    store: Store
    files: Files
    scratch: Path
    memory_mb: int

    def run(self, job: Job, task_id: str, owner: str) -> None:
        """Run the task if it is still to be run, and record how it ended. JobFailed if the job raised."""
        allowed = ATTEMPTS if job.retry else 1
        params = self._insist("claim", task_id, owner, LEASE, allowed, failure("WorkerLost", _lost_sentence(job)))
        if params is None:
            return
        try:
            with self._folder(task_id):
                arguments = job.validate(json.loads(params), self.files.find)
                answer = job.run(arguments, Progress(self.store, task_id, owner))
                outcome = "SUCCESS", "result", results.to_json(answer, self.files.keep)
        except BaseException as error:  # noqa: BLE001  # whatever a job raises, sys.exit() too, is how its task ended
            processes.reserve(use=isinstance(error, MemoryError))
            outcome = "FAILURE", "error", self._explain(error)
            kind = type(error).__name__
            # Without the message: it may hold users' data.
            log.error("Task %s (%s) failed: %s\n%s", task_id, job.name, kind, _frames(error))  # noqa: TRY400  # as said
        self._insist("finish", task_id, owner, *outcome)
        processes.reserve(use=False)
        if outcome[0] == "FAILURE":
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

    def _explain(self, error: BaseException) -> str:
        if isinstance(error, MemoryError):
            sentence = f"The task needed more than {self.memory_mb / 1024:.3g} GB of memory. Try it with less data."
            return failure("MemoryError", sentence)
        fields = getattr(error, "fields", {})
        detail = " ".join(f"{name}: {sentence}." for name, sentence in fields.items())
        return failure(type(error).__name__, f"{error} {detail}".strip()[:2000] or type(error).__name__)

    def _insist(self, script: str, *args: str | float) -> Any:
        """A run that took hours must not be lost because Redis is away."""
        while True:
            try:
                return self.store.run(script, *args)
            except QueueUnavailable:
                time.sleep(RETRY_SECONDS)


class Progress:
    """At most two reports a second reach Redis; the first and the last always do."""

    def __init__(self, store: Store, task_id: str, owner: str) -> None:
        self._store, self._task_id, self._owner, self._next = store, task_id, owner, 0.0

    def __call__(self, done: float, message: str = "") -> None:
        done = min(max(0.0, float(done)), 1.0)  # in this order, what is not a number is 0
        if time.monotonic() < self._next and done < 1:
            return
        self._next = time.monotonic() + REPORT_SECONDS
        try:
            self._store.run("progress", self._task_id, self._owner, done, str(message)[:200].encode(errors="replace"))
        except QueueUnavailable:
            log.warning("Progress of task %s could not be told.", self._task_id)


def _lost_sentence(job: Job) -> str:
    if not job.retry:
        return "The worker was lost or stopped while it ran this task, and the job says that it must not be run twice."
    return f"The worker was lost {ATTEMPTS} times while it ran this task. It may need more memory than there is."


def _frames(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)).rstrip()
