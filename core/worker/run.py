"""The process of one run: forked from the worker's child, fenced off, and at its end gone with all that it started."""

import multiprocessing
import os
import select
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from pydantic import ValidationError

from core import fence, processes
from core.worker import libraries, outcome
from core.worker.board import Board
from core.worker.outcome import Order, Outcome

OURS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM, signal.SIGUSR1)
CHUNK = 1 << 16
LEAST = 16 << 20  # bytes that a file may have whatever the disk says: the result is one, too


class Ending(NamedTuple):
    """How a run's process ended: its outcome (None if it died before), its exit code or minus its signal.

    `printed` is the output that was not read yet, `peak` the most memory (bytes) that one of its processes has used.
    """

    outcome: Outcome | None
    code: int
    printed: bytes
    peak: int


@dataclass
class Run:
    """The worker's view of the process."""

    pid: int
    board: Board
    _end: int
    _outcome: int
    _output: int
    _others: set[int]  # children of this process that are not the run's

    def __post_init__(self) -> None:
        self._signs = [self._end, self._output]

    @classmethod
    def start(cls, order: Order) -> "Run":
        board, result, others = Board(), os.memfd_create("outcome"), processes.children()
        output, printed = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _live(order, board, parent, result, printed)
        os.close(printed)
        os.set_blocking(output, False)
        return cls(pid, board, os.pidfd_open(pid), result, output, others)

    def wait(self, seconds: float) -> tuple[bool, bytes]:
        """Wait for the end or for output, `seconds` at most: whether the process has ended, and what was printed."""
        ready, _, _ = select.select(self._signs, [], [], seconds)
        printed = self._read() if self._output in ready else b""
        if self._output in ready and not printed:  # closed, which select would report without end
            self._signs.remove(self._output)
            return self.wait(seconds)
        return self._end in ready, printed

    def finish(self) -> Ending:
        """End what is left of the run and all that it started; call it once, whatever has happened."""
        if not select.select([self._end], [], [], 0)[0]:
            processes.end(self.pid)
        _, status, used = os.wait4(self.pid, 0)
        if processes.children() - self._others:
            processes.end_strays(self._others)
        try:
            found = Outcome.model_validate_json(os.pread(self._outcome, os.fstat(self._outcome).st_size, 0))
        except ValidationError:
            found = None
        printed = b"".join(iter(self._read, b""))
        for number in (self._end, self._outcome, self._output):
            os.close(number)
        self.board.close()
        return Ending(found, os.waitstatus_to_exitcode(status), printed, used.ru_maxrss << 10)

    def _read(self) -> bytes:
        try:
            return os.read(self._output, CHUNK)
        except BlockingIOError:
            return b""


def _live(order: Order, board: Board, parent: int, result: int, printed: int) -> NoReturn:
    """The whole life of the forked process, which never returns into the worker's code."""
    try:
        _become(order, parent, result, printed)
        me, before = os.getpid(), len(sys.modules)
        done = outcome.of(order, board.write)
        if os.getpid() == me:  # a process that the job has forked may come here, too
            done.imported = libraries.imported_since(before)
            with suppress(Exception):
                sys.stdout.flush()
            os.pwrite(result, done.model_dump_json().encode(), 0)
    except BaseException:  # noqa: BLE001  # os._exit must be reached
        with suppress(BaseException):
            os.write(2, traceback.format_exc().encode(errors="replace"))
        os._exit(70)
    os._exit(0)


def _become(order: Order, parent: int, result: int, printed: int) -> None:
    processes.die_with_parent(parent, signal.SIGKILL)
    os.setsid()
    for number in OURS:
        signal.signal(number, signal.SIG_DFL)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    fence.leave_files(1, 2, result)
    for stream in (sys.__stdout__, sys.__stderr__):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # they are what Python opened
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__  # Celery has put its own in their place
    multiprocessing.current_process().daemon = False
    processes.confine(order.memory_mb)
    processes.limit_files(max(order.room, LEAST))
    fence.raise_fence()
    os.environ["TMPDIR"] = os.environ["JOBLIB_TEMP_FOLDER"] = str(order.folder)
    tempfile.tempdir = None
    os.chdir(order.folder)
