"""What the API does with the queue: submit, status, cancel, list, drain."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from core import names, processes
from core.active_users import Start
from core.api.schemas import Drain, Hold, StartTask
from core.errors import (
    Draining,
    Held,
    InvalidFields,
    NotIdleYet,
    TaskConflict,
    TaskFinished,
    UnknownJob,
    UnknownTask,
    UsersUnknown,
)
from core.queue import neighbours, steps
from core.queue.persistence import persistence
from core.queue.records import Activity, FullRecord, Params, TaskRecord, Workers, microseconds_of
from core.queue.store import AsyncStore
from core.registry import FindFile, Job

DRAIN_SECONDS = 600
CHECK_SECONDS = 2.0  # for a job's own validators: every other request of this process waits meanwhile
PARAMS_BYTES = 100_000  # Redis keeps them in memory for as long as the result
WORKER_SECONDS = 10  # a worker whose last heartbeat is older counts as dead


@dataclass(frozen=True)
class Tasks:
    """Each method is one round trip to Redis; QueueUnavailable if Redis does not answer."""

    store: AsyncStore
    jobs: dict[str, Job]
    find_file: FindFile
    start: Start

    async def submit(self, order: StartTask) -> tuple[str, bool]:
        """The task's id, and whether it is new. Record, message, idempotency and drain check are one step."""
        if order.job not in self.jobs:
            raise UnknownJob(order.job, sorted(self.jobs))
        params = _canonical_json(order.params)
        task_id = str(order.task_id or uuid.uuid4())
        with processes.at_most(CHECK_SECONDS):
            self.jobs[order.job].validate(order.params, self.find_file)
        step = steps.submit(task_id, job=order.job, user=order.username, params=params, start=self.start.id)
        verdict = await self.store.run(step)
        if verdict == "conflict":
            raise TaskConflict(task_id)
        if verdict == "draining":
            raise Draining
        return task_id, verdict == "accepted"

    async def status(self, task_id: str) -> FullRecord:
        record = await self.store.run(steps.status(_canonical_id(task_id)))
        if record is None:
            raise UnknownTask(task_id)
        return record

    async def cancel(self, task_id: str, by: str | None) -> None:
        """REVOKED at once, even if no worker is alive; Celery's own revoke tells the workers to end the run."""
        known = _canonical_id(task_id)
        verdict = await self.store.run(steps.cancel(known, by=by, tell_workers=True))
        if verdict == "unknown":
            raise UnknownTask(task_id)
        if verdict == "finished":
            raise TaskFinished(known)

    async def recent(self, state: str, user: str, before: datetime | None, limit: int) -> list[TaskRecord]:
        earlier = microseconds_of(before) if before else None
        return await self.store.run(steps.list_tasks(state=state, user=user, before=earlier, limit=limit))

    async def activity(self) -> Activity:
        return await self.store.run(steps.activity(self.start.id))

    async def act(self) -> None:
        """Note that a person did something; Draining if the core is about to stop."""
        if not await self.store.run(steps.act(self.start.id)):
            raise Draining

    async def drain(self, order: Drain, others: list[str] | None) -> None:
        """Accept nothing new from now on. Held if tasks or `others` hold the core that the caller has not accepted.

        `others` is None if nobody can tell who they are, which holds the core too.
        """
        users = [other for other in others or () if names.person(other) not in order.accepted_users]
        unknown = others is None and not order.accepts_unknown_users
        step = steps.drain(
            self.start.id,
            by=order.username,
            accepted=order.accepted_tasks,
            users_hold=bool(users) or unknown,
            force=order.force,
            idle_for=order.idle_for,
            lasts=DRAIN_SECONDS,
        )
        drain = await self.store.run(step)
        if drain.draining:
            return
        holds = [Hold(kind="task", username=t.username, task_id=t.task_id, job=t.job) for t in drain.tasks]
        holds += [Hold(kind="user", username=user) for user in users]
        if unknown:
            holds.append(Hold(kind="list"))
        if holds:
            kind = UsersUnknown if unknown else Held
            raise kind([hold.model_dump(exclude_none=True) for hold in holds], drain.more)
        raise NotIdleYet(drain.idle, order.idle_for)

    async def undrain(self) -> None:
        await self.store.run(steps.undrain())

    async def workers(self) -> Workers:
        """Those that are alive."""
        return await self.store.run(steps.workers(WORKER_SECONDS))

    async def share(self, data_id: str) -> bool:
        """Whether the live workers, if any, use the folder with this id."""
        return await self.store.run(neighbours.share(data_id))

    async def persistence(self) -> str:
        """`ok`, or what Redis could not write to its disk."""
        return await self.store.run(persistence())


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _canonical_id(task_id: str) -> str:
    try:
        return str(uuid.UUID(task_id))
    except ValueError:
        raise UnknownTask(task_id) from None


def _canonical_json(params: Params) -> bytes:
    """The same parameters are always the same bytes, so that a repeated request is recognised."""
    try:
        text = _CANONICAL.encode(params).encode()
    except (ValueError, RecursionError):
        raise InvalidFields({"params": "numbers must be finite, text Unicode, and nothing nested too deep"}) from None
    if len(text) > PARAMS_BYTES:
        raise InvalidFields({"params": "are larger than 100 kB; send data as a file through POST /files"})
    return text
