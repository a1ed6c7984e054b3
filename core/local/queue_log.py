"""The queue's log on disk, before the embedded Redis reads it: an unfinished end is cut off, and damage is told.

The server alone would begin with an empty queue if the list of its log files were missing. A power cut can leave zeros
at the end of a log, with which it does not start.
"""

import logging
import os
import re
import subprocess
import time
from pathlib import Path

from core.errors import QueueDamaged

log = logging.getLogger(__name__)

LONGEST = 8 << 20  # bytes; more than one write can have, as a result has 5 MB
EMPTY = 255  # bytes; a log in which there is a task has more
BEGIN, END = b"*1\r\n$5\r\nMULTI\r\n", b"\r\n$4\r\nEXEC\r\n"
COMMAND = re.compile(rb"\r\n\*\d+\r\n\$\d+\r\n")


def unfinished(tail: bytes) -> bool:
    """Whether this is one write that did not reach the disk as a whole, so that nobody was told it had."""
    return END not in tail if tail.startswith(BEGIN) else not COMMAND.search(tail)


def prepare(folder: Path, server: Path) -> None:
    """Make the log in `folder` fit for `server`, the program; QueueDamaged says what a person must do."""
    logs = folder / "appendonlydir"
    manifest, found = logs / "appendonly.aof.manifest", sorted(_names(logs))
    if not manifest.exists():
        if any((logs / name).stat().st_size > EMPTY for name in found):
            raise QueueDamaged(_no_manifest(manifest, found))
        return
    listed = re.findall(r"(?m)^file (\S+) seq \d+ type [bi]", manifest.read_text(errors="replace"))
    if not listed or not set(listed) <= set(found):
        missing = ", ".join(sorted(set(listed) - set(found))) or "every entry"
        raise QueueDamaged(f"{manifest} lacks {missing}. {_restore(folder)}")
    for name in listed:
        _check(logs / name, server, last=name == listed[-1])


def _check(path: Path, server: Path, *, last: bool) -> None:
    kind = "rdb" if path.suffix == ".rdb" else "aof"
    # The program becomes its own checker under another name.
    done = subprocess.run(
        [f"valkey-check-{kind}", str(path)],
        executable=server,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    good = re.search(r"ok_up_to=(\d+)", done.stdout)
    if good is None:
        raise QueueDamaged(f"{path} cannot be read. {_restore(path.parent.parent)}")
    at, size = int(good[1]), path.stat().st_size
    with path.open("rb") as file:
        file.seek(at)
        tail = file.read(LONGEST + 1)
    if last and len(tail) <= LONGEST and unfinished(tail):
        _cut(path, at, tail)
        return
    raise QueueDamaged(
        f"{path} is damaged at byte {at} of {size}. {_restore(path.parent.parent)} Or give up everything that was "
        f"written after that byte: truncate -s {at} '{path}'"
    )


def _cut(path: Path, at: int, tail: bytes) -> None:
    aside = path.parent.parent / f"{path.name}.cut-{time.time_ns()}"
    try:
        aside.write_bytes(tail)
    except OSError:  # the disk may be full, and the core must start all the same
        aside.unlink(missing_ok=True)
    with path.open("r+b") as file:
        file.truncate(at)
        os.fsync(file.fileno())
    log.warning("The queue's log ended in the middle of a write. Its last %s bytes are now in %s.", len(tail), aside)


def _names(logs: Path) -> list[str]:
    return [path.name for path in logs.glob("appendonly.aof.*.*") if path.suffix in (".aof", ".rdb")]


def _no_manifest(manifest: Path, found: list[str]) -> str:
    lines = [f"file {name} seq {name.split('.')[2]} type {name.split('.')[3][0]}" for name in found]
    return (
        f"{manifest} is missing, and without it the tasks in {', '.join(found)} would be forgotten. "
        f"{_restore(manifest.parent.parent)} Or write the file again: printf '%s\\n' "
        + " ".join(f"'{line}'" for line in lines)
        + f" > '{manifest}'"
    )


def _restore(folder: Path) -> str:
    return (
        f"Nothing was changed, and the core does not start like this. Copy {folder} somewhere first. Then put back "
        f"that folder from a backup, or begin with an empty queue: mv '{folder}' '{folder}.old'."
    )
