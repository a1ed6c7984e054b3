"""The Celery worker, in which every job is a task."""

import argparse
import logging
import os
import socket
import uuid
from dataclasses import dataclass
from typing import Any

from celery import signals

from core import processes, settings
from core.files import Files
from core.job_files import catalog
from core.queue.celery_app import create
from core.queue.store import Store
from core.registry import Job
from core.worker import celery_hooks
from core.worker.housekeeping import Housekeeping
from core.worker.recovery import Recovery
from core.worker.runner import Runner, owner_of


@dataclass
class Child:
    """What a child of the worker creates for itself, because connections do not survive a fork."""

    config: settings.WorkerSettings
    runner: Runner | None = None

    def ready(self) -> Runner:
        if self.runner is None:
            processes.confine(self.config.task_memory_mb)
            store, files = Store(self.config.broker_url), Files(self.config.data_dir)
            self.runner = Runner(store, files, self.config.data_dir / "scratch", self.config.task_memory_mb)
        return self.runner


def main() -> None:
    """Run until SIGTERM, which hands running tasks back to the queue at once: see `__main__`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task-events", action="store_true", help="report every task to Flower, from the first one on")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)  # one line per task is enough: its end
    processes.adopt()
    config = settings.load_worker()
    name = f"okosu@{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    app = create()
    app.conf.worker_send_task_events = options.task_events
    jobs, _ = catalog.discover(config.jobs_package)
    child = Child(config)
    for job in jobs.values():
        app.task(name=job.name, bind=True, ignore_result=True, Request=celery_hooks.Run)(_task(job, child))
    celery_hooks.install(app, Recovery(config, name, jobs, celery_hooks.runs))
    # In kB. A child that has used much memory is replaced, so that the next task has all of it.
    app.conf.worker_max_memory_per_child = config.task_memory_mb * 1024 // 2
    signals.worker_ready.connect(lambda **_: Housekeeping(config).start(), weak=False)
    processes_ = str(config.worker_processes)
    app.worker_main(["worker", "-n", name, "-c", processes_, "-l", "INFO", "--without-gossip", "--without-mingle"])


def _task(job: Job, child: Child) -> Any:
    def execute(self: Any) -> None:
        child.ready().run(job, self.request.id, owner_of(self.request.hostname, os.getpid()))

    return execute
