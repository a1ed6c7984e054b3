"""The routes: each reads a request, calls the part that does the work, and writes the answer."""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

from anyio import from_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from core import errors
from core.active_users import ActiveUsers
from core.api import schemas
from core.api.tasks import Tasks
from core.disk import Disk
from core.files import Files
from core.queue.records import TaskState


@dataclass(frozen=True)
class Core:
    """What the routes use."""

    tasks: Tasks
    users: ActiveUsers
    files: Files
    disk: Disk  # of the queue and of the running tasks, if not of the files too
    data_id: str
    max_upload_mb: int
    broken_jobs: list[str]


def core_of(request: Request) -> Core:
    """Each route calls this itself: resolving a FastAPI dependency would cost a tenth of a request."""
    core: Core = request.app.state.core
    return core


def _problem(*statuses: int, model: type[schemas.Problem] = schemas.Problem) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": model} for status in statuses}


BINARY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}

routes = APIRouter(
    responses={**_problem(400, 401, 413, 503), **_problem(422, model=schemas.FieldProblem)},
    generate_unique_id_function=attrgetter("name"),
)


@routes.post("/start_task", tags=["Tasks"], response_model=schemas.TaskId, responses=_problem(404, 409))
async def start_task(order: schemas.StartTask, request: Request) -> JSONResponse:
    """Start a task. Repeating a `task_id` starts nothing twice. The user is put on the list of active users."""
    core = core_of(request)
    task_id, new = await core.tasks.submit(order)
    if new and not core.users.is_fresh(order.username):
        await run_in_threadpool(core.users.note, order.username)
    return JSONResponse({"task_id": task_id})


@routes.get("/task_status/{task_id}", tags=["Tasks"], response_model=schemas.TaskStatus, responses=_problem(404))
async def task_status(task_id: str, request: Request) -> JSONResponse:
    """A task's state, progress and result. It is finished at SUCCESS, FAILURE or REVOKED."""
    return JSONResponse(await core_of(request).tasks.status(task_id))


@routes.delete("/delete_task/{task_id}", tags=["Tasks"], responses=_problem(404, 409))
async def delete_task(task_id: str, request: Request, username: schemas.Username | None = None) -> schemas.TaskRevoked:
    """Cancel a task, waiting or running. The task's status names the user who did it."""
    await core_of(request).tasks.cancel(task_id, username)
    return schemas.TaskRevoked()


@routes.get("/tasks", tags=["Tasks"], response_model=list[schemas.Task])
async def tasks(
    request: Request,
    username: schemas.Username | None = None,
    task_status: TaskState | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[datetime | None, Query(description="A `submitted_at`: only older tasks.")] = None,
) -> JSONResponse:
    """Tasks, newest first, without their results."""
    return JSONResponse(await core_of(request).tasks.recent(task_status or "", username or "", before, limit))


@routes.get("/jobs", tags=["Tasks"])
async def jobs(request: Request) -> list[schemas.JobInfo]:
    """Every job and the JSON Schema of its parameters."""
    return [
        schemas.JobInfo(name=job.name, title=job.title, description=job.description, params=job.schema)
        for job in core_of(request).tasks.jobs.values()
    ]


@routes.post("/files", tags=["Files"], status_code=201, responses=_problem(507), openapi_extra={"requestBody": BINARY})
async def upload(request: Request, name: str) -> schemas.StoredFile:
    """Upload a file as the raw body. A job's file parameter takes the `file_id` of the answer."""
    core = core_of(request)
    length = request.headers.get("content-length", "")
    expected = int(length) if length.isdecimal() else 0
    if expected > core.max_upload_mb << 20:
        raise errors.FileTooLarge(core.max_upload_mb)
    await core.tasks.act()
    try:
        stored = await core.files.save(name, request.stream(), core.max_upload_mb, expected)
    except ClientDisconnect:
        raise errors.UploadCutOff from None
    return schemas.StoredFile(file_id=stored.file_id, name=stored.name, size=stored.size)


@routes.get("/files/{file_id}", tags=["Files"], response_class=FileResponse, responses={200: BINARY, **_problem(404)})
async def download(request: Request, file_id: str) -> FileResponse:
    """The bytes of an upload or of a result file."""
    found = core_of(request).files.find(file_id)
    if found is None:
        raise errors.UnknownFile(file_id)
    # Always the whole file: Starlette answers a range that it cannot parse in plain text instead of JSON.
    request.scope["headers"] = [header for header in request.scope["headers"] if header[0] != b"range"]
    headers = {"X-Content-Type-Options": "nosniff", "Accept-Ranges": "none"}
    return FileResponse(found.path, filename=found.name, media_type="application/octet-stream", headers=headers)


@routes.get("/get_active_user", tags=["Users"])
async def get_active_user(request: Request) -> dict[str, str]:
    """Who is using the core, and the time of their last act (local time)."""
    return core_of(request).users.read()


@routes.post("/add_active_user", tags=["Users"])
async def add_active_user(user: schemas.User, request: Request) -> dict[str, str]:
    """Put somebody on the list, or renew their time."""
    core = core_of(request)

    def act() -> None:  # under the list's lock, as the drain is: no user slips in between
        from_thread.run(core.tasks.act)

    return await run_in_threadpool(core.users.add, user.username, act)


@routes.delete("/delete_active_user", tags=["Users"])
async def delete_active_user(user: schemas.User, request: Request) -> dict[str, str]:
    """Take somebody off the list."""
    return await run_in_threadpool(core_of(request).users.remove, user.username)


@routes.get("/stale_users", tags=["Users"])
async def stale_users(request: Request) -> list[str]:
    """The listed users whose entry is too old to hold the core."""
    core = core_of(request)
    return core.users.stale(core.users.read())


@routes.get("/username", tags=["Users"])
async def username(request: Request, name: Annotated[schemas.Username, Query()]) -> schemas.Name:
    """The spelling of a name that the core uses: the one on the list. 422 says what is wrong with a name."""
    return schemas.Name(username=core_of(request).users.spelling(name))


@routes.get("/activity", tags=["Stopping"], response_model_exclude_none=True)
async def activity(request: Request) -> schemas.Activity:
    """What the core is doing. Asking does not count as an act."""
    core = core_of(request)
    state = await core.tasks.activity()
    return schemas.Activity(
        waiting=state.waiting,
        running=state.running,
        active_users=core.users.count(),
        idle_seconds=state.idle,
        draining=state.draining,
        draining_seconds=state.drain_left if state.draining else None,
        draining_by=state.drained_by if state.draining else None,
    )


@routes.post("/drain", tags=["Stopping"], responses=_problem(409, model=schemas.HeldProblem))
async def drain(order: schemas.Drain, request: Request) -> schemas.DrainState:
    """Accept nothing new, because the core is about to stop. 409 names what holds it and is not in `accept`."""
    core = core_of(request)

    def decide(others: list[str] | None) -> None:
        from_thread.run(core.tasks.drain, order, others)

    try:
        await run_in_threadpool(core.users.while_others, order.username, decide)
    except (errors.ListUnavailable, errors.ListBusy) as error:
        if isinstance(error, errors.ListBusy) and not order.force:
            raise
        await core.tasks.drain(order, None)
    return schemas.DrainState(draining=True)


@routes.delete("/drain", tags=["Stopping"])
async def undrain(request: Request) -> schemas.DrainState:
    """Accept tasks again."""
    await core_of(request).tasks.undrain()
    return schemas.DrainState(draining=False)
