"""Does what most jobs do, and fails if another run has left something behind."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from core.registry import Progress, UploadedFile, job

CLEAN = {
    "files": [],
    "signals": [signal.SIG_DFL, signal.SIG_DFL],
    "blocked": set(),
    "threads": 1,
    "mode": 0o600,
}


@job(title="Honest")
def honest(file: UploadedFile, *, progress: Progress) -> dict[str, Any]:  # a job's form
    """Read the file, write another, use memory and a thread."""
    found: dict[str, Any] = {
        "files": os.listdir(),  # noqa: PTH208  # what such a job would call
        "signals": [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)],
        "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, set()),
        "threads": threading.active_count(),
    }
    content = file.path.read_bytes()
    thread = threading.Thread(target=lambda: Path("copy.bin").write_bytes(content))
    thread.start()
    thread.join()
    found["mode"] = Path("copy.bin").stat().st_mode & 0o777
    if found != CLEAN:
        raise ValueError(str(found))
    much = bytearray(100 << 20)
    progress(0.5, "half")
    time.sleep(0.2)
    return {"metrics": json.loads(json.dumps({"size": len(content) + len(much)})), "files": ["copy.bin"]}
