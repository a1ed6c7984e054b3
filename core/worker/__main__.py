"""The Celery worker: every job as a task."""

import argparse
import logging
import os
import signal
import socket
import sys
import uuid
from dataclasses import dataclass
from typing import Any

from celery import signals

from core import processes, settings
from core.errors import CoreError
from core.files import Files
from core.queue.celery_app import create
from core.queue.store import Store
from core.registry import Job, discover
from core.worker import celery_hooks
from core.worker.housekeeping import Housekeeping
from core.worker.recovery import Recovery
from core.worker.runner import Runner, owner_of


@dataclass
class Child:
    """What a child of the worker makes after the fork: connections do not survive one."""

    config: settings.WorkerSettings
    runner: Runner | None = None

    def ready(self) -> Runner:
        if self.runner is None:
            processes.confine(self.config.task_memory_mb)
            store, files = Store(self.config.broker_url), Files(self.config.data_dir)
            self.runner = Runner(store, files, self.config.data_dir / "scratch", self.config.task_memory_mb)
        return self.runner


def main() -> None:
    """Run until SIGTERM, which hands running tasks back to the queue at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task-events", action="store_true", help="tell Flower of every task, from the first one on")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)  # one line a task is enough: its end
    processes.adopt()
    config = settings.load_worker()
    name = f"okosu@{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    app = create()
    app.conf.worker_send_task_events = options.task_events
    jobs, child = discover(config.jobs_package), Child(config)
    for job in jobs.values():
        app.task(name=job.name, bind=True, ignore_result=True, Request=celery_hooks.Run)(_task(job, child))
    celery_hooks.install(app, Recovery(config, name, jobs, celery_hooks.runs))
    # A child that has needed much is replaced, so that the next task finds its memory whole (kB).
    app.conf.worker_max_memory_per_child = config.task_memory_mb * 1024 // 2
    signals.worker_ready.connect(_stop_on_sigterm, weak=False)
    signals.worker_ready.connect(lambda **_: Housekeeping(config).start(), weak=False)
    processes_ = str(config.worker_processes)
    app.worker_main(["worker", "-n", name, "-c", processes_, "-l", "INFO", "--without-gossip", "--without-mingle"])


def _task(job: Job, child: Child) -> Any:
    def execute(self: Any) -> None:
        child.ready().run(job, self.request.id, owner_of(self.request.hostname, os.getpid()))

    return execute


def _stop_on_sigterm(**_: Any) -> None:
    """Celery would wait for running tasks, however long they take."""
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGQUIT))


if __name__ == "__main__":
    try:
        main()
    except CoreError as problem:
        sys.exit(str(problem))
