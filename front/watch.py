"""One background thread that knows how the core is and carries out orders, so that no page waits for AWS."""

import logging
import threading
import time
from dataclasses import dataclass, replace

from front.core_client import CoreClient
from front.errors import CoreRefused, CoreUnreachable, InstanceError
from front.instance import Instance, InstanceState
from front.stages import Stage, is_ready, stage_of
from front.wake import Wake, step

log = logging.getLogger(__name__)

CHANGING = ("pending", "stopping", "shutting-down")


@dataclass(frozen=True)
class Snapshot:
    """How the core is. `asked_at` and `stages` tell of the last waking, as long as the core is awake."""

    instance: InstanceState
    stage: Stage
    ready: dict[str, str] | None
    problem: str
    asked_by: str
    asked_at: float | None
    stages: tuple[tuple[str, float], ...]
    checked_at: float


@dataclass(frozen=True)
class Pace:
    """Seconds."""

    quick: float = 1.0  # between looks while something changes or somebody watches
    slow: float = 10.0  # otherwise
    watched: float = 10.0  # somebody watches for so long after a snapshot
    first: float = 0.5  # a snapshot waits so long for the first look
    settle: float = 15.0  # AWS may say "stopped" or "running" for so long after an order to the contrary
    patience: float = 600.0  # from the machine's start to ready


@dataclass(frozen=True)
class Seen:
    instance: InstanceState
    ready: dict[str, str] | None = None
    problem: str = ""
    final: bool = False  # asking again will not help
    at: float = 0.0


@dataclass
class Orders:
    """What was asked for; shared by the pages' threads and the watching one, under a lock."""

    wake: Wake | None = None
    stop: bool = False
    stopping_since: float | None = None
    problem: str = ""


