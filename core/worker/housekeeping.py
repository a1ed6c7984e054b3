"""Housekeeping: old tasks and files are removed, and so are the folders that interrupted runs have left behind."""

import logging
import threading
import time

from core.errors import FilesUnavailable, QueueUnavailable
from core.files import Files
from core.queue import steps
from core.queue.store import Store
from core.settings import WorkerSettings
from core.worker import scratch

log = logging.getLogger(__name__)

CLEAR_SECONDS = 3.0
EXPIRE_SECONDS = 600.0
LEAP_SECONDS = 60.0  # a clock that differs by more from the last round was set
OVER = ("", "SUCCESS", "FAILURE", "REVOKED")


class Housekeeping:
    """In a thread of its own: removing many files can take longer than a lease."""

    def __init__(self, config: WorkerSettings) -> None:
        self._store, self._files = Store(config.broker_url), Files(config.data_dir)
        self._scratch, self._retention = config.data_dir / "scratch", config.retention_days * 86400
        self._expire_at, self._offset = 0.0, _offset()

    def start(self) -> None:
        threading.Thread(target=self._tidy_for_ever, name="housekeeping", daemon=True).start()

    def tidy(self) -> None:
        """One round; whatever fails is retried in the next."""
        try:
            self._clear()
            self._mind_the_clock()
            if time.monotonic() > self._expire_at:
                self._expire()
                self._expire_at = time.monotonic() + EXPIRE_SECONDS
        except QueueUnavailable:
            pass  # the heartbeat logs it
        except (OSError, FilesUnavailable) as error:
            log.warning("Tidying up waits until the disk can be used again: %s", error)
        except Exception:
            log.exception("Tidying up failed.")

    def _clear(self) -> None:
        """Remove the folders of runs that are over."""
        for folder in self._scratch.glob("*"):
            if self._store.run(steps.look(scratch.task_of(folder))).state in OVER:
                scratch.remove(folder)

    def _mind_the_clock(self) -> None:
        """Nothing expires just after the clock was set: a clock that is wrong is often put right soon."""
        offset = _offset()
        if abs(offset - self._offset) > LEAP_SECONDS:
            self._expire_at = time.monotonic() + EXPIRE_SECONDS
        self._offset = offset

    def _expire(self) -> None:
        """Remove tasks and files whose retention is over, all by the clock of this machine."""
        tasks = self._store.run(steps.expire(time.time() - self._retention))
        files = self._files.expire(self._retention)
        if tasks or files:
            log.info("Retention is over for %s tasks and %s files; they are removed.", tasks, files)

    def _tidy_for_ever(self) -> None:
        while True:
            self.tidy()
            time.sleep(CLEAR_SECONDS)


def _offset() -> float:
    """Changes only when the clock is set, or the machine sleeps."""
    return time.time() - time.monotonic()
