"""Where runs are forked from: small processes without secrets or connections, which have imported what jobs share.

The template is forked from the worker before that imports Celery. Each child of the worker gets a nursery of its own,
forked from the template, and its runs are forked from the nursery, each before it is needed: so a task need not wait
for its process, which inherits nothing but the jobs. When a child dies, however it dies, its nursery notices, ends the
run with all that it has started, and goes.
"""

import gc
import json
import os
import select
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from core import fence, processes
from core.files import Files
from core.registry import Job
from core.worker import libraries, run
from core.worker.outcome import Order

LONGEST = 1 << 10  # bytes of a message


class Ended(NamedTuple):
    """What the nursery says of a run: exit code or minus the signal, and the most memory (bytes) of one process."""

    code: int
    peak: int


@dataclass
class Nursery:
    """A nursery as its child of the worker sees it. It ends when `talk` is closed."""

    pid: int
    talk: socket.socket
    orders: socket.socket
    runs: int = 0

    def is_alive(self) -> bool:
        """To be asked between two runs, when it has nothing to say."""
        return not select.select([self.talk], [], [], 0)[0]

    def close(self) -> None:
        self.talk.close()
        self.orders.close()

    def begin(self, order: Order, papers: run.Papers) -> None:
        order.write(papers.paper)
        socket.send_fds(self.orders, [b"run"], [*papers])

    def finish(self) -> Ended:
        """End the run that has begun, with all that it has started, or find out how it has ended by itself."""
        if not select.select([self.talk], [], [], 0)[0]:
            self.talk.send(str(self.runs).encode())
        self.runs += 1
        said = self.talk.recv(LONGEST)
        return Ended(*json.loads(said)) if said else Ended(-signal.SIGKILL, 0)  # its runs have died with it


class Template(NamedTuple):
    """The way to ask for a nursery; the children of the worker inherit it."""

    pid: int
    ask: socket.socket

    @classmethod
    def begin(cls, jobs: Mapping[str, Job], files: Files) -> "Template":
        """Fork the template from this process. It ends with this process."""
        ours, theirs = _pair()
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            ours.close()
            _make_nurseries(parent, theirs, jobs, files)
        theirs.close()
        return cls(pid, ours)

    def nursery(self) -> Nursery:
        """A new nursery. OSError if the template is gone."""
        (talk, talk_there), (orders, orders_there) = _pair(), _pair()
        socket.send_fds(self.ask, [b"nursery"], [talk_there.fileno(), orders_there.fileno()])
        talk_there.close()
        orders_there.close()
        if not (pid := talk.recv(LONGEST)):
            raise ConnectionResetError
        return Nursery(int(pid), talk, orders)


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _make_nurseries(parent: int, asked: socket.socket, jobs: Mapping[str, Job], files: Files) -> NoReturn:
    os.setsid()  # what a terminal tells the worker is none of its business
    processes.die_with_parent(parent, signal.SIGKILL)
    fence.hide_secrets()
    gc.freeze()  # the collector leaves alone what is here, so that all forks go on sharing it
    while True:
        message, sockets, *_ = socket.recv_fds(asked, LONGEST, 2)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            asked.close()
            talk, orders = (socket.socket(fileno=number) for number in sockets)
            _serve(talk, orders, jobs, files)
        for number in sockets:
            os.close(number)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _serve(talk: socket.socket, orders: socket.socket, jobs: Mapping[str, Job], files: Files) -> NoReturn:
    processes.adopt()
    processes.offer_to_kill()
    talk.send(str(os.getpid()).encode())
    count = 0
    while True:
        note = os.memfd_create("note")
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            run.live(orders, note, parent, jobs, files)
        is_alone = _wait(pid, talk, count)
        _, status, used = os.wait4(pid, 0)
        if processes.children():
            processes.end_strays(set())
        if is_alone:
            os._exit(0)
        if imported := os.pread(note, os.fstat(note).st_size, 0):  # or else the process had no order yet
            count += 1
            talk.send(json.dumps(Ended(os.waitstatus_to_exitcode(status), used.ru_maxrss << 10)).encode())
            libraries.share(imported)
        os.close(note)


def _wait(pid: int, talk: socket.socket, count: int) -> bool:
    """Wait until the process has ended, or end it if that is wanted. Whether the worker's child is gone."""
    end = os.pidfd_open(pid)
    said = str(count).encode()
    while True:
        ready, _, _ = select.select([end, talk.fileno()], [], [])
        if end in ready:
            break
        said = talk.recv(LONGEST)
        if said in (b"", str(count).encode()):  # another number is that of a run that has ended by itself meanwhile
            processes.end(pid)
            break
    os.close(end)
    return not said
