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
from functools import lru_cache, partial
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
LOCK_SECONDS = 1.3  # a drain may wait for Redis under the lock, and everybody still has an answer within 3 s


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
    _threads: threading.Lock = field(default_factory=threading.Lock)
    _seen: tuple[int, Users] = (0, {})

    def begin(self, boot: str, *, anew: bool = False) -> Start:
        """The current start of the core; the first to ask after a boot (or `anew`) empties the list."""
        marker = self._beside(".start")
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
            written = self.path.stat().st_mtime_ns
            if self._seen[0] != written:  # every submission asks, and most find nothing new
                self._seen = written, USERS.validate_json(self.path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return self._seen[1]

    def add(self, user: str) -> tuple[Users, Callable[[], object]]:
        """Put the user on the list, or renew their time; and what takes this back."""
        former: Users = {}

        def put(users: Users) -> Users:
            former.update({name: at for name, at in users.items() if name == user})
            return {**users, user: self._now()}

        def take_back(users: Users) -> Users:
            return {name: at for name, at in users.items() if name != user} | former

        return self._change(put), partial(self._change, take_back)

    def note(self, user: str) -> None:
        """As `add`, for a task that is accepted already: what keeps the list from being written is only logged."""
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
        """`decide` over the other users whose entry is not stale, while nobody can join."""
        with self._locked() as users:
            return decide([name for name, at in users.items() if name != user and not self._is_stale(at)])

    def _now(self) -> str:
        return _minute(int(time.time()) // 60, self.zone)

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
        # POSIX locks belong to a process and not to a thread, hence two. The lock is a file beside the list: the list
        # itself is replaced, and a lock on the old one would hold nobody.
        end = time.monotonic() + LOCK_SECONDS
        lock = InterProcessLock(self._beside(".lock"))
        if not self._threads.acquire(timeout=LOCK_SECONDS):
            raise ListBusy
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not lock.acquire(delay=0.001, max_delay=0.01, timeout=max(0, end - time.monotonic())):
                # Left to the garbage collector, it would be closed while another thread has the lock, and end that.
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
        part = self._beside(".part")  # one name is enough under the lock, and a kill -9 leaves one file at most
        part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        # Readers tell one list from the next by its time, and the kernel's own clock for files ticks every few ms.
        os.utime(part, ns=(time.time_ns(), time.time_ns()))
        part.replace(path)

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)


@lru_cache(maxsize=1)
def _minute(minutes: int, zone: ZoneInfo) -> str:
    """So many minutes after 1970, as the list writes it. Every submission asks for the current one."""
    return datetime.fromtimestamp(minutes * 60, zone).strftime(FORMAT)
