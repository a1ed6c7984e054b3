"""Each step of a task as the queue's scripts take it: what is accepted, what is refused, and what is written down."""

import uuid

import pytest

from core.errors import QueueUnavailable
from core.queue.store import Store
from tests.live import until
from tests.queue import Queue, Valkey

ID = "01234567-89ab-cdef-0123-456789abcdef"


def test_a_submitted_task_waits_and_has_one_message(queue: Queue) -> None:
    queue.submit(ID)
    assert (queue.state(ID), queue.messages()) == ("PENDING", [ID])


def test_the_same_submission_again_is_known_and_adds_no_message(queue: Queue) -> None:
    queue.submit(ID)
    assert queue.offer(ID) == "known"
    assert queue.messages() == [ID]


@pytest.mark.parametrize("other", [{"job": "fails"}, {"user": "ito"}, {"params": '{"a":1}'}])
def test_other_contents_under_the_same_id_are_a_conflict(queue: Queue, other: dict[str, str]) -> None:
    queue.submit(ID)
    assert queue.offer(ID, **other) == "conflict"
    assert queue.messages() == [ID]


def test_a_draining_core_refuses_what_is_new_and_answers_for_what_it_knows(queue: Queue) -> None:
    queue.submit(ID)
    queue.redis.set("okosu:drain", "this start")
    assert queue.offer(str(uuid.uuid4()), start="this start") == "draining"
    assert queue.offer(ID, start="this start") == "known"
    assert queue.offer(str(uuid.uuid4()), start="the next start") == "accepted"


def test_a_queue_without_room_refuses_a_task_whole(queue: Queue) -> None:
    queue.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(QueueUnavailable):
            queue.offer(ID)
    finally:
        queue.redis.config_set("maxmemory", 0)
    assert (queue.redis.keys(), queue.offer(ID)) == ([], "accepted")


def test_a_task_is_claimed_once(queue: Queue) -> None:
    queue.submit(ID)
    assert queue.claim(ID, "w/1")
    assert not queue.claim(ID, "w/2")
    assert (queue.field(ID, "owner"), queue.field(ID, "attempt")) == ("w/1", "1")


def test_a_claim_whose_answer_was_lost_may_be_repeated(queue: Queue) -> None:
    queue.submit(ID)
    assert queue.claim(ID)
    assert queue.claim(ID)
    assert queue.field(ID, "attempt") == "1"


@pytest.mark.parametrize("state", ["SUCCESS", "FAILURE"])
def test_a_result_is_recorded_once_and_only_by_the_owner(queue: Queue, state: str) -> None:
    queue.submit(ID)
    queue.claim(ID, "w/1")
    assert not queue.finish(ID, "w/2", state)
    assert queue.finish(ID, "w/1", state)
    assert not queue.finish(ID, "w/1", "SUCCESS")
    assert queue.state(ID) == state
    assert not queue.claim(ID)


def test_nobody_runs_an_unknown_task(queue: Queue) -> None:
    assert not queue.claim(ID)
    assert queue.redis.keys() == []


def test_a_lost_run_waits_again_before_all_others_and_counts(queue: Queue) -> None:
    queue.submit(ID)
    queue.redis.delete("celery")  # as if its message had been taken
    queue.claim(ID)
    other = queue.submit()
    assert queue.give_back(ID, "w/1")
    assert (queue.state(ID), queue.messages(), queue.field(ID, "attempt")) == ("RETRY", [ID, other], "1")


def test_a_stopped_run_waits_again_and_does_not_count(queue: Queue) -> None:
    queue.submit(ID)
    queue.claim(ID)
    assert queue.give_back(ID, "w/1", counts=0)
    assert queue.field(ID, "attempt") == "0"


def test_only_its_own_run_is_given_back(queue: Queue) -> None:
    queue.submit(ID)
    queue.claim(ID, "w/1")
    assert not queue.give_back(ID, "w/2")
    assert queue.state(ID) == "STARTED"


