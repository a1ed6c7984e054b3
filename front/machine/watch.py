"""The background thread that watches, starts and stops the core, so that no page waits for AWS or for a dead core."""

import logging
import threading
import time

from front.core_client import CoreClient
from front.machine.actions import Orders, Stop
from front.machine.instance import Instance, InstanceState
from front.machine.observer import Observer, Seen
from front.machine.snapshot import Snapshot, is_stopping, is_waking, picture, stage_now
from front.machine.stages import ALIVE, CHANGING, GOING
from front.machine.wake import SETTLE, Wake, has_fallen_back, next_step, why_hopeless

__all__ = ["Snapshot", "Watch"]

log = logging.getLogger(__name__)

FIRST_LOOK = 0.5  # seconds that a snapshot waits for the first look
OWN_FAILURE = "The front cannot see the core because of an internal error. Ask an admin to read the front's log."
WATCHED = 10.0  # seconds after a snapshot for which somebody counts as watching


class Watch:
    """`begin` starts the thread. Every other method returns at once, however slow the instance and the core are.

    Seconds between two looks: `quick` while something changes or somebody is watching, otherwise `slow`.
    """

    def __init__(self, instance: Instance, client: CoreClient, *, quick: float = 1.0, slow: float = 10.0) -> None:
        self._observer, self._orders = Observer(instance, client), Orders(instance, client)
        self._quick, self._slow = quick, slow
        self._lock = threading.Lock()  # guards the fields below; never held during a call to AWS or to the core
        self._seen = Seen(InstanceState("unknown"))
        self._wake: Wake | None = None
        self._stop: Stop | None = None
        self._watched_at = 0.0
        self._bell, self._looked, self._ended = threading.Event(), threading.Event(), threading.Event()

    def begin(self) -> "Watch":
        threading.Thread(target=self._run, name="watch", daemon=True).start()
        return self

    def end(self) -> None:
        """End the thread after its current look."""
        self._ended.set()
        self._bell.set()

    def snapshot(self) -> Snapshot:
        if not self._is_watched():
            self._bell.set()
        self._watched_at = time.time()
        self._looked.wait(FIRST_LOOK)
        with self._lock:
            return picture(self._seen, self._wake, self._stop)

    def start(self, username: str) -> None:
        """Wake the core, and put the user on the active list when it is ready."""
        with self._lock:
            if self._wake is None or self._wake.over:
                self._wake = Wake(username, time.time())
            self._wake.want(username)
            if self._stop and self._stop.problem:
                self._stop = None
        self._bell.set()

    def stop(self, username: str) -> None:
        """Stop the instance; the caller has drained the core. If it cannot be stopped, the core accepts tasks again."""
        with self._lock:
            self._wake, self._stop = None, Stop(username)
        self._bell.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._tick()
            except Exception:  # of any kind: without this thread, every page would be out of date for ever
                log.exception("A look at the core failed; the next one follows.")
                with self._lock:
                    self._seen = Seen(InstanceState("unknown"), problem=OWN_FAILURE, at=time.time())
            self._looked.set()
            self._bell.wait(self._pause())
            self._bell.clear()

    def _tick(self) -> None:
        stop = self._stop
        if stop and stop.waits:
            self._orders.stop(stop)
        seen = self._observer.look(self._seen)
        with self._lock:
            self._notice(seen)
            wake, stop = self._wake, self._stop
        # An order to stop comes first: a start that was asked for after it waits until the machine has stopped.
        if is_waking(wake) and not is_stopping(stop):
            self._further(wake, seen)
        if is_stopping(stop) and stop.told_at and seen.instance.name in ALIVE and seen.at - stop.told_at > SETTLE:
            self._orders.refuse(stop, "The core's machine was told to stop, but it is still running. Ask an admin.")

    def _notice(self, seen: Seen) -> None:
        """A look may show that an order is done, or that somebody started the machine from elsewhere."""
        was, name, self._seen = self._seen.instance.name, seen.instance.name, seen
        if self._stop and name in GOING:
            self._stop.done = True
        elif self._stop and self._stop.done:
            self._stop = None
        if self._wake and self._wake.over and (seen.ready if self._wake.failed else name in GOING):
            self._wake = None
        began = name != was and (name == "pending" or (name == "running" and was in GOING))
        if began and not is_stopping(self._stop) and not is_waking(self._wake):
            self._wake = Wake("", seen.at, started_at=seen.at)
        if is_waking(self._wake):
            self._wake.note(seen, stage_now(seen, self._wake, self._stop))

    def _further(self, wake: Wake, seen: Seen) -> None:
        if seen.instance.passes and has_fallen_back(wake, seen):
            log.warning("The machine stopped again: %s", seen.instance.reason)
            wake.fall_back(seen.instance.reason, seen.at)
            return
        if problem := why_hopeless(wake, seen):
            log.warning("The waking was given up: %s", problem)
            wake.fail(problem)
            return
        step = next_step(wake, seen)
        if step == "start":
            self._orders.start(wake)
            self._bell.set()
        elif step == "join":
            self._orders.join(wake)
            with self._lock:  # somebody may just have been added to `users`
                wake.problem, wake.over = "", not wake.users

    def _pause(self) -> float:
        with self._lock:
            seen, wake, stop = self._seen, self._wake, self._stop
        doubtful = seen.ready and seen.ready_at != seen.at
        ordered = is_waking(wake) or is_stopping(stop)
        busy = doubtful or ordered or seen.instance.name in CHANGING
        return self._quick if busy or self._is_watched() else self._slow

    def _is_watched(self) -> bool:
        return time.time() - self._watched_at < WATCHED
