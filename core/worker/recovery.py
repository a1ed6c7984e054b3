"""What a live worker does beside its tasks: renew their claims, and take back what dead workers held."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from core.errors import QueueUnavailable, UnknownJob
from core.queue import messages
from core.queue.store import Store
from core.registry import Job
from core.settings import WorkerSettings
from core.worker.runner import LEASE, failure

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
GAP = 6_000_000  # µs without any beat: Redis was away, not the workers
WINDOW = 50  # how many of the tasks that have waited longest are looked for in the queue
SETTLED = 3_000_000  # µs that a message may be between the queue and its claim


def missing(messages: Iterable[bytes], waiting: list[str], *, whole: bool) -> set[str]:
    """The waiting tasks that no message will ever start.

    `messages` are the head of the queue and `waiting` the tasks that have waited longest. If the messages are not the
    `whole` queue, only tasks that stand before the last one found in them are known to be lost: the queue is in order.
    """
    queued = {json.loads(message)["headers"]["id"] for message in messages}
    found = [place for place, task_id in enumerate(waiting) if task_id in queued]
    reach = len(waiting) if whole else max(found, default=0)
    return {task_id for task_id in waiting[:reach] if task_id not in queued}


class Recovery:
    """Beats once a second as long as the worker's main process lives, whatever its children do."""

    def __init__(
        self,
        config: WorkerSettings,
        worker: str,
        jobs: Mapping[str, Job],
        runs: Callable[[], list[tuple[str, str]]],
    ) -> None:
        """`runs` answers with the task and the owner of each run of this worker."""
        self._store, self._worker, self._jobs, self._runs = Store(config.broker_url), worker, jobs, runs
        self._beat_file = Path(os.environ.get("WORKER_BEAT_FILE", config.data_dir / "worker-beat"))
        self._suspects: set[str] = set()
        self._looked_at = 0.0

    def start(self, end_run: Callable[[str], None]) -> None:
        """Beat from now on; `end_run` ends an owner's run."""
        threading.Thread(target=self._beat_for_ever, args=[end_run], name="recovery", daemon=True).start()

    def _beat_for_ever(self, end_run: Callable[[str], None]) -> None:
        while True:
            try:
                self.beat(end_run)
            except QueueUnavailable:
                log.warning("Redis does not answer; the next beat tries again.")
            except Exception:  # without its beat a worker would lose every task that it runs
                log.exception("A beat failed.")
            time.sleep(BEAT_SECONDS)

    def beat(self, end_run: Callable[[str], None]) -> None:
        runs = [word for run in self._runs() for word in run]
        for owner in self._store.run("renew", LEASE, *runs) if runs else []:
            end_run(owner.decode())
        for task_id in self._store.run("beat", self._worker, GAP, LEASE):
            self.give_back(task_id.decode(), "", "lost")
        self._beat_file.touch()
        if time.monotonic() - self._looked_at > SETTLED / 1e6:
            self._repair()

    def give_back(self, task_id: str, owner: str, how: str) -> None:
        """Let another run start from the beginning: at once, and before all that only waits.

        `lost` counts as an attempt; `stopped` does not, unless its job must not be run twice. Without `owner` the
        task is given back if its lease has lapsed; its worker may still live, and take it back.
        """
        try:
            job = self._store.look(task_id).job
            counts = how == "lost" or (job in self._jobs and not self._jobs[job].retry)
            if self._store.run("give_back", task_id, messages.task_message(task_id, job), owner, int(counts)):
                log.warning("Task %s was %s while it ran (%s) and waits again.", task_id, how, owner or "lease lapsed")
        except QueueUnavailable:
            log.warning("Task %s was %s while it ran and waits again when its lease has lapsed.", task_id, how)

    def refuse(self, task_id: str, job: str) -> None:
        """A task whose job is gone fails."""
        error = UnknownJob(job, sorted(self._jobs))
        self._store.run("refuse", task_id, failure("UnknownJob", str(error)))

    def cancel(self, task_id: str) -> None:
        self._store.run("cancel", task_id)

    def state(self, task_id: str) -> str:
        """Empty for a task that nobody knows."""
        return self._store.look(task_id).state

    def _repair(self) -> None:
        queued, waiting = self._store.queued(WINDOW)
        lost = missing(queued, [task_id.decode() for task_id in waiting], whole=len(queued) < 2 * WINDOW)
        for task_id in lost & self._suspects:
            job = self._store.look(task_id).job
            if self._store.run("repush", task_id, messages.task_message(task_id, job), SETTLED):
                log.warning("Task %s waited without a message in the queue; it has a new one.", task_id)
        self._suspects, self._looked_at = lost, time.monotonic()