def test_a_run_with_a_live_lease_is_taken_from_nobody(queue: Queue) -> None:
    queue.submit(ID)
    queue.claim(ID)
    assert not queue.give_back(ID)
    queue.lapse(ID)
    assert queue.give_back(ID)
    assert not queue.give_back(ID)


def test_a_run_that_is_known_to_be_dead_can_record_nothing(queue: Queue) -> None:
    queue.submit(ID)
    queue.claim(ID)
    queue.give_back(ID, "w/1")
    assert not queue.finish(ID)


def test_a_run_whose_lease_lapsed_may_still_finish_until_another_claims_it(queue: Queue) -> None:
    late, overtaken = queue.submit(), queue.submit()
    for task_id in (late, overtaken):
        queue.claim(task_id, "w/1")
        queue.lapse(task_id)
        queue.give_back(task_id)
    queue.claim(overtaken, "w/2")
    assert queue.finish(late, "w/1")
    assert not queue.finish(overtaken, "w/1")
    assert queue.finish(overtaken, "w/2")


def test_a_run_whose_lease_lapsed_is_taken_back_by_renewing_it(queue: Queue) -> None:
    queue.submit(ID)
    queue.claim(ID)
    queue.lapse(ID)
    queue.give_back(ID)
    assert queue.renew((ID, "w/1")) == []
    assert queue.state(ID) == "STARTED"
    assert not queue.give_back(ID)
    assert not queue.claim(ID, "w/2")


def test_a_run_is_ended_if_it_was_cancelled_or_another_runs_its_task(queue: Queue) -> None:
    cancelled, overtaken, mine, fresh, done = (queue.submit() for _ in range(5))
    for task_id in (cancelled, mine, done):
        queue.claim(task_id, "w/1")
    queue.claim(overtaken, "other/1")
    queue.cancel(cancelled)
    queue.finish(done, "w/1")
    runs = [(task, f"w/{number}") for number, task in enumerate((cancelled, mine, fresh, done, overtaken))]
    assert queue.renew(*runs[:1], (mine, "w/1"), *runs[2:]) == ["w/0", "w/4"]


def test_the_attempts_are_used_up_with_a_sentence(queue: Queue) -> None:
    queue.submit(ID)
    for _ in range(3):
        assert queue.claim(ID)
        queue.give_back(ID, "w/1")
    assert not queue.claim(ID)
    assert (queue.state(ID), queue.field(ID, "error")) == ("FAILURE", '{"type":"WorkerLost"}')


def test_a_cancelled_task_is_never_claimed_and_records_nothing(queue: Queue) -> None:
    waiting, running = queue.submit(), queue.submit()
    queue.claim(running)
    assert [queue.cancel(waiting), queue.cancel(running), queue.cancel(running)] == ["revoked"] * 3
    assert not queue.claim(waiting)
    assert not queue.finish(running)
    assert not queue.give_back(running, "w/1")
    assert {queue.state(waiting), queue.state(running)} == {"REVOKED"}


def test_what_is_finished_or_unknown_cannot_be_cancelled(queue: Queue) -> None:
    queue.submit(ID)
    queue.claim(ID)
    queue.finish(ID)
    assert [queue.cancel(ID), queue.cancel(str(uuid.uuid4()))] == ["finished", "unknown"]


def test_a_waiting_task_without_a_message_gets_one_but_not_two(queue: Queue) -> None:
    queue.submit(ID)
    queue.redis.delete("celery")
    assert queue.repush(ID, age=60_000_000)
    assert not queue.repush(ID, age=60_000_000)
    assert queue.messages() == [ID]


def test_what_runs_or_is_finished_gets_no_new_message(queue: Queue) -> None:
    queue.submit(ID)
    queue.redis.delete("celery")
    queue.claim(ID)
    assert not queue.repush(ID)
    queue.finish(ID)
    assert not queue.repush(ID)
    assert queue.messages() == []


