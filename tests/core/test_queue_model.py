"""Any order of steps, by any number of workers, against a model small enough to be believed."""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from tests.queue import Queue

STATES = ["PENDING", "RETRY", "STARTED", "SUCCESS", "FAILURE", "REVOKED"]
IDS = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(2)]
USERS = ["sato", "ito"]
ATTEMPTS = 2
owners = st.sampled_from(["w/1", "w/2"])


@dataclass
class Task:
    """What must be true of one task."""

    user: str
    state: str = "PENDING"
    owner: str = ""
    attempts: int = 0
    lapsed: bool = False

    @property
    def is_over(self) -> bool:
        return self.state in ("SUCCESS", "FAILURE", "REVOKED")

    def belongs_to(self, owner: str) -> bool:
        return self.state in ("STARTED", "RETRY") and self.owner == owner


class Steps(RuleBasedStateMachine):
    queue: Queue  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.queue.redis.flushall()
        self.tasks: dict[str, Task] = {}

    known = Bundle("known")

    @rule(target=known, task_id=st.sampled_from(IDS), user=st.sampled_from(USERS))
    def submit(self, task_id: str, user: str) -> Any:
        verdict = self.queue.offer(task_id, user=user)
        if task_id not in self.tasks:
            assert verdict == "accepted"
            self.tasks[task_id] = Task(user)
            return task_id
        assert verdict == ("known" if self.tasks[task_id].user == user else "conflict")
        return multiple()

    @rule(task_id=known, owner=owners)
    def claim(self, task_id: str, owner: str) -> None:
        task = self.tasks[task_id]
        mine = task.state == "STARTED" and task.owner == owner
        waits = task.state in ("PENDING", "RETRY")
        used_up = waits and task.attempts >= ATTEMPTS
        assert self.queue.claim(task_id, owner, ATTEMPTS) == (mine or (waits and not used_up))
        if used_up:
            task.state = "FAILURE"
        elif mine or waits:
            task.attempts += not mine
            task.state, task.owner, task.lapsed = "STARTED", owner, False

    @rule(task_id=known, owner=owners, state=st.sampled_from(["SUCCESS", "FAILURE"]))
    def finish(self, task_id: str, owner: str, state: str) -> None:
        task = self.tasks[task_id]
        assert self.queue.finish(task_id, owner, state) == task.belongs_to(owner)
        if task.belongs_to(owner):
            task.state = state

    @rule(task_id=known, owner=owners, counts=st.integers(0, 1))
    def give_back(self, task_id: str, owner: str, counts: int) -> None:
        task = self.tasks[task_id]
        given = task.state == "STARTED" and task.owner == owner
        assert self.queue.give_back(task_id, owner, counts) == given
        if given:
            task.state, task.owner, task.attempts = "RETRY", "", task.attempts - (not counts)

    @rule(task_id=known)
    def lapse(self, task_id: str) -> None:
        self.queue.lapse(task_id)
        self.tasks[task_id].lapsed = True

    @rule(task_id=known)
    def take_from_the_dead(self, task_id: str) -> None:
        task = self.tasks[task_id]
        taken = task.state == "STARTED" and task.lapsed
        assert self.queue.give_back(task_id) == taken
        if taken:
            task.state = "RETRY"

    @rule(task_id=known, owner=owners)
    def renew(self, task_id: str, owner: str) -> None:
        task = self.tasks[task_id]
        mine = task.belongs_to(owner)
        foreign = not mine and task.state in ("REVOKED", "STARTED")
        assert self.queue.renew((task_id, owner)) == ([owner] if foreign else [])
        if mine:
            task.state, task.lapsed = "STARTED", False

    @rule(task_id=known)
    def cancel(self, task_id: str) -> None:
        task = self.tasks[task_id]
        finished = task.state in ("SUCCESS", "FAILURE")
        assert self.queue.cancel(task_id) == ("finished" if finished else "revoked")
        if not finished:
            task.state = "REVOKED"

    @rule()
    def lose_the_next_message(self) -> None:
        self.queue.redis.rpop("celery")

    @rule(task_id=known)
    def repush(self, task_id: str) -> None:
        assert self.queue.repush(task_id) == (self.tasks[task_id].state in ("PENDING", "RETRY"))

    @invariant()
    def every_task_is_in_one_state_and_in_its_indexes(self) -> None:
        expected: dict[str, set[str]] = {"okosu:leases": self.ids("STARTED")}
        for state in STATES:
            expected[f"okosu:tasks:{state}"] = self.ids(state)
            for user in USERS:
                expected[f"okosu:tasks:{state}:{user}"] = self.ids(state, user)
        assert self.members(*expected) == expected
        assert all(self.queue.state(task_id) == task.state for task_id, task in self.tasks.items())

    def teardown(self) -> None:
        """Whatever happened: with a repair and a worker that lives, everything ends."""
        for task_id, task in self.tasks.items():
            self.queue.lapse(task_id)
            self.queue.give_back(task_id)
            self.queue.repush(task_id)
            for _ in range(ATTEMPTS + 1):
                if task_id in self.queue.messages() and self.queue.claim(task_id, "last/1", ATTEMPTS):
                    assert self.queue.finish(task_id, "last/1")
            assert self.queue.state(task_id) in (task.state if task.is_over else "SUCCESS", "FAILURE")

    def ids(self, state: str, user: str | None = None) -> set[str]:
        return {i for i, task in self.tasks.items() if task.state == state and user in (None, task.user)}

    def members(self, *keys: str) -> dict[str, set[str]]:
        with self.queue.redis.pipeline() as pipe:
            for key in keys:
                pipe.zrange(key, 0, -1)
            return {key: {i.decode() for i in found} for key, found in zip(keys, pipe.execute(), strict=True)}


def test_any_order_of_steps_keeps_every_task_in_one_state_and_ends_it_once(queue: Queue) -> None:
    Steps.queue = queue
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    run_state_machine_as_test(
        Steps, settings=settings(max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=slow)
    )
