"""The folder in which a run works: made for it, and removed whatever the run has left there."""

import logging
import shutil
import subprocess
import uuid
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

NAME = 36  # characters of a task id, with which the name of a folder begins


def make(scratch: Path, task_id: str) -> Path:
    """A new folder for a run of the task."""
    folder = scratch / f"{task_id}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o700, parents=True)
    return folder


def task_of(folder: Path) -> str:
    return folder.name[:NAME]


def leave(folder: Path) -> None:
    """Remove the folder if that is easy; otherwise housekeeping does it, so that the next task need not wait."""
    with suppress(OSError, RecursionError):
        shutil.rmtree(folder)


def remove(folder: Path) -> None:
    """Remove the folder whatever is in it. If that fails, the log says so."""
    leave(folder)
    if folder.exists():
        # Nested deeper than Python can go, or without permissions: the system's own tools know how.
        subprocess.run(["chmod", "-R", "u+rwX", "--", folder], capture_output=True, check=False)
        done = subprocess.run(["rm", "-rf", "--", folder], capture_output=True, check=False)
        if done.returncode:
            log.error("The folder %s of a run cannot be removed; look at it by hand.", folder)
