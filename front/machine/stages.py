"""The stages of the core, what is true in each, and how they follow from the state of its EC2 instance."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal[
    "asleep",
    "asked",
    "pending",
    "running",
    "containers starting",
    "ready",
    "stopping",
    "unreachable",
    "unknown",
]


@dataclass(frozen=True)
class Traits:
    starting: bool = False  # on its way to ready: that the core does not answer yet is no problem
    changing: bool = False  # another stage follows soon by itself
    stoppable: bool = False
    startable: bool = False
    answering: bool = False  # the core can be asked
    failing: bool = False  # something is wrong, and only waiting or an admin can help


STAGES: dict[Stage, Traits] = {
    # The instance is stopped.
    "asleep": Traits(startable=True),
    # The same, but somebody has asked for the core.
    "asked": Traits(starting=True, changing=True),
    # The instance is starting.
    "pending": Traits(starting=True, changing=True, stoppable=True),
    # The instance is running, but the core does not answer yet.
    "running": Traits(starting=True, changing=True, stoppable=True),
    # The core answers, but is not ready.
    "containers starting": Traits(answering=True, starting=True, changing=True, stoppable=True),
    "ready": Traits(answering=True, stoppable=True),
    "stopping": Traits(changing=True),
    # The instance is running and nobody is waking the core, but the core does not answer, or stays unready.
    "unreachable": Traits(stoppable=True, failing=True),
    # The instance cannot be asked, or is gone for good.
    "unknown": Traits(stoppable=True, failing=True),
}

# The states of an EC2 instance, and two of our own: `unmanaged` (others run it) and `unknown` (it cannot be asked).
ALIVE = frozenset({"pending", "running"})
CHANGING = frozenset({"pending", "stopping", "shutting-down"})
STOPPING = frozenset({"stopping", "shutting-down"})
GONE = frozenset({"shutting-down", "terminated"})  # for good
GOING = STOPPING | GONE | {"stopped"}
MAY_ANSWER = frozenset({"running", "unmanaged", "unknown"})  # a core may be up on it

BLIP = 60  # seconds that a ready core may be unready before it counts as a failure: a container may be restarting


def stage_of(instance: str, *, ready: bool | None, waking: bool, stopping: bool, unready_for: float) -> Stage:
    """`ready`: what the core says, or None if it does not answer. `waking`, `stopping`: requested and not done yet."""
    if instance in STOPPING or (stopping and instance in ALIVE):
        return "stopping"
    if instance == "stopped":
        return "asked" if waking else "asleep"
    if instance == "pending":
        return "pending"
    return _stage_of_running(instance, ready=ready, patient=waking or unready_for < BLIP, waking=waking)


def _stage_of_running(instance: str, *, ready: bool | None, patient: bool, waking: bool) -> Stage:
    if ready:  # even if the instance cannot be asked, because the core knows better
        return "ready"
    if ready is not None and patient:
        return "containers starting"
    if instance == "running" and waking:
        return "running"
    return "unreachable" if instance in ("running", "unmanaged") else "unknown"
