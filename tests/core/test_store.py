"""The store of the API: it gives up on a Redis that hangs, and never reads a late answer as that to a later call."""

import asyncio
import time
import uuid

import pytest

from core.errors import QueueUnavailable
from core.queue import steps
from core.queue.store import AsyncStore
from tests.valkey import Queue, Valkey


def test_a_late_answer_is_never_read_as_the_answer_to_a_later_call(queue: Queue, valkey: Valkey) -> None:
    known = queue.submit(job="echo")

    async def ask_through_a_pause() -> tuple[float, str, str]:
        store = AsyncStore(valkey.url)
        await store.run(steps.look(known))
        queue.redis.client_pause(1500)
        begin = time.monotonic()
        with pytest.raises(QueueUnavailable):
            await store.run(steps.look(known))
        waited = time.monotonic() - begin
        queue.redis.client_unpause()
        unknown = await store.run(steps.look(str(uuid.uuid4())))
        again = await store.run(steps.look(known))
        await store.close()
        return waited, unknown.job, again.job

    waited, unknown, again = asyncio.run(ask_through_a_pause())

    assert waited < 1.5
    assert (unknown, again) == ("", "echo")


def test_after_a_time_out_the_connection_is_closed_by_the_store_itself(
    queue: Queue, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.queue.store.ANSWER", 0.1)

    async def ask_a_redis_that_hangs() -> None:
        store = AsyncStore(valkey.url)
        await store.run(steps.workers(10))
        hang_up = store._connection.disconnect

        async def disconnect(*, nowait: bool = False) -> None:
            if not nowait:  # with it, redis-py hangs up by itself
                await hang_up()

        monkeypatch.setattr(store._connection, "disconnect", disconnect)
        queue.redis.client_pause(300)
        with pytest.raises(QueueUnavailable):
            await store.run(steps.workers(10))
        assert not store._connection.is_connected
        await store.close()

    asyncio.run(ask_a_redis_that_hangs())


def test_calls_at_the_same_time_each_get_their_own_answer(queue: Queue, valkey: Valkey) -> None:
    tasks = [queue.submit(job=f"job{number}") for number in range(50)]

    async def ask_for_all() -> list[str]:
        store = AsyncStore(valkey.url)
        glances = await asyncio.gather(*[store.run(steps.look(task_id)) for task_id in tasks])
        await store.close()
        return [glance.job for glance in glances]

    assert asyncio.run(ask_for_all()) == [f"job{number}" for number in range(50)]
