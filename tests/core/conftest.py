"""An API in the test's own process, for what needs no queue; and a core whose queue each test has for itself."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from core import settings
from core.api.app import create_app
from core.queue import steps
from core.queue.store import Store
from tests.clock import Clock
from tests.live import LiveCore, until
from tests.runs import Runs
from tests.valkey import Queue, Valkey

KEYS = ("the-new-key-of-2027", "the-old-key-of-2026")


@pytest.fixture
def lone_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TestClient]:
    """Its Redis is a port where nobody listens."""
    environment = {"CORE_API_KEY": ", ".join(KEYS), "DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}
    for name, value in {**environment, "JOBS_PACKAGE": "tests.jobs"}.items():
        monkeypatch.setenv(name, value)
    settings.load.cache_clear()
    with TestClient(create_app(), raise_server_exceptions=False, headers={"X-API-Key": KEYS[0]}) as client:
        yield client
    settings.load.cache_clear()


@pytest.fixture
def task_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run the test in a folder of its own, as the worker runs a job."""
    folder = tmp_path / "task"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture(scope="session")
def _one_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("quiet"), WORKER_PROCESSES="1") as live:
        yield live


@pytest.fixture
def quiet(_one_worker: LiveCore) -> LiveCore:
    """A core with one worker process and nobody on it: no task, no user, no drain. It may be drained and disturbed."""
    until(_one_worker.is_ready, 40)  # the test before may have killed a part of it
    _one_worker.http.delete("/drain")
    for task in _one_worker.http.get("/tasks?limit=500").json():
        if task["task_status"] in ("PENDING", "STARTED", "RETRY"):
            _one_worker.http.delete(f"/delete_task/{task['task_id']}")
    for user in _one_worker.http.get("/get_active_user").json():
        _one_worker.http.request("DELETE", "/delete_active_user", json={"username": user})
    return _one_worker


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 120 MB, 12 MB of which are its reserve."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("this machine does not allow mounts")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture(scope="session")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="session")
def _jumping_server(clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("jumping"), env=clock.env) as valkey:
        yield valkey


@pytest.fixture
def jumping(_jumping_server: Valkey, clock: Clock) -> Iterator[Queue]:
    """A queue whose Redis has the clock `clock`, and on which one worker has beaten."""
    clock.set(0)
    fresh = Queue(_jumping_server)
    fresh.run(steps.beat("w"))
    yield fresh
    fresh.store.close()


@pytest.fixture
def runner(queue: Queue, valkey: Valkey, tmp_path: Path) -> Iterator[Runs]:
    store = Store(valkey.url)
    yield Runs(store, tmp_path)
    store.close()
