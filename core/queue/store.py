"""The only module that talks to Redis. It runs steps: blocking for the worker, async for the API."""

import asyncio
import logging
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError
from redis.retry import Retry

from core.errors import QueueUnavailable
from core.queue.steps import Step

log = logging.getLogger(__name__)

T = TypeVar("T")
LUA = Path(__file__).parent / "lua"
CONNECT, ANSWER = 1.0, 1.2  # s: no request hangs while Redis does
# One retry on a new connection is enough for a Redis that was restarted. Every step may be run twice.
RETRIES = 1


@cache
def _scripts() -> dict[str, str]:
    prelude = (LUA / "prelude.lua").read_text()
    return {path.stem: prelude + path.read_text() for path in LUA.glob("*.lua") if path.stem != "prelude"}


class Call(NamedTuple):
    """A script that a request waits for."""

    script: str
    args: tuple[str | bytes | float, ...]
    answer: asyncio.Future[Any]


class Store:
    """The queue for threads. QueueUnavailable if Redis does not answer or cannot write."""

    def __init__(self, url: str) -> None:
        again = Retry(NoBackoff(), RETRIES, supported_errors=(redis.ConnectionError,))
        self._redis = redis.Redis.from_url(url, retry=again, socket_timeout=ANSWER, socket_connect_timeout=CONNECT)
        self._scripts = {name: self._redis.register_script(text) for name, text in _scripts().items()}

    def run(self, step: Step[T]) -> T:
        try:
            answer = self._scripts[step.script](args=step.args)
        except redis.RedisError as error:
            raise _unavailable(error) from error
        return step.read(answer)

    def close(self) -> None:
        self._redis.close()


class AsyncStore:
    """The queue for an event loop, which never blocks on Redis. QueueUnavailable as for `Store`.

    An exchange with Redis costs a disk write and a quarter of a request's CPU time. So steps that are requested while
    one exchange is under way are sent together in the next, and a step waits for two exchanges at most. There is only
    ever one exchange at a time, hence one connection; taking it from a pool would cost as much as the exchange.
    """

    def __init__(self, url: str) -> None:
        pool = redis.asyncio.ConnectionPool.from_url(url, socket_timeout=None, socket_connect_timeout=CONNECT)
        self._connection = pool.make_connection()  # type: ignore[no-untyped-call]  # redis types little
        self._again = redis.asyncio.retry.Retry(NoBackoff(), RETRIES, supported_errors=(redis.ConnectionError,))
        self._digests = {name: sha1(text.encode()).hexdigest() for name, text in _scripts().items()}  # noqa: S324  # Redis's own name for a script
        self._calls: list[Call] = []
        self._sender: asyncio.Task[None] | None = None

    async def run(self, step: Step[T]) -> T:
        call = Call(step.script, step.args, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        try:
            answer = await call.answer
        except (redis.RedisError, TimeoutError) as error:
            raise _unavailable(error) from error
        return step.read(answer)

    async def _send(self) -> None:
        while self._calls:
            calls, self._calls = self._calls, []
            try:
                async with asyncio.timeout(ANSWER):
                    answers = await self._exchange(calls)
            except Exception as error:  # noqa: BLE001  # whatever it is, each caller gets it
                if isinstance(error, TimeoutError):
                    await self._connection.disconnect()  # or the late answers would be read as those to the next calls
                answers = [error] * len(calls)
            for call, answer in zip(calls, answers, strict=True):
                if call.answer.done():  # its request was cancelled
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
        """The answer to each command, or the error that Redis returned for it. Connects first if necessary."""
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
    # A wrong type or an unknown command is a bug of ours and must not look like an outage.
    refused = isinstance(error, OutOfMemoryError | ReadOnlyError) or "MISCONF" in str(error)
    if isinstance(error, redis.ResponseError) and not refused:
        raise error
    log.warning("Redis: %s: %s", type(error).__name__, error)
    return QueueUnavailable()
