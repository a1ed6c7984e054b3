"""Whoever got a task id gets a result, no matter what is killed in the meantime."""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Report
from tests.faults.storm import EVERYTHING, Kills, Storm, recovery_seconds, summary
from tests.live import LiveCore, until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("storm")) as live:
        yield live


@pytest.fixture
def core(shared: LiveCore) -> LiveCore:
    until(shared.is_ready, 40)
    return shared


SHORT = pytest.param(40, Kills(pause=2.5, worker=2, api=1, valkey=1, everything=1), id="short")
LONG = pytest.param(
    500,
    Kills(pause=7, worker=12, api=5, valkey=3, everything=2),
    id="long",
    marks=[pytest.mark.slow, pytest.mark.timeout(900)],
)


@pytest.mark.parametrize(("tasks", "kills"), [SHORT, LONG])
def test_every_accepted_task_finishes_once(  # noqa: PLR0913, PLR0917  # fixtures and parameters
    core: LiveCore, tmp_path: Path, report: Report, seed: int, tasks: int, kills: Kills
) -> None:
    storm = Storm(core, tmp_path / "trace", tasks, seconds=1.5)

    storm.run(kills.strikes(seed))
    states = storm.settle(120)

    runs = storm.executions()
    repeated = sum(len(starts) - 1 for starts in runs.values())
    report(f"{tasks} tasks under {kills}, seed {seed}: {dict(states)}")
    report(f"{tasks - states.total()} tasks lost, {repeated} runs repeated, {storm.refused} requests sent again")
    # A task that was running at three kills fails, because it may have been the task that killed its worker.
    unlucky = [task_id for task_id, end in storm.ended.items() if end["task_status"] == "FAILURE"]
    assert all(core.log.count(f"Task {task_id} was lost") == 3 for task_id in unlucky)
    assert states["SUCCESS"] + len(unlucky) == tasks
    assert all(storm.ended[task_id]["result"]["value"] in runs[task_id] for task_id in set(storm.accepted) - {*unlucky})


def test_the_same_seed_gives_the_same_storm_and_another_seed_gives_another() -> None:
    kills = Kills(pause=1, worker=12, api=5, valkey=3, everything=2)

    assert kills.strikes(7) == kills.strikes(7)
    assert kills.strikes(7) != kills.strikes(8)


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
    storm = Storm(core, tmp_path / "trace", tasks // kills, seconds=0)
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
