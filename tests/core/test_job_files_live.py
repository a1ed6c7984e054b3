"""A core with broken job files is ready in seconds with the other jobs, and says what is wrong with each file."""

import os
import time
from collections.abc import Iterator

import pytest

from tests.live import ROOT, LiveCore, until

pytestmark = pytest.mark.alone  # a person waits for the core to start

READY_SECONDS = 10
HEAD = "from __future__ import annotations\nfrom core.registry import job\n"
JOB = '@job(title="起こす")\ndef made(n: int = 1) -> int:\n    """Made."""\n    return n\n'
BROKEN = {
    "always_busy": "while True: pass",
    "always_idle": "import time; time.sleep(3600)",
    "ends": "import os; os._exit(3)",
    "half_done": "def half_done(",
    "half_a_pair": JOB.replace("起こす", "\\ud800"),
    "hungry": "hoard = bytearray(2 << 30)",
    "no_number": JOB.replace("1", "float('nan')"),
    "typo": "import datetime\n" + JOB.replace("int", "datetime.Date"),
}
ONLY_IN_THE_API = "import sys\nif 'core.worker.nursery' in sys.modules: raise ImportError('no work here')\n" + JOB
CHECKS_FOR_EVER = """
from typing import Annotated
from pydantic import AfterValidator

def check(value):
    while value > 1:
        pass
    return value

@job(title="Checks")
def made(n: Annotated[int, AfterValidator(check)] = 1) -> int:
    return n
"""
GOOD = {"a_job": JOB, "checks_for_ever": CHECKS_FOR_EVER, "only_in_the_api": ONLY_IN_THE_API, "z_job": JOB}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveCore, float]]:
    """The core, and how many seconds it took to be ready."""
    folder = tmp_path_factory.mktemp("colleagues")
    package = folder / "their_jobs"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, content in {**BROKEN, **GOOD}.items():
        (package / f"{name}.py").write_text(HEAD + content)
    live, begin = LiveCore(folder / "data", JOBS_PACKAGE="their_jobs", PYTHONPATH=f"{ROOT}:{folder}"), time.monotonic()
    with live:
        yield live, time.monotonic() - begin


@pytest.fixture
def core(started: tuple[LiveCore, float]) -> LiveCore:
    return started[0]


def test_the_core_is_ready_in_seconds(started: tuple[LiveCore, float]) -> None:
    if os.getloadavg()[0] > (os.cpu_count() or 1) + 1:  # one file is an endless loop, for the API and for the worker
        pytest.skip("the machine is busy with something else")
    assert started[1] < READY_SECONDS


def test_each_broken_file_is_named_and_the_core_is_ready(core: LiveCore) -> None:
    ready = core.http.get("/ready")

    assert ready.status_code == 200
    assert [name for name in BROKEN if f"their_jobs.{name}: " not in ready.json()["jobs"]] == []
    assert [name for name in GOOD if f"their_jobs.{name}: " in ready.json()["jobs"]] == []


def test_the_other_jobs_are_offered_and_run(core: LiveCore) -> None:
    assert [job["name"] for job in core.http.get("/jobs").json()] == list(GOOD)
    tasks = [core.submit(name) for name in GOOD if name != "only_in_the_api"]
    assert [core.wait(task_id)["result"] for task_id in tasks] == [{"value": 1}] * len(tasks)


def test_a_job_that_no_worker_has_is_named_and_its_tasks_wait_and_say_so(core: LiveCore) -> None:
    assert "No worker has only_in_the_api: " in core.http.get("/ready").json()["jobs"]
    task_id = core.submit("only_in_the_api")
    core.wait(core.submit("a_job"))

    message = until(lambda: core.status(task_id)["progress"]["message"])

    assert core.status(task_id)["task_status"] == "PENDING"
    assert "waits for one that has it" in message
    assert core.http.delete(f"/delete_task/{task_id}").status_code == 200


def test_the_log_of_each_process_says_where_a_file_failed(core: LiveCore) -> None:
    assert core.log.count("ERROR core.job_files.catalog: their_jobs.typo: ") == 2
    assert core.log.count("AttributeError: module 'datetime' has no attribute 'Date'\n") == 2


def test_a_validator_that_does_not_end_is_ended(core: LiveCore) -> None:
    answer = core.http.post("/start_task", json={"job": "checks_for_ever", "username": "sato", "params": {"n": 2}})

    assert answer.status_code == 422
    assert "the job's own check failed (TimeoutError)" in answer.json()["fields"]["params"]
    assert core.wait(core.submit("checks_for_ever", n=1))["result"] == {"value": 1}
