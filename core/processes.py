"""Processes of this machine: a run ends with all that it started, and is the first to be killed if memory runs out."""

import ctypes
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

import psutil

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
M_ARENA_MAX = -8
REAP_SECONDS = 3.0  # more than a killed process needs to give back its memory
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
    """Limit the private memory that this process, and each that it starts, may take beyond what it has already.

    A job that needs more gets a MemoryError. RLIMIT_DATA counts private writable mappings and the stacks of threads.
    RLIMIT_AS would also count mapped files and address space that is only reserved.
    """
    limit = (megabytes << 20) + _private_memory()
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit + RESERVE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _private_memory() -> int:
    with open("/proc/self/statm", "rb", buffering=0) as sizes:  # noqa: PTH123  # touches the least memory
        return int(sizes.read().split()[5]) * resource.getpagesize()


def offer_to_kill() -> None:
    """Let the kernel end this process and those that it starts first if memory runs out, before API and Redis."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def limit_files(size: int) -> None:
    """No file that this process, or one that it starts, writes can grow beyond so many bytes: the write fails."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def reserve(*, use: bool) -> None:
    """Open the reserve after a MemoryError, or close it again."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_DATA, (hard if use else hard - RESERVE, hard))


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """TimeoutError in Python code that takes longer. Only the main thread gets signals; elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGALRM, _too_late)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def _too_late(*_: object) -> NoReturn:
    raise TimeoutError


def children() -> set[int]:
    """The children of this process; to have none costs one call of the system."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return set()
    return {child.pid for child in psutil.Process().children()}


def family(pid: int) -> list[int]:
    """A process and all that it has started; empty if it has ended."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process.pid, *(child.pid for child in process.children(recursive=True))]
    return []


def everybody() -> list[int]:
    """Every process of this machine."""
    return psutil.pids()


def memory_of(pid: int) -> int:
    """The bytes that a process holds in memory; what it shares with others counts in parts (PSS). 0 if it has ended."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        used: int = psutil.Process(pid).memory_full_info().pss
        return used
    return 0


def resident(pid: int) -> int:
    """The bytes that a process holds in memory, all that it shares included. 0 if it has ended."""
    with suppress(psutil.NoSuchProcess):
        used: int = psutil.Process(pid).memory_info().rss
        return used
    return 0


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
    strays = [child for child in me.children() if child.pid not in keep]
    psutil.wait_procs(strays, timeout=REAP_SECONDS)  # zombies until somebody asks for their exit codes


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
    _libc().prctl(option, value)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
