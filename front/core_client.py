"""The HTTP client of the core; nothing else in the front talks to it."""

from collections.abc import Iterable
from typing import Any, BinaryIO, NoReturn, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import requests
from pydantic import BaseModel, TypeAdapter, ValidationError
from requests.adapters import HTTPAdapter

from front.errors import CoreRefused, CoreUnreachable, Held
from front.records import Activity, DrainState, Hold, Job, Name, Params, StoredFile, Task, TaskId, TaskStatus

T = TypeVar("T")

# Timeouts in seconds: to connect, and between two parts of the answer. A page waits for most calls.
QUICK = (1.5, 4.0)
PATIENT = (10.0, 60.0)  # for files; the first one also limits each pause while a body is sent


class Problem(BaseModel):
    """The body of every error that the core sends. Nothing else answers like this."""

    detail: str
    fields: dict[str, str] = {}
    holds: list[Hold] | None = None
    more: int = 0


# Built once: building one takes longer than reading an answer.
PROBLEM = TypeAdapter(Problem)
TEXTS = TypeAdapter(dict[str, str])
OBJECT = TypeAdapter(dict[str, Any])
NAMES = TypeAdapter(list[str])
NAME = TypeAdapter(Name)
JOBS = TypeAdapter(list[Job])
TASKS = TypeAdapter(list[Task])
TASK_STATUS = TypeAdapter(TaskStatus)
TASK_ID = TypeAdapter(TaskId)
STORED_FILE = TypeAdapter(StoredFile)
ACTIVITY = TypeAdapter(Activity)
DRAIN_STATE = TypeAdapter(DrainState)


class CoreClient:
    """Safe to use from any thread. Every call may raise CoreUnreachable or CoreRefused."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._place = urlsplit(url).netloc.rpartition("@")[2]
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy from the environment would see the key
        self._session.headers["X-API-Key"] = key
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=32))

    def jobs(self) -> list[Job]:
        return self._ask(JOBS, "GET", "/jobs")

    def start_task(self, job: str, params: Params, username: str, task_id: str) -> str:
        """Return the task's id. A repeated call starts nothing twice, so a broken connection is retried once."""
        order = {"job": job, "params": params, "username": username, "task_id": task_id}
        return self._ask(TASK_ID, "POST", "/start_task", json=order, again=True)["task_id"]

    def task_status(self, task_id: str) -> TaskStatus:
        return self._ask(TASK_STATUS, "GET", f"/task_status/{_id('task', task_id)}")

    def delete_task(self, task_id: str, username: str = "") -> None:
        """The task's status names `username` as the one who cancelled it."""
        who = {"username": username} if username else {}
        self._ask(OBJECT, "DELETE", f"/delete_task/{_id('task', task_id)}", params=who)

    def tasks(self, username: str = "", task_status: str = "", limit: int = 50, before: str = "") -> list[Task]:
        """Newest first, without results; `before` is a `submitted_at`."""
        wanted = {"username": username, "task_status": task_status, "limit": str(limit), "before": before}
        return self._ask(TASKS, "GET", "/tasks", params={name: value for name, value in wanted.items() if value})

    def upload(self, name: str, file: BinaryIO) -> StoredFile:
        """Send the whole file from its beginning, without loading it into memory."""
        file.seek(0)
        return self._ask(STORED_FILE, "POST", "/files", params={"name": name}, data=file, timeout=PATIENT)

    def download(self, file_id: str) -> bytes:
        return self._send("GET", f"/files/{_id('file', file_id)}", timeout=PATIENT).content

    def active_users(self) -> dict[str, str]:
        return self._ask(TEXTS, "GET", "/get_active_user")

    def add_active_user(self, username: str) -> dict[str, str]:
        return self._ask(TEXTS, "POST", "/add_active_user", json={"username": username})

    def delete_active_user(self, username: str) -> dict[str, str]:
        return self._ask(TEXTS, "DELETE", "/delete_active_user", json={"username": username})

    def stale_users(self) -> list[str]:
        """Those on the list whose entry is so old that it no longer holds the core."""
        return self._ask(NAMES, "GET", "/stale_users")

    def canonical_name(self, name: str) -> str:
        """The spelling of a name that the core uses. CoreRefused 422 says in `fields` what is wrong with the name."""
        return self._ask(NAME, "GET", "/username", params={"name": name})["username"]

    def activity(self) -> Activity:
        return self._ask(ACTIVITY, "GET", "/activity")

    def drain(self, username: str, accept: Iterable[Hold] = ()) -> None:
        """Held names who and what uses the core beyond `accept`, the holds that the user has seen."""
        self._ask(DRAIN_STATE, "POST", "/drain", json={"username": username, "accept": list(accept)})

    def undrain(self) -> None:
        self._ask(DRAIN_STATE, "DELETE", "/drain")

    def ready(self) -> dict[str, str]:
        """The state of each part of the core: `ok`, or what is wrong with it."""
        return self.readiness()[1]

    def readiness(self) -> tuple[bool, dict[str, str]]:
        """Whether a task would run now, and the state of each part. Some problems do not keep tasks from running."""
        answer = self._fetch("GET", "/ready")
        parts = self._parse(TEXTS, answer)
        if answer.status_code not in (200, 503) or "worker" not in parts:
            raise self._stranger(answer)
        return answer.status_code == 200, parts

    def _ask(self, kind: TypeAdapter[T], method: str, path: str, **options: Any) -> T:
        return self._parse(kind, self._send(method, path, **options))

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self._fetch(method, path, **options)
        if not 200 <= answer.status_code < 300:
            self._refuse(answer)
        return answer

    def _fetch(self, method: str, path: str, *, again: bool = False, **options: Any) -> requests.Response:
        try:
            # Following a redirect would send the key to wherever it points.
            return self._session.request(
                method, self._url + path, **{"timeout": QUICK, "allow_redirects": False, **options}
            )
        except requests.Timeout as error:
            raise CoreUnreachable(f"The core at {self._place} did not answer in time. Please try again.") from error
        except requests.RequestException as error:
            if again:
                return self._fetch(method, path, **options)
            raise CoreUnreachable(
                f"The core at {self._place} cannot be reached. It may be asleep, or just starting."
            ) from error

    def _refuse(self, answer: requests.Response) -> NoReturn:
        problem = self._parse(PROBLEM, answer)
        status, detail = answer.status_code, problem.detail
        if detail == "Not Found":  # what a web framework says about an unknown path; the core knows all of ours
            raise self._stranger(answer)
        if problem.holds is not None:
            raise Held(status, detail, problem.holds, problem.more)
        if status == 401:
            detail = "The core does not accept the front's key. Ask an admin to set the same CORE_API_KEY for both."
        raise CoreRefused(status, detail, problem.fields)

    def _parse(self, kind: TypeAdapter[T], answer: requests.Response) -> T:
        try:
            return kind.validate_json(answer.content)
        except ValidationError:
            raise self._stranger(answer) from None

    def _stranger(self, answer: requests.Response) -> CoreUnreachable:
        return CoreUnreachable(
            f"What answers at {self._place} is not a working core (status {answer.status_code}). "
            "If the core is just starting, wait a minute. Otherwise ask an admin."
        )


def _id(kind: str, value: str) -> str:
    """The id in a form that is safe in a path. It may come from the browser's address bar."""
    try:
        return UUID(value).hex if kind == "file" else str(UUID(value))
    except ValueError:
        raise CoreRefused(404, f"There is no {kind} {value[:100]!r}.") from None
