"""What Celery's main process must do differently here, so that the records in Redis stay true."""

import logging
from functools import partial
from typing import Any

import billiard
from celery import Celery, signals
from celery.backends.base import DisabledBackend
from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool
from celery.worker import consumer, request, state

from core import processes
from core.worker.recovery import Recovery, Running
from core.worker.runner import owner_of

log = logging.getLogger(__name__)

PATIENCE = 8  # s that a worker has to end after SIGTERM


def install(app: Celery, recovery: Recovery) -> None:
    """Report to `recovery` what happens to the runs of this process."""
    app.recovery = recovery
    app.backend_cls = Records
    app.conf.update(worker_pool=Pool, worker_consumer=Consumer)
    # Runs are ended in Celery's own thread: only there is it certain that they are still running.
    signals.worker_ready.connect(lambda sender, **_: recovery.start(partial(sender.call_soon, _end_run)), weak=False)


class Run(request.Request):  # type: ignore[misc]  # Celery ships no types
    """One run of a task in a child. A run that is lost or stopped is reported at once, before its lease lapses."""

    @property
    def owner(self) -> str:
        return owner_of(self.hostname, self.worker_pid)

    def acknowledge(self) -> None:
        """A message is gone once it is taken, so kombu is not told: it would remember each acknowledgement for ever."""
        self.acknowledged = True

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:  # noqa: FBT001, FBT002  # Celery's
        """`return_ok` means that the child is alive and has recorded what the job raised."""
        super().on_failure(exc_info, send_failed_event, return_ok)
        if not return_ok:
            self.app.recovery.give_back(self.id, self.owner, "lost")

    def cancel(self, *args: Any, **kwargs: Any) -> None:
        """The worker is stopping."""
        super().cancel(*args, **kwargs)
        self.app.recovery.give_back(self.id, self.owner, "stopped")


class Children(AsynPool):  # type: ignore[misc]  # as above
    """Looks for dead children every second. Celery may miss the event of a death, and looks only every 5 s."""

    @property
    def timers(self) -> dict[Any, float]:
        return {self.maintain_pool: 1.0}


class Pool(TaskPool):  # type: ignore[misc]  # as above
    """Ends a run together with all that it started, whichever signal was asked for or is ignored by its job."""

    Pool = Children

    def on_start(self) -> None:
        super().on_start()
        self.terminate_job = self._end

    def _end(self, pid: int, signal: int | None = None) -> None:
        _end_child(pid)
        self._pool.terminate_job(pid, signal)  # it is dead already; this tells Celery that its end was wanted


class Consumer(consumer.Consumer):  # type: ignore[misc]  # as above
    """Tries to reach Redis every second, lets a task wait for its job, and ends in time even without Redis.

    Celery's own pauses grow to half a minute, and its last words to a Redis that has just died can take for ever.
    """

    def ensure_connected(self, connection: Any) -> Any:
        eager = partial(connection.ensure_connection, interval_start=1, interval_step=0, interval_max=1)
        connection.ensure_connection = eager
        return super().ensure_connected(connection)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002  # Celery's
        """Celery would log the message and tell Flower that the task has failed."""
        self.app.recovery.set_aside(message.headers["id"], message.headers["task"])

    def cancel_active_requests(self) -> None:
        """The worker was told to stop at once."""
        processes.end_within(PATIENCE)
        super().cancel_active_requests()


class Records(DisabledBackend):  # type: ignore[misc]  # as above
    """Writes every revoke that reaches a worker into the task's record, wherever it came from."""

    def get_state(self, task_id: str) -> str:
        return self.app.recovery.state(task_id) or "PENDING"

    def mark_as_revoked(self, task_id: str, *_: Any, **__: Any) -> None:
        self.app.recovery.cancel(task_id)


def runs() -> list[Running]:
    """Each run that a child has begun."""
    while True:
        try:
            return [Running(run.id, run.owner, run.name) for run in list(state.active_requests)]
        except RuntimeError:  # Celery's thread has just changed the set
            continue


def _end_run(owner: str) -> None:
    for run in list(state.active_requests):
        if run.owner == owner:
            log.warning("Task %s was cancelled or runs elsewhere; its run here is ended.", run.id)
            _end_child(run.worker_pid)


def _end_child(pid: int) -> None:
    """Only children: Celery names the worker's own process for a task that was cancelled on its way to a dead child."""
    if pid in _children():
        processes.end(pid)


def _children() -> set[int]:
    return {child.pid for child in billiard.active_children()}
