"""One waking of the core: its progress so far, and the next step."""

from dataclasses import dataclass, field
from typing import Literal

from front.machine.observer import Seen
from front.machine.stages import ALIVE, Stage

SETTLE = 15.0  # seconds for which AWS may report the old state after an order
PATIENCE = 600.0  # from the machine's start to a ready core
LONGEST_WAIT = 3600.0  # until AWS accepts the order
LONGEST_PAUSE = 300.0
FALLEN_PAUSE = 30.0


@dataclass
class Wake:
    """Times are Unix times. After a `problem` there is a retry, unless the waking is `over`."""

    by: str
    asked_at: float
    users: list[str] = field(default_factory=list)  # to be put on the active list once the core is ready
    stages: list[tuple[Stage, float]] = field(default_factory=lambda: [("asked", 0.0)])
    started_at: float | None = None  # when the machine accepted the order
    alive_at: float | None = None  # when it was first seen pending or running
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
        """Record what was seen."""
        if self.stages[-1][0] != stage:
            self.stages.append((stage, seen.at - self.asked_at))
        if seen.instance.name in ALIVE:
            self.alive_at, self.problem = self.alive_at or seen.at, ""
        elif seen.instance.name in ("stopping", "stopped") and self.started_at is None:
            self.alive_at = None  # it was running already, and was stopped before this waking did anything

    def put_off(self, problem: str, seconds: float, now: float) -> None:
        """Retry later, after a pause that doubles each time."""
        pause = min(seconds * 2.0**self.tries, LONGEST_PAUSE)
        self.tries, self.next_try = self.tries + 1, now + pause
        self.problem = f"{problem} The next attempt is in {max(pause, 1):.0f} s."

    def fall_back(self, reason: str, now: float) -> None:
        """The machine accepted the order and stopped again, for a reason that passes. Retry later."""
        self.put_off(reason, FALLEN_PAUSE, now)
        self.started_at = self.alive_at = None

    def fail(self, problem: str) -> None:
        self.problem, self.over = problem, True


def next_step(wake: Wake, seen: Seen) -> Literal["wait", "start", "join"]:
    if seen.ready:
        return "join"
    idle = seen.instance.name in ("stopped", "unmanaged") and wake.started_at is None
    return "start" if idle and seen.at >= wake.next_try else "wait"


def has_fallen_back(wake: Wake, seen: Seen) -> bool:
    """Whether the machine accepted the order and stopped again."""
    settled = wake.started_at and (wake.alive_at or seen.at - wake.started_at > SETTLE)
    return seen.instance.name == "stopped" and bool(settled)


def why_hopeless(wake: Wake, seen: Seen) -> str:
    """Why to give up the waking, or an empty string."""
    began = wake.alive_at or wake.started_at
    if seen.ready:
        return ""
    if seen.hopeless:
        return seen.problem
    if has_fallen_back(wake, seen):
        return seen.instance.reason or "The core's machine was stopped again. If nobody meant to, ask an admin."
    if began is None and seen.at - wake.asked_at > LONGEST_WAIT:
        return f"The core's machine could not be started for an hour. {wake.problem or seen.problem}".strip()
    if began is not None and seen.at - began > PATIENCE:
        return f"The core is still not ready ten minutes after its machine started. {seen.problem}".strip()
    return ""
