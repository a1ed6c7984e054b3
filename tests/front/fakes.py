"""An in-memory core and watch for tests of the pages."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from front.errors import CoreRefused, FrontError, Held
from front.machine.instance import InstanceState
from front.machine.snapshot import Snapshot
from front.machine.stages import Stage
from front.records import Activity, Hold, Job, Params, StoredFile, Task, TaskStatus

if TYPE_CHECKING:
    from front.core_client import CoreClient

READY = {"redis": "ok", "worker": "ok", "files": "ok", "jobs": "ok"}
FORM = {
    "properties": {
        "sales": {"type": "string", "format": "okosu-file", "title": "Sales"},
        "level": {"type": "number", "minimum": 0.5, "maximum": 0.999, "default": 0.975, "title": "Level"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Note"},
    },
    "required": ["sales"],
}
JOBS: list[Job] = [
    {"name": "count", "title": "Count the items", "description": "How many there are.", "params": FORM},
    {"name": "nothing", "title": "Nothing", "description": "", "params": {"properties": {}}},
]
WHEN = "2026-11-24T12:00:00+00:00"


def task(task_id: str = "", **changed: Any) -> TaskStatus:
    """A finished task of sato's, unless changed."""
    whole = {
        "task_id": task_id or str(uuid.uuid4()),
        "job": "count",
        "username": "sato",
        "params": {"sales": "f1", "level": 0.9},
        "task_status": "SUCCESS",
        "progress": {"done": 1.0, "message": ""},
        "error": None,
        "queue_position": None,
        "submitted_at": WHEN,
        "started_at": WHEN,
        "finished_at": "2026-11-24T12:01:30+00:00",
        "cancelled_by": None,
        "result": {"value": "done"},
        **changed,
    }
    return cast("TaskStatus", whole)


def running(**changed: Any) -> TaskStatus:
    live = {"task_status": "STARTED", "finished_at": None, "result": None}
    return task(**{**live, "progress": {"done": 0.58, "message": "Item 7"}, **changed})


