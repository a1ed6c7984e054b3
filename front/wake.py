"""One waking of the core, from the wish to ready, and what to do next for it."""

from dataclasses import dataclass, field

from front.instance import InstanceState

LONGEST = 300.0


@dataclass
class Wake:
    by: str
    at: float
    users: list[str] = field(default_factory=list)
    stages: list[tuple[str, float]] = field(default_factory=lambda: [("asked", 0.0)])
    told_at: float | None = None
    alive: bool = False
    tries: int = 0
    next_try: float = 0.0
    over: bool = False

    def note(self, stage: str, now: float) -> None:
        if not self.over and self.stages[-1][0] != stage:
            self.stages.append((stage, now - self.at))

    def put_off(self, seconds: float, now: float) -> float:
        """The next try is twice as late each time."""
        pause = min(seconds * 2.0**self.tries, LONGEST)
        self.tries += 1
        self.next_try = now + pause
        return pause


def step(wake: Wake, instance: InstanceState, ready: bool, now: float, settle: float, patience: float) -> str:  # noqa: FBT001, PLR0913, PLR0917  # first version
    """What to do: "start", "join", "" (wait), or a sentence that says why it is given up."""
    if ready:
        return "join"
    if instance.name in ("pending", "running"):
        wake.alive = True
        wake.told_at = wake.told_at or now
    if instance.name == "terminated":
        return "The core's machine is gone for good. Ask an admin to set CORE_INSTANCE_ID to its successor."
    if instance.name == "stopping":
        wake.told_at = None
    if wake.told_at is None:
        return "start" if instance.name in ("stopped", "unmanaged") and now >= wake.next_try else ""
    if instance.name == "stopped" and (wake.alive or now - wake.told_at > settle):
        return instance.reason or "The core's machine stopped again right after its start. Ask an admin."
    if now - wake.told_at > patience:
        return "The core's machine runs, but the core is still not ready. Ask an admin to look at its containers."
    return ""
