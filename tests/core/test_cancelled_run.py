"""What a cancelled run leaves behind: nothing, neither while the worker goes on nor when it is told to stop."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveCore, until


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[LiveCore]:
    """A core that runs one task at a time."""
    with LiveCore(tmp_path, WORKER_PROCESSES="1") as live:
        yield live


def cancelled_run(core: LiveCore) -> None:
    task_id = core.submit("sleeper", seconds=300)
    core.wait(task_id, "STARTED")
    assert core.http.delete(f"/delete_task/{task_id}").status_code == 200


def test_a_cancelled_run_ends_and_the_next_task_runs_in_its_place(narrow: LiveCore) -> None:
    cancelled_run(narrow)
    assert narrow.wait(narrow.submit("echo"), seconds=10)["task_status"] == "SUCCESS"
    scratch = narrow.data_dir / "scratch"
    assert until(lambda: not list(scratch.iterdir()))


def test_a_worker_that_is_told_to_stop_after_a_cancelled_run_ends_in_time(narrow: LiveCore) -> None:
    cancelled_run(narrow)
    begin = time.monotonic()
    narrow.stop()
    assert time.monotonic() - begin < 8
    assert "is killed" not in narrow.log
