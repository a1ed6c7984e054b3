"""A run seen from outside: its progress is told, its output logged, and its memory measured until it is over."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core import processes
from core.errors import RunFilledDisk
from core.worker import memory
from core.worker.nursery import Nursery
from core.worker.outcome import Order, Outcome
from core.worker.output import Output
from core.worker.run import Ending, Run

REPORT_SECONDS = 0.5
LOOK_SECONDS = 1.0  # between two looks at the memory of a run
YOUNG, FIRST_LOOKS = 2.0, 0.25  # s: memory is mostly taken at the beginning, so a young run is looked at more often


class Watched(NamedTuple):
    """A run that is over. `peak` is the most memory that it was seen to use, in bytes."""

    ending: Ending
    peak: int
    took_too_much: bool
    starved: bool  # the system ran out of memory in that time, and ended processes
    filled: RunFilledDisk | None  # it has used up the disk

    @property
    def outcome(self) -> Outcome:
        """Empty if the run has died before its end."""
        return self.ending.outcome or Outcome()


def carry_out(  # noqa: PLR0913  # all that a run is watched for
    order: Order,
    nursery: Nursery,
    output: Output,
    report: Callable[[float, str], None],
    *,
    alone: Callable[[], bool],
    filled_disk: Callable[[], RunFilledDisk | None],
) -> Watched:
    """Start a run and wait for its end; end it if it takes more memory than it may, or if `filled_disk` says so.

    Nothing of it lives on. What it shares with the nursery is not counted. `alone` says whether no other run is under
    way on this machine.
    """
    shared, starved = memory.shared_names(), _ended_by_system()
    run, limit = Run.start(order, nursery), order.memory_mb << 20
    peak, over = 0, False
    filled: RunFilledDisk | None = None
    begin = report_at = time.monotonic()
    look_at = begin + FIRST_LOOKS
    try:
        while not over and peak <= limit and not filled:
            over, printed = run.wait(max(0.0, min(REPORT_SECONDS, look_at - time.monotonic())))
            output.add(printed)
            filled = None if over else filled_disk()
            now = time.monotonic()
            if over or now >= report_at:
                report_at = now + REPORT_SECONDS
                if news := run.board.read():
                    report(*news)
            if now >= look_at:
                look_at = now + (FIRST_LOOKS if now - begin < YOUNG else LOOK_SECONDS)
                _, *members = processes.family(nursery.pid) or [0]
                inherited = processes.resident(nursery.pid) // 2  # two or more share it, so at most half is counted
                peak = max(peak, memory.of_run(members, shared, alone=alone()) - inherited)
    finally:
        ending = run.finish()
    output.add(ending.printed)
    output.close()
    with suppress(OSError):  # the notes lie in the data folder
        memory.remove_shared(shared, order.folder.parent.with_name("left-in-shm"), alone)
    if not ending.outcome:
        peak = max(peak, ending.peak - processes.resident(nursery.pid))
    return Watched(ending, peak, peak > limit, _ended_by_system() > starved, filled)


def _ended_by_system() -> int:
    """How many processes the system has ended so far because it had no memory left."""
    _, _, after = Path("/proc/vmstat").read_bytes().partition(b"\noom_kill ")
    return int(after.split(b"\n", 1)[0] or 0)
