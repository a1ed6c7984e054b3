"""Redis: the only door to it, with every step that must be one step as a Lua script."""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError
from redis.retry import Retry

from core.errors import QueueUnavailable

log = logging.getLogger(__name__)

LUA = Path(__file__).parent / "lua"
# One more attempt on a fresh connection: enough for a Redis that was restarted.
# Every script may be run twice: a submit finds its own record, a claim its own owner.
CONNECT, ANSWER = 1.0, 1.2  # s: nobody's request hangs while Redis does


@cache
def _scripts() -> dict[str, str]:
    prelude = (LUA / "prelude.lua").read_text()
    return {path.stem: prelude + path.read_text() for path in LUA.glob("*.lua") if path.stem != "prelude"}


class Call(NamedTuple):
    """A script that somebody waits for."""

    script: str
    args: tuple[str | bytes | float, ...]
    answer: asyncio.Future[Any]


class Glance(NamedTuple):
    """State and job of a task; both empty if nobody knows it."""

    state: str
    job: str


class Store:
    """The queue as the worker sees it. QueueUnavailable if Redis does not answer or does not write."""

    def __init__(self, url: str) -> None:
        again = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._redis = redis.Redis.from_url(url, retry=again, socket_timeout=ANSWER, socket_connect_timeout=CONNECT)
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
    """The queue as the API sees it: the event loop never waits for Redis.

    What is asked during one exchange with Redis is sent together in the next: each costs a write to the disk, and as
    much of the processor as a quarter of a request. So nobody waits for more than two of them. There is never more
    than one exchange, hence one connection and no pool: to ask a pool for it would cost as much as the exchange.
    """

    def __init__(self, url: str) -> None:
        pool = redis.asyncio.ConnectionPool.from_url(url, socket_timeout=None, socket_connect_timeout=CONNECT)
        self._connection = pool.make_connection()  # type: ignore[no-untyped-call]  # redis types little
        self._again = redis.asyncio.retry.Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._digests = {name: sha1(text.encode()).hexdigest() for name, text in _scripts().items()}  # noqa: S324  # Redis's own name for a script
        self._calls: list[Call] = []
        self._sender: asyncio.Task[None] | None = None

    async def run(self, script: str, *args: str | bytes | float) -> Any:
        call = Call(script, args, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        try:
            return await call.answer
        except (redis.RedisError, TimeoutError) as error:
            raise _unavailable(error) from error

    async def _send(self) -> None:
        while self._calls:
            calls, self._calls = self._calls, []
            try:
                async with asyncio.timeout(ANSWER):
                    answers = await self._exchange(calls)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer to each
                answers = [error] * len(calls)
            for call, answer in zip(calls, answers, strict=True):
                if call.answer.done():  # whoever asked has gone
                    continue
                if isinstance(answer, Exception):
                    call.answer.set_exception(answer)
                else:
                    call.answer.set_result(answer)

    async def _exchange(self, calls: list[Call]) -> list[Any]:
        commands = [("EVALSHA", self._digests[call.script], 0, *call.args) for call in calls]
        answers = await self._again.call_with_retry(lambda: self._ask(commands), self._hang_up)
        unknown = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:  # a Redis that has just started
            again = await self._ask(
                [("EVAL", _scripts()[calls[place].script], 0, *calls[place].args) for place in unknown]
            )
            for place, answer in zip(unknown, again, strict=True):
                answers[place] = answer
        return answers

    async def _ask(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """The answer to each command, or the error that Redis gave for it. It connects if it must."""
        await self._connection.send_packed_command(self._connection.pack_commands(commands))
        answers = []
        for _ in commands:
            try:
                answers.append(await self._connection.read_response())
            except redis.ResponseError as error:
                answers.append(error)
        return answers

    async def _hang_up(self, _: Exception) -> None:
        await self._connection.disconnect()

    async def close(self) -> None:
        await self._connection.disconnect()


def _unavailable(error: Exception) -> QueueUnavailable:
    # An unknown script or a wrong type is our own mistake, and must not look like an outage.
    refused = isinstance(error, OutOfMemoryError | ReadOnlyError) or "MISCONF" in str(error)
    if isinstance(error, redis.ResponseError) and not refused:
        raise error
    log.warning("Redis: %s: %s", type(error).__name__, error)
    return QueueUnavailable()
