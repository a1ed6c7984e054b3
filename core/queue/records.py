"""Task records in the form in which the API sends them, and the answers of the other steps."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, TypedDict

from pydantic import JsonValue

TaskState = Literal["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
Params = dict[str, JsonValue]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TaskProgress(TypedDict):
    """`done` is from 0 to 1."""

    done: float
    message: str


class TaskError(TypedDict):
    """The exception's class, and a sentence for the person who submitted the task."""

    type: str
    message: str


class TaskRecord(TypedDict):
    """A task without its result. Times are ISO 8601 UTC; `queue_position` counts from 1."""

    task_id: str
    job: str
    username: str
    params: Params
    task_status: TaskState
    progress: TaskProgress
    error: TaskError | None
    queue_position: int | None
    submitted_at: str | None
    started_at: str | None
    finished_at: str | None


class FullRecord(TaskRecord):
    """A task with its result. `cancelled_by` is empty for an admin in Flower, and None if nobody is known."""

    cancelled_by: str | None
    result: JsonValue


class Glance(NamedTuple):
    """State and job of a task; both empty if there is no such task."""

    state: TaskState | Literal[""]
    job: str


class Claim(NamedTuple):
    """A task that is to be run now; the first run is attempt 1."""

    params: Params
    attempt: int


class Activity(NamedTuple):
    """Seconds: `idle`, since the last act, 0 while a task waits or runs; `drain_left`, 0 unless the core drains."""

    waiting: int
    running: int
    idle: float
    drain_left: float
    drained_by: str

    @property
    def draining(self) -> bool:
        return self.drain_left > 0


class HoldingTask(NamedTuple):
    """An unfinished task that keeps the core from draining."""

    task_id: str
    username: str
    job: str


class Drain(NamedTuple):
    """Whether the core drains now; if not: the tasks that hold it (and how many `more`), and how long it is idle."""

    draining: bool
    tasks: list[HoldingTask]
    more: int
    idle: float


class Workers(NamedTuple):
    """How many workers are `alive`, and the names of the `jobs` that at least one of them has."""

    alive: int
    jobs: set[str]


class Waiting(NamedTuple):
    """The head of the queue: `queued` have a message (the next to run last), `waiting` are the oldest waiting tasks."""

    queued: list[str]
    waiting: list[str]


def task_error(kind: str, sentence: str) -> TaskError:
    """An error that can be stored: in valid Unicode, which a file name inside `sentence` may not be."""
    return {"type": kind, "message": sentence.encode(errors="replace").decode()}


def time_of(microseconds: bytes | None) -> str | None:
    """ISO 8601 UTC with microseconds, so that `before` is exact. It ends in "Z": a "+" in a URL would be a space."""
    if not microseconds:
        return None
    return (EPOCH + timedelta(microseconds=int(microseconds))).isoformat().replace("+00:00", "Z")


def microseconds_of(time: datetime) -> int:
    """The inverse of `time_of`; a time without a zone is taken as UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def record_of(row: Sequence[Any]) -> TaskRecord:
    """A task from a row of `list.lua`."""
    task_id, place, (job, user, params, state, done, message, error, at, started, finished, *_) = row
    return {
        "task_id": task_id.decode(),
        "job": job.decode(),
        "username": user.decode(),
        "params": json.loads(params),
        "task_status": state.decode(),
        "progress": {"done": float(done or 0), "message": (message or b"").decode()},
        "error": json.loads(error) if error else None,
        "queue_position": place or None,
        "submitted_at": time_of(at),
        "started_at": time_of(started),
        "finished_at": time_of(finished),
    }


def full_record_of(row: Sequence[Any]) -> FullRecord:
    """A task from the answer of `status.lua`, whose last fields are who cancelled it, and the result."""
    *_, by, result = row[2]
    return {
        **record_of(row),
        "cancelled_by": None if by is None else by.decode(),
        "result": json.loads(result) if result else None,
    }


def activity_of(row: Sequence[Any]) -> Activity:
    """What `activity.lua` answers."""
    waiting, running, idle, left, by = row
    return Activity(waiting, running, float(idle), left / 1000, (by or b"").decode())


def drain_of(row: Sequence[Any]) -> Drain:
    """What `drain.lua` answers."""
    draining, more, idle, *held = row
    tasks = [HoldingTask(*(word.decode() for word in words)) for words in held]
    return Drain(bool(draining), tasks, more, float(idle))
