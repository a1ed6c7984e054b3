"""How much memory a run uses: all of its processes together, shared memory and files in /dev/shm included."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from core import processes

SHARED = Path("/dev/shm")  # noqa: S108  # not a temporary file of ours: the place is the point
IN_MEMORY = (f"{SHARED}/", "/memfd:")

Identity = tuple[int, int]  # device and inode


def of_run(members: Iterable[int], before: set[str], *, alone: bool) -> int:
    """The bytes that these processes hold in memory.

    Memory that several processes share counts once (PSS). Files in memory that nobody has mapped count as well: those
    that the run has open and, if the run is `alone`, those in /dev/shm that were not there `before` it.
    """
    total, mapped, files = 0, set[Identity](), dict[Identity, int]()
    for member in members:
        total += processes.memory_of(member)
        mapped |= set(_mapped(member))
        files.update(_open(member))
    left = _unused(shared_names() - before) if alone else {}
    sizes = {**files, **{identity: size for identity, (_, size) in left.items()}}
    return total + sum(size for identity, size in sizes.items() if identity not in mapped)


def shared_names() -> set[str]:
    """What lies in /dev/shm."""
    try:
        return set(os.listdir(SHARED))  # noqa: PTH208  # names are enough
    except OSError:
        return set()


def remove_shared(before: set[str], notes: Path, alone: Callable[[], bool]) -> None:
    """Remove what a run that is over has left in /dev/shm: what was not there `before` and no living process uses.

    While other runs are under way it may be theirs, so it is noted, and removed by the next run that ends `alone`.
    """
    new = shared_names() - before
    if not new and not notes.exists():
        return
    if not alone():
        with notes.open("a", errors="surrogateescape") as file:
            file.writelines(f"{name}\n" for name in new)
        return
    noted = notes.read_text(errors="surrogateescape").splitlines() if notes.exists() else []
    left = new | (shared_names() & set(noted))
    for path, _ in sorted(_unused(left).values(), reverse=True):  # what is in a folder before the folder
        with suppress(OSError):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    notes.unlink(missing_ok=True)


def is_alone(folder: int) -> bool:
    """Whether no other run holds a shared lock on the folder (a descriptor); this run's own lock is kept."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(folder, fcntl.LOCK_SH)  # a failed change of a lock may have lost it
        return False
    fcntl.flock(folder, fcntl.LOCK_SH)
    return True


def _unused(names: set[str]) -> dict[Identity, tuple[Path, int]]:
    """What has these names in /dev/shm, with its size, if no process has it mapped or open: others work there, too."""
    new = {}
    for name in names:
        for path in (SHARED / name, *(SHARED / name).rglob("*")):
            with suppress(OSError):
                state = path.lstat()
                if state.st_uid == os.geteuid():
                    new[state.st_dev, state.st_ino] = (path, state.st_blocks * 512)
    if new:
        for pid in processes.everybody():
            for identity in [*_mapped(pid), *dict(_open(pid))]:
                new.pop(identity, None)
    return new


def _mapped(pid: int) -> Iterator[Identity]:
    """The files in memory that a process has mapped: its PSS counts them already."""
    with suppress(OSError):  # it has just ended, or is somebody else's
        for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
            words = line.split(maxsplit=5)
            if len(words) > 5 and words[5].startswith(IN_MEMORY):
                major, minor = (int(number, 16) for number in words[3].split(":"))
                yield os.makedev(major, minor), int(words[4])


def _open(pid: int) -> Iterator[tuple[Identity, int]]:
    """The files in memory that a process has open, and the bytes that they take."""
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if str(entry.readlink()).startswith(IN_MEMORY):
                state = entry.stat()
                if stat.S_ISREG(state.st_mode):
                    yield (state.st_dev, state.st_ino), state.st_blocks * 512
