"""The jobs of a package. No file is imported here before it has been tried where it can do no harm."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from core import fence, processes
from core.job_files import reading
from core.job_files.lane import Verdict
from core.job_files.problem import JobFileError
from core.registry import Job

log = logging.getLogger(__name__)

SECONDS = 10.0  # for a file that has been tried, and that hangs here all the same


def discover(package: str) -> tuple[dict[str, Job], list[JobFileError]]:
    """Return the jobs of the package by the names of their files, and an error for each file that defines no job.

    One broken file must not disable everybody else's jobs, so it is logged and left out. This stops mistakes. It does
    not stop a file that means harm: such a file has the rights of the core, and may wait until it is imported here.
    """
    jobs, broken = {}, []
    with _without_secrets():
        for name, verdict in sorted(_tried(package).items()):
            try:
                jobs[name] = _job(package, name, *verdict)
            except JobFileError as error:
                log.error("%s The file is left out.%s", error, error.trace and f"\n{error.trace}")  # noqa: TRY400  # the trace is that of another process
                broken.append(error)
    return jobs, broken


@contextmanager
def _without_secrets() -> Iterator[None]:
    """The settings have been read already. No file finds here what it did not find when it was tried."""
    kept = {name: os.environ.pop(name) for name in fence.SECRETS & os.environ.keys()}
    try:
        yield
    finally:
        os.environ.update(kept)


def _job(package: str, name: str, problem: str, trace: str) -> Job:
    if problem:
        raise JobFileError(f"{package}.{name}", problem, trace)
    with processes.at_most(SECONDS):
        return reading.load(package, name)


def _tried(package: str) -> dict[str, Verdict]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # it finds the same modules as this process
    command = [sys.executable, "-m", "core.job_files", package]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        lost = f"was not examined, because the examiner was ended (exit code {done.returncode}). Restart the core."
        return dict.fromkeys(reading.names_in(package), (lost, ""))
    return {name: (problem, trace) for name, (problem, trace) in json.loads(done.stdout).items()}
