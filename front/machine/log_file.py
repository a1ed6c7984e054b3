"""The log of processes that write it through a descriptor which they have inherited: it is kept small in place."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

LARGEST = 10 << 20  # bytes; the log and the one before it


def begin(log: Path) -> BinaryIO:
    """A new log, for processes to inherit. Whoever writes to it always writes at its end, wherever that is."""
    keep_small(log, 0)
    return log.open("ab")


def keep_small(log: Path, largest: int | None = None) -> None:
    """Empty a log that is too large, and keep its end in a file beside it. What is written just now may get lost."""
    if not log.exists() or log.stat().st_size <= (LARGEST if largest is None else largest):
        return
    with suppress(OSError), log.open("rb") as old:  # a full disk needs the space all the more
        old.seek(max(0, log.stat().st_size - LARGEST))
        log.with_name(f"{log.name}.1").write_bytes(old.read(LARGEST))
    os.truncate(log, 0)
