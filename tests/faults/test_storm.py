"""Whoever got a task id gets a result, no matter what is killed, frozen or set in the meantime."""

import random
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clock import Clock, needs_faketime
from tests.faults.conftest import Report
from tests.faults.storm import Storm, recovery_seconds, summary
from tests.faults.strikes import EVERYTHING, REDIS, SECOND, Plan, Target
from tests.live import LiveCore, until

HOUR = 3600


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("storm")) as live:
        yield live


@pytest.fixture
def core(shared: LiveCore) -> LiveCore:
    until(shared.is_ready, 40)
    return shared


@pytest.fixture
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Target]:
    """A core with two workers. The clock of its Redis can be set; with the parameter "everything", all of them."""
    clock = Clock(tmp_path)
    env = clock.of_core(everything=getattr(request, "param", "") == "everything")
    with LiveCore(tmp_path / "pair", **env) as live:
        target = Target(live, clock)
        target.start_second()
        yield target
        target.stop_second()


def check(storm: Storm, plan: Plan, report: Report, seed: int) -> int:
    """Nothing was lost, stuck, started after its end, or run twice that must not be; return how many runs repeated."""
    states = storm.settle(120)
    runs = storm.executions()
    repeated = sum(len(starts) - 1 for starts in runs.values())
    twice = [task_id for task_id in storm.must_run_once() if len(runs.get(task_id, [])) > 1]
    report(f"{storm.tasks} tasks under {plan}, seed {seed}: {dict(states)}")
    report(
        f"{storm.tasks - states.total()} tasks lost, {repeated} runs repeated, {len(twice)} that must not be, "
        f"{len(storm.started_too_late())} started after the end, {storm.refused} requests sent again"
    )
    unlucky = {task_id for task_id, end in storm.ended.items() if end["task_status"] == "FAILURE"}
    assert {storm.ended[task_id]["error"]["type"] for task_id in unlucky} <= {"WorkerLost"}
    log = storm.target.log()
    lost = {task_id: len(re.findall(f"{task_id} (was lost|was stopped|has lapsed)", log)) for task_id in unlucky}
    # A task that was running at three kills fails, because it may have been the task that killed its worker.
    assert all(lost[task_id] >= (1 if task_id in storm.must_run_once() else 3) for task_id in unlucky)
    assert states["SUCCESS"] + len(unlucky) == storm.tasks
    assert all(storm.ended[task_id]["result"]["value"] in runs[task_id] for task_id in set(storm.accepted) - unlucky)
    assert (twice, storm.started_too_late()) == ([], [])
    return repeated


SHORT = pytest.param(40, Plan(pause=2.5, worker=2, api=1, valkey=1, everything=1), id="short")
LONG = pytest.param(
    500,
    Plan(pause=7, worker=12, api=5, valkey=3, everything=2),
    id="long",
    marks=[pytest.mark.slow, pytest.mark.timeout(900)],
)


@pytest.mark.parametrize(("tasks", "plan"), [SHORT, LONG])
def test_every_accepted_task_finishes_once(  # noqa: PLR0913, PLR0917  # fixtures and parameters
    core: LiveCore, tmp_path: Path, report: Report, seed: int, tasks: int, plan: Plan
) -> None:
    storm = Storm(Target(core), tmp_path / "trace", tasks, seconds=1.5, once=3)
    storm.run(plan.strikes(seed))
    check(storm, plan, report, seed)


CALM = Plan(
    pause=5,
    freezes=(*((REDIS, seconds) for seconds in (2, 4, 6, 7, 9, 14, 20, 120)),),
    clocks=(HOUR, -HOUR, -600, 600, 366 * 24 * HOUR, 0),
)


@needs_faketime
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_freeze_and_no_clock_of_redis_takes_a_task_from_a_live_worker(
    pair: Target, tmp_path: Path, report: Report, seed: int
) -> None:
    storm = Storm(pair, tmp_path / "trace", 300, seconds=6, once=3)
    storm.run(CALM.strikes(seed))
    assert check(storm, CALM, report, seed) == 0
    assert "has lapsed" not in pair.log()


WILD = Plan(
    pause=6,
    worker=6,
    api=3,
    valkey=3,
    everything=1,
    freezes=(
        *((REDIS, seconds) for seconds in (2, 5, 12, 20, 120)),
        *(((who,), 60.0) for who in ("worker", SECOND, "worker", SECOND)),
        (("worker", SECOND), 30),
        (("valkey", "api", "worker", SECOND), 60),
    ),
    clocks=(HOUR, -HOUR, HOUR, -HOUR, 600, -600, 0),
)


@needs_faketime
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("pair", ["redis", "everything"], indirect=True)
def test_every_task_finishes_once_while_parts_die_and_freeze_and_clocks_jump(
    pair: Target, tmp_path: Path, report: Report, seed: int
) -> None:
    storm = Storm(pair, tmp_path / "trace", 600, seconds=4, once=3)
    storm.run(WILD.strikes(seed))
    check(storm, WILD, report, seed)


def test_the_same_seed_gives_the_same_storm_and_another_seed_gives_another() -> None:
    assert WILD.strikes(7) == WILD.strikes(7)
    assert WILD.strikes(7) != WILD.strikes(8)


KINDS: dict[str, tuple[tuple[str, ...], bool]] = {
    "a child": (("child",), False),
    "a worker": (("worker",), False),
    "a worker and its children": (("worker",), True),
    "the API": (("api",), True),
    "Redis": (("valkey",), False),
    "everything": (EVERYTHING, True),
}
LONG_RUN = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("kind", "times"),
    [*((kind, 1) for kind in KINDS), *(pytest.param(kind, 9, marks=LONG_RUN, id=f"{kind}-long") for kind in KINDS)],
)
def test_a_running_task_runs_again_within_15_seconds_of_the_death_of(
    core: LiveCore, tmp_path: Path, report: Report, kind: str, times: int
) -> None:
    names, with_children = KINDS[kind]
    seconds = [recovery_seconds(core, tmp_path / "trace", *names, with_children=with_children) for _ in range(times)]
    report(summary(seconds))
    assert max(seconds) < 15


@pytest.mark.parametrize(
    ("tasks", "kills"),
    [(300, 3), pytest.param(9000, 12, marks=[pytest.mark.slow, pytest.mark.timeout(1200)], id="long")],
)
def test_no_task_is_lost_when_the_worker_dies_while_picking_it_up(  # noqa: PLR0913, PLR0917  # fixtures and parameters
    core: LiveCore, tmp_path: Path, report: Report, seed: int, tasks: int, kills: int
) -> None:
    dice = random.Random(seed)  # noqa: S311  # not a secret
    storm = Storm(Target(core), tmp_path / "trace", tasks // kills, seconds=0)
    for count in range(kills):
        until(lambda: "worker" in core.services())
        until(core.is_ready)
        submitter = threading.Thread(target=storm.submit, args=[0])
        submitter.start()
        # The tasks are so small that whenever the worker is killed, it is picking one up.
        time.sleep(dice.uniform(0.1, 0.5))
        core.kill("worker", with_children=count % 2 == 0)
        submitter.join()

    states = storm.settle(300)

    report(f"{tasks} tasks, {kills} kills, seed {seed}: {tasks - states.total()} lost, {dict(states)}")
    assert states == {"SUCCESS": len(storm.accepted)}
