"""Kills the process that runs it."""

import os
import signal

from core.registry import job


@job(title="Dies")
def dies() -> None:
    """kill -9 itself."""
    os.kill(os.getpid(), signal.SIGKILL)
