"""`docker compose` with both files of the project, as the README tells to run it on one machine."""

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.live import ROOT

FILES = ("docker-compose.core.yml", "docker-compose.front.yml")
SECRETS = {
    "CORE_API_KEY": "key-of-the-containers",
    "REDIS_PASSWORD": "pass#word of-redis",
    "FLOWER_BASIC_AUTH": "admin:seen",
}


def compose(*arguments: str, files: tuple[str, ...] = FILES, env_file: Path | None = None, seconds: float = 60) -> str:
    """What it printed; CalledProcessError with what it complained of."""
    options = [word for file in files for word in ("-f", str(ROOT / file))]
    options += ["--project-directory", str(ROOT), "--env-file", str(env_file or os.devnull)]
    done = subprocess.run(
        ["docker", "compose", *options, *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
    return done.stdout


@cache
def has_client() -> bool:
    try:
        return not subprocess.run(
            ["docker", "compose", "version"], capture_output=True, timeout=20, check=False
        ).returncode
    except OSError:
        return False


@cache
def has_engine() -> bool:
    return (
        has_client() and not subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode
    )


def write_env(file: Path, **values: str) -> Path:
    """`.env.example` with these values, as a person would fill it in."""
    text = (ROOT / ".env.example").read_text()
    for name, value in values.items():
        text, count = re.subn(f"(?m)^{name}=.*$", f"{name}={value}", text)
        assert count == 1, f"{name} is not in .env.example"
    file.write_text(text)
    return file


def config(env_file: Path, files: tuple[str, ...] = FILES) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(compose("config", "--format", "json", files=files, env_file=env_file))
    return parsed
