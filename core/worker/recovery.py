"""The worker's heartbeat: renew the leases of its runs, and take back the tasks of dead workers."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from core.errors import QueueUnavailable, UnknownJob
from core.queue import steps
from core.queue.records import Waiting, task_error
from core.queue.store import Store
from core.registry import Job
from core.settings import WorkerSettings
from core.worker.runner import LEASE

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
WINDOW = 50  # how many of the oldest waiting tasks are looked for in the queue
SETTLED = 3.0  # s that a message may take from the queue to its claim


def missing(queue: Waiting, *, whole: bool) -> set[str]:
    """The waiting tasks that no message will ever start.

    The queue is in order. So unless `queue` is the `whole` queue, only the waiting tasks before the last one that has a
    message are known to have lost theirs.
    """
    found = [place for place, task_id in enumerate(queue.waiting) if task_id in queue.queued]
    reach = len(queue.waiting) if whole else max(found, default=0)
    return {task_id for task_id in queue.waiting[:reach] if task_id not in queue.queued}


class Recovery:
    """A heartbeat once a second, as long as the worker's main process lives, whatever its children do."""

    def __init__(
        self,
        config: WorkerSettings,
        worker: str,
        jobs: Mapping[str, Job],
        runs: Callable[[], list[tuple[str, str]]],
    ) -> None:
        """`runs` returns the task and the owner of each run of this worker."""
        self._store, self._worker, self._jobs, self._runs = Store(config.broker_url), worker, jobs, runs
        self._beat_file = Path(os.environ.get("WORKER_BEAT_FILE", config.data_dir / "worker-beat"))
        self._suspects: set[str] = set()
        self._looked_at = 0.0

    def start(self, end_run: Callable[[str], None]) -> None:
        """Beat from now on; `end_run` ends the run of an owner."""
        threading.Thread(target=self._beat_for_ever, args=[end_run], name="recovery", daemon=True).start()

    def _beat_for_ever(self, end_run: Callable[[str], None]) -> None:
        while True:
            try:
                self.beat(end_run)
            except QueueUnavailable:
                log.warning("Redis does not answer; the next beat tries again.")
            except Exception:  # a worker without a heartbeat would lose every task that it runs
                log.exception("A beat failed.")
            time.sleep(BEAT_SECONDS)

    def beat(self, end_run: Callable[[str], None]) -> None:
        runs = self._runs()
        for owner in self._store.run(steps.renew(runs, lease=LEASE)) if runs else []:
            end_run(owner)
        for task_id in self._store.run(steps.beat(self._worker)):
            self.take_back(task_id)
        self._beat_file.touch()
        if time.monotonic() - self._looked_at > SETTLED:
            self._repair()

    def give_back(self, task_id: str, owner: str, how: Literal["lost", "stopped"]) -> None:
        """The run of `owner` has ended early: its task waits again, before all others.

        A lost run counts as an attempt. A stopped one does not, unless its job must not run twice.
        """
        try:
            job = self._store.run(steps.look(task_id)).job
            counts = how == "lost" or (job in self._jobs and not self._jobs[job].retry)
            if self._store.run(steps.give_back(task_id, job, owner=owner, counts=counts)):
                log.warning("Task %s was %s while it ran (%s) and waits again.", task_id, how, owner)
        except QueueUnavailable:
            log.warning("Task %s was %s while it ran and waits again when its lease has lapsed.", task_id, how)

    def take_back(self, task_id: str) -> None:
        """The task's lease has lapsed: it waits again. If its worker is alive after all, it may renew the lease."""
        job = self._store.run(steps.look(task_id)).job
        if self._store.run(steps.take_back(task_id, job)):
            log.warning("The lease of task %s has lapsed; the task waits again.", task_id)

    def refuse(self, task_id: str, job: str) -> None:
        """A task whose job does not exist fails."""
        error = UnknownJob(job, sorted(self._jobs))
        self._store.run(steps.refuse(task_id, task_error("UnknownJob", str(error))))

    def cancel(self, task_id: str) -> None:
        self._store.run(steps.cancel(task_id))

    def state(self, task_id: str) -> str:
        """Empty if there is no such task."""
        return self._store.run(steps.look(task_id)).state

    def _repair(self) -> None:
        """Send messages again that were lost. A task must be missing in two looks: its message may be on its way."""
        queue = self._store.run(steps.head_of_queue(WINDOW))
        lost = missing(queue, whole=len(queue.queued) < 2 * WINDOW)
        for task_id in lost & self._suspects:
            job = self._store.run(steps.look(task_id)).job
            if self._store.run(steps.repush(task_id, job, age=SETTLED)):
                log.warning("Task %s waited without a message in the queue; it has a new one.", task_id)
        self._suspects, self._looked_at = lost, time.monotonic()
