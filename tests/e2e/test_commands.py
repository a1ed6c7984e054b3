"""`make demo` and `make run` as seen in a terminal."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

from tests.live import ROOT, free_port


def command(module: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "OPENBLAS_CORETYPE") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_the_demo_runs_the_sample_job_and_prints_its_result(tmp_path: Path) -> None:
    done = command("front.demo", tmp_path)

    assert done.returncode == 0, done.stderr
    assert "100%" in done.stdout
    assert "Reorder point" in done.stdout
    assert "コピー用紙" in done.stdout
    assert done.stderr == ""


def test_secrets_are_generated_once_and_readable_only_by_their_owner(tmp_path: Path) -> None:
    kept = tmp_path / ".local" / "secrets.env"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        command("front.local", tmp_path, FRONT_PORT=port)
        first = kept.read_text()
        command("front.local", tmp_path, FRONT_PORT=port)

    assert kept.read_text() == first
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_busy_port_is_named_with_its_variable(tmp_path: Path) -> None:
    for variable in ("FRONT_PORT", "CORE_PORT", "FLOWER_PORT"):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = str(taken.getsockname()[1])
            free = {name: str(free_port()) for name in ("FRONT_PORT", "CORE_PORT", "FLOWER_PORT")}
            done = command("front.local", tmp_path, **{**free, variable: port})

        assert done.returncode == 1
        assert done.stderr == f"Port {port} is in use. Stop what uses it, or set {variable} to another port.\n"


def test_an_invalid_port_is_reported(tmp_path: Path) -> None:
    done = command("front.local", tmp_path, FRONT_PORT="80000")

    assert done.returncode == 1
    assert done.stderr == "FRONT_PORT=80000 is not a port. Set it to a number from 1 to 65535.\n"
