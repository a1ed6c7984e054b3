"""What Redis says about its own disk, in a person's words."""

import pytest

from core.queue.persistence import persistence, told
from tests.valkey import Queue


def test_a_redis_that_writes_well_is_ok(queue: Queue) -> None:
    assert queue.run(persistence()) == "ok"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("aof_last_write_status", "no task is accepted"), ("aof_last_bgrewrite_status", "may soon be full")],
)
def test_what_redis_could_not_write_is_said_and_what_to_do(name: str, sentence: str) -> None:
    problem = told({"aof_enabled": "1", name: "err"})

    assert sentence in problem
    assert "make room on the disk of Redis" in problem


def test_a_redis_that_does_not_say_is_not_accused() -> None:
    assert told({}) == "ok"
