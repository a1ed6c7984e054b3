"""Who is using the core: one JSON file, one lock that holds between threads and processes, atomic replace."""

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

from core.errors import ListBusy

log = logging.getLogger(__name__)

T = TypeVar("T")
Users = dict[str, str]
FORMAT = "%Y/%m/%d %H:%M"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Start:
    """One start of the core as a whole: its id, and when it was (µs since 1970)."""

    id: str
    at: int
    boot: str


@dataclass
class ActiveUsers:
    """`{"user1": "2023/12/21 18:58"}`, local time of `zone`. Readers need no lock: they see the old file or the new.

    There is no fsync: after a power cut the boot id has changed, and the list is emptied anyway.
    """

    path: Path
    zone: ZoneInfo
    stale_hours: float
    _thread_lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: tuple[tuple[int, int, int], Users] | None = None

    def begin(self, boot: str, *, anew: bool = False) -> Start:
        """The current start of the core; the first to ask after a boot (or `anew`) empties the list."""
        marker = self.path.with_suffix(".start")
        with self._locked():
            try:
                start = Start(**json.loads(marker.read_text()))
            except (OSError, ValueError, TypeError):
                start = None
            if start and start.boot == boot and not anew:
                return start
            start = Start(uuid.uuid4().hex, time.time_ns() // 1000, boot)
            self._replace(self.path, {})
            self._replace(marker, asdict(start))
            return start

    def read(self) -> Users:
        """The list. A damaged file counts as empty; the next writer sets it aside."""
        try:
            return self._parse(self.path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}

    def add(self, user: str, check: Callable[[], None] = lambda: None) -> Users:
        """Put the user on the list, or renew their time. `check` runs under the lock and may raise."""

        def put(users: Users) -> Users:
            check()
            return {**users, user: self._now()}

        return self._change(put)

    def note(self, user: str) -> None:
        """As `add`, for a task that is accepted already: what keeps the list from being written is only logged."""
        try:
            self.add(user)
        except (ListBusy, OSError):
            log.exception("The list of active users could not be written.")

    def remove(self, user: str) -> Users:
        return self._change(lambda users: {name: at for name, at in users.items() if name != user})

    def is_fresh(self, user: str) -> bool:
        """Whether `add` would change nothing. Costs one stat as long as the file is unchanged."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return False
        mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if self._seen is None or self._seen[0] != mark:
            self._seen = (mark, self.read())
        return self._seen[1].get(user) == self._now()

    def while_others(self, user: str, decide: Callable[[list[str]], T]) -> T:
        """`decide` over the other users whose entry is not stale, while nobody can join."""
        with self._locked() as users:
            return decide([name for name, at in users.items() if name != user and not self._is_stale(at)])

    def _now(self) -> str:
        return datetime.now(self.zone).strftime(FORMAT)

    def _is_stale(self, at: str) -> bool:
        try:
            time = datetime.strptime(at, FORMAT).replace(tzinfo=self.zone)
        except ValueError:
            return True
        return datetime.now(self.zone) - time > timedelta(hours=self.stale_hours)

    def _change(self, change: Callable[[Users], Users]) -> Users:
        with self._locked() as users:
            changed = change(users)
            if changed != users:
                self._replace(self.path, changed)
            return changed

    @contextmanager
    def _locked(self) -> Iterator[Users]:
        # POSIX locks belong to a process and not to a thread, hence two. The lock is a file beside the list: the list
        # itself is replaced, and a lock on the old one would hold nobody.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = InterProcessLock(self.path.with_suffix(".json.lock"))
        with self._thread_lock:
            if not lock.acquire(delay=0.001, max_delay=0.01, timeout=5):
                raise ListBusy
            try:
                yield self._read_or_set_aside()
            finally:
                lock.release()

    def _read_or_set_aside(self) -> Users:
        try:
            return self._parse(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
            self.path.replace(aside)
            log.exception("The list of active users was damaged. It is set aside as %s.", aside)
            return {}

    @staticmethod
    def _parse(content: bytes) -> Users:
        users = json.loads(content)
        if not isinstance(users, dict) or not all(isinstance(at, str) for at in users.values()):
            raise ValueError("not an object of user names and times")
        return users

    @staticmethod
    def _replace(path: Path, content: object) -> None:
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        part.replace(path)
