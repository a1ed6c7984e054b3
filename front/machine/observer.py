"""One look at the core's machine and at the core itself."""

import time
from dataclasses import dataclass, replace

from front.core_client import CoreClient
from front.errors import CoreUnreachable, InstanceError
from front.machine.instance import Instance, InstanceState
from front.machine.stages import GONE, MAY_ANSWER

MACHINE_GONE = "The core's machine is gone for good. Ask an admin to set CORE_INSTANCE_ID to another one."


@dataclass(frozen=True)
class Seen:
    instance: InstanceState
    ready: bool | None = None  # None: no answer
    parts: dict[str, str] | None = None  # what the core says about each of its parts
    problem: str = ""  # what is wrong with the machine or with the core
    hopeless: bool = False  # asking the machine again will not help
    ready_at: float = 0.0  # when the core was last seen ready
    at: float = 0.0


@dataclass
class Observer:
    instance: Instance
    client: CoreClient

    def look(self, last: Seen) -> Seen:
        """May take seconds if AWS or the core is slow. Raises none of their errors."""
        seen = self._ask_core(self._ask_machine())
        if seen.ready:
            return replace(seen, ready_at=seen.at)
        # One missed answer does not count yet: the core was ready at the look before.
        if seen.ready is None and last.ready and last.ready_at == last.at and seen.instance == last.instance:
            return replace(seen, ready=True, parts=last.parts, problem="", ready_at=last.ready_at)
        return replace(seen, ready_at=last.ready_at or seen.at)

    def _ask_machine(self) -> Seen:
        try:
            state = self.instance.state()
        except InstanceError as error:
            hopeless = error.retry_after is None
            return Seen(InstanceState("unknown", error.code), problem=str(error), hopeless=hopeless, at=time.time())
        gone = state.name in GONE
        return Seen(state, problem=MACHINE_GONE if gone else state.reason, hopeless=gone, at=time.time())

    def _ask_core(self, seen: Seen) -> Seen:
        if seen.instance.name not in MAY_ANSWER:
            return seen  # no core can answer, so asking would only cost time
        try:
            ready, parts = self.client.readiness()
        except CoreUnreachable as error:
            return replace(seen, problem=seen.problem or str(error), at=time.time())
        unready = " ".join(f"{part}: {state}" for part, state in parts.items() if state != "ok")
        problem = seen.problem or ("" if ready else f"The core answers but is not ready. {unready}")
        return replace(seen, ready=ready, parts=parts, problem=problem, at=time.time())