@dataclass
class FakeClient:
    """Like CoreClient. Every call raises `failure`, start_task raises `refusal`, and `holds` prevent a drain."""

    known: list[Job] = field(default_factory=lambda: list(JOBS))
    all_tasks: dict[str, TaskStatus] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)
    spellings: dict[str, str] = field(default_factory=dict)  # empty: the core accepts no such name
    named: int = 20  # holds that a refused drain names
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    failure: FrontError | None = None
    refusal: FrontError | None = None
    drain_refusal: FrontError | None = None
    draining: bool = False
    parts: dict[str, str] = field(default_factory=lambda: dict(READY))
    is_ready: bool = True
    calls: list[str] = field(default_factory=list)

    @property
    def as_core(self) -> "CoreClient":
        """For code that is typed for the real one."""
        return cast("CoreClient", self)

    def put(self, *tasks: TaskStatus) -> None:
        self.all_tasks.update({one["task_id"]: one for one in tasks})

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.failure:
            raise self.failure

    def jobs(self) -> list[Job]:
        self._called("jobs")
        return self.known

    def start_task(self, job: str, params: Params, username: str, task_id: str) -> str:
        self._called("start_task")
        if self.refusal:
            raise self.refusal
        waiting: dict[str, Any] = {"task_status": "PENDING", "started_at": None, "finished_at": None, "result": None}
        waiting |= {"progress": {"done": 0.0, "message": ""}, "queue_position": 1}
        self.put(task(task_id, job=job, params=params, username=username, **waiting))
        return task_id

    def task_status(self, task_id: str) -> TaskStatus:
        self._called("task_status")
        if task_id not in self.all_tasks:
            raise CoreRefused(404, f"There is no task {task_id}.")
        return self.all_tasks[task_id]

    def delete_task(self, task_id: str, username: str = "") -> None:
        self._called("delete_task")
        self.all_tasks[task_id] |= {"task_status": "REVOKED", "finished_at": WHEN, "cancelled_by": username}

    def tasks(self, username: str = "", task_status: str = "", limit: int = 50, before: str = "") -> list[Task]:
        self._called("tasks")
        wanted = [
            cast("Task", {key: value for key, value in one.items() if key not in ("result", "cancelled_by")})
            for one in self.all_tasks.values()
            if username in ("", one["username"])
            and task_status in ("", one["task_status"])
            and (not before or one["submitted_at"] < before)
        ]
        return sorted(wanted, key=lambda one: one["submitted_at"], reverse=True)[:limit]

    def upload(self, name: str, file: BinaryIO) -> StoredFile:
        self._called("upload")
        content, file_id = file.read(), uuid.uuid4().hex
        self.files[file_id] = (name, content)
        return {"file_id": file_id, "name": name, "size": len(content)}

    def download(self, file_id: str) -> bytes:
        self._called("download")
        return self.files[file_id][1]

    def active_users(self) -> dict[str, str]:
        self._called("active_users")
        return dict(self.users)

    def add_active_user(self, username: str) -> dict[str, str]:
        self._called("add_active_user")
        if self.draining:
            raise CoreRefused(503, "The core is about to stop.")
        self.users[username] = datetime.now(UTC).strftime("%Y/%m/%d %H:%M")
        return dict(self.users)

    def delete_active_user(self, username: str) -> dict[str, str]:
        self._called("delete_active_user")
        self.users.pop(username, None)
        return dict(self.users)

    def stale_users(self) -> list[str]:
        self._called("stale_users")
        return list(self.stale)

    def canonical_name(self, name: str) -> str:
        self._called("canonical_name")
        if spelling := self.spellings.get(name, name):
            return spelling
        raise CoreRefused(422, "Please correct: name.", {"name": "must not contain control characters"})

    def activity(self) -> Activity:
        self._called("activity")
        states = [one["task_status"] for one in self.all_tasks.values()]
        told: Activity = {
            "waiting": states.count("PENDING"),
            "running": states.count("STARTED"),
            "active_users": len(self.users),
            "idle_seconds": 90.0,
            "draining": self.draining,
        }
        return {**told, "draining_seconds": 450.0, "draining_by": "tanaka"} if self.draining else told

    def drain(self, username: str, accept: Iterable[Hold] = ()) -> None:  # noqa: ARG002  # same signature as the real one
        self._called("drain")
        accepted = list(accept)
        if self.drain_refusal:
            raise self.drain_refusal
        if held := [hold for hold in self.holds if hold not in accepted]:
            named = held[: self.named]
            raise Held(409, "The core is still in use.", named, len(held) - len(named))
        self.draining = True

    def undrain(self) -> None:
        self._called("undrain")
        self.draining = False

    def ready(self) -> dict[str, str]:
        self._called("ready")
        return self.parts

    def readiness(self) -> tuple[bool, dict[str, str]]:
        return self.is_ready, self.ready()


@dataclass
class FakeWatch:
    """Like Watch, but it sees what the test says."""

    seen: Snapshot
    started_by: list[str] = field(default_factory=list)
    stopped_by: list[str] = field(default_factory=list)

    @property
    def stopped(self) -> int:
        return len(self.stopped_by)

    def snapshot(self) -> Snapshot:
        return self.seen

    def start(self, username: str) -> None:
        self.started_by.append(username)

    def stop(self, username: str) -> None:
        self.stopped_by.append(username)


def snapshot(stage: Stage, **changed: Any) -> Snapshot:
    machine = {
        "asleep": "stopped",
        "asked": "stopped",
        "pending": "pending",
        "stopping": "stopping",
        "unknown": "unknown",
    }
    answers = READY if stage == "ready" else None
    plain = Snapshot(InstanceState(machine.get(stage, "running")), stage, answers, "", "", None, (), 1.0)
    return replace(plain, **changed)
