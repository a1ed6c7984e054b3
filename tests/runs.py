"""Runs without a worker: a runner that gets a nursery for whatever job a test has just made up."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.disk import Disk
from core.files import Files
from core.job_files import reading
from core.queue.store import Store
from core.registry import Job
from core.worker.nursery import Template
from core.worker.runner import Runner

ECHO = reading.load("tests.jobs", "echo")


def job(function: Callable[[], Any], *, retry: bool = True) -> Job:
    return replace(ECHO, retry=retry, function=lambda **_: function())


@dataclass(frozen=True)
class Runs:
    """As a child of the worker runs its tasks, with 300 MB of memory for each."""

    store: Store
    folder: Path

    @property
    def files(self) -> Files:
        return Files(self.folder, 0)

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @contextmanager
    def runner(self, job: Job) -> Iterator[Runner]:
        template = Template.begin({job.name: job}, self.files)
        nursery = template.nursery()
        try:
            yield Runner(self.store, self.files, self.scratch, 300, Disk(self.folder, 0), nursery)
        finally:
            nursery.close()
            template.ask.close()
            os.waitpid(template.pid, 0)

    def run(self, job: Job, task_id: str, owner: str) -> None:
        with self.runner(job) as runner:
            runner.run(job, task_id, owner)
