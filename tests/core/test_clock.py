"""The clock jumps, and everything lasts as long as it should: leases, drains, idle times, retention."""

import time
from pathlib import Path

import pytest

from core.queue import steps
from core.queue.records import Drain
from core.settings import WorkerSettings
from core.worker.housekeeping import Housekeeping
from tests.clock import Clock, needs_faketime
from tests.live import until
from tests.valkey import Queue, Valkey, claim, repush, submit, succeed, take_back

HOUR, YEAR = 3600, 366 * 86400
JUMPS = [-YEAR, -HOUR, -600, 600, HOUR, YEAR]
START = "this start"


def drain(queue: Queue, *, force: bool = False, idle_for: float = 0, lasts: float = 600) -> Drain:
    return queue.run(steps.drain(START, by="sato", force=force, idle_for=idle_for, lasts=lasts))


@needs_faketime
@pytest.mark.parametrize("jump", JUMPS)
def test_a_dead_workers_task_is_taken_back_when_its_lease_is_over(jumping: Queue, clock: Clock, jump: int) -> None:
    task_id = jumping.submit()
    jumping.run(claim(task_id, "gone/1", lease=0.3))
    clock.set(jump)
    assert until(lambda: jumping.run(steps.beat("w")), 5) == [task_id]
    assert jumping.run(take_back(task_id))


@needs_faketime
@pytest.mark.parametrize("jump", JUMPS)
def test_no_live_lease_lapses(jumping: Queue, clock: Clock, jump: int) -> None:
    task_id = jumping.submit()
    jumping.run(claim(task_id, "w/1"))
    clock.set(jump)
    assert [jumping.run(steps.beat(worker)) for worker in ("w", "v")] == [[], []]
    assert not jumping.run(take_back(task_id))


@needs_faketime
def test_no_lease_lapses_while_no_worker_beats(jumping: Queue, clock: Clock) -> None:
    task_id = jumping.submit()
    jumping.run(claim(task_id, "w/1"))
    for minutes in range(1, 6):  # as if so much time passed, in which only people ask
        clock.set(60 * minutes)
        jumping.run(steps.activity(START))
    assert not jumping.run(take_back(task_id))
    assert jumping.run(steps.beat("another")) == []


@needs_faketime
def test_many_workers_do_not_make_time_pass_faster(jumping: Queue) -> None:
    def leases() -> float:
        return float(jumping.redis.hget("okosu:beats", "at") or 0) / 1e6

    begin, at = time.monotonic(), leases()
    until(lambda: [jumping.run(steps.beat(f"w{number}")) for number in range(9)] and time.monotonic() > begin + 0.5)
    assert leases() - at <= time.monotonic() - begin + 0.1


@needs_faketime
@pytest.mark.parametrize("jump", JUMPS)
def test_a_drain_lasts_as_long_as_it_should_even_if_no_worker_lives(jumping: Queue, clock: Clock, jump: int) -> None:
    drain(jumping)
    clock.set(jump)
    assert jumping.run(submit("a", start=START)) == "draining"
    jumping.run(steps.undrain())
    drain(jumping, lasts=0.2)
    clock.set(0)
    assert until(lambda: jumping.run(submit("a", start=START)) == "accepted", 2)


@needs_faketime
@pytest.mark.parametrize("jump", JUMPS)
def test_an_hour_that_did_not_pass_is_not_idle_time_and_idle_time_goes_on(
    jumping: Queue, clock: Clock, jump: int
) -> None:
    jumping.run(steps.act(START))
    clock.set(jump)
    idle = jumping.run(steps.activity(START)).idle
    assert 0 <= idle < 62
    assert not drain(jumping, idle_for=100).draining
    assert until(lambda: jumping.run(steps.activity(START)).idle > idle, 2)


@needs_faketime
@pytest.mark.parametrize("jump", JUMPS)
def test_a_lost_message_is_sent_again(jumping: Queue, clock: Clock, jump: int) -> None:
    task_id = jumping.submit()
    jumping.run(repush(task_id))
    clock.set(jump)
    jumping.redis.delete("celery")

    def sent() -> bool:
        jumping.run(steps.beat("w"))
        return jumping.run(repush(task_id, age=0.2))

    until(sent, 5)
    assert jumping.messages() == [task_id]


@needs_faketime
@pytest.mark.parametrize("jump", JUMPS)
def test_a_worker_that_beats_is_alive_and_one_that_has_died_is_not(jumping: Queue, clock: Clock, jump: int) -> None:
    clock.set(jump)
    until(lambda: jumping.run(steps.workers(10)).alive == 0, 2)
    jumping.run(steps.beat("v"))
    assert jumping.run(steps.workers(10)).alive == 1


@needs_faketime
def test_nothing_that_has_just_finished_expires_because_redis_has_a_wrong_clock(jumping: Queue, clock: Clock) -> None:
    task_id = jumping.submit()
    jumping.run(claim(task_id, "w/1"))
    jumping.run(succeed(task_id, "w/1"))
    clock.set(YEAR)
    assert jumping.run(steps.expire(time.time() - 86400)) == 0


def test_nothing_expires_until_the_clock_of_the_machine_has_been_right_for_ten_minutes(
    queue: Queue, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = queue.submit()
    queue.run(steps.cancel(task_id))
    keeper = Housekeeping(WorkerSettings(redis_url=valkey.url, data_dir=tmp_path, retention_days=1, _env_file=None))
    keeper.tidy()
    keeper._expire_at = 0
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() + YEAR)
    keeper.tidy()
    assert queue.state(task_id) == "REVOKED"
    assert keeper._expire_at > time.monotonic() + 590
    keeper._expire_at = 0  # the ten minutes are over, and the clock still says the same: it may be right
    keeper.tidy()
    assert queue.state(task_id) == ""
