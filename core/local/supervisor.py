"""Processes that belong together: each is restarted when it dies, and none outlives this process.

Written here because honcho restarts nothing, and supervisord takes the hang-up of a terminal for a reload.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from core import processes

log = logging.getLogger(__name__)

PAUSE = 1.0
PATIENCE = 10  # s that a process has to end by itself


@dataclass
class Service:
    """A child process. It inherits the file descriptors in `keeps`. It gets `orphaned` when the supervisor dies."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    keeps: tuple[int, ...] = ()
    orphaned: signal.Signals = signal.SIGTERM
    died_at: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.env},
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=self.keeps,
            preexec_fn=partial(processes.die_with_parent, os.getpid(), self.orphaned),  # noqa: PLW1509  # no thread runs here, and nothing else works after a kill -9
        )
        assert self.process.stdin  # noqa: S101  # it is a pipe
        self.process.stdin.write(self.stdin)
        self.process.stdin.close()

    def watch(self) -> bool:
        """Whether it has just died. It is restarted after a pause."""
        died = self.process is not None and self.process.poll() is not None
        if died:
            log.error("%s has ended and is restarted.", self.name)
            self.process, self.died_at = None, time.monotonic()
        elif self.process is None and time.monotonic() - self.died_at > PAUSE:
            self.start()
        return died

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end in time and is killed.", self.name)
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def run(services: list[Service], wanted: Callable[[], bool]) -> None:
    """Start the services in order, keep them alive while `wanted`, then stop them in reverse order."""
    processes.adopt()
    with ExitStack() as stack:
        stack.callback(processes.end_strays, set())
        for service in services:
            stack.callback(service.stop)
            service.start()
        while wanted():
            if any([service.watch() for service in services]):  # noqa: C419  # each of them
                processes.end_strays({service.process.pid for service in services if service.process})
            time.sleep(0.2)
