"""Whatever is killed together with the core, nothing outlives it, and the next start works."""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import Report
from tests.live import LiveCore, free_port, lives, until

ROUNDS = 20


@pytest.fixture
def core(tmp_path: Path) -> Iterator[LiveCore]:
    with LiveCore(tmp_path, FLOWER_PORT=str(free_port()), FLOWER_BASIC_AUTH="admin:secret") as live:
        yield live


def family(core: LiveCore) -> list[psutil.Process]:
    assert core.process
    first = psutil.Process(core.process.pid)
    return [first, *first.children(recursive=True)]


def words(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())[-60:]
    return "gone"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nothing_outlives_a_killed_core_and_the_next_one_starts(core: LiveCore, seed: int, report: Report) -> None:
    chance = random.Random(seed)  # noqa: S311  # not a secret
    for number in range(ROUNDS):
        until(lambda: len(core.services()) == 4)
        running = core.submit("sleeper", seconds=600)
        core.wait(running, "STARTED")
        alive = family(core)
        others = chance.sample(alive[1:], chance.randrange(len(alive)))
        names = [words(process) for process in others]
        for victim in [alive[0], *others] if chance.random() < 0.5 else [*others, alive[0]]:
            with suppress(psutil.NoSuchProcess):  # its parent was killed a moment ago
                victim.kill()
        assert core.process
        core.process.wait(5)
        _, left = psutil.wait_procs(alive, timeout=15)
        assert [words(process) for process in left if lives(process.pid)] == [], f"round {number}: killed {names}"
        core.start()
        core.wait(running, "STARTED")
        assert core.http.delete(f"/delete_task/{running}").status_code == 200
        assert core.wait(core.submit("echo"))["task_status"] == "SUCCESS"
    report(f"{ROUNDS} rounds")
