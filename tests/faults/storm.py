"""Tasks that are submitted, run and followed while parts of the core are killed, and what became of each."""

import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from tests.live import FINISHED, LiveCore, until

EVERYTHING = ("valkey", "api", "worker")


@dataclass(frozen=True)
class Kills:
    """How many of each, one in about `pause` seconds; `everything` is Redis, API, worker and children in one moment."""

    pause: float
    worker: int
    api: int
    valkey: int
    everything: int

    def in_random_order(self, seed: int) -> list[tuple[str, ...]]:
        order: list[tuple[str, ...]] = [EVERYTHING] * self.everything
        for name, times in {"worker": self.worker, "api": self.api, "valkey": self.valkey}.items():
            order += [(name,)] * times
        random.Random(seed).shuffle(order)  # noqa: S311  # not a secret
        return order


@dataclass
class Storm:
    """`run`, then `settle`. Every fifth task takes `seconds`, the others end at once."""

    core: LiveCore
    trace: Path
    tasks: int
    seconds: float
    accepted: list[str] = field(default_factory=list)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: int = 0

    def run(self, kills: Kills, seed: int) -> None:
        """Strike, and submit and follow all the while."""
        order = kills.in_random_order(seed)
        over = threading.Event()
        threads = [
            threading.Thread(target=self.submit, args=[kills.pause * len(order)]),
            threading.Thread(target=self._follow, args=[over]),
        ]
        for thread in threads:
            thread.start()
        for names in order:
            time.sleep(random.uniform(0.5, 1.5) * kills.pause)  # noqa: S311  # not a secret
            until(lambda names=names: set(names) <= set(self.core.services()), 30)  # type: ignore[misc]  # mypy does not infer default arguments
            self.core.kill(*names, with_children=names == EVERYTHING or random.random() < 0.5)  # noqa: S311  # as above
        threads[0].join()
        over.set()
        threads[1].join()

    def submit(self, spread: float) -> None:
        """Every task until it is accepted, the whole lot over about `spread` seconds."""
        for number in range(self.tasks):
            task_id = str(uuid.uuid4())
            until(lambda task_id=task_id, number=number: self._submit_once(task_id, number), 60)  # type: ignore[misc]  # as above
            self.accepted.append(task_id)
            time.sleep(spread / self.tasks)

    def settle(self, seconds: float) -> Counter[str]:
        """How many tasks ended in each state; that a task's end changed after it was first told is an error."""
        until(lambda: self._look() == 0, seconds, pause=0.5)
        for task_id, told in self.ended.items():
            assert until(lambda task_id=task_id: self._ask(task_id), 40) == told  # type: ignore[misc]  # as above
        return Counter(told["task_status"] for told in self.ended.values())

    def executions(self) -> dict[str, list[str]]:
        """The runs of each task that really began, as their own trace tells."""
        runs: dict[str, list[str]] = {}
        for line in self.trace.read_text().splitlines():
            name, run = line.split()
            runs.setdefault(name, []).append(run)
        return runs

    def _submit_once(self, task_id: str, number: int) -> bool:
        params = {"file": str(self.trace), "name": task_id, "seconds": self.seconds if number % 5 == 0 else 0}
        order = {"job": "trace", "params": params, "username": f"user{number % 7}", "task_id": task_id}
        try:
            answer = self.core.http.post("/start_task", json=order, timeout=4)
        except httpx2.HTTPError:
            self.refused += 1
            return False
        assert answer.status_code in (200, 503), answer.text
        self.refused += answer.status_code == 503
        return answer.status_code == 200

    def _follow(self, over: threading.Event) -> None:
        while not over.wait(0.2):
            self._look()

    def _look(self) -> int:
        """How many of the accepted tasks have not ended, as far as the API can be asked."""
        still = [task_id for task_id in list(self.accepted) if task_id not in self.ended]
        for task_id in still:
            status = self._ask(task_id)
            if status is None:
                break
            if status["task_status"] in FINISHED:
                self.ended[task_id] = status
        return len(still)

    def _ask(self, task_id: str) -> dict[str, Any] | None:
        """None while the API or its Redis is still starting."""
        try:
            answer = self.core.http.get(f"/task_status/{task_id}")
        except httpx2.HTTPError:
            return None
        assert answer.status_code in (200, 503), answer.text
        return answer.json() if answer.status_code == 200 else None


def recovery_seconds(core: LiveCore, trace: Path, *names: str, with_children: bool) -> float:
    """From the kill until the task that was running runs again or, if no worker died, has gone on to its end."""
    name = uuid.uuid4().hex
    task_id = core.submit("trace", file=str(trace), name=name, seconds=1.5)
    until(lambda: name in trace.read_text() if trace.exists() else False)
    struck = time.monotonic()
    core.kill(*names, with_children=with_children)

    def back() -> bool:
        try:
            if core.status(task_id)["task_status"] in FINISHED:
                return True
        except (httpx2.HTTPError, AssertionError):
            return False
        return trace.read_text().count(name) > 1

    until(back, 40)
    passed = time.monotonic() - struck
    until(core.is_ready, 40)
    assert core.wait(task_id)["task_status"] == "SUCCESS"
    return passed


def told(times: list[float]) -> str:
    return f"p50 {median(times):.1f} s, worst {max(times):.1f} s of {len(times)}"
