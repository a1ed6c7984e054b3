"""The only speaker of HTTP to the core."""

from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import requests
from pydantic import TypeAdapter, ValidationError
from requests.adapters import HTTPAdapter

from front.errors import CoreRefused, CoreUnreachable, Held

T = TypeVar("T")
Json = dict[str, Any]

QUICK = (1.5, 4.0)  # seconds to connect, and of silence while reading: a page waits for these calls
PATIENT = (10.0, 60.0)  # files; while a body is sent, the first number bounds each stall


class CoreClient:
    """Plain JSON in and out, from any thread. Every call may raise CoreUnreachable or CoreRefused."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._place = urlsplit(url).netloc.rpartition("@")[2]
        self._session = requests.Session()
        self._session.trust_env = False  # the core is near; a proxy would only see the key
        self._session.headers["X-API-Key"] = key
        self._session.mount(self._url, HTTPAdapter(pool_connections=1, pool_maxsize=32))

    def jobs(self) -> list[Json]:
        return self._ask(list[Json], "GET", "/jobs")

    def start_task(self, job: str, params: Json, username: str, task_id: str) -> str:
        """The task's id. The same again starts nothing twice."""
        order = {"job": job, "params": params, "username": username, "task_id": task_id}
        return self._ask(dict[str, str], "POST", "/start_task", json=order)["task_id"]

    def task_status(self, task_id: str) -> Json:
        return self._ask(Json, "GET", f"/task_status/{_known('task', task_id)}")

    def delete_task(self, task_id: str) -> None:
        self._ask(Json, "DELETE", f"/delete_task/{_known('task', task_id)}")

    def tasks(self, username: str = "", task_status: str = "", limit: int = 50, before: str = "") -> list[Json]:
        """Newest first, without results; `before` is a `submitted_at`."""
        wanted = {"username": username, "task_status": task_status, "limit": str(limit), "before": before}
        return self._ask(list[Json], "GET", "/tasks", params={key: value for key, value in wanted.items() if value})

    def upload(self, name: str, file: BinaryIO) -> Json:
        """Send the whole file, from its beginning, without a copy in memory."""
        file.seek(0)
        return self._ask(Json, "POST", "/files", params={"name": name}, data=file, timeout=PATIENT)

    def download(self, file_id: str) -> bytes:
        return self._send("GET", f"/files/{_known('file', file_id)}", timeout=PATIENT).content

    def active_users(self) -> dict[str, str]:
        return self._ask(dict[str, str], "GET", "/get_active_user")

    def add_active_user(self, username: str) -> dict[str, str]:
        return self._ask(dict[str, str], "POST", "/add_active_user", json={"username": username})

    def delete_active_user(self, username: str) -> dict[str, str]:
        return self._ask(dict[str, str], "DELETE", "/delete_active_user", json={"username": username})

    def activity(self) -> Json:
        return self._ask(Json, "GET", "/activity")

    def drain(self, username: str, force: bool = False) -> None:  # noqa: FBT001, FBT002  # the pages' contract
        """Held names who and what still uses the core."""
        self._ask(Json, "POST", "/drain", json={"username": username, "force": force})

    def undrain(self) -> None:
        self._ask(Json, "DELETE", "/drain")

    def ready(self) -> dict[str, str]:
        """Each part `ok`, or what is wrong with it."""
        answer = self._fetch("GET", "/ready")
        parts = self._parse(dict[str, str], answer)
        if answer.status_code not in (200, 503) or "worker" not in parts:
            raise self._stranger(answer)
        return parts

    def _ask(self, kind: type[T], method: str, path: str, **options: Any) -> T:
        return self._parse(kind, self._send(method, path, **options))

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self._fetch(method, path, **options)
        if answer.ok and not answer.is_redirect:
            return answer
        problem = self._parse(Json, answer)
        detail = problem.get("detail")
        # "Not Found" is what a web framework says of a path that it does not know: this is not our core.
        if not isinstance(detail, str) or detail == "Not Found":
            raise self._stranger(answer)
        if answer.status_code == 401:
            detail = "The core does not know the front's key. Ask an admin to set the same CORE_API_KEY on both."
        if isinstance(problem.get("holds"), list):
            raise Held(answer.status_code, detail, problem["holds"])
        raise CoreRefused(answer.status_code, detail, problem.get("fields"))

    def _fetch(self, method: str, path: str, **options: Any) -> requests.Response:
        # A redirect would carry the key to wherever it points.
        options = {"timeout": QUICK, "allow_redirects": False, **options}
        # A connection that the core closed while it was idle looks like a dead core; all but uploads may be sent twice.
        for left in (0,) if "data" in options else (1, 0):
            try:
                return self._session.request(method, self._url + path, **options)
            except requests.Timeout as error:
                raise CoreUnreachable(f"The core at {self._place} did not answer in time. Try again soon.") from error
            except requests.RequestException as error:
                if not left:
                    raise CoreUnreachable(
                        f"Nobody answers at {self._place}. The core may be asleep or starting."
                    ) from error
        raise AssertionError  # the loop returns or raises

    def _parse(self, kind: type[T], answer: requests.Response) -> T:
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError:
            raise self._stranger(answer) from None

    def _stranger(self, answer: requests.Response) -> CoreUnreachable:
        return CoreUnreachable(
            f"What answers at {self._place} is not a working core (status {answer.status_code}). "
            "If it is just starting, wait a minute; otherwise ask an admin."
        )


def _known(kind: str, value: str) -> str:
    """An id that is safe in a path: it may come from an address bar."""
    try:
        UUID(value)
    except ValueError:
        raise CoreRefused(404, f"There is no {kind} {value[:100]!r}.") from None
    return value
