"""The Celery worker, in which every job is a task."""

import argparse
import logging
import os
import signal
import socket
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from celery import signals

from core import settings
from core.disk import Disk
from core.errors import QueueUnavailable
from core.files import Files
from core.queue.celery_app import create
from core.queue.store import Store
from core.registry import Job
from core.worker import celery_hooks
from core.worker.housekeeping import Housekeeping
from core.worker.nursery import Nursery, Template
from core.worker.recovery import Recovery
from core.worker.runner import Runner, owner_of

log = logging.getLogger(__name__)


@dataclass
class Child:
    """What a child of the worker creates for itself, because connections do not survive a fork."""

    config: settings.WorkerSettings
    template: Template
    runner: Runner | None = None

    def ready(self) -> Runner:
        if self.runner and not self.runner.nursery.is_alive():
            self.runner.nursery.close()
            self.runner = None
        if self.runner is None:
            for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)  # billiard's handlers would wait for the end of the run
            config = self.config
            files = Files(config.data_dir, config.disk_reserve_mb)
            disk = Disk(config.data_dir, config.disk_reserve_mb)
            scratch, store, nursery = config.data_dir.resolve() / "scratch", Store(config.broker_url), self._nursery()
            self.runner = Runner(store, files, scratch, config.task_memory_mb, disk, nursery)
        return self.runner

    def _nursery(self) -> Nursery:
        try:
            return self.template.nursery()
        except OSError:
            log.critical("The process that runs are forked from is gone. The worker ends; it is started again.")
            os.kill(os.getppid(), signal.SIGTERM)
            raise


def main(config: settings.WorkerSettings, jobs: Mapping[str, Job], template: Template) -> None:
    """Run until SIGTERM, which hands running tasks back to the queue at once: see `__main__`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task-events", action="store_true", help="report every task to Flower, from the first one on")
    options = parser.parse_args()
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)  # one line per task is enough: its end
    name = f"okosu@{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    app = create()
    app.conf.worker_send_task_events = options.task_events
    child = Child(config, template)
    for job in jobs.values():
        app.task(name=job.name, bind=True, ignore_result=True, Request=celery_hooks.Run)(_task(job, child))
    recovery = Recovery(config, name, jobs, celery_hooks.runs)
    with suppress(QueueUnavailable):  # then the first beat tells
        recovery.meet()
    celery_hooks.install(app, recovery)
    signals.worker_ready.connect(lambda **_: Housekeeping(config).start(), weak=False)
    processes_ = str(config.worker_processes)
    app.worker_main(["worker", "-n", name, "-c", processes_, "-l", "INFO", "--without-gossip", "--without-mingle"])


def _task(job: Job, child: Child) -> Any:
    def execute(self: Any) -> None:
        child.ready().run(job, self.request.id, owner_of(self.request.hostname, os.getpid()))

    return execute
