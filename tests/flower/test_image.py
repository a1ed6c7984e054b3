"""What Flower's image starts."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.live import ROOT


def test_the_command_of_flowers_image_finds_the_celery_app(tmp_path: Path) -> None:
    dockerfile = (ROOT / "flower" / "Dockerfile").read_text()
    command = json.loads(re.findall(r"(?m)^CMD (\[.*\])$", dockerfile)[-1])
    assert command[0] == "celery"

    environment = {"PYTHONPATH": str(ROOT), "REDIS_URL": "redis://127.0.0.1:1/0"}
    help_text = [sys.executable, "-m", *command, "--help"]
    started = subprocess.run(help_text, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert started.returncode == 0, started.stderr
    assert "Usage: python -m celery flower" in started.stdout
