"""The whole app as `make run` starts it, on free ports and in its own folder, and a browser."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

import psutil
from playwright.sync_api import Browser, sync_playwright

from tests.live import ROOT, free_port, until

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


class App:
    """Its core is asleep until somebody starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.core_port, self.flower_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "OPENBLAS_CORETYPE") if name in os.environ}
        ports = {"FRONT_PORT": self.port, "CORE_PORT": self.core_port, "FLOWER_PORT": self.flower_port}
        self.env = {**kept, "PYTHONPATH": str(ROOT), **{name: str(port) for name, port in ports.items()}}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        with (self.folder / "front.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "front.local"],
                cwd=self.folder,
                env=self.env,
                stdout=log,
                stderr=log,
                preexec_fn=_hear_hang_ups,  # noqa: PLW1509  # it only calls the kernel
            )
        until(self.answers, 30)

    def answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder / "front.log").read_text()
        try:
            with urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    def family(self) -> list[psutil.Process]:
        """All processes of the front and the core."""
        assert self.process
        try:
            front = psutil.Process(self.process.pid)
        except psutil.NoSuchProcess:
            return []
        return [front, *front.children(recursive=True)]

    def flower_listens(self) -> bool:
        """Whether Flower receives the worker's events. It never sees a task that ends before that."""
        try:
            return any(self.flower("/flower/api/workers?status=1").values())
        except OSError:
            return False

    def flower_page(self) -> int:
        """The status of the page at the address that the start printed."""
        log = (self.folder / "front.log").read_text()
        address = next(word for word in log.split() if f":{self.flower_port}/" in word)
        with urlopen(self._with_password(address), timeout=5) as answer:
            return int(answer.status)

    def flower(self, path: str) -> Any:
        with urlopen(self._with_password(f"http://127.0.0.1:{self.flower_port}{path}"), timeout=5) as answer:
            return json.load(answer)

    def _with_password(self, url: str) -> Request:
        secrets = (self.folder / ".local" / "secrets.env").read_text()
        user = next(line for line in secrets.splitlines() if line.startswith("FLOWER_BASIC_AUTH")).split("=", 1)[1]
        basic = base64.b64encode(user.encode()).decode()
        return Request(url, headers={"Authorization": f"Basic {basic}"})


def _hear_hang_ups() -> None:
    """Tests under nohup ignore them, and would pass that on."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()
