"""Each step of a task as the queue's scripts take it: what is accepted, what is refused, and what is written down."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from core import settings
from core.errors import QueueUnavailable
from core.queue import celery_app, steps
from core.queue.records import Claim, microseconds_of
from core.queue.steps import Step
from core.queue.store import Store, _scripts
from tests.names import wide
from tests.valkey import LOST, Queue, Valkey, claim, give_back, renew, repush, submit, succeed, take_back

ID = "01234567-89ab-cdef-0123-456789abcdef"


def test_a_submitted_task_waits_and_has_one_message(queue: Queue) -> None:
    queue.submit(ID)
    assert (queue.state(ID), queue.messages()) == ("PENDING", [ID])


def test_the_same_submission_again_is_known_and_adds_no_message(queue: Queue) -> None:
    queue.submit(ID)
    assert queue.run(submit(ID)) == "known"
    assert queue.messages() == [ID]


@pytest.mark.parametrize("other", [{"job": "fails"}, {"user": "ito"}, {"params": b'{"a":1}'}])
def test_other_contents_under_the_same_id_are_a_conflict(queue: Queue, other: dict[str, Any]) -> None:
    queue.submit(ID)
    assert queue.run(submit(ID, **other)) == "conflict"
    assert queue.messages() == [ID]


def test_the_same_submission_in_another_spelling_of_the_name_is_known(queue: Queue) -> None:
    queue.run(submit(ID, user="Sato"))
    assert queue.run(submit(ID, user=wide("sato"))) == "known"
    assert queue.field(ID, "user") == "Sato"


@pytest.mark.parametrize("state", ["PENDING", "STARTED", "SUCCESS"])
def test_the_tasks_of_a_person_are_found_in_every_spelling_until_they_expire(queue: Queue, state: str) -> None:
    for task_id, user in ((ID, "Sato  Hanako"), (str(uuid.uuid4()), "ito")):
        queue.run(submit(task_id, user=user))
    if state != "PENDING":
        queue.run(claim(ID, "w/1"))
    if state == "SUCCESS":
        queue.run(succeed(ID, "w/1"))
    for name in ("Sato  Hanako", "sato hanako", wide("SATO HANAKO")):
        (task,) = queue.run(steps.list_tasks(user=name, limit=9))
        assert (task["username"], task["task_status"]) == ("Sato  Hanako", state)
    if state == "SUCCESS":
        queue.run(steps.expire(time.time() + 1))
        assert queue.run(steps.list_tasks(user="sato hanako", limit=9)) == []
        assert queue.redis.keys("*sato*") == []


def test_tasks_of_the_same_microsecond_are_all_on_some_page(queue: Queue) -> None:
    frozen = _scripts()["submit"].replace("redis.call('TIME')", "{'1764000000', '123456'}")
    ids = [str(uuid.uuid4()) for _ in range(5)]
    for task_id in ids:
        queue.redis.eval(frozen, 0, *submit(task_id).args)

    found, before = [], None
    while page := queue.run(steps.list_tasks(before=before, limit=2)):
        found += [task["task_id"] for task in page]
        before = microseconds_of(datetime.fromisoformat(page[-1]["submitted_at"] or ""))

    assert found == ids[::-1]


def test_a_task_that_is_submitted_after_the_clock_was_set_back_is_still_the_newest(queue: Queue) -> None:
    future = _scripts()["submit"].replace("redis.call('TIME')", f"{{'{int(time.time()) + 1800}', '0'}}")
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    queue.redis.eval(future, 0, *submit(first).args)
    queue.run(submit(second))

    assert [task["task_id"] for task in queue.run(steps.list_tasks(limit=9))] == [second, first]


def test_a_revoke_in_flower_is_recorded_as_done_there(
    queue: Queue, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", valkey.url)
    settings.load_queue.cache_clear()
    queue.submit(ID)
    celery_app.create.__wrapped__().control.revoke(ID)  # as Flower does
    settings.load_queue.cache_clear()
    status = queue.run(steps.status(ID))

    assert status
    assert (status["task_status"], status["cancelled_by"]) == ("REVOKED", "")


def test_a_draining_core_refuses_what_is_new_and_answers_for_what_it_knows(queue: Queue) -> None:
    queue.submit(ID)
    queue.run(steps.drain("this start", by="sato", force=True, lasts=60))
    assert queue.run(submit(str(uuid.uuid4()), start="this start")) == "draining"
    assert queue.run(submit(ID, start="this start")) == "known"
    assert queue.run(submit(str(uuid.uuid4()), start="the next start")) == "accepted"


def test_a_queue_without_room_refuses_a_task_whole(queue: Queue) -> None:
    queue.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(QueueUnavailable):
            queue.run(submit(ID))
    finally:
        queue.redis.config_set("maxmemory", 0)
    assert (queue.redis.keys(), queue.run(submit(ID))) == ([], "accepted")


def test_a_task_is_claimed_once(queue: Queue) -> None:
    queue.submit(ID)
    assert queue.run(claim(ID, "w/1")) == Claim({}, 1)
    assert queue.run(claim(ID, "w/2")) is None
    assert (queue.field(ID, "owner"), queue.field(ID, "attempt")) == ("w/1", "1")


def test_a_claim_whose_answer_was_lost_may_be_repeated(queue: Queue) -> None:
    queue.submit(ID)
    assert queue.run(claim(ID, "w/1")) == Claim({}, 1)
    assert queue.run(claim(ID, "w/1")) == Claim({}, 1)
    assert queue.field(ID, "attempt") == "1"


@pytest.mark.parametrize(("state", "end"), [("SUCCESS", succeed), ("FAILURE", partial(steps.fail, error=LOST))])
def test_a_result_is_recorded_once_and_only_by_the_owner(
    queue: Queue, state: str, end: Callable[[str, str], Step[bool]]
) -> None:
    queue.submit(ID)
    queue.run(claim(ID, "w/1"))
    assert not queue.run(end(ID, "w/2"))
    assert queue.run(end(ID, "w/1"))
    assert not queue.run(succeed(ID, "w/1"))
    assert queue.state(ID) == state
    assert queue.run(claim(ID, "w/1")) is None


def test_nobody_runs_an_unknown_task(queue: Queue) -> None:
    assert queue.run(claim(ID, "w/1")) is None
    assert queue.redis.keys() == []


def test_a_lost_run_waits_again_before_all_others_and_counts(queue: Queue) -> None:
    queue.submit(ID)
    queue.redis.delete("celery")  # as if its message had been taken
    queue.run(claim(ID, "w/1"))
    other = queue.submit()
    assert queue.run(give_back(ID, owner="w/1"))
    assert (queue.state(ID), queue.messages(), queue.field(ID, "attempt")) == ("RETRY", [ID, other], "1")


def test_a_stopped_run_waits_again_and_does_not_count(queue: Queue) -> None:
    queue.submit(ID)
    queue.run(claim(ID, "w/1"))
    assert queue.run(give_back(ID, owner="w/1", counts=bool(0)))
    assert queue.field(ID, "attempt") == "0"


def test_only_its_own_run_is_given_back(queue: Queue) -> None:
    queue.submit(ID)
    queue.run(claim(ID, "w/1"))
    assert not queue.run(give_back(ID, owner="w/2"))
    assert queue.state(ID) == "STARTED"


def test_a_run_with_a_live_lease_is_taken_from_nobody(queue: Queue) -> None:
    queue.submit(ID)
    queue.run(claim(ID, "w/1"))
    assert not queue.run(take_back(ID))
    queue.lapse(ID)
    assert queue.run(take_back(ID))
    assert not queue.run(take_back(ID))


def test_a_run_that_is_known_to_be_dead_can_record_nothing(queue: Queue) -> None:
    queue.submit(ID)
    queue.run(claim(ID, "w/1"))
    queue.run(give_back(ID, owner="w/1"))
    assert not queue.run(succeed(ID, "w/1"))


def test_a_run_whose_lease_lapsed_may_still_finish_until_another_claims_it(queue: Queue) -> None:
    late, overtaken = queue.submit(), queue.submit()
    for task_id in (late, overtaken):
        queue.run(claim(task_id, "w/1"))
        queue.lapse(task_id)
        queue.run(take_back(task_id))
    queue.run(claim(overtaken, "w/2"))
    assert queue.run(succeed(late, "w/1"))
    assert not queue.run(succeed(overtaken, "w/1"))
    assert queue.run(succeed(overtaken, "w/2"))


def test_a_run_whose_lease_lapsed_is_taken_back_by_renewing_it(queue: Queue) -> None:
    queue.submit(ID)
    queue.run(claim(ID, "w/1"))
    queue.lapse(ID)
    queue.run(take_back(ID))
    assert queue.run(renew([(ID, "w/1")])) == []
    assert queue.state(ID) == "STARTED"
    assert not queue.run(take_back(ID))
    assert queue.run(claim(ID, "w/2")) is None


def test_a_run_is_ended_if_it_was_cancelled_or_another_runs_its_task(queue: Queue) -> None:
    cancelled, overtaken, mine, fresh, done = (queue.submit() for _ in range(5))
    for task_id in (cancelled, mine, done):
        queue.run(claim(task_id, "w/1"))
    queue.run(claim(overtaken, "other/1"))
    queue.run(steps.cancel(cancelled))
    queue.run(succeed(done, "w/1"))
    runs = [(task, f"w/{number}") for number, task in enumerate((cancelled, mine, fresh, done, overtaken))]
    assert queue.run(renew([*runs[:1], (mine, "w/1"), *runs[2:]])) == ["w/0", "w/4"]


def test_the_attempts_are_used_up_with_a_sentence(queue: Queue) -> None:
    queue.submit(ID)
    for attempt in (1, 2, 3):
        assert queue.run(claim(ID, "w/1")) == Claim({}, attempt)
        queue.run(give_back(ID, owner="w/1"))
    assert queue.run(claim(ID, "w/1")) is None
    assert (queue.state(ID), queue.field(ID, "error")) == ("FAILURE", json.dumps(LOST))


def test_a_cancelled_task_is_never_claimed_and_records_nothing(queue: Queue) -> None:
    waiting, running = queue.submit(), queue.submit()
    queue.run(claim(running, "w/1"))
    assert [queue.run(steps.cancel(each)) for each in (waiting, running, running)] == ["revoked"] * 3
    assert queue.run(claim(waiting, "w/1")) is None
    assert not queue.run(succeed(running, "w/1"))
    assert not queue.run(give_back(running, owner="w/1"))
    assert {queue.state(waiting), queue.state(running)} == {"REVOKED"}


def test_what_is_finished_or_unknown_cannot_be_cancelled(queue: Queue) -> None:
    queue.submit(ID)
    queue.run(claim(ID, "w/1"))
    queue.run(succeed(ID, "w/1"))
    assert [queue.run(steps.cancel(ID)), queue.run(steps.cancel(str(uuid.uuid4())))] == ["finished", "unknown"]


def test_a_waiting_task_without_a_message_gets_one_but_not_two(queue: Queue) -> None:
    queue.submit(ID)
    queue.redis.delete("celery")
    assert queue.run(repush(ID, age=60))
    assert not queue.run(repush(ID, age=60))
    assert queue.messages() == [ID]


def test_what_runs_or_is_finished_gets_no_new_message(queue: Queue) -> None:
    queue.submit(ID)
    queue.redis.delete("celery")
    queue.run(claim(ID, "w/1"))
    assert not queue.run(repush(ID))
    queue.run(succeed(ID, "w/1"))
    assert not queue.run(repush(ID))
    assert queue.messages() == []


def test_progress_is_told_by_the_owner_only_and_begins_anew_with_each_run(queue: Queue) -> None:
    queue.submit(ID)
    queue.run(claim(ID, "w/1"))
    queue.run(steps.progress(ID, "w/2", 0.9, "from elsewhere"))
    queue.run(steps.progress(ID, "w/1", 0.5, "half"))
    assert (queue.field(ID, "done"), queue.field(ID, "message")) == ("0.5", "half")
    queue.run(give_back(ID, owner="w/1"))
    queue.run(claim(ID, "w/1"))
    assert (queue.field(ID, "done"), queue.field(ID, "message")) == (None, None)


def test_lapsed_leases_are_told_to_every_worker_that_beats(queue: Queue) -> None:
    lapsed, alive = queue.submit(), queue.submit()
    queue.run(claim(lapsed, "w/1"))
    queue.run(claim(alive, "w/2"))
    queue.lapse(lapsed)
    assert [queue.run(steps.beat(worker)) for worker in ("w", "v")] == [[lapsed]] * 2


def test_only_what_finished_long_ago_is_forgotten(queue: Queue) -> None:
    waiting, running, recent, old = (queue.submit() for _ in range(4))
    for task_id in (running, recent, old):
        queue.run(claim(task_id, "w/1"))
    for task_id in (recent, old):
        queue.run(succeed(task_id, "w/1"))
    for task_id in (waiting, running, recent, old):  # all were submitted long ago
        for index in (f"okosu:tasks:{queue.state(task_id)}", f"okosu:tasks:{queue.state(task_id)}:sato"):
            queue.redis.zadd(index, {task_id: 1})
    queue.redis.hset(f"okosu:task:{old}", "finished", 1)

    assert queue.run(steps.expire(time.time() - 3600)) == 1
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
        queue.run(claim(task_id, "okosu@0123456789ab-01234567/12345"))
        queue.run(succeed(task_id, "okosu@0123456789ab-01234567/12345"))
    assert max(waiting, (used() - before) / len(many)) < 1024


def test_an_outage_is_not_mistaken_for_an_error_of_ours(queue: Queue, valkey: Valkey) -> None:
    with pytest.raises(QueueUnavailable):
        Store(valkey.url.replace(valkey.password, "wrong")).run(steps.look(ID))
    queue.redis.set(f"okosu:task:{ID}", "of the wrong type")
    with pytest.raises(Exception, match="WRONGTYPE"):
        queue.state(ID)