def test_progress_is_told_by_the_owner_only_and_begins_anew_with_each_run(queue: Queue) -> None:
    queue.submit(ID)
    queue.claim(ID)
    queue.store.run("progress", ID, "w/2", 0.9, "from elsewhere")
    queue.store.run("progress", ID, "w/1", 0.5, "half")
    assert (queue.field(ID, "done"), queue.field(ID, "message")) == ("0.5", "half")
    queue.give_back(ID, "w/1")
    queue.claim(ID)
    assert (queue.field(ID, "done"), queue.field(ID, "message")) == (None, None)


def test_a_task_that_no_worker_can_run_fails_unless_it_runs(queue: Queue) -> None:
    queue.submit(ID)
    queue.store.run("refuse", ID, "no such job")
    assert (queue.state(ID), queue.field(ID, "error")) == ("FAILURE", "no such job")
    running = queue.submit()
    queue.claim(running)
    queue.store.run("refuse", running, "no such job")
    assert queue.state(running) == "STARTED"


def test_lapsed_leases_are_told_to_every_worker_that_beats(queue: Queue) -> None:
    lapsed, alive = queue.submit(), queue.submit()
    queue.claim(lapsed)
    queue.claim(alive, "w/2")
    queue.store.run("beat", "w", 6_000_000, 1000)
    until(lambda: not queue.redis.exists("okosu:grace"))
    queue.lapse(lapsed)
    assert queue.store.run("beat", "w", 6_000_000, 8_000_000) == [lapsed.encode()]


def test_after_a_silence_nothing_is_taken_before_live_workers_could_renew(queue: Queue) -> None:
    queue.submit(ID)
    queue.claim(ID)
    queue.lapse(ID)
    assert queue.store.run("beat", "w", 6_000_000, 200_000) == []
    assert queue.store.run("beat", "w", 6_000_000, 200_000) == []
    assert until(lambda: queue.store.run("beat", "w", 6_000_000, 200_000), 2) == [ID.encode()]


def test_only_what_finished_long_ago_is_forgotten(queue: Queue) -> None:
    waiting, running, recent, old = (queue.submit() for _ in range(4))
    for task_id in (running, recent, old):
        queue.claim(task_id)
    for task_id in (recent, old):
        queue.finish(task_id)
    for task_id in (waiting, running, recent, old):  # all were submitted long ago
        for index in (f"okosu:tasks:{queue.state(task_id)}", f"okosu:tasks:{queue.state(task_id)}:sato"):
            queue.redis.zadd(index, {task_id: 1})
    queue.redis.hset(f"okosu:task:{old}", "finished", 1)

    assert queue.store.run("expire", 3_600_000_000) == 1
    assert [queue.state(task_id) for task_id in (waiting, running, recent, old)] == [
        "PENDING",
        "STARTED",
        "SUCCESS",
        "",
    ]
    assert queue.redis.zrange("okosu:tasks:SUCCESS:sato", 0, -1) == [recent.encode()]


def test_a_small_task_needs_less_than_a_kilobyte(queue: Queue) -> None:
    def used() -> int:
        return int(queue.redis.info("memory")["used_memory"])

    queue.submit()
    before = used()
    many = [queue.submit(params='{"seconds":1.5,"name":"x"}') for _ in range(2000)]
    waiting = (used() - before) / len(many)
    queue.redis.delete("celery")
    for task_id in many:
        queue.claim(task_id, "okosu@0123456789ab-01234567/12345")
        queue.finish(task_id, "okosu@0123456789ab-01234567/12345")
    assert max(waiting, (used() - before) / len(many)) < 1024


def test_an_outage_is_not_mistaken_for_an_error_of_ours(queue: Queue, valkey: Valkey) -> None:
    with pytest.raises(QueueUnavailable):
        Store(valkey.url.replace(valkey.password, "wrong")).look(ID)
    queue.redis.set(f"okosu:task:{ID}", "of the wrong type")
    with pytest.raises(Exception, match="WRONGTYPE"):
        queue.store.look(ID)
