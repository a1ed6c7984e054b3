"""The bodies of requests and answers, independent of how data is stored."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from core import names
from core.queue.records import TaskState

LENGTH = {"minLength": 1, "maxLength": 100}  # described here, and checked after cleaning
Username = Annotated[str, AfterValidator(names.clean), Field(examples=["sato"], json_schema_extra=LENGTH)]


class Body(BaseModel):
    """What a caller sends: a misspelt key is an error; it does not fall back to a default."""

    model_config = ConfigDict(extra="forbid")


class StartTask(Body):
    job: str = Field(max_length=200, examples=["reorder_points"])
    params: dict[str, JsonValue] = Field(default_factory=dict, examples=[{"sales": "<file_id>", "service_level": 0.95}])
    username: Username
    task_id: UUID | None = Field(None, description="Chosen by the caller. Repeating the request starts nothing twice.")


class TaskId(BaseModel):
    task_id: str


class TaskProgress(BaseModel):
    done: float = Field(ge=0, le=1)
    message: str


class TaskError(BaseModel):
    type: str
    message: str


class Task(BaseModel):
    """A task without its result."""

    task_id: str
    job: str
    username: str
    params: dict[str, Any]
    task_status: TaskState
    progress: TaskProgress
    error: TaskError | None
    queue_position: int | None = Field(description="From 1; null unless the task waits.")
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TaskStatus(Task):
    cancelled_by: str | None = Field(
        description="A user's name; empty: an admin in Flower; null: nobody that is known."
    )
    result: Any


class TaskRevoked(BaseModel):
    status: Literal["task revoked"] = "task revoked"


class JobInfo(BaseModel):
    name: str
    title: str
    description: str
    params: dict[str, Any] = Field(description="JSON Schema of the parameters.")


class StoredFile(BaseModel):
    file_id: str
    name: str
    size: int = Field(description="Bytes.")


class User(Body):
    username: Username


class Name(BaseModel):
    username: str = Field(description="The one spelling that the core uses.")


class Activity(BaseModel):
    waiting: int
    running: int
    active_users: int
    idle_seconds: float = Field(description="0 while a task waits or runs.")
    draining: bool
    draining_seconds: float | None = Field(None, description="Until the drain ends by itself. Only while draining.")
    draining_by: str | None = Field(None, description="Who asked for the drain. Only while draining.")


class Hold(BaseModel):
    kind: Literal["task", "user", "list"] = Field(description="`list`: the list of users cannot be used.")
    username: str = ""
    task_id: str | None = None
    job: str | None = None


class Drain(Body):
    username: Username
    force: bool = Field(default=False, description="Whatever holds it; for admins' scripts.")
    idle_for: float = Field(0, ge=0, le=1e9, description="Drain only if the core has been idle for so many seconds.")
    accept: list[Hold] = Field([], description="The holds that the caller has seen: they hold it no more.")

    @property
    def accepted_tasks(self) -> list[str]:
        return [hold.task_id for hold in self.accept if hold.task_id]

    @property
    def accepts_unknown_users(self) -> bool:
        return any(hold.kind == "list" for hold in self.accept)

    @property
    def accepted_users(self) -> set[str]:
        return {names.person(hold.username) for hold in self.accept if hold.kind == "user"}


class DrainState(BaseModel):
    draining: bool


class Problem(BaseModel):
    detail: str


class FieldProblem(Problem):
    fields: dict[str, str]


class HeldProblem(Problem):
    holds: list[Hold] = Field(description="Who and what holds the core, without what was accepted.")
    more: int = Field(description="How many tasks hold it beyond those named.")


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Each `ok`, or what is wrong."""

    redis: str
    worker: str
    files: str
    users: str = Field(description="The list of active users. Tasks are not affected.")
    jobs: str = Field(
        description="Files that define no job, and why; jobs that no worker has. Others are not affected."
    )
