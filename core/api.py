"""The core over HTTP: the routes, and the one table from errors to statuses."""

import argparse
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import uvicorn
from anyio import from_thread
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.security import APIKeyHeader
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from core import docs, errors, schemas, settings
from core.active_users import BOOT_ID, ActiveUsers
from core.files import Files
from core.limits import LimitBody
from core.registry import discover
from core.store import AsyncStore
from core.tasks import Tasks

STATUS: dict[type[errors.CoreError], int] = {
    errors.InvalidFields: 422,
    errors.UnknownJob: 404,
    errors.UnknownTask: 404,
    errors.UnknownFile: 404,
    errors.TaskConflict: 409,
    errors.TaskFinished: 409,
    errors.Held: 409,
    errors.NotIdleYet: 409,
    errors.FileTooLarge: 413,
    errors.Draining: 503,
    errors.QueueUnavailable: 503,
    errors.ListBusy: 503,
    errors.DiskFull: 507,
}


@dataclass(frozen=True)
class Core:
    """What the routes work with."""

    config: settings.Settings
    tasks: Tasks
    users: ActiveUsers
    files: Files


def _core(request: Request) -> Core:
    core: Core = request.app.state.core
    return core


async def _authorised(
    request: Request, key: Annotated[str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False))]
) -> None:
    given = (key or "").encode()
    # Every key is compared, so that the time taken tells nothing.
    if not any([secrets.compare_digest(given, known) for known in _core(request).config.keys]):  # noqa: C419  # as said
        raise HTTPException(401, "Send the core's key in the header X-API-Key.", {"WWW-Authenticate": "APIKey"})


CoreDep = Annotated[Core, Depends(_core)]
public = APIRouter()
routes = APIRouter(
    dependencies=[Security(_authorised)],
    responses={401: {"model": schemas.Problem}, 422: {"model": schemas.FieldProblem}, 503: {"model": schemas.Problem}},
)
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": schemas.Problem}}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": schemas.Problem}}

RAW_BODY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@routes.post("/start_task", responses={**NOT_FOUND, **CONFLICT})
async def start_task(order: schemas.StartTask, core: CoreDep) -> schemas.TaskId:
    """Start a task. The same `task_id` again starts nothing twice; its user is put on the active list."""
    task_id, new = await core.tasks.submit(order)
    if new and not core.users.is_fresh(order.username):
        await run_in_threadpool(core.users.note, order.username)
    return schemas.TaskId(task_id=task_id)


@routes.get("/task_status/{task_id}", response_model=schemas.TaskStatus, responses=NOT_FOUND)
async def task_status(task_id: str, core: CoreDep) -> JSONResponse:
    """How far a task is, and its result. It is done at SUCCESS, FAILURE or REVOKED."""
    return JSONResponse(await core.tasks.status(task_id))


@routes.delete("/delete_task/{task_id}", responses={**NOT_FOUND, **CONFLICT})
async def delete_task(task_id: str, core: CoreDep) -> schemas.TaskRevoked:
    """Cancel a task, waiting or running."""
    await core.tasks.cancel(task_id)
    return schemas.TaskRevoked()


@routes.get("/tasks", response_model=list[schemas.Task])
async def tasks(
    core: CoreDep,
    username: str = "",
    task_status: schemas.TaskState | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[datetime | None, Query(description="A submitted_at: only older tasks.")] = None,
) -> JSONResponse:
    """Tasks, newest first, without their results."""
    return JSONResponse(await core.tasks.recent(task_status or "", username, before, limit))


@routes.get("/jobs")
async def jobs(core: CoreDep) -> list[schemas.JobInfo]:
    """Every job and the JSON Schema of its parameters."""
    return [
        schemas.JobInfo(name=j.name, title=j.title, description=j.description, params=j.params.model_json_schema())
        for j in core.tasks.jobs.values()
    ]


@routes.post(
    "/files",
    status_code=201,
    responses={413: {"model": schemas.Problem}, 507: {"model": schemas.Problem}},
    openapi_extra={"requestBody": RAW_BODY},
)
async def upload(request: Request, name: str, core: CoreDep) -> schemas.StoredFile:
    """Upload a file as the raw body; its id is what a job's file parameter takes."""
    limit = core.config.max_upload_mb
    if int(request.headers.get("content-length", 0)) > limit << 20:
        raise errors.FileTooLarge(limit)
    await core.tasks.act()
    try:
        stored = await core.files.save(name, request.stream(), limit)
    except ClientDisconnect:
        raise HTTPException(400, "The upload was cut off. Send the file again.") from None
    return schemas.StoredFile(file_id=stored.file_id, name=stored.name, size=stored.size)


