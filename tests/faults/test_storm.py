"""Whoever got a task id gets a result, whatever is killed meanwhile."""

import random
import threading
import time
from pathlib import Path

import pytest

from tests.faults.conftest import Tell
from tests.faults.storm import Kills, Storm, recovery_seconds, told
from tests.live import LiveCore, until

# Seconds between two kills. What a dead worker held runs first: in a storm that is too dense, an innocent task would
# meet three kills and fail, as it must.
PAUSE = 6
SHORT = pytest.param(60, Kills(worker=3, api=1, valkey=1, everything=1), id="short")
LONG = pytest.param(
    500,
    Kills(worker=12, api=5, valkey=3, everything=2),
    id="long",
    marks=[pytest.mark.slow, pytest.mark.timeout(900)],
)


@pytest.mark.parametrize(("tasks", "kills"), [SHORT, LONG])
def test_every_accepted_task_finishes_once(
    own_core: LiveCore, tmp_path: Path, tell: Tell, tasks: int, kills: Kills
) -> None:
    storm = Storm(own_core, tmp_path / "trace", tasks, seconds=1.5)

    storm.run(kills.in_random_order(seed=tasks), pause=PAUSE)
    states = storm.settle(120)

    runs = storm.executions()
    tell(
        f"{tasks} tasks, {kills}: {states['SUCCESS']} finished, {tasks - states.total()} lost, "
        f"{sum(map(len, runs.values()))} executions, {storm.resubmitted} submitted again"
    )
    assert states == {"SUCCESS": tasks}
    assert all(storm.first_results[task_id] == {"value": runs[task_id][-1]} for task_id in storm.accepted)


KINDS = {
    "a child": ((), False),
    "a worker": (("worker",), False),
    "a worker and its children": (("worker",), True),
    "the API": (("api",), True),
    "Redis": (("valkey",), False),
    "everything": (("valkey", "api", "worker"), True),
}


@pytest.mark.parametrize("times", [1, pytest.param(7, marks=[pytest.mark.slow, pytest.mark.timeout(1200)], id="long")])
def test_what_ran_runs_again_within_15_seconds(own_core: LiveCore, tmp_path: Path, tell: Tell, times: int) -> None:
    for kind, (names, with_children) in KINDS.items():
        seconds = [
            recovery_seconds(own_core, tmp_path / "trace", *(names or ["child"]), with_children=with_children)
            for _ in range(times)
        ]
        tell(f"{kind}: {told(seconds)}")
        assert max(seconds) < 15


@pytest.mark.parametrize(
    ("tasks", "kills"),
    [(300, 3), pytest.param(9000, 12, marks=[pytest.mark.slow, pytest.mark.timeout(900)], id="long")],
)
def test_no_task_is_lost_in_the_moment_of_its_pick_up(
    own_core: LiveCore, tmp_path: Path, tell: Tell, tasks: int, kills: int
) -> None:
    storm = Storm(own_core, tmp_path / "trace", tasks // kills, seconds=0)
    for count in range(kills):
        until(lambda: "worker" in own_core.services())
        until(own_core.is_ready)
        submitter = threading.Thread(target=storm.submit, args=[0])
        submitter.start()
        # Small tasks, one after another: whenever the worker is struck, it is just picking one up.
        time.sleep(random.uniform(0.1, 0.5))  # noqa: S311  # not a secret
        own_core.kill("worker", with_children=count % 2 == 0)
        submitter.join()

    states = storm.settle(180)

    tell(f"{tasks} tasks, {kills} kills: {tasks - states['SUCCESS']} lost, {len(storm.executions())} ran")
    assert states == {"SUCCESS": len(storm.accepted)}
