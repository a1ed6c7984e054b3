"""The worker's heartbeat: renew the leases of its runs, and take back the tasks of dead workers."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from core import data_id
from core.errors import OtherFolder, QueueUnavailable
from core.queue import aside, neighbours, steps
from core.queue.records import TaskError, Waiting, task_error
from core.queue.store import Store
from core.registry import Job
from core.settings import WorkerSettings
from core.worker.runner import LEASE

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
WINDOW = 50  # how many of the oldest waiting tasks are looked for in the queue
SETTLED = 3.0  # s that a message may take from the queue to its claim
ASIDE = (
    "The worker that was free does not have this job. The task waits for one that has it. "
    "If none comes, ask an admin to restart the core's workers."
)


def missing(queue: Waiting, *, whole: bool) -> set[str]:
    """The waiting tasks that no message will ever start.

    The queue is in order. So unless `queue` is the `whole` queue, only the waiting tasks before the last one that has a
    message are known to have lost theirs.
    """
    found = [place for place, task_id in enumerate(queue.waiting) if task_id in queue.queued]
    reach = len(queue.waiting) if whole else max(found, default=0)
    return {task_id for task_id in queue.waiting[:reach] if task_id not in queue.queued}


class Running(NamedTuple):
    """A run that a child of this worker has begun."""

    task_id: str
    owner: str
    job: str


class Recovery:
    """A heartbeat once a second, as long as the worker's main process lives, whatever its children do."""

    def __init__(
        self,
        config: WorkerSettings,
        worker: str,
        jobs: Mapping[str, Job],
        runs: Callable[[], list[Running]],
    ) -> None:
        """`runs` returns each run of this worker."""
        self._store, self._worker, self._jobs, self._runs = Store(config.broker_url), worker, jobs, runs
        self._data_id = data_id.of(config.data_dir)
        self._beat_file = Path(os.environ.get("WORKER_BEAT_FILE", config.data_dir / "worker-beat"))
        self._processes = config.worker_processes
        self._suspects: set[str] = set()
        self._looked_at = 0.0
        self._max_minutes, self._begun = config.task_max_minutes, dict[Running, float]()

    def start(self, end_run: Callable[[str], None]) -> None:
        """Beat from now on; `end_run` ends the run of an owner."""
        threading.Thread(target=self._beat_for_ever, args=[end_run], name="recovery", daemon=True).start()

    def _beat_for_ever(self, end_run: Callable[[str], None]) -> None:
        while True:
            try:
                self.beat(end_run)
            except QueueUnavailable:
                log.warning("Redis does not answer; the next beat tries again.")
            except OtherFolder as error:  # Redis was away when both started
                log.error("%s This worker stops.", error)  # noqa: TRY400  # the sentence says it all
                os.kill(os.getpid(), signal.SIGTERM)
            except Exception:  # a worker without a heartbeat would lose every task that it runs
                log.exception("A beat failed.")
            time.sleep(BEAT_SECONDS)

    def meet(self) -> None:
        """OtherFolder if the workers that are alive on this Redis keep their files elsewhere."""
        if not self._store.run(neighbours.meet(self._data_id)):
            raise OtherFolder

    def beat(self, end_run: Callable[[str], None]) -> None:
        self.meet()
        runs = self._runs()
        for run in self._overdue(runs):
            self._store.run(steps.fail(run.task_id, run.owner, _overdue(self._limit(run))))
            end_run(run.owner)
        leases = [(run.task_id, run.owner) for run in runs]
        for owner in self._store.run(steps.renew(leases, lease=LEASE)) if leases else []:
            end_run(owner)
        for task_id in self._store.run(steps.beat(self._worker, self._jobs)):
            self.take_back(task_id)
        with suppress(OSError):  # it is for a health check, which must not keep tasks from being found
            self._beat_file.touch()
        if free := max(0, self._processes - len(runs)):
            self._recall(free)
        if time.monotonic() - self._looked_at > SETTLED:
            self._repair()

    def _overdue(self, runs: list[Running]) -> list[Running]:
        """Measured here and not in the job, which may hang, nor in Redis, whose clock may jump."""
        now = time.monotonic()
        self._begun = {run: self._begun.get(run, now) for run in runs}
        return [run for run, begun in self._begun.items() if now - begun > self._limit(run) * 60]

    def _limit(self, run: Running) -> float:
        return (run.job in self._jobs and self._jobs[run.job].max_minutes) or self._max_minutes

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

    def set_aside(self, task_id: str, job: str) -> None:
        """A task whose job this worker does not have waits for one that has it, and for nobody's message."""
        try:
            if self._store.run(aside.set_aside(task_id, ASIDE)):
                log.warning("Task %s waits for a worker that has the job '%s': this one does not.", task_id, job)
        except QueueUnavailable:
            log.warning("The message of task %s is lost, and is sent again when Redis answers.", task_id)

    def cancel(self, task_id: str) -> None:
        self._store.run(steps.cancel(task_id))

    def state(self, task_id: str) -> str:
        """Empty if there is no such task."""
        return self._store.run(steps.look(task_id)).state

    def _recall(self, free: int) -> None:
        """No more tasks than this worker has `free` processes: the next message may reach a worker without the job."""
        oldest = self._store.run(aside.of_jobs(self._jobs, free))
        for task_id, job in reversed(oldest):  # each goes before all others
            if self._store.run(aside.recall(task_id, job)):
                log.info("Task %s has waited for the job '%s', which this worker has.", task_id, job)

    def _repair(self) -> None:
        """Send messages again that were lost. A task must be missing in two looks: its message may be on its way."""
        queue = self._store.run(steps.head_of_queue(WINDOW))
        lost = missing(queue, whole=len(queue.queued) < 2 * WINDOW)
        for task_id in lost & self._suspects:
            job = self._store.run(steps.look(task_id)).job
            if self._store.run(steps.repush(task_id, job, age=SETTLED)):
                log.warning("Task %s waited without a message in the queue; it has a new one.", task_id)
        self._suspects, self._looked_at = lost, time.monotonic()


def _overdue(minutes: float) -> TaskError:
    sentence = f"The task was ended because it ran for longer than {minutes:g} minutes, the most that its job may take."
    return task_error("TimeLimit", f"{sentence} Try it with less data, or ask the job's author for a higher limit.")
