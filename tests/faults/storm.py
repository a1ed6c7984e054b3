"""A storm: tasks are submitted, run and followed while parts of the core are killed. What became of each task?

Which part is killed when follows from one seed; OKOSU_STORM_SEED repeats the storm of a failed test.
"""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from tests.live import FINISHED, LiveCore, until

EVERYTHING = ("valkey", "api", "worker")


@dataclass(frozen=True)
class Strike:
    """A pause in seconds, and the parts that are killed after it."""

    pause: float
    names: tuple[str, ...]
    with_children: bool


@dataclass(frozen=True)
class Kills:
    """How often each part is killed, with about `pause` seconds in between.

    `everything` is Redis, the API, the worker and all their children at the same moment.
    """

    pause: float
    worker: int
    api: int
    valkey: int
    everything: int

    def strikes(self, seed: int) -> list[Strike]:
        """Return the kills in random order; the same seed gives the same strikes."""
        dice = random.Random(seed)  # noqa: S311  # not a secret
        order: list[tuple[str, ...]] = [EVERYTHING] * self.everything
        for name, times in {"worker": self.worker, "api": self.api, "valkey": self.valkey}.items():
            order += [(name,)] * times
        dice.shuffle(order)
        return [
            Strike(self.pause * dice.uniform(0.5, 1.5), names, with_children=names == EVERYTHING or dice.random() < 0.5)
            for names in order
        ]


@dataclass
class Storm:
    """Call `run`, then `settle`. Every fifth task takes `seconds`; the others finish at once."""

    core: LiveCore
    trace: Path
    tasks: int
    seconds: float
    accepted: list[str] = field(default_factory=list)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: int = 0

    def run(self, strikes: Sequence[Strike]) -> None:
        """Kill one part after another, and meanwhile submit and follow tasks."""
        over = threading.Event()
        threads = [
            threading.Thread(target=self.submit, args=[sum(strike.pause for strike in strikes)]),
            threading.Thread(target=self._follow, args=[over]),
        ]
        for thread in threads:
            thread.start()
        for strike in strikes:
            time.sleep(strike.pause)
            until(partial(self._run_now, strike.names), 30)
            self.core.kill(*strike.names, with_children=strike.with_children)
        threads[0].join()
        over.set()
        threads[1].join()

    def submit(self, spread: float) -> None:
        """Submit all tasks over about `spread` seconds, each again and again until it is accepted."""
        for number in range(self.tasks):
            task_id = str(uuid.uuid4())
            until(partial(self._submit_once, task_id, number), 60)
            self.accepted.append(task_id)
            time.sleep(spread / self.tasks)

    def settle(self, seconds: float) -> Counter[str]:
        """Count the tasks by their final state. A task must keep the first final status that it reported."""
        until(lambda: self._look() == 0, seconds, pause=0.5)
        for task_id, first in self.ended.items():
            assert until(partial(self._ask, task_id), 40) == first
        return Counter(status["task_status"] for status in self.ended.values())

    def executions(self) -> dict[str, list[str]]:
        """Return the runs of each task that really started, according to the trace that the runs themselves wrote."""
        runs: dict[str, list[str]] = {}
        for line in self.trace.read_text().splitlines():
            name, run = line.split()
            runs.setdefault(name, []).append(run)
        return runs

    def _run_now(self, names: tuple[str, ...]) -> bool:
        return set(names) <= set(self.core.services())

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
        """Return how many accepted tasks have not finished, as far as the API answers."""
        still = [task_id for task_id in list(self.accepted) if task_id not in self.ended]
        for task_id in still:
            status = self._ask(task_id)
            if status is None:
                break
            if status["task_status"] in FINISHED:
                self.ended[task_id] = status
        return len(still)

    def _ask(self, task_id: str) -> dict[str, Any] | None:
        """Return the status of a task, or None while the API or its Redis is starting."""
        try:
            answer = self.core.http.get(f"/task_status/{task_id}")
        except httpx2.HTTPError:
            return None
        assert answer.status_code in (200, 503), answer.text
        return answer.json() if answer.status_code == 200 else None


def recovery_seconds(core: LiveCore, trace: Path, *names: str, with_children: bool) -> float:
    """Return the time from the kill until the running task runs again or, if no worker died, has finished."""
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


def summary(times: list[float]) -> str:
    return f"p50 {median(times):.1f} s, worst {max(times):.1f} s of {len(times)}"
