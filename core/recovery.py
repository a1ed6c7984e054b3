"""What a live worker does beside its tasks: renew their claims, and take back what dead workers held."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from core import protocol
from core.errors import QueueUnavailable
from core.files import Files
from core.runner import LEASE
from core.store import Store

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
GAP = 6_000_000  # µs without any beat: Redis was away, not the workers
WINDOW = 50  # how much of the queue's head is looked at for tasks without a message
SETTLED = 3_000_000  # µs that a message may be between the queue and its claim
HOUSEKEEPING_SECONDS = 600


def missing(messages: Iterable[bytes], waiting: list[str], *, whole: bool) -> set[str]:
    """The waiting tasks that no message will ever start.

    `messages` are the head of the queue and `waiting` the tasks that have waited longest. If the messages are not the
    `whole` queue, only tasks that stand before the last one found in them are known to be lost: the queue is in order.
    """
    queued = {json.loads(message)["headers"]["id"] for message in messages}
    found = [place for place, task_id in enumerate(waiting) if task_id in queued]
    reach = len(waiting) if whole else (max(found) if found else 0)
    return {task_id for task_id in waiting[:reach] if task_id not in queued}


class Recovery(threading.Thread):
    """Beats once a second as long as the worker's main process lives, whatever its children do."""

    def __init__(  # noqa: PLR0913, PLR0917  # the collaborators of one thread
        self,
        store: Store,
        files: Files,
        worker: str,
        active: Callable[[], list[str]],
        stop_task: Callable[[str], None],
        beat_file: Path,
        retention_seconds: float,
    ) -> None:
        super().__init__(name="recovery", daemon=True)
        self._store, self._files, self._worker = store, files, worker
        self._active, self._stop_task, self._beat_file = active, stop_task, beat_file
        self._retention, self._next_housekeeping = retention_seconds, 0.0
        self._suspects: set[str] = set()
        self._suspected_at = 0.0

    def run(self) -> None:
        while True:
            try:
                self.beat()
            except QueueUnavailable:
                log.warning("Redis does not answer; the next beat tries again.")
            except Exception:  # without its beat a worker would lose every task that it runs
                log.exception("A beat failed.")
            time.sleep(BEAT_SECONDS)

    def beat(self) -> None:
        active = self._active()
        for task_id in self._store.run("renew", self._worker, LEASE, *active) if active else []:
            self._stop_task(task_id.decode())
        for task_id in self._store.run("beat", self._worker, GAP, LEASE):
            self.give_back(task_id.decode(), "lost")
        self._beat_file.touch()
        if time.monotonic() - self._suspected_at > SETTLED / 1e6:
            self._repair()
        if time.monotonic() > self._next_housekeeping:
            self._next_housekeeping = time.monotonic() + HOUSEKEEPING_SECONDS
            self._housekeep()

    def give_back(self, task_id: str, how: str) -> None:
        """Let another run start from the beginning: at once, and before all that only waits."""
        if self._store.run("give_back", task_id, self._message(task_id), how):
            log.warning("Task %s was %s by its worker and waits again.", task_id, how)

    def _repair(self) -> None:
        messages, waiting = self._store.queued(WINDOW)
        lost = missing(messages, [task_id.decode() for task_id in waiting], whole=len(messages) < WINDOW)
        for task_id in lost & self._suspects:
            if self._store.run("repush", task_id, self._message(task_id), SETTLED):
                log.warning("Task %s waited without a message in the queue; it has a new one.", task_id)
        self._suspects, self._suspected_at = lost, time.monotonic()

    def _message(self, task_id: str) -> str:
        return protocol.task_message(task_id, self._store.run("status", task_id)[2][0].decode())

    def _housekeep(self) -> None:
        tasks, files = self._store.run("expire", self._retention * 1e6), self._files.expire(self._retention)
        if tasks or files:
            log.info("Retention is over for %s tasks and %s files; they are removed.", tasks, files)
