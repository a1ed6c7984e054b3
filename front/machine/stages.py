"""Which stage the core is at, decided from what was seen of its machine and of itself."""

from typing import Literal

Stage = Literal[
    "asleep",  # the machine is stopped
    "asked",  # the same, and somebody wants it awake
    "pending",  # the machine starts
    "running",  # the machine runs, nothing answers yet
    "containers starting",  # something answers, and is not ready
    "ready",
    "stopping",
    "unreachable",  # the machine runs, nobody is waking it, and nothing answers, or nothing that is ready soon
    "unknown",  # the machine could not be asked, or is gone for good
]
BLIP = 60  # for so many seconds, a core that was ready may be unready before anybody is told: a container restarts


def stage_of(instance: str, *, ready: bool | None, waking: bool, stopping: bool, unready_for: float) -> Stage:
    """`ready`: whether the core says so, None if nobody answers. `waking`, `stopping`: asked for and not done yet."""
    if instance in ("stopping", "shutting-down") or (stopping and instance in ("pending", "running")):
        return "stopping"
    if instance == "stopped":
        return "asked" if waking else "asleep"
    if instance == "pending":
        return "pending"
    return _stage_of_running(instance, ready=ready, patient=waking or unready_for < BLIP, waking=waking)


def _stage_of_running(instance: str, *, ready: bool | None, patient: bool, waking: bool) -> Stage:
    if ready:  # even if the machine cannot be asked: the core itself knows better
        return "ready"
    if ready is not None and patient:
        return "containers starting"
    if instance == "running" and waking:
        return "running"
    return "unreachable" if instance in ("running", "unmanaged") else "unknown"
