"""An API in the test's own process, for what needs no queue; its Redis is a port where nobody listens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from core import settings
from core.api import create_app

KEYS = ("the-new-key-of-2027", "the-old-key-of-2026")


@pytest.fixture
def lone_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TestClient]:
    environment = {"CORE_API_KEY": ", ".join(KEYS), "DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}
    for name, value in {**environment, "JOBS_PACKAGE": "tests.jobs"}.items():
        monkeypatch.setenv(name, value)
    settings.load.cache_clear()
    with TestClient(create_app(), raise_server_exceptions=False, headers={"X-API-Key": KEYS[0]}) as client:
        yield client
    settings.load.cache_clear()
