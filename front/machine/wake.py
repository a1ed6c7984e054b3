"""One waking of the core: what has come of it, and what to do next for it."""

from dataclasses import dataclass, field
from typing import Literal

from front.machine.observer import Seen
from front.machine.stages import ALIVE, Stage

SETTLE = 15.0  # seconds for which AWS may still say "stopped" of a machine that it has started, or the reverse
PATIENCE = 600.0  # from the machine's start to a ready core
LONGEST_WAIT = 3600.0  # for AWS to take the order
LONGEST_PAUSE = 300.0


@dataclass
class Wake:
    """Times are seconds since 1970. A `problem` that is not `over` will be tried again."""

    by: str
    asked_at: float
    users: list[str] = field(default_factory=list)  # who go on the active list once the core is ready
    stages: list[tuple[Stage, float]] = field(default_factory=lambda: [("asked", 0.0)])
    started_at: float | None = None  # when the machine took the order
    alive_at: float | None = None  # when it was first seen to do so
    tries: int = 0
    next_try: float = 0.0
    problem: str = ""
    over: bool = False

    @property
    def failed(self) -> bool:
        return self.over and bool(self.problem)

    def want(self, username: str) -> None:
        self.by = self.by or username
        if username not in self.users:
            self.users.append(username)

    def note(self, seen: Seen, stage: Stage) -> None:
        """Take in what was seen."""
        if self.stages[-1][0] != stage:
            self.stages.append((stage, seen.at - self.asked_at))
        if seen.instance.name in ALIVE:
            self.alive_at, self.problem = self.alive_at or seen.at, ""
        elif seen.instance.name in ("stopping", "stopped") and self.started_at is None:
            self.alive_at = None  # it ran already, and somebody had it stopped before this waking did anything

    def put_off(self, problem: str, seconds: float, now: float) -> None:
        """Try again later, twice as late each time."""
        pause = min(seconds * 2.0**self.tries, LONGEST_PAUSE)
        self.tries, self.next_try = self.tries + 1, now + pause
        self.problem = f"{problem} The start is tried again in {max(pause, 1):.0f} s."

    def fail(self, problem: str) -> None:
        self.problem, self.over = problem, True


def next_step(wake: Wake, seen: Seen) -> Literal["wait", "start", "join"]:
    if seen.ready:
        return "join"
    idle = seen.instance.name in ("stopped", "unmanaged") and wake.started_at is None
    return "start" if idle and seen.at >= wake.next_try else "wait"


def why_hopeless(wake: Wake, seen: Seen) -> str:
    """Why the waking is to be given up, or an empty string."""
    name, began = seen.instance.name, wake.alive_at or wake.started_at
    if seen.ready:
        return ""
    if seen.hopeless:
        return seen.problem
    if name == "stopped" and wake.started_at and (wake.alive_at or seen.at - wake.started_at > SETTLE):
        return seen.instance.reason or "The core's machine was stopped again. If nobody did that, ask an admin."
    if began is None and seen.at - wake.asked_at > LONGEST_WAIT:
        return f"For an hour, the core's machine could not be started. {wake.problem or seen.problem}".strip()
    if began is not None and seen.at - began > PATIENCE:
        return f"The core is not ready ten minutes after the start of its machine. {seen.problem}".strip()
    return ""
