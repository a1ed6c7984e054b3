"""Both compose files as one project with a name of its own, on free ports and with test jobs, seen from outside."""

import json
import secrets
import shlex
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.compose import FILES, SECRETS, compose, write_env
from tests.live import FINISHED, free_port, until

SERVICES = ("core", "worker", "redis", "flower", "flower-healthchecker", "nginx", "front")
PORTS = ("CORE_PORT", "FRONT_PORT", "FLOWER_PORT", "FLOWER_HEALTHCHECKER_PORT")


class Project:
    """Up and healthy on entry; afterwards, nothing but its images is left."""

    def __init__(self, folder: Path) -> None:
        self.name = f"okosu-test-{secrets.token_hex(4)}"
        self.ports = {name: str(free_port()) for name in PORTS}
        settings = {"JOBS_PACKAGE": "tests.jobs", "CORE_API_PROCESSES": "2", "WORKER_MEMORY_MB": "1500"}
        self.env_file = write_env(folder / ".env", **SECRETS, **self.ports, **settings)
        self.api = self._client("CORE_PORT", headers={"X-API-Key": SECRETS["CORE_API_KEY"]})
        user, password = SECRETS["FLOWER_BASIC_AUTH"].split(":")
        self.flower = self._client("FLOWER_PORT", auth=(user, password))
        self.stranger = self._client("FLOWER_PORT")
        self.checker = self._client("FLOWER_HEALTHCHECKER_PORT")
        self.front = self._client("FRONT_PORT")

    def _client(self, port: str, **options: Any) -> httpx2.Client:
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.ports[port]}", timeout=10, trust_env=False, **options)

    def __enter__(self) -> Self:
        try:
            self.up("--build", seconds=1500)
        except BaseException:
            self._down()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._down()
        for client in (self.api, self.flower, self.stranger, self.checker, self.front):
            client.close()

    def compose(self, *arguments: str, seconds: float = 120) -> str:
        files = (*FILES, "tests/containers/jobs.yml")
        return compose("-p", self.name, *arguments, files=files, env_file=self.env_file, seconds=seconds)

    def up(self, *options: str, seconds: float = 180) -> None:
        self.compose("up", "-d", "--wait", *options, seconds=seconds)

    def _down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def run_in(self, service: str, *command: str) -> str:
        return self.compose("exec", "-T", service, *command)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what `docker inspect` says about each service."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(docker("inspect", *ids))
        return {container["Config"]["Labels"]["com.docker.compose.service"]: container for container in found}

    def health(self) -> dict[str, str]:
        return {
            name: container["State"]["Status"] + " " + container["State"].get("Health", {}).get("Status", "")
            for name, container in self.containers().items()
        }

    def wait_until_healthy(self, seconds: float = 60) -> None:
        until(lambda: set(self.health().values()) == {"running healthy"}, seconds, 0.5)

    def processes(self) -> list[tuple[str, str, str]]:
        """Return the service, user id and command line of every process."""
        found = []
        for name, container in self.containers().items():
            lines = docker("top", container["Id"], "-eo", "uid,pid,args").splitlines()[1:]
            found += [(name, line.split()[0], shlex.join(line.split()[2:])) for line in lines]
        return found

    def worker_is_idle(self) -> bool:
        """No run is in progress, as none has a scratch folder."""
        return self.run_in("worker", "ls", "-A", "/data/scratch") == ""

    def submit(self, job: str, **params: Any) -> str:
        answer = self.api.post("/start_task", json={"job": job, "params": params, "username": "sato"})
        assert answer.status_code == 200, answer.text
        task_id: str = answer.json()["task_id"]
        return task_id

    def wait(self, task_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for the task to reach one of these states (by default: a final one), and return its status."""

        def arrived() -> dict[str, Any] | None:
            try:
                status: dict[str, Any] = self.api.get(f"/task_status/{task_id}").json()
            except (httpx2.HTTPError, ValueError):
                return None  # the core is being restarted
            return status if status.get("task_status") in (states or FINISHED) else None

        return until(arrived, seconds, 0.1)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60, check=True).stdout
