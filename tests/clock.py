"""A clock that jumps while programs run: libfaketime shifts what they read, and a file says by how much."""

from pathlib import Path

import pytest

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
needs_faketime = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed (apt-get install faketime)")


class Clock:
    """For programs that start with `env`. Only the time of day jumps; what the kernel counts goes on, as it would."""

    def __init__(self, folder: Path, *only: str) -> None:
        """`only`: the names of the programs whose clock it is, if not of all that get `env`."""
        self._file = folder / "clock"
        self.set(0)
        self.env = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            **({"FAKETIME_ONLY_CMDS": ",".join(only)} if only else {}),
        }

    def set(self, seconds: float) -> None:
        """So many seconds before (below 0) or after the true time."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{seconds:+}")
        part.replace(self._file)  # nobody reads half a number
