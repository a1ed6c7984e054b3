"""The routes that need no key: whether the core is alive and ready, and the page that documents it."""

from operator import attrgetter

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from core import errors
from core.api import docs, schemas
from core.api.routes import core_of

FULL = " Redis ends when its disk is full, and starts again by itself when there is room."

public = APIRouter(tags=["State"], generate_unique_id_function=attrgetter("name"))


@public.get("/health")
async def health() -> schemas.Health:
    """Whether the API is alive, whatever state the other parts are in."""
    return schemas.Health()


@public.get("/ready", response_model=schemas.Ready, responses={503: {"model": schemas.Ready}})
async def ready(request: Request) -> JSONResponse:
    """Whether a task would run now, and if not, which part fails. What is wrong with a job stops no other job."""
    core = core_of(request)
    files, disk, jobs = core.files.check(), core.disk.check(), list(core.broken_jobs)
    files = disk if files == "ok" else files
    try:
        redis, workers = await core.tasks.persistence(), await core.tasks.workers()
        worker = "ok" if workers.alive else "No worker has sent a heartbeat lately."
        if not await core.tasks.share(core.data_id):
            worker = str(errors.OtherFolder())
        if workers.alive and (missing := sorted(core.tasks.jobs.keys() - workers.jobs)):
            jobs.append(f"No worker has {', '.join(missing)}: such tasks wait until one has. Restart the workers.")
    except errors.QueueUnavailable as error:
        redis, worker = f"{error}{'' if disk == 'ok' else FULL}", "Unknown while Redis does not answer."
    state = {"redis": redis, "worker": worker, "files": files}
    status = 200 if set(state.values()) == {"ok"} else 503
    users = await run_in_threadpool(core.users.check)
    return JSONResponse({**state, "users": users, "jobs": " ".join(jobs) or "ok"}, status)


@public.get("/docs", include_in_schema=False)
async def docs_page() -> HTMLResponse:
    return HTMLResponse(docs.page(), headers=docs.HEADERS)
