"""What the import of a file must leave as it is, because every job of the process shares it."""

import os
import resource
import signal
import sys
from pathlib import Path

Functions = dict[tuple[str, str], object]  # by module and name
HOOKS = {"sys", "warnings"}  # modules with functions that are there to be replaced


def state(socket: int) -> dict[str, object]:
    """What can be compared, by the words for a change of it. `socket` is open beside the standard streams."""
    os.umask(mask := os.umask(0))
    return {
        "starts a thread": len(sys._current_frames()),  # noqa: SLF001  # documented in spite of its name
        "starts a process": _has_children(),
        "changes the current folder": Path.cwd(),
        "changes the umask": mask,
        "sets a timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "changes what a signal does": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "takes more than 1 GB of memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20 > 0,
        "changes the limit of recursion": sys.getrecursionlimit(),
        "closes files that it did not open": [os.fstat(number).st_ino for number in (0, 1, 2, socket)],
    }


def done(before: dict[str, object], now: dict[str, object]) -> str:
    """A sentence about the first change; empty if there is none."""
    what = next((what for what, value in before.items() if now[what] != value), "")
    return what and f"{what} when it is imported. Do that inside the function."


def functions() -> Functions:
    """The public functions and classes of all modules that are loaded now."""
    return {
        (module, name): value
        for module, content in list(sys.modules.items())
        if module not in HOOKS
        for name, value in list(vars(content).items())
        if callable(value) and not name.startswith("_")
    }


def replaced(before: Functions) -> str:
    """A sentence about the first function that has been replaced since then; empty if there is none."""
    for (module, name), value in before.items():
        if getattr(sys.modules.get(module), name, None) is not value:
            return f"replaces {module}.{name}, which other jobs use. Do that inside the function, if you must."
    return ""


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
