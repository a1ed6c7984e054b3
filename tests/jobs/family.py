"""Starts processes, and minds no signal that can be ignored; neither do they."""

import os
import signal
import subprocess
import time

from core.registry import job

# The second leaves its parent, its group and its session, as a daemon does.
CHILD = "trap '' TERM HUP INT QUIT; echo $$ >> '{file}'; sleep 300 & wait"
DAEMON = "(setsid sh -c \"trap '' TERM HUP; echo \\$\\$ >> '{file}'; sleep 300 & wait\" &)"


@job(title="Family")
def family(file: str, seconds: float = 100) -> None:
    """Write three ids into the file, one's own among them, then sleep."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    for script in (CHILD, DAEMON):
        subprocess.Popen(["sh", "-c", script.format(file=file)])
    with open(file, "a") as pids:  # noqa: PTH123  # as short as the shell's
        pids.write(f"{os.getpid()}\n")
    time.sleep(seconds)
