"""The records that the core sends as JSON, with the keys that its API promises."""

from typing import (
    Any,
    Literal,
    NotRequired,  # pydantic needs these before Python 3.12
)

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

Schema = dict[str, Any]  # a JSON Schema, or a part of one
Params = dict[str, Any]  # of a task, by name
TaskState = Literal["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
UNFINISHED: tuple[TaskState, ...] = ("STARTED", "RETRY", "PENDING")
FINISHED: tuple[TaskState, ...] = ("SUCCESS", "FAILURE", "REVOKED")


class Progress(TypedDict):
    done: float  # from 0 to 1
    message: str


class TaskError(TypedDict):
    type: str
    message: str


class Task(TypedDict):
    """A task without its result. Times are ISO 8601, in UTC."""

    task_id: str
    job: str
    username: str
    params: Params
    task_status: TaskState
    progress: Progress
    error: TaskError | None
    queue_position: int | None  # from 1; None unless the task is waiting
    submitted_at: str
    started_at: str | None
    finished_at: str | None


class TaskStatus(Task):
    cancelled_by: NotRequired[str | None]  # empty: an admin in Flower; None: nobody that is known
    result: Any


class TaskId(TypedDict):
    task_id: str


class Job(TypedDict):
    name: str
    title: str
    description: str
    params: Schema


class StoredFile(TypedDict):
    file_id: str
    name: str
    size: int  # bytes


class Table(TypedDict):
    title: NotRequired[str]
    columns: list[str]
    rows: list[list[Any]]


class Result(TypedDict):
    """What most jobs return. A job may return any other JSON value instead."""

    metrics: NotRequired[dict[str, Any]]
    tables: NotRequired[list[Table]]
    charts: NotRequired[list[dict[str, Any]]]  # Vega-Lite
    files: NotRequired[list[StoredFile]]


class Name(TypedDict):
    username: str  # in the one spelling that the core uses


class Activity(TypedDict):
    waiting: int
    running: int
    active_users: int
    idle_seconds: float
    draining: bool
    draining_seconds: NotRequired[float]  # until the drain ends by itself; only while draining
    draining_by: NotRequired[str]


@with_config(ConfigDict(extra="allow"))  # the core gets it back as it came, with keys that only a newer core knows
class Hold(TypedDict):
    """A reason not to stop the core: a task, another user, or that nobody can tell who the users are."""

    kind: Literal["task", "user", "list"]
    username: str
    task_id: NotRequired[str]
    job: NotRequired[str]


class DrainState(TypedDict):
    draining: bool
