"""Carry out orders: start the machine, stop it, put people on the active list."""

import logging
import time
from dataclasses import dataclass, field

from front.core_client import CoreClient
from front.errors import CoreRefused, CoreUnreachable, InstanceError
from front.machine.instance import Instance
from front.machine.wake import Wake

log = logging.getLogger(__name__)

TRIES_SECONDS = 120.0  # a starting machine cannot be stopped yet; for this long, the order is repeated


@dataclass
class Stop:
    """An order to stop. Times are Unix times. `problem`: why it was refused. `done`: the machine was seen to go."""

    by: str = ""
    asked_at: float = field(default_factory=time.time)
    told_at: float | None = None
    problem: str = ""
    done: bool = False

    @property
    def waits(self) -> bool:
        return self.told_at is None and not self.problem and not self.done


@dataclass(frozen=True)
class Orders:
    """Each may wait for AWS or the core, records the outcome in its argument, and raises none of their errors."""

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
        log.info("The machine is starting; %s asked for it.", wake.by)
        wake.started_at, wake.problem = time.time(), ""

    def stop(self, order: Stop) -> None:
        try:
            self.instance.stop()
        except InstanceError as error:
            log.warning("The machine was not stopped: %s (%s)", error, error.detail)
            if error.retry_after is None or time.time() - order.asked_at > TRIES_SECONDS:
                self.refuse(order, str(error))
            return
        log.info("The machine is stopping.")
        order.told_at = time.time()

    def refuse(self, order: Stop, problem: str) -> None:
        """The machine keeps running, so the core must accept tasks again."""
        order.problem = problem
        try:
            self.client.undrain()
        except (CoreUnreachable, CoreRefused) as error:
            log.warning("If the core is draining, it accepts no task until the drain expires: %s", error)

    def join(self, wake: Wake) -> None:
        """Those who cannot join, because the core is draining or failing, stay in `users`."""
        for user in tuple(wake.users):
            try:
                self.client.add_active_user(user)
            except CoreUnreachable:
                return
            except CoreRefused as error:
                if error.status == 503:
                    return
                log.warning("The core did not put %r on its list: %s", user, error)
            wake.users.remove(user)
