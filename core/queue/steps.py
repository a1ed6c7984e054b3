"""The life of a task: every step that it can take, each one atomic Lua script in Redis.

                 submit
                   │
                   ▼    claim             succeed, fail
                PENDING ─────▶ STARTED ──────────────────▶ SUCCESS, FAILURE
                   ▲  claim │     ▲ │
                 RETRY ─────┘     │ │ give_back: its worker died or was stopped
                   ▲  └───────────┘ │ renew: the worker was only silent, and still lives
                   └────────────────┘
      cancel: PENDING, RETRY, STARTED ─▶ REVOKED

- A run (worker/runner.py) takes `claim`, `progress` and at its end `succeed` or `fail`. A claim makes the run the owner
  of the task for the time of a lease; only the owner can report progress and record the end.
- The worker's main process (worker/recovery.py) runs `renew` and `beat` once a second. `beat` returns the tasks
  whose lease has lapsed; `take_back` lets them wait again. A run counts as an attempt; `claim` fails a task whose
  attempts are used up.
- `repush` replaces a lost message. A message too many does no harm: only one claim wins. A task whose job a worker
  does not have waits without a message: see aside.py.

Each function returns a `Step`: nothing happens until a store runs it. Any step may be run twice: a submit finds its own
record, a claim finds its own owner. Durations are seconds.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from core import names
from core.queue import messages, records
from core.queue.records import Activity, Claim, Drain, FullRecord, Glance, TaskError, TaskRecord, Waiting, Workers

T = TypeVar("T")
Submitted = Literal["accepted", "known", "conflict", "draining"]
Cancelled = Literal["revoked", "finished", "unknown"]
SHOWN = 200  # tasks that a refused drain names


@dataclass(frozen=True)
class Step(Generic[T]):
    """A script, its arguments, and how to read what Redis answers."""

    script: str
    args: tuple[str | bytes | float, ...]
    read: Callable[[Any], T]


def submit(task_id: str, *, job: str, user: str, params: bytes, start: str) -> Step[Submitted]:
    """Record and message in one. `params` is canonical JSON: the same id with other contents is a conflict."""
    message = messages.task_message(task_id, job)
    return Step("submit", (task_id, job, user, names.person(user), params, message, start), _word)


def status(task_id: str) -> Step[FullRecord | None]:
    return Step("status", (task_id,), lambda row: records.full_record_of(row) if row else None)


def list_tasks(*, state: str = "", user: str = "", before: int | None = None, limit: int) -> Step[list[TaskRecord]]:
    """Newest first. Empty `state` or `user`: any. `before`: submitted earlier than that (µs since 1970)."""
    newest = "+inf" if before is None else f"({before}"
    return Step(
        "list", (state, names.person(user), newest, limit), lambda rows: [records.record_of(row) for row in rows]
    )


def look(task_id: str) -> Step[Glance]:
    return Step("look", (task_id,), lambda row: Glance(_text(row[0]), _text(row[1])))  # type: ignore[arg-type]  # ours


def cancel(task_id: str, *, by: str | None = None, tell_workers: bool = False) -> Step[Cancelled]:
    """REVOKED at once. `by`: who asks, if that is known. `tell_workers`: also broadcast a revoke, which ends a run."""
    message = (messages.REVOKES, messages.revoke_message(task_id)) if tell_workers else ("", "")
    return Step("cancel", (task_id, *message, *([] if by is None else [by])), _word)


def act(start: str) -> Step[bool]:
    """Note that a person did something; False while the core drains."""
    return Step("act", (start,), lambda draining: not draining)


def activity(start: str) -> Step[Activity]:
    return Step("activity", (start,), records.activity_of)


def drain(  # noqa: PLR0913  # named, and each is part of the one decision
    start: str,
    *,
    by: str,
    accepted: Iterable[str] = (),
    users_hold: bool = False,
    force: bool = False,
    idle_for: float = 0,
    lasts: float,
) -> Step[Drain]:
    """For `by`: accept no new task for `lasts`, unless an unfinished task that is not `accepted` or a user holds it."""
    order = (start, by, int(users_hold), int(force), idle_for, int(lasts), SHOWN)
    return Step("drain", (*order, *accepted), records.drain_of)


def undrain() -> Step[None]:
    return Step("undrain", (), _nothing)


def workers(seconds: float) -> Step[Workers]:
    """The workers that have sent a heartbeat within the last `seconds`."""
    return Step("workers", (seconds,), lambda row: Workers(row[0], {*_texts(row[1])}))


def claim(task_id: str, owner: str, *, lease: float, attempts: int, lost: TaskError) -> Step[Claim | None]:
    """What `owner` is to run now, if it may. `lost` is its error if its `attempts` are used up."""
    args = (task_id, owner, _microseconds(lease), attempts, json.dumps(lost))
    return Step("claim", args, lambda row: Claim(json.loads(row[0]), row[1]) if row else None)


def progress(task_id: str, owner: str, done: float, message: str) -> Step[None]:
    return Step("progress", (task_id, owner, done, message.encode(errors="replace")), _nothing)


def succeed(task_id: str, owner: str, result: str) -> Step[bool]:
    """Record the result, which is JSON. False if `owner` no longer owns the task."""
    return Step("finish", (task_id, owner, "SUCCESS", "result", result), bool)


def fail(task_id: str, owner: str, error: TaskError) -> Step[bool]:
    """As `succeed`, for a run that failed."""
    return Step("finish", (task_id, owner, "FAILURE", "error", json.dumps(error)), bool)


def renew(runs: Sequence[tuple[str, str]], *, lease: float) -> Step[list[str]]:
    """Renew the lease of each run (task, owner) of a worker; the owners whose runs are to be ended."""
    words = [word for run in runs for word in run]
    return Step("renew", (_microseconds(lease), *words), _texts)


def beat(worker: str, jobs: Iterable[str] = ()) -> Step[list[str]]:
    """The heartbeat of a worker with these jobs; the tasks whose lease has lapsed.

    The time of leases passes only while workers beat.
    """
    return Step("beat", (worker, *jobs), _texts)


def give_back(task_id: str, job: str, *, owner: str, counts: bool) -> Step[bool]:
    """Let the task wait again, before all others, if `owner` still owns it. `counts`: the run was an attempt."""
    message = messages.task_message(task_id, job)
    return Step("give_back", (task_id, message, owner, int(counts)), bool)


def take_back(task_id: str, job: str) -> Step[bool]:
    """As `give_back`, from whichever owner's lease has lapsed; the owner may come back and renew it."""
    return Step("give_back", (task_id, messages.task_message(task_id, job), "", 1), bool)


def head_of_queue(count: int) -> Step[Waiting]:
    """The next `2 * count` messages, and the `count` oldest tasks of RETRY and of PENDING that do not wait aside."""
    return Step("head", (count,), lambda row: Waiting([*map(messages.task_id_of, row[0])], _texts(row[1] + row[2])))


def repush(task_id: str, job: str, *, age: float) -> Step[bool]:
    """Send another message for a task that waits and got its last one longer than `age` ago."""
    return Step("repush", (task_id, messages.task_message(task_id, job), _microseconds(age)), bool)


def expire(before: float) -> Step[int]:
    """Forget tasks that finished before this time (s since 1970); how many. At most 900, so that nobody waits long."""
    return Step("expire", (_microseconds(before),), int)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _text(word: bytes | None) -> str:
    return (word or b"").decode()


def _texts(words: list[bytes]) -> list[str]:
    return [*map(_text, words)]


def _word(word: bytes) -> Any:
    """One of the words that the script can answer, as the step's type says."""
    return word.decode()


def _nothing(_: object) -> None: ...
