"""A storm: tasks are submitted, run and followed while strikes hit the core. What became of each task?

Which strike comes when follows from one seed; OKOSU_STORM_SEED repeats the storm of a failed test.
"""

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

from tests.faults.strikes import Strike, Target
from tests.live import FINISHED, LiveCore, until


@dataclass
class Storm:
    """Call `run`, then `settle`. Every fifth task takes `seconds`; the others finish at once.

    Each task whose number is a multiple of `once` must not be run twice; 0: none of them.
    """

    target: Target
    trace: Path
    tasks: int
    seconds: float
    once: int = 0
    accepted: list[str] = field(default_factory=list)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: int = 0
    seen_at: dict[str, float] = field(default_factory=dict)

    def run(self, strikes: Sequence[Strike]) -> None:
        """Hit with one strike after another, and meanwhile submit and follow tasks."""
        over = threading.Event()
        threads = [
            threading.Thread(target=self.submit, args=[sum(strike.pause + strike.length for strike in strikes)]),
            threading.Thread(target=self._follow, args=[over]),
        ]
        for thread in threads:
            thread.start()
        for strike in strikes:
            time.sleep(strike.pause)
            until(partial(self._run_now, strike.names), 30)
            strike.hit(self.target)
        threads[0].join()
        over.set()
        threads[1].join()

    def submit(self, spread: float) -> None:
        """Submit all tasks over about `spread` seconds, each again and again until it is accepted."""
        for number in range(self.tasks):
            task_id = str(uuid.uuid4())
            until(partial(self._submit_once, task_id, number), 200)
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
        for name, run, _ in self._traced():
            runs.setdefault(name, []).append(run)
        return runs

    def started_too_late(self) -> list[str]:
        """Return the tasks of which a run started after somebody had seen that they were finished."""
        return [name for name, _, at in self._traced() if float(at) > self.seen_at.get(name, float(at))]

    def must_run_once(self) -> set[str]:
        return {task_id for number, task_id in enumerate(self.accepted) if self._once(number)}

    def _once(self, number: int) -> bool:
        return self.once > 0 and number % self.once == 0

    def _traced(self) -> list[list[str]]:
        return [line.split() for line in self.trace.read_text().splitlines()]

    def _run_now(self, names: tuple[str, ...]) -> bool:
        return set(names) <= set(self.target.parts())

    def _submit_once(self, task_id: str, number: int) -> bool:
        params = {"file": str(self.trace), "name": task_id, "seconds": self.seconds if number % 5 == 0 else 0}
        job = "trace_once" if self._once(number) else "trace"
        order = {"job": job, "params": params, "username": f"user{number % 7}", "task_id": task_id}
        try:
            answer = self.target.core.http.post("/start_task", json=order, timeout=4)
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
                self.ended[task_id], self.seen_at[task_id] = status, time.monotonic()
        return len(still)

    def _ask(self, task_id: str) -> dict[str, Any] | None:
        """Return the status of a task, or None while the API or its Redis is starting."""
        try:
            answer = self.target.core.http.get(f"/task_status/{task_id}")
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
