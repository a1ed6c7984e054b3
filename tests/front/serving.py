"""A Streamlit server of our own for tests in a browser."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.live import free_port, until


@contextmanager
def served(script: Path, folder: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The address of the script's pages. The server runs in `folder`, with this environment."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    flags = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *flags]
    with (folder / "front.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=log, stderr=log)
    try:
        until(lambda: _answers(url), 30)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
