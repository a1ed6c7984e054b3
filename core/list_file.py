"""The file behind the list of active users: one lock between threads and processes, and atomic replacement."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fasteners import InterProcessLock
from pydantic import TypeAdapter

from core.errors import ListBusy, ListUnavailable

log = logging.getLogger(__name__)

Users = dict[str, str]
USERS = TypeAdapter(Users)
DAMAGED = ".damaged-"
LOCK_SECONDS = 1.3  # others may wait for Redis under the lock; every caller still gets an answer within 3 s


@dataclass
class ListFile:
    """Readers need no lock: they see one list or the next.

    ListUnavailable if the disk fails, ListBusy if others hold the lock too long.
    There is no fsync: after a power cut the boot id has changed, and the list is emptied anyway.
    """

    path: Path
    _threads: threading.Lock = field(default_factory=threading.Lock)
    _seen: tuple[int, Users] = (0, {})

    def read(self) -> Users:
        """The list. A damaged file counts as empty; the next writer sets it aside."""
        try:
            written = self.path.stat().st_mtime_ns
            if self._seen[0] != written:  # most submissions find it unchanged
                self._seen = written, USERS.validate_json(self.path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        except OSError as error:
            raise ListUnavailable(error.strerror) from error
        return self._seen[1]

    def damaged(self) -> list[str]:
        """The names of the lists that were damaged and are set aside, oldest first."""
        return sorted(path.name for path in self.path.parent.glob(f"{self.path.name}{DAMAGED}*"))

    @contextmanager
    def locked(self) -> Iterator[Users]:
        """The list, while nobody else can change it."""
        # A POSIX lock belongs to a process, not to a thread: hence two locks. The lock file stands beside the list,
        # because the list itself is replaced, and a lock on the old file would keep nobody out.
        end = time.monotonic() + LOCK_SECONDS
        lock = InterProcessLock(self.beside(".lock"))
        if not self._threads.acquire(timeout=LOCK_SECONDS):
            raise ListBusy
        try:
            with _told():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if not lock.acquire(delay=0.001, max_delay=0.01, timeout=max(0, end - time.monotonic())):
                    # The garbage collector would close it later, and that releases this process's lock on the file.
                    lock.lockfile.close()
                    raise ListBusy
            try:
                yield self._read_or_set_aside()
            finally:
                lock.release()
        finally:
            self._threads.release()

    def _read_or_set_aside(self) -> Users:
        with _told():
            try:
                return USERS.validate_json(self.path.read_bytes())
            except FileNotFoundError:
                return {}
            except ValueError:
                aside = self.beside(f"{DAMAGED}{time.time_ns()}")
                self.path.replace(aside)
                log.exception("The list of active users was damaged. It is set aside as %s.", aside)
                return {}

    def replace(self, path: Path, content: object) -> None:
        """Write the list, or a file beside it; under the lock."""
        part = self.beside(".part")  # one name is enough under the lock; a kill -9 leaves at most one file behind
        with _told():
            part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            # Readers notice a new list by its mtime, and the kernel's clock for that ticks only every few ms.
            os.utime(part, ns=(time.time_ns(), time.time_ns()))
            part.replace(path)

    def beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)


@contextmanager
def _told() -> Iterator[None]:
    """An error of the disk, or of what the lock library makes of it, says so."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise ListUnavailable(getattr(error, "strerror", None) or str(error)) from error
