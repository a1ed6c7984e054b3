"""Processes of this machine: a run ends with all that it started, and is the first to die when memory is short."""

import ctypes
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
M_ARENA_MAX = -8
RESERVE = 64 << 20  # bytes with which a run that is out of memory can still say so


def die_with_parent() -> None:
    """SIGTERM when the parent dies, be it by kill -9."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def adopt() -> None:
    """Become the parent of each process below that loses its own, so that none can slip away."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def share_heap() -> None:
    """All threads of this process take their memory from one heap.

    By itself glibc opens up to eight heaps a core, and what threads leave behind in each of them adds up.
    """
    with suppress(AttributeError):  # other C libraries have one heap and no such word
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def confine(megabytes: int) -> None:
    """Bound the private memory of this process: beyond it a job sees a MemoryError.

    RLIMIT_DATA counts what is mapped to be written by this process alone, and the stacks of its threads. RLIMIT_AS
    would also count mapped files and address space that is only reserved.
    """
    limit = megabytes << 20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit + RESERVE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Path("/proc/self/oom_score_adj").write_text("1000")  # the kernel's first choice, before API and Redis
    adopt()
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # none of them may look like an error of the job


def reserve(*, use: bool) -> None:
    """Open the reserve after a MemoryError, and close it again."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_DATA, (hard if use else hard - RESERVE, hard))


def end(pid: int) -> None:
    """Kill -9 a process and all that it has started. It is stopped first, so that it starts no more."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        _end(pid, keep=set())
        os.kill(pid, signal.SIGKILL)


def end_strays(keep: set[int]) -> None:
    """Kill -9 every child of this process that is not in `keep`, and all that it has started.

    Whoever has called `adopt` gets the children of the dead.
    """
    me = os.getpid()
    _end(me, keep)
    for pid, parent, state in _processes():
        if parent == me and state == "Z" and pid not in keep:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _end(pid: int, keep: set[int]) -> None:
    told = {*keep}
    while victims := [victim for victim in _descendants(pid, keep) if victim not in told]:
        for victim in victims:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(victim, signal.SIGKILL)
        told.update(victims)


def _descendants(pid: int, keep: set[int]) -> list[int]:
    processes = [(child, parent) for child, parent, state in _processes() if state not in "ZX"]
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in processes if parent == ancestor and child not in keep]
    return found[1:]


def _processes() -> Iterator[tuple[int, int, str]]:
    """Id, parent's id and state of every process."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            state, parent = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            yield int(folder.name), int(parent), state


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value)
