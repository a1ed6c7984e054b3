"""What the pages show of the core: the last look at it, combined with the orders that are open."""

from dataclasses import dataclass
from typing import TypeGuard

from front.machine.actions import Stop
from front.machine.instance import InstanceState
from front.machine.observer import Seen
from front.machine.stages import STAGES, Stage, stage_of
from front.machine.wake import Wake


@dataclass(frozen=True)
class Snapshot:
    """The state of the core.

    `asked_by`, `asked_at` and `stages` describe its last waking, until it is asleep again; `stopped_by` and
    `stopped_at` who stopped it and when, until it is awake again.
    """

    instance: InstanceState
    stage: Stage
    ready: dict[str, str] | None
    problem: str
    asked_by: str  # empty: it was started from elsewhere
    asked_at: float | None
    stages: tuple[tuple[Stage, float], ...]
    checked_at: float  # 0: not yet
    stopped_by: str = ""  # empty: it was stopped from elsewhere
    stopped_at: float | None = None


def is_waking(wake: Wake | None) -> TypeGuard[Wake]:
    return wake is not None and not wake.over


def is_stopping(stop: Stop | None) -> TypeGuard[Stop]:
    return stop is not None and not stop.problem and not stop.done


def stage_now(seen: Seen, wake: Wake | None, stop: Stop | None) -> Stage:
    return stage_of(
        seen.instance.name,
        ready=seen.ready,
        waking=is_waking(wake),
        stopping=is_stopping(stop),
        unready_for=seen.at - seen.ready_at,
    )


def picture(seen: Seen, wake: Wake | None, stop: Stop | None) -> Snapshot:
    stage = stage_now(seen, wake, stop)
    shown = wake if wake and not wake.failed else None
    ordered = (wake.problem if wake else "") or (stop.problem if stop else "")
    problem = ordered or ("" if STAGES[stage].starting else seen.problem)
    return Snapshot(
        instance=seen.instance,
        stage=stage,
        ready=seen.parts,
        problem=problem,
        asked_by=shown.by if shown else "",
        asked_at=shown.asked_at if shown else None,
        stages=tuple(shown.stages) if shown else (),
        checked_at=seen.at,
        stopped_by=stop.by if stop and not stop.problem else "",
        stopped_at=stop.asked_at if stop and not stop.problem else None,
    )
