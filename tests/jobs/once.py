"""Must not be run twice, and kills the process that runs it."""

import os
import signal

from core.registry import job


@job(title="Once", retry=False)
def once() -> None:
    """kill -9 itself, and do not try again."""
    os.kill(os.getpid(), signal.SIGKILL)
