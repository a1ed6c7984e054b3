"""Submit, status, cancel, list, drain: the only door from HTTP to the queue."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.active_users import Start
from core.api.schemas import Activity, Drain, StartTask
from core.errors import (
    Draining,
    Held,
    InvalidFields,
    NotIdleYet,
    TaskConflict,
    TaskFinished,
    UnknownJob,
    UnknownTask,
)
from core.queue import messages
from core.queue.records import microseconds_of, task_of
from core.queue.store import AsyncStore
from core.registry import FindFile, Job

DRAIN_SECONDS = 600
PARAMS_BYTES = 100_000  # Redis keeps them in memory for as long as the result
WORKER_SECONDS = 10  # a worker that has not beaten for so long counts as dead


@dataclass(frozen=True)
class Tasks:
    """Every method answers from Redis alone, in one round trip; QueueUnavailable if it cannot."""

    store: AsyncStore
    jobs: dict[str, Job]
    find_file: FindFile
    start: Start

    async def submit(self, order: StartTask) -> tuple[str, bool]:
        """The task's id, and whether it is new. Record, queue entry, idempotency and drain check are one step."""
        if order.job not in self.jobs:
            raise UnknownJob(order.job, sorted(self.jobs))
        params = _stored(order.params)
        task_id = str(order.task_id or uuid.uuid4())
        self.jobs[order.job].validate(order.params, self.find_file)
        message = messages.task_message(task_id, order.job)
        verdict = await self.store.run("submit", task_id, order.job, order.username, params, message, self.start.id)
        if verdict == b"conflict":
            raise TaskConflict(task_id)
        if verdict == b"draining":
            raise Draining
        return task_id, verdict == b"accepted"

    async def status(self, task_id: str) -> dict[str, Any]:
        row = await self.store.run("status", _canonical(task_id))
        if row is None:
            raise UnknownTask(task_id)
        return task_of(row)

    async def cancel(self, task_id: str) -> None:
        """REVOKED at once, whoever lives; the workers are told to stop it by Celery's own revoke."""
        known = _canonical(task_id)
        verdict = await self.store.run("cancel", known, messages.REVOKES, messages.revoke_message(known))
        if verdict == b"unknown":
            raise UnknownTask(task_id)
        if verdict == b"finished":
            raise TaskFinished(known)

    async def recent(self, state: str, user: str, before: datetime | None, limit: int) -> list[dict[str, Any]]:
        newest = f"({microseconds_of(before)}" if before else "+inf"
        return [task_of(row) for row in await self.store.run("list", state, user, newest, limit)]

    async def activity(self, active_users: int) -> Activity:
        waiting, running, idle, draining = await self.store.run("activity", self.start.id, self.start.at)
        return Activity(
            waiting=waiting,
            running=running,
            active_users=active_users,
            idle_seconds=float(idle),
            draining=bool(draining),
        )

    async def act(self) -> None:
        """Note that somebody did something; Draining if the core is about to stop."""
        if await self.store.run("act", self.start.id):
            raise Draining

    async def drain(self, order: Drain, others: list[str]) -> None:
        """Accept nothing new from now on. Held if tasks or `others` still use the core, NotIdleYet if too recent."""
        allowed, force = int(not others), int(order.force)
        verdict, *rest = await self.store.run(
            "drain", self.start.id, self.start.at, allowed, force, order.idle_for, DRAIN_SECONDS
        )
        if verdict == b"busy":
            raise NotIdleYet(float(rest[0]), order.idle_for)
        if verdict == b"held":
            tasks = [
                {"kind": "task", "username": u.decode(), "task_id": i.decode(), "job": j.decode()} for i, u, j in rest
            ]
            raise Held(tasks + [{"kind": "user", "username": other} for other in others])

    async def undrain(self) -> None:
        await self.store.run("undrain")

    async def workers(self) -> int:
        """How many workers are alive."""
        return int(await self.store.run("workers", WORKER_SECONDS))


_ONE_SPELLING = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _canonical(task_id: str) -> str:
    try:
        return str(uuid.UUID(task_id))
    except ValueError:
        raise UnknownTask(task_id) from None


def _stored(params: dict[str, Any]) -> bytes:
    """One spelling of the parameters, so that the same request is seen to be the same."""
    try:
        text = _ONE_SPELLING.encode(params).encode()
    except (ValueError, RecursionError):
        raise InvalidFields({"params": "numbers must be finite, text Unicode, and nothing nested too deep"}) from None
    if len(text) > PARAMS_BYTES:
        raise InvalidFields({"params": "are larger than 100 kB; send data as a file through POST /files"})
    return text
