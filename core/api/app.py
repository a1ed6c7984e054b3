"""The app around the routes, and the one table that maps errors to HTTP statuses."""

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from core import __version__, data_id, errors, settings
from core.active_users import BOOT_ID, ActiveUsers
from core.api import docs
from core.api.health import public
from core.api.middleware import OPEN, Gate
from core.api.routes import Core, routes
from core.api.tasks import Tasks
from core.disk import Disk
from core.files import Files
from core.job_files import catalog
from core.queue.store import AsyncStore
from core.registry import Job

STATUS: dict[type[errors.CoreError], int] = {
    errors.UploadCutOff: 400,
    errors.UnknownJob: 404,
    errors.UnknownTask: 404,
    errors.UnknownFile: 404,
    errors.TaskConflict: 409,
    errors.TaskFinished: 409,
    errors.Held: 409,
    errors.NotIdleYet: 409,
    errors.UsersUnknown: 409,
    errors.FileTooLarge: 413,
    errors.InvalidFields: 422,
    errors.Draining: 503,
    errors.QueueUnavailable: 503,
    errors.ListBusy: 503,
    errors.ListUnavailable: 503,
    errors.FilesUnavailable: 503,
    errors.DiskFull: 507,
}
# What the framework itself rejects.
SENTENCES = {
    400: "The body is not valid JSON. It must be UTF-8, with finite numbers and without excessive nesting.",
    404: "There is nothing at this address. See /docs for the addresses that exist.",
    405: "This address does not support this method. See /docs for what it supports.",
    413: "The request is larger than 1 MB. Upload the data as a file with POST /files instead.",
}


async def _core_error(_: Request, error: errors.CoreError) -> JSONResponse:
    status = STATUS[type(error)]
    return JSONResponse({"detail": str(error), **vars(error)}, status, {"Retry-After": "5"} if status >= 500 else None)


async def _invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    return await _core_error(request, errors.InvalidFields.of(error.errors(), inside=1))


async def _http_error(_: Request, error: HTTPException) -> JSONResponse:
    detail = SENTENCES.get(error.status_code, error.detail)
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


async def _bug(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"detail": "The core failed unexpectedly. Its log has the details; please tell an admin."}, 500)


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    errors.CoreError: _core_error,
    RequestValidationError: _invalid_request,
    HTTPException: _http_error,
    Exception: _bug,
}


class Api(FastAPI):
    """Describes the key, which the middleware checks: a FastAPI dependency would cost a tenth of each request."""

    def openapi(self) -> dict[str, Any]:
        return docs.locked(super().openapi(), OPEN)


def create_app() -> FastAPI:
    config = settings.load()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    jobs, broken = catalog.discover(config.jobs_package)  # once, and not in each process

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = AsyncStore(config.broker_url)
        app.state.core = _build(config, store, jobs, [str(error) for error in broken])
        yield
        await store.close()

    app = Api(
        title="okosu core",
        version=__version__,
        description=docs.GUIDE,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=[*routes.routes, *public.routes],  # FastAPI searches included routers anew for each request
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.add_middleware(Gate, keys=config.keys)
    return app


def _build(config: settings.Settings, store: AsyncStore, jobs: dict[str, Job], broken_jobs: list[str]) -> Core:
    users = ActiveUsers(config.active_users_path, ZoneInfo(config.timezone), config.active_user_stale_hours)
    files = Files(config.data_dir, config.disk_reserve_mb)
    tasks = Tasks(store, jobs, files.find, users.begin(BOOT_ID.read_text().strip()))
    disk = Disk(config.data_dir, config.disk_reserve_mb)
    return Core(tasks, users, files, disk, data_id.of(config.data_dir), config.max_upload_mb, broken_jobs)
