"""Carry out what was asked for: start the machine, stop it, join those who asked to the active list."""

import logging
import time
from dataclasses import dataclass, field

from front.core_client import CoreClient
from front.errors import CoreRefused, CoreUnreachable, InstanceError
from front.machine.instance import Instance
from front.machine.wake import Wake

log = logging.getLogger(__name__)

TRIES_SECONDS = 120.0  # a machine that starts cannot be stopped at once; it is asked for so long


@dataclass
class Stop:
    """Times are seconds since 1970. With a `problem`, it was refused."""

    asked_at: float = field(default_factory=time.time)
    told_at: float | None = None
    problem: str = ""

    @property
    def waits(self) -> bool:
        return self.told_at is None and not self.problem


@dataclass(frozen=True)
class Orders:
    """Each takes as long as AWS or the core takes, notes in the order what came of it, and raises nothing of theirs."""

    instance: Instance
    client: CoreClient

    def start(self, wake: Wake) -> None:
        try:
            self.instance.start()
        except InstanceError as error:
            log.warning("The machine was not started: %s (%s)", error, error.detail)
            if error.retry_after is None:
                wake.fail(str(error))
            else:
                wake.put_off(str(error), error.retry_after, time.time())
            return
        log.info("The machine starts, as %s asked.", wake.by)
        wake.started_at, wake.problem = time.time(), ""

    def stop(self, order: Stop) -> None:
        try:
            self.instance.stop()
        except InstanceError as error:
            log.warning("The machine was not stopped: %s (%s)", error, error.detail)
            if error.retry_after is None or time.time() - order.asked_at > TRIES_SECONDS:
                self.refuse(order, str(error))
            return
        log.info("The machine stops.")
        order.told_at = time.time()

    def refuse(self, order: Stop, problem: str) -> None:
        """It goes on running, so the core is to accept tasks again."""
        order.problem = problem
        try:
            self.client.undrain()
        except (CoreUnreachable, CoreRefused) as error:
            log.warning("If the core is draining, it takes no task until that expires: %s", error)

    def join(self, wake: Wake) -> None:
        """Who could not join, because the core drains or fails, stays in `users`."""
        for user in tuple(wake.users):
            try:
                self.client.add_active_user(user)
            except CoreUnreachable:
                return
            except CoreRefused as error:
                if error.status == 503:
                    return
                log.warning("The core does not take %r on its list: %s", user, error)
            wake.users.remove(user)
