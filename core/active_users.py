"""The list of active users: one JSON file, one lock between threads and processes, replaced atomically."""

import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from fasteners import InterProcessLock
from pydantic import TypeAdapter

from core.errors import ListBusy

log = logging.getLogger(__name__)

T = TypeVar("T")
Users = dict[str, str]
USERS = TypeAdapter(Users)
FORMAT = "%Y/%m/%d %H:%M"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
LOCK_SECONDS = 1.3  # others may wait for Redis under the lock; every caller still gets an answer within 3 s


@dataclass(frozen=True)
class Start:
    """One start of the core as a whole: its id, and the machine's boot id."""

    id: str
    boot: str


@dataclass
class ActiveUsers:
    """`{"user1": "2023/12/21 18:58"}`, local time in `zone`. Readers need no lock: they see one file or the next.

    There is no fsync: after a power cut the boot id has changed, and the list is emptied anyway.
    """

    path: Path
    zone: ZoneInfo
    stale_hours: float
    _threads: threading.Lock = field(default_factory=threading.Lock)
    _seen: tuple[int, Users] = (0, {})

    def begin(self, boot: str, *, anew: bool = False) -> Start:
        """The current start of the core. The first call after a boot, and one with `anew`, empties the list."""
        marker = self._beside(".start")
        with self._locked():
            try:
                start = Start(**json.loads(marker.read_text()))
            except (OSError, ValueError, TypeError):
                start = None
            if start and start.boot == boot and not anew:
                return start
            start = Start(uuid.uuid4().hex, boot)
            self._replace(self.path, {})
            self._replace(marker, asdict(start))
            return start

    def read(self) -> Users:
        """The list. A damaged file counts as empty; the next writer sets it aside."""
        try:
            written = self.path.stat().st_mtime_ns
            if self._seen[0] != written:  # most submissions find it unchanged
                self._seen = written, USERS.validate_json(self.path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return self._seen[1]

    def add(self, user: str, check: Callable[[], None] = lambda: None) -> Users:
        """Put the user on the list, or renew their time. `check` runs under the list's lock, and may raise."""

        def put(users: Users) -> Users:
            check()
            return {**users, user: self._now()}

        return self._change(put)

    def note(self, user: str) -> None:
        """As `add`, for a task that has been accepted: if the list cannot be written, that is only logged."""
        try:
            self.add(user)
        except (ListBusy, OSError):
            log.exception("The list of active users could not be written.")

    def remove(self, user: str) -> Users:
        return self._change(lambda users: {name: at for name, at in users.items() if name != user})

    def is_fresh(self, user: str) -> bool:
        """Whether `add` would change nothing."""
        return self.read().get(user) == self._now()

    def while_others(self, user: str, decide: Callable[[list[str]], T]) -> T:
        """Call `decide` with the other users whose entry is not stale, while nobody can join."""
        with self._locked() as users:
            return decide([name for name, at in users.items() if name != user and not self._is_stale(at)])

    def stale(self, users: Users) -> list[str]:
        """Those whose entry is too old to hold the core."""
        return [name for name, at in users.items() if self._is_stale(at)]

    def _now(self) -> str:
        return datetime.now(self.zone).strftime(FORMAT)

    def _is_stale(self, at: str) -> bool:
        try:
            since = datetime.strptime(at, FORMAT).replace(tzinfo=self.zone)
        except ValueError:
            return True
        return datetime.now(self.zone) - since > timedelta(hours=self.stale_hours)

    def _change(self, change: Callable[[Users], Users]) -> Users:
        with self._locked() as users:
            changed = change(users)
            if changed != users:
                self._replace(self.path, changed)
            return changed

    @contextmanager
    def _locked(self) -> Iterator[Users]:
        # A POSIX lock belongs to a process, not to a thread: hence two locks. The lock file stands beside the list,
        # because the list itself is replaced, and a lock on the old file would keep nobody out.
        end = time.monotonic() + LOCK_SECONDS
        lock = InterProcessLock(self._beside(".lock"))
        if not self._threads.acquire(timeout=LOCK_SECONDS):
            raise ListBusy
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not lock.acquire(delay=0.001, max_delay=0.01, timeout=max(0, end - time.monotonic())):
                # The garbage collector would close it later, and closing it releases this process's lock on the file.
                lock.lockfile.close()
                raise ListBusy
            try:
                yield self._read_or_set_aside()
            finally:
                lock.release()
        finally:
            self._threads.release()

    def _read_or_set_aside(self) -> Users:
        try:
            return USERS.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            aside = self._beside(f".damaged-{time.time_ns()}")
            self.path.replace(aside)
            log.exception("The list of active users was damaged. It is set aside as %s.", aside)
            return {}

    def _replace(self, path: Path, content: object) -> None:
        part = self._beside(".part")  # one name is enough under the lock; a kill -9 leaves at most one file behind
        part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        # Readers notice a new list by its mtime, and the kernel's clock for that ticks only every few ms.
        os.utime(part, ns=(time.time_ns(), time.time_ns()))
        part.replace(path)

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)
