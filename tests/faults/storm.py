"""Tasks that are submitted and run while parts of the core are killed, and what became of each."""

import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx2

from tests.live import FINISHED, LiveCore, until


@dataclass(frozen=True)
class Kills:
    """How many of each; `everything` kills Redis, API, worker and children in one moment."""

    worker: int
    api: int
    valkey: int
    everything: int

    def in_random_order(self, seed: int) -> list[tuple[str, ...]]:
        everything = ("valkey", "api", "worker")
        order: list[tuple[str, ...]] = [everything] * self.everything
        for name, times in {"worker": self.worker, "api": self.api, "valkey": self.valkey}.items():
            order += [(name,)] * times
        random.Random(seed).shuffle(order)  # noqa: S311  # not a secret
        return order


@dataclass
class Storm:
    """`submit` in one thread, `strike` in another, then `settle`."""

    core: LiveCore
    trace: Path
    tasks: int
    seconds: float
    accepted: list[str] = field(default_factory=list)
    resubmitted: int = 0
    first_results: dict[str, dict[str, str]] = field(default_factory=dict)

    def submit(self, spread: float) -> None:
        """Every task until it is accepted, the whole lot over about `spread` seconds."""
        for number in range(self.tasks):
            task_id = str(uuid.UUID(int=uuid.uuid4().int, version=4))
            until(lambda task_id=task_id, number=number: self._submit_once(task_id, number), 60)  # type: ignore[misc]  # mypy does not infer default arguments
            self.accepted.append(task_id)
            time.sleep(spread / self.tasks)

    def strike(self, kills: list[tuple[str, ...]], pause: float) -> None:
        for names in kills:
            time.sleep(pause)
            until(lambda names=names: set(names) <= set(self.core.services()), 30)  # type: ignore[misc]  # as above
            self.core.kill(*names, with_children=len(names) > 1 or random.random() < 0.5)  # noqa: S311  # as above

    def run(self, kills: list[tuple[str, ...]], pause: float) -> None:
        striker = threading.Thread(target=self.strike, args=(kills, pause))
        striker.start()
        self.submit(spread=pause * len(kills))
        striker.join()

    def settle(self, seconds: float) -> Counter[str]:
        """How many tasks ended in each state; a result that changes after it was first seen is an error."""
        until(lambda: self._unfinished() == 0, seconds, pause=0.5)
        states: Counter[str] = Counter()
        for task_id in self.accepted:
            status = self.core.status(task_id)
            states[status["task_status"]] += 1
            assert self.first_results.setdefault(task_id, status["result"]) == status["result"]
        return states

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
            self.resubmitted += 1
            return False
        assert answer.status_code in (200, 503), answer.text
        return answer.status_code == 200

    def _unfinished(self) -> int:
        try:
            open_ids = [task_id for task_id in self.accepted if task_id not in self.first_results]
            for task_id in open_ids:
                answer = self.core.http.get(f"/task_status/{task_id}")
                if answer.status_code == 200 and answer.json()["task_status"] in FINISHED:
                    self.first_results[task_id] = answer.json()["result"]
        except httpx2.HTTPError:
            pass  # the API is still starting
        return len(self.accepted) - len(self.first_results)


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
