"""The jobs of a package. No file is imported here before it has been tried where it can do no harm."""

import json
import logging
import os
import subprocess
import sys

from core.errors import JobFileError
from core.job_files import reading
from core.job_files.lane import Verdict
from core.registry import Job

log = logging.getLogger(__name__)

SECRETS = {"CORE_API_KEY", "REDIS_URL", "REDIS_PASSWORD", "FLOWER_BASIC_AUTH"}


def discover(package: str) -> tuple[dict[str, Job], list[JobFileError]]:
    """Return the jobs of the package by the names of their files, and an error for each file that defines no job.

    One broken file must not disable everybody else's jobs, so it is logged and left out.
    """
    jobs, broken = {}, []
    for name, verdict in sorted(_tried(package).items()):
        try:
            jobs[name] = _job(package, name, *verdict)
        except JobFileError as error:
            log.error("%s The file is left out.%s", error, error.trace and f"\n{error.trace}")  # noqa: TRY400  # the trace is that of another process
            broken.append(error)
    return jobs, broken


def _job(package: str, name: str, problem: str, trace: str) -> Job:
    if problem:
        raise JobFileError(f"{package}.{name}", problem, trace)
    return reading.load(package, name)


def _tried(package: str) -> dict[str, Verdict]:
    env = {name: value for name, value in os.environ.items() if name not in SECRETS}
    env["PYTHONPATH"] = os.pathsep.join(sys.path)  # the examiner finds the same modules as this process
    command = [sys.executable, "-m", "core.job_files", package]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        lost = f"was not examined, because the examiner was ended (exit code {done.returncode}). Restart the core."
        return dict.fromkeys(reading.names_in(package), (lost, ""))
    return {name: (problem, trace) for name, (problem, trace) in json.loads(done.stdout).items()}
