"""One run of one task, in a child of the worker: claim, call the job, record how it ended."""

import json
import logging
import os
import resource
import shutil
import time
import traceback
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import results
from core.errors import CoreError, QueueUnavailable
from core.files import Files
from core.registry import Job, UploadedFile
from core.store import Store

log = logging.getLogger(__name__)

LEASE = 8_000_000  # µs; renewed by the worker's main process
ATTEMPTS = 3
OUTAGE_SECONDS = 600  # how long a finished run waits for Redis to take its result


class JobFailed(Exception):
    """What Flower shows: the kind of the failure and none of the user's data."""


@dataclass(frozen=True)
class Runner:
    store: Store
    files: Files
    scratch: Path
    memory_mb: int

    def run(self, job: Job, task_id: str, worker: str) -> None:
        """Run the task if it is still to be run, and record how it ended. JobFailed if the job raised."""
        token = uuid.uuid4().hex
        allowed = ATTEMPTS if job.retry else 1
        lost = _error("WorkerLost", _lost_sentence(job))
        claim = self._insist("claim", task_id, token, worker, LEASE, allowed, lost)
        if claim is None:
            return
        folder = self.scratch / f"{task_id}-{token}"
        folder.mkdir(parents=True)
        os.chdir(folder)
        try:
            result = self._call(job, json.loads(claim[1]), Progress(self.store, task_id, token))
        except Exception as error:  # noqa: BLE001  # whatever a job raises is how its task ended
            self._insist("finish", task_id, token, "FAILURE", "error", self._explain(error))
            log.error("Task %s (%s) failed: %s\n%s", task_id, job.name, type(error).__name__, _frames(error))  # noqa: TRY400  # the message may hold users' data
            raise JobFailed(type(error).__name__) from None
        else:
            self._insist("finish", task_id, token, "SUCCESS", "result", result)
        finally:
            os.chdir("/")
            shutil.rmtree(folder, ignore_errors=True)

    def _call(self, job: Job, params: dict[str, Any], progress: "Progress") -> str:
        answer = job.run(job.validate(params, self.files.find), progress)
        return results.to_json(answer, self._keep)

    def _keep(self, path: Path) -> UploadedFile:
        return self.files.keep(path)

    def _explain(self, error: Exception) -> str:
        if isinstance(error, MemoryError):
            sentence = f"The task needed more than {self.memory_mb / 1024:.3g} GB of memory. Try it with less data."
            return _error("MemoryError", sentence)
        fields = getattr(error, "fields", {})
        detail = " ".join(f"{name}: {sentence}." for name, sentence in fields.items())
        return _error(type(error).__name__, f"{error} {detail}".strip()[:2000] or type(error).__name__)

    def _insist(self, script: str, *args: str | float) -> Any:
        """A run that took hours must not be lost because Redis is away for a minute."""
        end = time.monotonic() + OUTAGE_SECONDS
        while True:
            try:
                return self.store.run(script, *args)
            except QueueUnavailable:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


class Progress:
    """At most two reports a second reach Redis; the first and the last always do."""

    def __init__(self, store: Store, task_id: str, token: str) -> None:
        self._store, self._task_id, self._token, self._next = store, task_id, token, 0.0

    def __call__(self, done: float, message: str = "") -> None:
        done = min(max(float(done), 0.0), 1.0)
        if time.monotonic() < self._next and done < 1:
            return
        self._next = time.monotonic() + 0.5
        try:
            self._store.run("progress", self._task_id, self._token, done, str(message)[:200])
        except CoreError:
            log.warning("Progress of task %s could not be told.", self._task_id)


def limit_memory(megabytes: int) -> None:
    """Private memory of this process; beyond it the job sees a MemoryError and neither API nor Redis suffer.

    RLIMIT_DATA and not RLIMIT_AS: address space that is only reserved (threads, mapped files) does not count.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))


def _error(kind: str, message: str) -> str:
    return json.dumps({"type": kind, "message": message})


def _lost_sentence(job: Job) -> str:
    if not job.retry:
        return "The worker was lost while it ran this task, and the job says that it must not be run twice."
    return f"The worker was lost {ATTEMPTS} times while it ran this task. It may need more memory than there is."


def _frames(error: Exception) -> str:
    return "".join(traceback.format_tb(error.__traceback__)).rstrip()
