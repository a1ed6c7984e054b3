"""The routes that need no key: whether the core is alive and ready, and the page that documents it."""

from operator import attrgetter

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from core import errors
from core.api import docs, schemas
from core.api.routes import core_of

public = APIRouter(tags=["State"], generate_unique_id_function=attrgetter("name"))


@public.get("/health")
async def health() -> schemas.Health:
    """Whether the API is alive, whatever state the other parts are in."""
    return schemas.Health()


@public.get("/ready", response_model=schemas.Ready, responses={503: {"model": schemas.Ready}})
async def ready(request: Request) -> JSONResponse:
    """Whether a task would run now, and if not, which part fails. A broken job file is named and stops no other job."""
    core = core_of(request)
    try:
        alive = await core.tasks.workers()
        state = {"redis": "ok", "worker": "ok" if alive else "No worker has sent a heartbeat lately."}
    except errors.QueueUnavailable as error:
        state = {"redis": str(error), "worker": "Unknown while Redis does not answer."}
    state["files"] = core.files.check()
    status = 200 if set(state.values()) == {"ok"} else 503
    return JSONResponse({**state, "jobs": " ".join(core.broken_jobs) or "ok"}, status)


@public.get("/docs", include_in_schema=False)
async def docs_page() -> HTMLResponse:
    return HTMLResponse(docs.page(), headers=docs.HEADERS)
