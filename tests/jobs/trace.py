"""Tells apart every run of a task, in the core's record and outside of it."""

import time
import uuid
from pathlib import Path

from core.registry import job


def note(file: str, name: str, seconds: float) -> str:
    """Append `name`, an id of this run and the time (s since the boot) to the file, sleep, and return the id."""
    run = uuid.uuid4().hex
    with Path(file).open("a") as lines:
        lines.write(f"{name} {run} {time.monotonic()}\n")
    time.sleep(seconds)
    return run


@job(title="Trace")
def trace(file: str, name: str, seconds: float = 0) -> str:
    """Write the trace of this run, sleep, and answer with its id."""
    return note(file, name, seconds)
