"""A process in which files are imported one after another, with little memory and without a way to the outside."""

import os
import resource
import signal
import socket
import time
import traceback
from typing import NoReturn

from core import fence, processes
from core.job_files import harm, reading
from core.job_files.problem import JobFileError

Verdict = tuple[str, str]  # what is wrong with a file, and a traceback for the log; both may be empty
FINE: Verdict = ("", "")
MEMORY_MB = 1024
WORK = 3  # s of a processor's time, begun ones included: the kernel counts whole ones, of all files of a lane
WRITTEN = 1 << 20  # bytes that a file may print or write to another file
TRACE = 5000  # characters of a traceback
ANSWER = 1 << 16  # bytes, at most
BETWEEN = "\0"  # and no JSON: a file may have replaced parts of that
CLOSED, HARMED = 74, 70  # exit codes of a lane that cannot answer any more


def fork(package: str, functions: harm.Functions) -> tuple[int, socket.socket]:
    """The process and the way to talk with it: send a file's name, receive its verdict as two texts with `BETWEEN`."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        ours.close()
        _serve(parent, package, theirs, functions)
    theirs.close()
    return pid, ours


def _serve(parent: int, package: str, talk: socket.socket, functions: harm.Functions) -> NoReturn:
    me, code, end = os.getpid(), HARMED, os._exit
    processes.die_with_parent(parent, signal.SIGKILL)
    os.setsid()  # a file that signals its whole group reaches nobody else
    processes.adopt()
    processes.confine(MEMORY_MB)
    fence.raise_fence()
    printed = os.memfd_create("printed")
    for standard in (1, 2):
        os.dup2(printed, standard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
    before = harm.state(talk.fileno())
    try:
        while name := os.fsdecode(talk.recv(1000)):
            os.ftruncate(printed, 0)
            os.lseek(printed, 0, os.SEEK_SET)
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + WORK, resource.RLIM_INFINITY))
            problem, trace = _verdict(package, name)
            problem = (
                harm.replaced(functions) or _flooded(printed) or problem or harm.done(before, harm.state(talk.fileno()))
            )
            if os.getpid() == me:  # or else the file has forked, and this is its copy
                talk.send(f"{problem}{BETWEEN}{trace}".encode(errors="replace"))
        code = 0
    except OSError:
        code = CLOSED
    finally:
        end(code)


def _flooded(printed: int) -> str:
    return "prints too much when it is imported: more than 1 MB." if os.fstat(printed).st_size >= WRITTEN else ""


def _verdict(package: str, name: str) -> Verdict:
    try:
        reading.load(package, name)
    except JobFileError as error:
        processes.reserve(use=True)  # the file may have used up the rest
        trace = "".join(traceback.format_exception(error.__cause__)) if error.__cause__ else ""
        return error.problem, trace[-TRACE:]
    return FINE
