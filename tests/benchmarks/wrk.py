"""The load generator wrk: many connections at a fraction of the cost of an API, so it hardly affects the results."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Load:
    seconds: float
    answers: int
    errors: int  # how many answers were errors
    broken: int  # how many connections broke
    p50: float  # ms
    p99: float

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return (self.answers - self.errors) / self.seconds


def missing() -> str:
    return "" if shutil.which("wrk") else "the load generator `wrk` is not installed (apt-get install wrk)"


def load(url: str, requests: list[tuple[str, str, str]], *, seconds: float, connections: int = 16) -> Load:
    """Send these requests (method, path, body) in turn for this many seconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines("\t".join(request) + "\n" for request in requests)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(SCRIPT), url, file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
    found = json.loads(done.stdout.rpartition("JSON ")[2])
    return Load(
        seconds=found["us"] / 1e6,
        answers=found["answers"],
        errors=found["errors"],
        broken=found["broken"],
        p50=found["p50"] / 1000,
        p99=found["p99"] / 1000,
    )