@routes.get("/files/{file_id}", response_class=FileResponse, responses=NOT_FOUND)
async def download(file_id: str, core: CoreDep) -> FileResponse:
    """The bytes of an upload or of a result file."""
    found = core.files.find(file_id)
    if found is None:
        raise errors.UnknownFile(file_id)
    headers = {"X-Content-Type-Options": "nosniff"}
    return FileResponse(found.path, filename=found.name, media_type="application/octet-stream", headers=headers)


@routes.get("/get_active_user")
async def get_active_user(core: CoreDep) -> dict[str, str]:
    """Who is using the core, and since when (local time)."""
    return core.users.read()


@routes.post("/add_active_user")
async def add_active_user(user: schemas.User, core: CoreDep) -> dict[str, str]:
    """Put somebody on the list, or renew their time."""
    return await run_in_threadpool(core.users.add, user.username, partial(from_thread.run, core.tasks.act))


@routes.delete("/delete_active_user")
async def delete_active_user(user: schemas.User, core: CoreDep) -> dict[str, str]:
    """Take somebody off the list."""
    return await run_in_threadpool(core.users.remove, user.username)


@routes.get("/activity")
async def activity(core: CoreDep) -> schemas.Activity:
    """What the core is doing. Asking is not an act."""
    return await core.tasks.activity(len(core.users.read()))


@routes.post("/drain", responses={409: {"model": schemas.HeldProblem}})
async def drain(order: schemas.Drain, core: CoreDep) -> schemas.DrainState:
    """Accept nothing new: the core is about to stop. 409 names who and what still uses it."""

    def decide(others: list[str]) -> None:
        from_thread.run(core.tasks.drain, order, others)

    await run_in_threadpool(core.users.while_others, order.username, decide)
    return schemas.DrainState(draining=True)


@routes.delete("/drain")
async def undrain(core: CoreDep) -> schemas.DrainState:
    """Accept tasks again."""
    await core.tasks.undrain()
    return schemas.DrainState(draining=False)


@public.get("/health")
async def health() -> schemas.Health:
    return schemas.Health()


@public.get("/ready", response_model=schemas.Ready, responses={503: {"model": schemas.Ready}})
async def ready(core: CoreDep) -> JSONResponse:
    """Whether a task would run now; if not, which part fails."""
    try:
        alive = await core.tasks.workers()
        state = {"redis": "ok", "worker": "ok" if alive else "No worker has given a sign of life."}
    except errors.QueueUnavailable as error:
        state = {"redis": str(error), "worker": "Unknown while Redis does not answer."}
    state["files"] = core.files.check()
    return JSONResponse(state, 200 if set(state.values()) == {"ok"} else 503)


@public.get("/docs", include_in_schema=False)
async def docs_page() -> HTMLResponse:
    return HTMLResponse(docs.page())


async def _core_error(_: Request, error: Exception) -> JSONResponse:
    body = {"detail": str(error), **vars(error)}
    status = STATUS[type(error)]  # type: ignore[index]  # only CoreErrors are sent here
    return JSONResponse(body, status, {"Retry-After": "5"} if status == 503 else None)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as registered
    fields = {
        str((*e["loc"][1:], *e["loc"])[0])[:100]: e["msg"].removeprefix("Value error, ")
        for e in reversed(error.errors())
    }
    return await _core_error(request, errors.InvalidFields(fields))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    config = settings.load()
    users = ActiveUsers(config.active_users_path, ZoneInfo(config.timezone), config.active_user_stale_hours)
    files = Files(config.data_dir)
    store = AsyncStore(config.broker_url)
    start = users.begin(BOOT_ID.read_text().strip())
    app.state.core = Core(config, Tasks(store, discover(config.jobs_package), files.find, start), users, files)
    yield
    await store.close()


def create_app() -> FastAPI:
    app = FastAPI(title="okosu core", version="0.1.0", docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.include_router(public)
    app.include_router(routes)
    app.add_middleware(LimitBody)
    handlers: dict[type[Exception], Callable[[Request, Exception], Coroutine[Any, Any, JSONResponse]]] = {
        errors.CoreError: _core_error,
        RequestValidationError: _invalid_request,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    return app


def main(host: str) -> None:
    config = settings.load()
    uvicorn.run(
        "core.api:create_app",
        factory=True,
        host=host,
        port=config.core_port,
        workers=config.core_api_processes,
        access_log=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The core's HTTP API.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    main(parser.parse_args().host)
