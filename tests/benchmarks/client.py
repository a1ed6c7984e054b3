"""One connection to a contestant's API, with as little overhead as Python allows."""

import json
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

ORDER = {"job": "echo", "params": {"text": "one line of text"}, "username": "sato"}


class Answer(NamedTuple):
    status: int
    body: Any


class Client:
    def __init__(self, url: str, key: str = "a-key-for-benchmarks-only") -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, self._headers)
        answer = self._connection.getresponse()
        return Answer(answer.status, json.loads(answer.read()))

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def submit(self, order: dict[str, Any] | None = None) -> str:
        answer = self.call("POST", "/start_task", order or ORDER)
        assert answer.status == 200, answer
        task_id: str = answer.body["task_id"]
        return task_id

    def is_finished(self, task_id: str) -> bool:
        return bool(self.get(f"/task_status/{task_id}").body["task_status"] == "SUCCESS")
