"""Leaves a trace of each run outside of the core's own records."""

import time
from pathlib import Path

from core.registry import job


@job(title="Counter")
def counter(folder: str, name: str, seconds: float = 0) -> str:
    """Append a line to the file `name` in `folder`, then sleep."""
    with (Path(folder) / name).open("a") as trace:
        trace.write("run\n")
    time.sleep(seconds)
    return name
