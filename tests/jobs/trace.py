"""Tells apart every run of a task, in the core's record and outside of it."""

import time
import uuid
from pathlib import Path

from core.registry import job


@job(title="Trace")
def trace(file: str, name: str, seconds: float = 0) -> str:
    """Append `name` and an id of this run to the file, sleep, and answer with the id."""
    run = uuid.uuid4().hex
    with Path(file).open("a") as lines:
        lines.write(f"{name} {run}\n")
    time.sleep(seconds)
    return run
