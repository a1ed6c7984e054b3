"""Fills the disk."""

import time
from pathlib import Path

from core.registry import Progress, job

BLOCK = bytes(1 << 20)


@job(title="Fills")
def fills(pause: float = 0, per_file: int = 1_000_000, *, progress: Progress) -> None:
    """Write for ever, with a `pause` after each megabyte (s), `per_file` megabytes into each file."""
    written = 0
    while True:
        progress(0.5, f"{written} MB written")
        with Path(f"file{written}").open("ab", buffering=0) as file:
            for _ in range(per_file):
                file.write(BLOCK)
                written += 1
                time.sleep(pause)
