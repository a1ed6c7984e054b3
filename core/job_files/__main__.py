"""`python -m core.job_files PACKAGE`: the examiner, which tries every file and prints the verdicts as JSON.

It forks lanes. A lane imports one file after another, so that the files share what they import. Whatever does harm ends
its lane, and another lane goes on with the next file.
"""

import json
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from pydantic import TypeAdapter

from core import processes
from core.job_files import harm, lane, reading
from core.job_files.lane import FINE, Verdict

LIMIT = 6.0  # s that the import of one file may take, however busy the machine is
SLOW = 0.25  # s after which the other files no longer wait for those that are being imported
LANES = 8
TOO_SLOW = (
    f"takes too long to import: more than {LIMIT:.0f} s, or {lane.WORK - 1} s of a processor's time. "
    "Move slow work and heavy imports into the function."
)


@dataclass
class Lane:
    """The process that has the file `name` until the time `until`. `pid` is 0 once it has died."""

    pid: int
    talk: socket.socket
    name: str = ""
    until: float = 0.0

    def take(self, name: str) -> None:
        self.name, self.until = name, time.monotonic() + LIMIT
        with suppress(OSError):  # it has just died; the next look tells how
            self.talk.send(os.fsencode(name))

    def verdict(self, heard: list[socket.socket]) -> Verdict | None:
        """None while it is still at work."""
        if self.talk in heard and (answer := self.talk.recv(lane.ANSWER)):
            problem, _, trace = answer.decode().partition(lane.BETWEEN)
            return problem, trace
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.pid = 0
            return _ended(os.waitstatus_to_exitcode(status)), ""
        return (TOO_SLOW, "") if time.monotonic() > self.until else None

    def close(self) -> None:
        self.talk.close()
        if self.pid:
            processes.end(self.pid)


def _ended(code: int) -> str:
    if code == -signal.SIGXCPU:
        return TOO_SLOW
    if code == lane.CLOSED:
        return "closes files that it did not open."
    if code == lane.HARMED:
        return "replaces something that other jobs use."
    return f"ends the process that imports it (exit code {code})."


def examine(package: str) -> dict[str, Verdict]:
    """Files that hang do so side by side, so that each of them delays the others by no more than `SLOW`."""
    waiting, lanes, stuck = deque(reading.names_in(package)), list[Lane](), True
    verdicts: dict[str, Verdict] = {}
    TypeAdapter(int).json_schema()  # what pydantic imports when it is first used, it imports once for all lanes
    before = harm.functions()
    while waiting or lanes:
        if waiting and stuck and len(lanes) < LANES:
            lanes.append(Lane(*lane.fork(package, before)))
            lanes[-1].take(waiting.popleft())
        heard, _, _ = select.select([each.talk for each in lanes], [], [], SLOW)
        at_work = list(lanes)
        for each in at_work:
            if (verdict := each.verdict(heard)) is None:
                continue
            verdicts[each.name] = verdict
            if waiting and verdict == FINE:
                each.take(waiting.popleft())
            else:
                lanes.remove(each)
                each.close()
        stuck = not heard or len(lanes) < len(at_work)
    processes.end_strays(set())
    return verdicts


if __name__ == "__main__":
    processes.die_with_parent(os.getppid(), signal.SIGKILL)
    processes.adopt()
    sys.stdout.write(json.dumps(examine(sys.argv[1])))
