"""Many clients at once, and how much memory the core's processes take meanwhile."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx2
import psutil

from tests.faults.redis_of import redis_of
from tests.live import LiveCore, until

Step = Callable[[httpx2.Client, random.Random], httpx2.Response]


def memory(core: LiveCore) -> dict[str, float]:
    """Return the MB that each part takes with its children (PSS)."""
    return until(lambda: _memory(core))


def settle(core: LiveCore) -> None:
    """Wait until no task is waiting or running."""
    until(lambda: _is_quiet(core), 600, pause=0.5)


def _is_quiet(core: LiveCore) -> bool:
    activity: dict[str, int] = core.http.get("/activity").json()
    return activity["waiting"] + activity["running"] == 0


def _memory(core: LiveCore) -> dict[str, float] | None:
    found: dict[str, float] = {}
    try:
        for name, process in core.services().items():
            family = [process, *process.children(recursive=True)]
            found[name] = sum(member.memory_full_info().pss for member in family) / 1e6
    except psutil.NoSuchProcess:  # a child was just replaced
        return None
    return found


def redis_bytes(core: LiveCore) -> int:
    """Return how much memory Redis uses for its data."""
    with redis_of(core) as queue:
        return int(queue.info("memory")["used_memory"])


@dataclass
class Clients:
    """`count` clients, each of which does one random step after another. All answers are counted by status."""

    core: LiveCore
    count: int
    statuses: Counter[str] = field(default_factory=Counter)
    task_ids: list[str] = field(default_factory=list)

    def work(self, steps: Sequence[Step], seconds: float) -> None:
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._one, args=(steps, end, seed)) for seed in range(self.count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _one(self, steps: Sequence[Step], end: float, seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311  # not a secret
        with httpx2.Client(
            base_url=self.core.url, headers={"X-API-Key": self.core.key}, timeout=10, trust_env=False
        ) as http:
            while time.monotonic() < end:
                answer = dice.choice(steps)(http, dice)
                self.statuses[f"{answer.status_code}"] += 1

    def submit(self, http: httpx2.Client, dice: random.Random) -> httpx2.Response:
        order = {
            "job": "echo",
            "params": {"text": "x", "times": dice.randint(1, 9)},
            "username": f"u{dice.randint(1, 20)}",
        }
        answer = http.post("/start_task", json=order)
        if answer.status_code == 200:
            self.task_ids.append(answer.json()["task_id"])
            del self.task_ids[:-2000]
        return answer

    def poll(self, http: httpx2.Client, dice: random.Random) -> httpx2.Response:
        return http.get(f"/task_status/{self._known(dice)}")

    def cancel(self, http: httpx2.Client, dice: random.Random) -> httpx2.Response:
        return http.delete(f"/delete_task/{self._known(dice)}")

    def upload(self, http: httpx2.Client, dice: random.Random) -> httpx2.Response:
        return http.post("/files", params={"name": "data.bin"}, content=dice.randbytes(dice.randint(0, 50_000)))

    @staticmethod
    def listing(http: httpx2.Client, dice: random.Random) -> httpx2.Response:
        return http.get("/tasks", params={"limit": dice.choice([5, 50]), "username": f"u{dice.randint(1, 20)}"})

    @staticmethod
    def join(http: httpx2.Client, dice: random.Random) -> httpx2.Response:
        return http.post("/add_active_user", json={"username": f"v{dice.randint(1, 20)}"})

    @staticmethod
    def leave(http: httpx2.Client, dice: random.Random) -> httpx2.Response:
        return http.request("DELETE", "/delete_active_user", json={"username": f"v{dice.randint(1, 20)}"})

    @staticmethod
    def look(http: httpx2.Client, dice: random.Random) -> httpx2.Response:
        return http.get(dice.choice(["/get_active_user", "/activity", "/jobs", "/ready", "/health"]))

    def _known(self, dice: random.Random) -> str:
        return dice.choice(self.task_ids or ["00000000-0000-4000-8000-000000000000"])
