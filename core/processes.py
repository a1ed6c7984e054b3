"""Processes of this machine: a run ends with all that it started, and is the first to be killed if memory runs out."""

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import psutil

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
M_ARENA_MAX = -8
RESERVE = 64 << 20  # bytes that let a run report that it is out of memory


def die_with_parent(parent: int, how: signal.Signals) -> None:
    """Get this signal when `parent`, the process that has forked this one, dies, even by kill -9.

    For a child that has just been forked: handlers that it has inherited would swallow the signal.
    """
    if how != signal.SIGKILL:
        signal.signal(how, signal.SIG_DFL)
    _prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:  # it died before the kernel was told
        os.kill(os.getpid(), how)


def end_within(seconds: int) -> None:
    """Let the kernel end this process if it has not ended by then, whatever it hangs in."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def adopt() -> None:
    """Become the parent of every descendant that loses its own parent, so that none can escape."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def open_many_files() -> None:
    """Let this process have as many open files and connections as the system allows. By default, it is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def share_heap() -> None:
    """Let all threads of this process take their memory from one heap.

    By default glibc opens up to eight heaps per core, and the memory that stays unused in each of them adds up.
    """
    with suppress(AttributeError):  # other C libraries have one heap and no mallopt
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def confine(megabytes: int) -> None:
    """Limit the private memory of this process: a job that needs more gets a MemoryError.

    RLIMIT_DATA counts private writable mappings and the stacks of threads. RLIMIT_AS would also count mapped files and
    address space that is only reserved.
    """
    limit = megabytes << 20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit + RESERVE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Path("/proc/self/oom_score_adj").write_text("1000")  # the kernel kills it first, before the API and Redis
    adopt()
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # or a handler could make it look like an error of the job


def reserve(*, use: bool) -> None:
    """Open the reserve after a MemoryError, or close it again."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_DATA, (hard if use else hard - RESERVE, hard))


def end(pid: int) -> None:
    """Kill -9 a process and all that it has started. It is stopped first, so that it starts nothing more."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.suspend()
        _end_below(process, keep=set())
        process.kill()


def end_strays(keep: set[int]) -> None:
    """Kill -9 every child of this process that is not in `keep`, and all that it has started.

    A process that has called `adopt` also gets the children that its dead descendants leave behind.
    """
    me = psutil.Process()
    _end_below(me, keep)
    for child in me.children():
        if child.pid not in keep:
            with suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)  # a zombie until somebody asks for its exit code


def _end_below(process: psutil.Process, keep: set[int]) -> None:
    """Repeated until nothing new is found: a process may start others until it is dead."""
    killed: set[psutil.Process] = set()
    while victims := _descendants(process, keep) - killed:
        for victim in victims:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                victim.kill()
        killed |= victims


def _descendants(process: psutil.Process, keep: set[int]) -> set[psutil.Process]:
    found = {child for child in process.children() if child.pid not in keep}
    for child in list(found):
        with suppress(psutil.NoSuchProcess):  # then its children are ours, or nobody's
            found.update(child.children(recursive=True))
    return found


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value)
