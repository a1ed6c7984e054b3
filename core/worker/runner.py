"""One run of one task, in a child of the worker: claim, start the run's process, record how it ended."""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from core.disk import Disk
from core.errors import CoreError, FilesUnavailable, QueueUnavailable
from core.files import Files
from core.queue import steps
from core.queue.records import TaskError, task_error
from core.queue.steps import Step
from core.queue.store import Store
from core.registry import Job
from core.worker import memory, results, scratch, verdict, watch
from core.worker.nursery import Nursery
from core.worker.outcome import Order, Outcome
from core.worker.output import Output

log = logging.getLogger(__name__)

T = TypeVar("T")
LEASE = 8.0  # s; renewed by the worker's main process
RETRY_SECONDS = 0.5
WAITS = "The worker cannot write to its data folder at the moment. The task waits for it."


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
    disk: Disk
    nursery: Nursery

    def run(self, job: Job, task_id: str, owner: str) -> None:
        """Run the task if this process can claim it, and record how it ended. JobFailed if it did not succeed."""
        lost = verdict.of_lost_workers(job)
        claim = self._insist(steps.claim(task_id, owner, lease=LEASE, attempts=verdict.attempts(job), lost=lost))
        if claim is None:
            return
        with self._folder(task_id, owner) as (folder, alone):
            room = self._patiently(task_id, owner, self.disk.room)
            order = Order(job, claim.params, self.files, folder, self.memory_mb, room)
            tell, filled = partial(self._tell, task_id, owner), partial(self.disk.filled_by, folder)
            watched = watch.carry_out(order, self.nursery, Output(task_id), tell, alone=alone, filled_disk=filled)
            error, again = verdict.of(watched, self.memory_mb, job, claim.attempt)
            error = error or self._succeed(task_id, owner, watched.outcome, folder)
            if error:
                self._fail(task_id, owner, job, error, again=again)
        if error:
            # The message is not logged: it may contain the user's data.
            log.error("Task %s (%s) failed: %s\n%s", task_id, job.name, error["type"], watched.outcome.frames)
            raise JobFailed(error["type"])

    def _succeed(self, task_id: str, owner: str, outcome: Outcome, folder: Path) -> TaskError | None:
        """Record the result, or say why it cannot be kept."""
        try:
            result = self._patiently(task_id, owner, partial(results.publish, outcome.result, folder, self.files.keep))
        except (CoreError, ValueError) as problem:
            return task_error(type(problem).__name__, str(problem))
        self._insist(steps.succeed(task_id, owner, result))
        return None

    def _fail(self, task_id: str, owner: str, job: Job, error: TaskError, *, again: bool) -> None:
        if error["type"] == verdict.LOST:
            log.warning("Task %s was lost while it ran (%s): %s", task_id, owner, error["message"])
        if again:
            self._insist(steps.give_back(task_id, job.name, owner=owner, counts=True))
        else:
            self._insist(steps.fail(task_id, owner, error))

    @contextmanager
    def _folder(self, task_id: str, owner: str) -> Iterator[tuple[Path, Callable[[], bool]]]:
        """A folder for the run, and whether no other run is under way on this machine."""
        folder = self._patiently(task_id, owner, partial(self._make_folder, task_id))
        lock = os.open(self.scratch, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield folder, partial(memory.is_alone, lock)
        finally:
            os.close(lock)
            scratch.leave(folder)

    def _make_folder(self, task_id: str) -> Path:
        self.disk.take()
        self.files.find("0" * 32)  # the job's input must be in reach, too
        return scratch.make(self.scratch, task_id)

    def _tell(self, task_id: str, owner: str, done: float, message: str) -> None:
        try:
            self.store.run(steps.progress(task_id, owner, done, message))
        except QueueUnavailable:
            log.warning("Progress of task %s could not be told.", task_id)

    def _patiently(self, task_id: str, owner: str, act: Callable[[], T]) -> T:
        """The data folder may be out of reach for a while; no run must fail or be lost because of that."""
        while True:
            try:
                return act()
            except (OSError, FilesUnavailable) as problem:
                log.warning("Task %s waits for the data folder: %s", task_id, problem)
                self._tell(task_id, owner, 0.0, WAITS)
                time.sleep(RETRY_SECONDS)

    def _insist(self, step: Step[T]) -> T:
        """Redis may be away for a while; a run that took hours must not be lost because of that."""
        while True:
            try:
                return self.store.run(step)
            except QueueUnavailable:
                time.sleep(RETRY_SECONDS)
