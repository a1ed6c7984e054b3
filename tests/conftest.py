"""Fixtures for all tests: no setting of the machine reaches a test, and one live core serves all that only use it."""

import os
from collections.abc import Iterator

import pytest

from tests.live import LiveCore
from tests.valkey import Queue, Valkey

OURS = (
    "CORE_",
    "AWS_",
    "REDIS_",
    "FRONT_",
    "FLOWER_",
    "WORKER_",
    "TASK_",
    "MAX_UPLOAD_",
    "DISK_",
    "RETENTION_",
    "ACTIVE_USER",
)
ALSO = {"TIMEZONE", "JOBS_PACKAGE", "DATA_DIR"}


@pytest.fixture(autouse=True, scope="session")
def _clean_environment() -> None:
    for name in list(os.environ):
        if name.startswith(OURS) or name in ALSO:
            del os.environ[name]


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    """A core that tests share: use it, do not stop it, drain it or count what others put in."""
    with LiveCore(tmp_path_factory.mktemp("core")) as live:
        yield live


@pytest.fixture
def own_core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    """A core that one test has for itself."""
    with LiveCore(tmp_path_factory.mktemp("own")) as live:
        yield live


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def queue(valkey: Valkey) -> Iterator[Queue]:
    """An empty queue that no worker and no API looks at."""
    fresh = Queue(valkey)
    yield fresh
    fresh.store.close()
