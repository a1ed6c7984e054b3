"""One run: what the worker sees of it, and its process, which is fenced off and has only what its job needs."""

import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from pydantic import ValidationError

from core import fence, processes
from core.files import Files
from core.registry import Job
from core.worker import libraries, outcome
from core.worker.board import Board
from core.worker.outcome import Order, Outcome

if TYPE_CHECKING:
    from core.worker.nursery import Nursery

CHUNK = 1 << 16
LEAST = 16 << 20  # bytes that a file may have whatever the disk says: the result is one, too


class Papers(NamedTuple):
    """The files that a run shares with the worker: first its order and then its outcome, its board, its output."""

    paper: int
    board: int
    printed: int


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
    """The worker's view of a run."""

    nursery: "Nursery"
    board: Board
    _paper: int
    _output: int

    def __post_init__(self) -> None:
        self._signs = [self.nursery.talk.fileno(), self._output]

    @classmethod
    def start(cls, order: Order, nursery: "Nursery") -> "Run":
        paper, board, (output, printed) = os.memfd_create("paper"), Board.new(), os.pipe()
        os.set_blocking(output, False)
        nursery.begin(order, Papers(paper, board.file, printed))
        os.close(printed)
        return cls(nursery, board, paper, output)

    def wait(self, seconds: float) -> tuple[bool, bytes]:
        """Wait for the end or for output, `seconds` at most: whether the process has ended, and what was printed."""
        ready, _, _ = select.select(self._signs, [], [], seconds)
        printed = self._read() if self._output in ready else b""
        if self._output in ready and not printed:  # closed, which select would report without end
            self._signs.remove(self._output)
            return self.wait(seconds)
        return self._signs[0] in ready, printed

    def finish(self) -> Ending:
        """End what is left of the run and all that it started; call it once, whatever has happened."""
        code, peak = self.nursery.finish()
        try:
            found = Outcome.model_validate_json(os.pread(self._paper, os.fstat(self._paper).st_size, 0))
        except ValidationError:
            found = None
        printed = b"".join(iter(self._read, b""))
        for number in (self._paper, self._output):
            os.close(number)
        self.board.close()
        return Ending(found, code, printed, peak)

    def _read(self) -> bytes:
        try:
            return os.read(self._output, CHUNK)
        except BlockingIOError:
            return b""


def live(orders: socket.socket, note: int, parent: int, jobs: Mapping[str, Job], files: Files) -> NoReturn:
    """The whole life of a run's process, which has just been forked from the nursery and has no order yet.

    In `note` it leaves for the nursery that it has got its order, and what it has imported.
    """
    try:
        _become(parent, orders.fileno(), note)
        message, numbers, *_ = socket.recv_fds(orders, 16, len(Papers._fields))
        if not message:  # the worker's child is gone
            os._exit(0)
        os.pwrite(note, libraries.note([]), 0)
        papers = Papers(*numbers)
        order, board = Order.read(papers.paper, jobs, files), Board.of(papers.board)
        fence.replace([orders.fileno(), papers.board])
        _settle(order, papers)
        me, before = os.getpid(), len(sys.modules)
        done = outcome.of(order, board.write)
        if os.getpid() == me:  # a process that the job has forked may come here, too
            with suppress(Exception):
                sys.stdout.flush()
            os.pwrite(note, libraries.note(libraries.imported_since(before)), 0)
            os.pwrite(papers.paper, done.model_dump_json().encode(), 0)
    except BaseException:  # noqa: BLE001  # os._exit must be reached
        with suppress(BaseException):
            os.write(2, traceback.format_exc().encode(errors="replace"))
        os._exit(70)
    os._exit(0)


def _become(parent: int, *keep: int) -> None:
    """What can be done before the order is known."""
    processes.die_with_parent(parent, signal.SIGKILL)
    os.setsid()
    fence.leave_files(2, *keep)
    fence.raise_fence()


def _settle(order: Order, papers: Papers) -> None:
    os.dup2(papers.printed, 1)
    os.dup2(papers.printed, 2)
    fence.replace([papers.printed])
    os.ftruncate(papers.paper, 0)
    for stream in (sys.__stdout__, sys.__stderr__):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # they are what Python opened
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    processes.confine(order.memory_mb)
    processes.limit_files(max(order.room, LEAST))
    os.environ["TMPDIR"] = os.environ["JOBLIB_TEMP_FOLDER"] = str(order.folder)
    if "tempfile" in sys.modules:
        vars(sys.modules["tempfile"])["tempdir"] = None  # it remembers the folder that it has found first
    os.chdir(order.folder)