class Watch:
    """`begin` starts the thread; every other method returns at once."""

    def __init__(self, instance: Instance, client: CoreClient, pace: Pace | None = None) -> None:
        self._instance, self._client, self._pace = instance, client, pace or Pace()
        self._lock = threading.Lock()
        self._bell, self._looked, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._seen, self._orders = Seen(InstanceState("unknown")), Orders()
        self._ready_at = time.time()
        self._misses = 0
        self._watched_at = 0.0

    def begin(self) -> "Watch":
        threading.Thread(target=self._run, name="watch", daemon=True).start()
        return self

    def end(self) -> None:
        self._ended.set()
        self._bell.set()

    def snapshot(self) -> Snapshot:
        now = time.time()
        if now - self._watched_at > self._pace.watched:
            self._bell.set()
        self._watched_at = now
        self._looked.wait(self._pace.first)
        with self._lock:
            return self._snapshot(now)

    def start(self, username: str) -> None:
        """Wake the core, and put the user on the active list when it is ready."""
        with self._lock:
            wake = self._orders.wake
            if wake is None or wake.over:
                self._orders.wake = wake = Wake(username, time.time())
            if username not in wake.users:
                wake.users.append(username)
            self._orders.problem = ""
        self._bell.set()

    def stop(self) -> None:
        """Stop the instance; the caller has drained the core. If it refuses, the core accepts tasks again."""
        with self._lock:
            self._orders = Orders(stop=True, stopping_since=time.time())
        self._bell.set()

    def _snapshot(self, now: float) -> Snapshot:
        seen, orders = self._seen, self._orders
        wake = orders.wake
        stage = stage_of(
            seen.instance.name,
            seen.ready,
            waking=wake is not None and not wake.over,
            stopping=orders.stopping_since is not None,
            unready_for=now - self._ready_at,
        )
        if wake:
            wake.note(stage, now)
        return Snapshot(
            instance=seen.instance,
            stage=stage,
            ready=seen.ready,
            problem=orders.problem or (seen.problem if stage in ("unreachable", "unknown") else ""),
            asked_by=wake.by if wake else "",
            asked_at=wake.at if wake else None,
            stages=tuple(wake.stages) if wake else (),
            checked_at=seen.at,
        )

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._tick()
            except Exception:  # a thread that ends would leave every page with old news for ever
                log.exception("The watch over the core failed; it goes on.")
            self._looked.set()
            self._bell.wait(self._pause())
            self._bell.clear()

    def _pause(self) -> float:
        with self._lock:
            busy = self._orders.stopping_since or (self._orders.wake and not self._orders.wake.over) or self._misses
        watched = time.time() - self._watched_at < self._pace.watched
        return self._pace.quick if busy or watched or self._seen.instance.name in CHANGING else self._pace.slow

    def _tick(self) -> None:
        self._carry_out_stop()
        seen = self._look()
        with self._lock:
            if seen.instance.name == "pending" and self._orders.wake is None:
                self._orders.wake = Wake("", time.time())  # somebody started it from elsewhere
            self._seen = seen
            self._settle_stop(seen)
        self._follow(seen)

    def _look(self) -> Seen:
        """Ask the machine and, if it may answer, the core."""
        problem, final = "", False
        try:
            state = self._instance.state()
        except InstanceError as error:
            state, problem, final = InstanceState("unknown", error.code), str(error), error.retry_after is None
        ready = None
        if state.name in ("running", "unmanaged", "unknown"):
            try:
                ready = self._client.ready()
            except CoreUnreachable as error:
                problem = problem or str(error)
        return self._believe(Seen(state, ready, problem, final, time.time()))

    def _believe(self, seen: Seen) -> Seen:
        """One missed answer of a core that was ready is no news yet."""
        if is_ready(seen.ready):
            self._misses, self._ready_at = 0, seen.at
        elif seen.ready is None and is_ready(self._seen.ready) and seen.instance.name == self._seen.instance.name:
            self._misses += 1
            return replace(seen, ready=self._seen.ready) if self._misses < 2 else seen
        else:
            self._misses = 0
        return seen

    def _carry_out_stop(self) -> None:
        with self._lock:
            wanted, self._orders.stop = self._orders.stop, False
        if not wanted:
            return
        try:
            self._instance.stop()
        except InstanceError as error:
            self._refuse_stop(str(error))

    def _settle_stop(self, seen: Seen) -> None:
        since = self._orders.stopping_since
        if since is not None and seen.instance.name in ("stopping", "stopped", "shutting-down", "terminated"):
            self._orders.stopping_since = None

    def _refuse_stop(self, problem: str) -> None:
        with self._lock:
            self._orders.stopping_since, self._orders.problem = None, problem
        try:
            self._client.undrain()
        except (CoreUnreachable, CoreRefused):
            log.warning("The core could not be told to accept tasks again; it does so by itself after ten minutes.")

    def _follow(self, seen: Seen) -> None:
        """Take the waking a step further."""
        with self._lock:
            wake = self._orders.wake
            if wake is None:
                return
            if wake.over:
                if seen.instance.name in ("stopping", "stopped"):
                    self._orders.wake = None
                return
            what = step(wake, seen.instance, is_ready(seen.ready), seen.at, self._pace.settle, self._pace.patience)
        if what == "start":
            self._ask_to_start(wake)
        elif what == "join":
            self._join(wake)
        elif what:
            self._give_up(wake, what)

    def _ask_to_start(self, wake: Wake) -> None:
        try:
            self._instance.start()
            wake.told_at = time.time()
            self._bell.set()
        except InstanceError as error:
            if error.retry_after is None:
                self._give_up(wake, str(error))
                return
            pause = wake.put_off(error.retry_after, time.time())
            with self._lock:
                self._orders.problem = f"{error} The start is tried again in {pause:.0f} s."

    def _join(self, wake: Wake) -> None:
        try:
            for user in wake.users:
                if user:
                    self._client.add_active_user(user)
        except (CoreUnreachable, CoreRefused) as error:
            log.warning("The active list could not be written: %s", error)
        with self._lock:
            wake.over, self._orders.problem = True, ""

    def _give_up(self, wake: Wake, problem: str) -> None:
        with self._lock:
            wake.over, self._orders.problem = True, problem
            if self._orders.wake is wake:
                self._orders.wake = None
