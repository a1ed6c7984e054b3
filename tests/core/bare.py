"""A client with one connection and nothing else: a full one costs more than the calls that are counted or timed."""

import json
from http.client import HTTPConnection
from typing import Any, NamedTuple, Self

from tests.live import LiveCore


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class BareClient:
    def __init__(self, core: LiveCore) -> None:
        self.connection, self.key = HTTPConnection("127.0.0.1", core.port, timeout=30), core.key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {"X-API-Key": self.key, "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return Answer(answer.status, dict(answer.headers), json.loads(answer.read()))
