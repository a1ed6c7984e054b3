"""Any order of steps, by any number of workers, against a model small enough to be believed."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core.queue import steps
from tests.clock import Clock, needs_faketime
from tests.valkey import LOST, Queue, claim, give_back, renew, repush, submit, succeed, take_back

STATES = ["PENDING", "RETRY", "STARTED", "SUCCESS", "FAILURE", "REVOKED"]
IDS = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(3)]
USERS = ["sato", "ito"]
ATTEMPTS = 2
RECORD = {"state": "", "owner": "", "attempt": "0"}
owners = st.sampled_from(["w/1", "w/2"])
places = st.integers(0, len(IDS))
PATIENT = settings(
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@dataclass
class Task:
    """What must be true of one task."""

    user: str
    state: str = "PENDING"
    owner: str = ""
    attempts: int = 0

    @property
    def waits(self) -> bool:
        return self.state in ("PENDING", "RETRY")

    @property
    def lives(self) -> bool:
        return self.waits or self.state == "STARTED"

    def belongs_to(self, owner: str) -> bool:
        return self.state in ("STARTED", "RETRY") and self.owner == owner


class Steps(RuleBasedStateMachine):
    queue: Queue  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.queue.redis.flushall()
        self.tasks: dict[str, Task] = {}

    def of_those(self, place: int, *, alive: bool) -> tuple[str, Task]:
        found = [(task_id, task) for task_id, task in self.tasks.items() if task.lives == alive]
        return found[place % len(found)]

    def some_live(self) -> bool:
        return any(task.lives for task in self.tasks.values())

    def some_are_over(self) -> bool:
        return any(not task.lives for task in self.tasks.values())

    @rule(task_id=st.sampled_from(IDS), user=st.sampled_from(USERS))
    def submit(self, task_id: str, user: str) -> None:
        verdict = self.queue.run(submit(task_id, user=user))
        if task_id in self.tasks:
            assert verdict == ("known" if self.tasks[task_id].user == user else "conflict")
        else:
            assert verdict == "accepted"
            self.tasks[task_id] = Task(user)

    @precondition(some_live)
    @rule(place=places, owner=owners)
    def claim(self, place: int, owner: str) -> None:
        task_id, task = self.of_those(place, alive=True)
        again = task.state == "STARTED" and task.owner == owner
        used_up = task.waits and task.attempts >= ATTEMPTS
        claimed = self.queue.run(claim(task_id, owner, attempts=ATTEMPTS)) is not None
        assert claimed == (again or (task.waits and not used_up))
        if used_up:
            task.state = "FAILURE"
        elif task.waits:
            task.state, task.owner, task.attempts = "STARTED", owner, task.attempts + 1

    @precondition(some_live)
    @rule(place=places, owner=owners, state=st.sampled_from(["SUCCESS", "FAILURE"]))
    def finish(self, place: int, owner: str, state: str) -> None:
        task_id, task = self.of_those(place, alive=True)
        end = succeed(task_id, owner) if state == "SUCCESS" else steps.fail(task_id, owner, LOST)
        assert self.queue.run(end) == task.belongs_to(owner)
        if task.belongs_to(owner):
            task.state = state

    @precondition(some_live)
    @rule(place=places, owner=owners, counts=st.integers(0, 1))
    def give_back(self, place: int, owner: str, counts: int) -> None:
        task_id, task = self.of_those(place, alive=True)
        given = task.state == "STARTED" and task.owner == owner
        assert self.queue.run(give_back(task_id, owner=owner, counts=bool(counts))) == given
        if given:
            task.state, task.owner, task.attempts = "RETRY", "", task.attempts - (not counts)

    @precondition(some_live)
    @rule(place=places)
    def take_from_the_silent(self, place: int) -> None:
        task_id, task = self.of_those(place, alive=True)
        assert not self.queue.run(take_back(task_id))
        self.queue.lapse(task_id)
        assert self.queue.run(take_back(task_id)) == (task.state == "STARTED")
        if task.state == "STARTED":
            task.state = "RETRY"

    @precondition(some_live)
    @rule(place=places, owner=owners)
    def renew(self, place: int, owner: str) -> None:
        task_id, task = self.of_those(place, alive=True)
        foreign = task.state == "STARTED" and task.owner != owner
        assert self.queue.run(renew([(task_id, owner)])) == ([owner] if foreign else [])
        if task.belongs_to(owner):
            task.state = "STARTED"

    @precondition(some_live)
    @rule(place=places)
    def cancel(self, place: int) -> None:
        task_id, task = self.of_those(place, alive=True)
        assert self.queue.run(steps.cancel(task_id)) == "revoked"
        task.state = "REVOKED"

    @precondition(some_are_over)
    @rule(place=places, owner=owners)
    def move_what_is_over(self, place: int, owner: str) -> None:
        task_id, task = self.of_those(place, alive=False)
        assert self.queue.run(claim(task_id, owner)) is None
        assert not self.queue.run(succeed(task_id, owner))
        assert not self.queue.run(give_back(task_id, owner=owner))
        assert not self.queue.run(take_back(task_id))
        assert not self.queue.run(repush(task_id))
        assert self.queue.run(steps.cancel(task_id)) == ("revoked" if task.state == "REVOKED" else "finished")
        assert self.queue.run(renew([(task_id, owner)])) == ([owner] if task.state == "REVOKED" else [])

    @rule()
    def lose_the_next_message(self) -> None:
        self.queue.redis.rpop("celery")

    @invariant()
    def every_task_is_in_one_state_and_in_its_indexes(self) -> None:
        expected: dict[str, set[str]] = {"okosu:leases": self.ids("STARTED")}
        for state in STATES:
            expected[f"okosu:tasks:{state}"] = self.ids(state)
            for user in USERS:
                expected[f"okosu:tasks:{state}:{user}"] = self.ids(state, user)
        assert self.members(*expected) == expected

    @invariant()
    def every_record_tells_its_task(self) -> None:
        for task_id, task in self.tasks.items():
            told = [self.queue.field(task_id, name) or default for name, default in RECORD.items()]
            assert told == [task.state, task.owner if task.lives else "", str(task.attempts)]

    def teardown(self) -> None:
        """Whatever happened: with a repair and a worker that lives, everything ends."""
        for task_id in self.ids("PENDING") | self.ids("RETRY") | self.ids("STARTED"):
            self.queue.lapse(task_id)
            self.queue.run(take_back(task_id))
            self.queue.run(repush(task_id))
            assert task_id in self.queue.messages()
            ran = self.queue.run(claim(task_id, "last/1", attempts=ATTEMPTS)) is not None
            assert not ran or self.queue.run(succeed(task_id, "last/1"))
            assert self.queue.state(task_id) == ("SUCCESS" if ran else "FAILURE")

    def ids(self, state: str, user: str | None = None) -> set[str]:
        return {i for i, task in self.tasks.items() if task.state == state and user in (None, task.user)}

    def members(self, *keys: str) -> dict[str, set[str]]:
        with self.queue.redis.pipeline() as pipe:
            for key in keys:
                pipe.zrange(key, 0, -1)
            return {key: {i.decode() for i in found} for key, found in zip(keys, pipe.execute(), strict=True)}


class Jumps(Steps):
    """As `Steps`, while the clock of Redis jumps."""

    clock: Clock  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0
        self.clock.set(0)
        self.queue.run(steps.beat("w"))

    @rule(seconds=st.sampled_from([-10_000_000, -600, -3, 3, 600, 10_000_000]))
    def set_the_clock(self, seconds: int) -> None:
        for task_id in self.ids("STARTED"):
            self.queue.run(renew([(task_id, self.tasks[task_id].owner)]))
        self.ahead += seconds
        self.clock.set(self.ahead)
        assert self.queue.run(steps.beat("w")) == []


@pytest.mark.timeout(300)  # a failure is made small before it is shown
def test_any_order_of_steps_keeps_every_task_in_one_state_and_ends_it_once(queue: Queue) -> None:
    Steps.queue = queue
    run_state_machine_as_test(Steps, settings=settings(max_examples=120, parent=PATIENT))


@needs_faketime
@pytest.mark.timeout(300)
def test_they_do_so_however_the_clock_jumps_and_no_jump_takes_a_task_from_a_live_worker(
    jumping: Queue, clock: Clock
) -> None:
    Jumps.queue, Jumps.clock = jumping, clock
    run_state_machine_as_test(Jumps, settings=settings(max_examples=80, parent=PATIENT))
