"""Redis: the only door to it, with every step that must be one step as a Lua script."""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.retry import Retry

from core.errors import QueueUnavailable

log = logging.getLogger(__name__)

LUA = Path(__file__).parent / "lua"
# One more attempt on a fresh connection: enough for a Redis that was restarted.
# Every script may be run twice: a submit finds its own record, a claim its own owner.
TIMEOUTS: dict[str, Any] = {"socket_timeout": 1.2, "socket_connect_timeout": 1.0}
DEADLINE = 2.5  # s, whatever a request has to wait for: nobody's request hangs while Redis does


@cache
def _scripts() -> dict[str, str]:
    prelude = (LUA / "prelude.lua").read_text()
    return {path.stem: prelude + path.read_text() for path in LUA.glob("*.lua") if path.stem != "prelude"}


class Glance(NamedTuple):
    """State and job of a task; both empty if nobody knows it."""

    state: str
    job: str


class Store:
    """The queue as the worker sees it. QueueUnavailable if Redis does not answer or does not write."""

    def __init__(self, url: str) -> None:
        again = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._redis = redis.Redis.from_url(url, retry=again, **TIMEOUTS)
        self._scripts = {name: self._redis.register_script(text) for name, text in _scripts().items()}

    def run(self, script: str, *args: str | bytes | float) -> Any:
        try:
            return self._scripts[script](args=args)
        except redis.RedisError as error:
            raise _unavailable(error) from error

    def look(self, task_id: str) -> Glance:
        row = self.run("look", task_id)
        return Glance(*[(field or b"").decode() for field in row])

    def queued(self, count: int) -> tuple[list[bytes], list[bytes]]:
        """The messages that are taken next, `2 * count`; the ids that wait again and the new ones, `count` of each."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.lrange("celery", -2 * count, -1)
        pipe.zrange("okosu:tasks:RETRY", 0, count - 1)
        pipe.zrange("okosu:tasks:PENDING", 0, count - 1)
        try:
            messages, again, first = pipe.execute()
        except redis.RedisError as error:
            raise _unavailable(error) from error
        return messages, again + first

    def close(self) -> None:
        self._redis.close()


class AsyncStore:
    """The queue as the API sees it: the event loop never waits for Redis."""

    def __init__(self, url: str) -> None:
        again = redis.asyncio.retry.Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        # A request that finds every connection taken waits for one instead of opening more than Redis can hold.
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url, max_connections=64, timeout=None, retry=again, **TIMEOUTS
        )
        self._redis = redis.asyncio.Redis(connection_pool=pool)
        self._scripts = {name: self._redis.register_script(text) for name, text in _scripts().items()}

    async def run(self, script: str, *args: str | bytes | float) -> Any:
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._scripts[script](args=args)
        except (redis.RedisError, TimeoutError) as error:
            raise _unavailable(error) from error

    async def close(self) -> None:
        await self._redis.aclose()


def _unavailable(error: Exception) -> QueueUnavailable:
    # An unknown script or a wrong type is our own mistake, and must not look like an outage.
    refused = isinstance(error, OutOfMemoryError | ReadOnlyError) or "MISCONF" in str(error)
    if isinstance(error, redis.ResponseError) and not refused:
        raise error
    log.warning("Redis: %s: %s", type(error).__name__, error)
    return QueueUnavailable()
