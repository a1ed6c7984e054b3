"""Which stage the core is at: decided from what was seen of its machine and of itself."""

from collections.abc import Mapping
from typing import Literal

Stage = Literal[
    "asleep",  # the machine is stopped
    "asked",  # as before, and somebody wants it awake
    "pending",  # the machine starts
    "running",  # the machine runs and nothing answers yet
    "containers starting",  # something answers and is not ready
    "ready",
    "stopping",
    "unreachable",  # the machine runs, nobody is waking it, and the core does not answer or is not ready for long
    "unknown",  # the machine could not be asked, or is gone for good
]
BLIP = 60  # seconds that a running core may be unready, as after a restart of a container


def is_ready(ready: Mapping[str, str] | None) -> bool:
    return ready is not None and set(ready.values()) == {"ok"}


def stage_of(
    instance: str,
    ready: Mapping[str, str] | None,
    *,
    waking: bool = False,
    stopping: bool = False,
    unready_for: float = 0,
) -> Stage:
    """`ready` is what /ready said, None if nobody answered; `waking`, `stopping`: asked for and not done yet."""
    if instance in ("stopping", "shutting-down") or (stopping and instance in ("pending", "running")):
        return "stopping"
    if instance == "stopped":
        return "asked" if waking else "asleep"
    if instance == "pending":
        return "pending"
    return _stage_of_running(instance, ready, waking=waking, unready_for=unready_for)


def _stage_of_running(instance: str, ready: Mapping[str, str] | None, *, waking: bool, unready_for: float) -> Stage:
    if is_ready(ready):  # also when the machine could not be asked: the core itself says more
        return "ready"
    if ready is not None and (waking or unready_for < BLIP):
        return "containers starting"
    if instance not in ("running", "unmanaged"):
        return "unknown"
    return "running" if waking and instance == "running" else "unreachable"
