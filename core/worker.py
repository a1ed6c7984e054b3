"""The Celery worker: every job as a task, and a backend through which Celery keeps the records true."""

import logging
import os
import signal
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import signals
from celery.backends.base import DisabledBackend
from celery.worker import state as worker_state

from core import settings
from core.celery_app import create
from core.files import Files
from core.recovery import Recovery
from core.registry import Job, discover
from core.runner import Runner, limit_memory
from core.store import Store

log = logging.getLogger(__name__)


class Records(DisabledBackend):  # type: ignore[misc]  # Celery ships no types
    """What Celery's main process says of tasks goes into their records: lost, returned, revoked (also from Flower)."""

    recovery: Recovery
    store: Store

    def get_state(self, task_id: str) -> str:
        row = self.store.run("status", task_id)
        return row[2][3].decode() if row else "PENDING"

    def mark_as_failure(self, task_id: str, *_: Any, **__: Any) -> None:
        """A child died. What a job raised is recorded by the child itself, and give_back finds it finished."""
        self.recovery.give_back(task_id, "lost")

    def mark_as_retry(self, task_id: str, *_: Any, **__: Any) -> None:
        """The worker is told to stop and hands its tasks back."""
        self.recovery.give_back(task_id, "returned")

    def mark_as_revoked(self, task_id: str, *_: Any, **__: Any) -> None:
        self.store.run("cancel", task_id)


@dataclass
class Child:
    """What a child of the worker makes after the fork: connections do not survive one."""

    config: settings.WorkerSettings
    runner: Runner | None = None

    def ready(self) -> Runner:
        if self.runner is None:
            # With REMAP_SIGTERM Celery's children ignore the signal by which every revoke stops them, Flower's too.
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGQUIT))
            limit_memory(self.config.task_memory_mb)
            scratch = self.config.data_dir / "scratch"
            store = Store(self.config.broker_url)
            self.runner = Runner(store, Files(self.config.data_dir), scratch, self.config.task_memory_mb)
        return self.runner


def main() -> None:
    """Run until SIGTERM, which hands running tasks back to the queue at once."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = settings.load_worker()
    name = f"okosu@{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    app = create()
    child = Child(config)
    for job in discover(config.jobs_package).values():
        app.task(name=job.name, bind=True, ignore_result=True)(_task(job, child, name))
    recovery = _recovery(config, name)
    Records.recovery, Records.store = recovery, Store(config.broker_url)
    app.backend_cls = Records
    signals.worker_ready.connect(lambda **_: recovery.start(), weak=False)
    processes = str(config.worker_processes)
    app.worker_main(["worker", "-n", name, "-c", processes, "-l", "INFO", "--without-gossip", "--without-mingle"])


def _task(job: Job, child: Child, worker: str) -> Any:
    def execute(self: Any) -> None:
        child.ready().run(job, self.request.id, worker)

    return execute


def _recovery(config: settings.WorkerSettings, name: str) -> Recovery:
    store, files = Store(config.broker_url), Files(config.data_dir)
    beat_file = Path(os.environ.get("WORKER_BEAT_FILE", config.data_dir / "worker-beat"))
    return Recovery(store, files, name, _active, _stop, beat_file, config.retention_days * 86400)


def _active() -> list[str]:
    return [request.id for request in list(worker_state.active_requests)]


def _stop(task_id: str) -> None:
    """A revoke that was broadcast while this worker was not listening."""
    log.warning("Task %s was cancelled; its run is stopped.", task_id)
    for request in list(worker_state.active_requests):
        if request.id == task_id and request.worker_pid:
            os.kill(request.worker_pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
