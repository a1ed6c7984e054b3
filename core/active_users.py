"""The list of active users: who is using the core, and the time of each one's last act."""

import json
import logging
import os
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from core import names
from core.errors import ListBusy, ListUnavailable
from core.list_file import ListFile, Users

log = logging.getLogger(__name__)

T = TypeVar("T")
FORMAT = "%Y/%m/%d %H:%M"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Start:
    """One start of the core as a whole: its id, and the machine's boot id."""

    id: str
    boot: str


@dataclass
class ActiveUsers:
    """`{"user1": "2023/12/21 18:58"}`, local time in `zone`. ListUnavailable and ListBusy as for the file."""

    path: Path
    zone: ZoneInfo
    stale_hours: float
    _file: ListFile = field(init=False)

    def __post_init__(self) -> None:
        self._file = ListFile(self.path)

    def begin(self, boot: str, *, anew: bool = False) -> Start:
        """The current start of the core. The first call after a boot, and one with `anew`, empties the list."""
        try:
            return self._begin(boot, anew=anew)
        except (ListBusy, ListUnavailable):
            # The core starts all the same, and /ready tells. Each process of the API comes to the same id.
            log.exception("The list of active users cannot be used, so nobody could be taken off it.")
            return Start(boot, boot)

    def _begin(self, boot: str, *, anew: bool) -> Start:
        marker = self._file.beside(".start")
        with self._file.locked():
            try:
                start = Start(**json.loads(marker.read_text()))
            except (OSError, ValueError, TypeError):
                start = None
            if start and start.boot == boot and not anew:
                return start
            start = Start(uuid.uuid4().hex, boot)
            self._file.replace(self.path, {})
            self._file.replace(marker, asdict(start))
            return start

    def check(self) -> str:
        """Return `ok`, or a sentence about what is wrong with the list."""
        try:
            with self._file.locked():
                damaged = self._file.damaged()
        except ListBusy:
            return "ok"  # others are using it
        except ListUnavailable as error:
            return str(error)
        if not os.access(self.path.parent, os.W_OK):
            return str(ListUnavailable("nothing can be written to its folder"))
        if damaged:
            return f"The list was damaged and is set aside as {damaged[-1]}. Delete that file when you have seen it."
        return "ok"

    def read(self) -> Users:
        """The list. A damaged file counts as empty; the next writer sets it aside."""
        return self._file.read()

    def count(self) -> int:
        """How many are on the list; 0 if it cannot be read, because whoever asks wants to know more than that."""
        try:
            return len(self.read())
        except ListUnavailable:
            return 0

    def add(self, user: str, check: Callable[[], None] = lambda: None) -> Users:
        """Put the user on the list, or renew their time; a name stays as it was first written.

        `check` runs under the list's lock, and may raise.
        """

        def put(users: Users) -> Users:
            check()
            return {**users, **dict.fromkeys(_of(users, user) or [user], self._now())}

        return self._change(put)

    def note(self, user: str) -> None:
        """As `add`, for a task that has been accepted: whatever happens to the list, that is only logged."""
        try:
            self.add(user)
        except Exception:
            log.exception("The list of active users could not be written.")

    def remove(self, user: str) -> Users:
        wanted = names.person(user)
        return self._change(lambda users: {name: at for name, at in users.items() if names.person(name) != wanted})

    def is_fresh(self, user: str) -> bool:
        """Whether `add` would change nothing."""
        try:
            users = self.read()
        except ListUnavailable:
            return False
        return self._now() in [users[name] for name in _of(users, user)]

    def while_others(self, user: str, decide: Callable[[list[str]], T]) -> T:
        """Call `decide` with the other users whose entry is not stale, while nobody can join."""
        with self._file.locked() as users:
            own = _of(users, user)
            return decide([name for name, at in users.items() if name not in own and not self._is_stale(at)])

    def spelling(self, user: str) -> str:
        """The name as it is on the list; as given, if this person is not on it."""
        try:
            return next(iter(_of(self.read(), user)), user)
        except ListUnavailable:
            return user

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
        with self._file.locked() as users:
            changed = change(users)
            if changed != users:
                self._file.replace(self.path, changed)
            return changed


def _of(users: Users, user: str) -> list[str]:
    """The names on the list that are this user's: one at most, unless somebody has edited the file."""
    wanted = names.person(user)
    return [name for name in users if names.person(name) == wanted]
