"""The Celery app that worker and Flower share."""

import os
import subprocess
import sys

import pytest

from core import settings
from core.queue import celery_app
from tests.live import ROOT
from tests.valkey import Valkey


def test_a_process_has_one_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.load_queue.cache_clear()
    assert celery_app.app is celery_app.app is celery_app.create()
    celery_app.create.cache_clear()
    settings.load_queue.cache_clear()


def test_celerys_own_commands_find_the_app_where_the_image_of_flower_looks_for_it(valkey: Valkey) -> None:
    command = next(
        line.removeprefix("CMD ").strip()
        for line in (ROOT / "flower" / "Dockerfile").read_text().splitlines()
        if line.startswith("CMD") and "celery" in line
    )
    assert command == '["celery", "-A", "core.queue.celery_app", "flower"]'

    env = {**os.environ, "REDIS_URL": valkey.url}
    celery = [sys.executable, "-m", "celery", "-A", "core.queue.celery_app"]
    told = subprocess.run([*celery, "report"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout

    assert "worker_disable_prefetch: True" in told
