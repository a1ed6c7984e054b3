"""A whole core for tests: `python -m core.local` on free ports, with its data in a folder of its own."""

import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import psutil

ROOT = Path(__file__).parent.parent
FINISHED = ("SUCCESS", "FAILURE", "REVOKED")
T = TypeVar("T")


def until(what: Callable[[], T | None], seconds: float = 20, pause: float = 0.05) -> T:
    """The first answer that is true; TimeoutError if none comes in time."""
    end = time.monotonic() + seconds
    while True:
        if answer := what():
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"still {answer!r} after {seconds} s")
        time.sleep(pause)


def free_port() -> int:
    """Below the ports that the system gives to whoever asks for any: nobody else gets it before it is used."""
    while True:
        port = random.randint(15_000, 30_000)  # noqa: S311  # not a secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class LiveCore:
    """Ready when entered, gone when left. `env` adds to the settings that it starts with."""

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.data_dir, self.port, self.key = data_dir, free_port(), secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "OPENBLAS_CORETYPE") if name in os.environ
        }
        self.env = {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "CORE_API_KEY": self.key,
            "CORE_PORT": str(self.port),
            "DATA_DIR": str(data_dir),
            "JOBS_PACKAGE": "tests.jobs",
            "OKOSU_PARENT_PID": str(os.getpid()),
            **env,
        }
        self.http = httpx2.Client(base_url=self.url, headers={"X-API-Key": self.key}, timeout=10, trust_env=False)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        self.http.close()

    @property
    def log(self) -> str:
        return (self.data_dir / "core.log").read_text(errors="replace")

    def start(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "core.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "core.local"], cwd=self.data_dir, env=self.env, stdout=log, stderr=log
            )
        until(self.is_ready, 30)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def is_ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log
        try:
            return self.http.get("/ready").status_code == 200
        except httpx2.HTTPError:
            return False

    def services(self) -> dict[str, psutil.Process]:
        """The processes that run now, by the names that core.local gives them."""
        assert self.process
        marks = {"valkey": "valkey-server", "api": "core.api", "worker": "core.worker", "flower": "flower"}
        found = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                words = " ".join(child.cmdline())
            except psutil.NoSuchProcess:  # it has just died
                continue
            found.update({name: child for name, mark in marks.items() if mark in words})
        return found

    def kill(self, *names: str, with_children: bool = False) -> None:
        """kill -9, all at once; `child` names the children of the worker."""
        services = self.services()
        victims = [process for name, process in services.items() if name in names]
        victims += services["worker"].children() if "child" in names else []
        victims += [child for victim in victims if with_children for child in victim.children(recursive=True)]
        for victim in victims:
            with suppress(psutil.NoSuchProcess):  # a child may have ended by itself
                victim.kill()

    def submit(self, job: str, username: str = "sato", task_id: str | None = None, **params: Any) -> str:
        order = {"job": job, "params": params, "username": username, **({"task_id": task_id} if task_id else {})}
        answer = self.http.post("/start_task", json=order)
        assert answer.status_code == 200, answer.text
        submitted: str = answer.json()["task_id"]
        return submitted

    def status(self, task_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/task_status/{task_id}")
        assert answer.status_code == 200, answer.text
        status: dict[str, Any] = answer.json()
        return status

    def wait(self, task_id: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """The status of the task as soon as it is in one of these states (by default: finished)."""
        wanted = states or FINISHED

        def arrived() -> dict[str, Any] | None:
            status = self.status(task_id)
            return status if status["task_status"] in wanted else None

        return until(arrived, seconds)

    def upload(self, content: bytes, name: str = "data.csv") -> str:
        answer = self.http.post("/files", params={"name": name}, content=content)
        assert answer.status_code == 201, answer.text
        file_id: str = answer.json()["file_id"]
        return file_id
