"""How much memory a run uses: all of its processes together, shared memory and files in /dev/shm included."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

SHARED = Path("/dev/shm")  # noqa: S108  # not a temporary file of ours: the place is the point

Identity = tuple[int, int]  # device and inode


def of_run(pid: int, before: set[Identity], *, alone: bool) -> int:
    """The bytes that the process and all that it has started hold in memory.

    Memory that several processes share counts once (PSS). Files in memory that nobody has mapped count as well: those
    that the run has open and, if no other run is `alone` to blame, those in /dev/shm that were not there `before` it.
    """
    total, mapped, files = 0, set[int](), dict[Identity, int]()
    for process in _family(pid):
        with suppress(psutil.Error, OSError):  # it has just ended
            total += process.memory_full_info().pss
            mapped |= set(_mapped(process.pid))
            files.update(_open(process.pid))
    if alone:
        files.update({identity: size for identity, (_, size) in shared_files().items() if identity not in before})
    return total + sum(size for (_, inode), size in files.items() if inode not in mapped)


def shared_files() -> dict[Identity, tuple[Path, int]]:
    """This user's files in /dev/shm: their paths and the bytes that they take."""
    found = {}
    for path in SHARED.rglob("*"):
        with suppress(OSError):
            state = path.lstat()
            if state.st_uid == os.geteuid():
                found[state.st_dev, state.st_ino] = (path, state.st_blocks * 512)
    return found


def remove_shared(before: set[Identity]) -> None:
    """Remove what was not in /dev/shm `before`."""
    for identity, (path, _) in sorted(shared_files().items(), key=lambda item: item[1][0], reverse=True):
        if identity not in before:
            with suppress(OSError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def is_alone(folder: int) -> bool:
    """Whether no other run holds a shared lock on the folder (a descriptor); this run's own lock is kept."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(folder, fcntl.LOCK_SH)  # a failed change of a lock may have lost it
        return False
    fcntl.flock(folder, fcntl.LOCK_SH)
    return True


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _mapped(pid: int) -> Iterator[int]:
    """The inodes of files in memory that a process has mapped: their PSS is counted already."""
    for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
        words = line.split(maxsplit=5)
        if len(words) > 5 and words[5].startswith((f"{SHARED}/", "/memfd:")):
            yield int(words[4])


def _open(pid: int) -> Iterator[tuple[Identity, int]]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if str(entry.readlink()).startswith((f"{SHARED}/", "/memfd:")):
                state = entry.stat()
                if stat.S_ISREG(state.st_mode):
                    yield (state.st_dev, state.st_ino), state.st_blocks * 512
