"""A task's record, as Redis keeps it, becomes the JSON that travels."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_of(microseconds: bytes | None) -> str | None:
    """ISO 8601 UTC, to the microsecond: `before` gives it back exactly, in a URL too (a "+" would be a space there)."""
    if not microseconds:
        return None
    return (EPOCH + timedelta(microseconds=int(microseconds))).isoformat().replace("+00:00", "Z")


def microseconds_of(time: datetime) -> int:
    """The other way round; a time without a zone is taken as UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def task_of(row: list[Any]) -> dict[str, Any]:
    """The JSON of a task from what the scripts `list` and `status` answer; `status` has the result as well."""
    task_id, place, (job, user, params, state, done, message, error, at, started, finished, *result) = row
    task = {
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
    return task if not result else {**task, "result": json.loads(result[0]) if result[0] else None}
