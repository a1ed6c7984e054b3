"""What a hostile job can do with files and words: its input, its folder, its reports, its end."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.hostile._deeds import Base, Deeds, Odd


class Mess(Deeds):
    def change_input(self) -> None:
        mine = Path("mine")
        mine.write_text("spoilt")
        path = self.file.path
        attempts: list[Any] = [
            lambda: path.write_bytes(b"spoilt"),
            lambda: os.truncate(path, 0),
            lambda: mine.replace(path),
        ]
        for attempt in attempts:
            with suppress(OSError):
                attempt()

    def remove_input(self) -> None:
        self.file.path.unlink()

    def go_to_input(self) -> None:
        os.chdir(self.file.path.parent)

    def make_deep_folders(self) -> None:
        for _ in range(60):
            Path("x" * 100).mkdir()
            os.chdir("x" * 100)

    def lock_folder(self) -> None:
        Path("locked").mkdir()
        Path("locked/file").write_text("x")
        Path("locked").chmod(0)
        Path().chmod(0)

    def make_strange_files(self) -> None:
        os.mkfifo("pipe")
        Path("root").symlink_to("/")
        Path("loop").symlink_to("loop")
        Path(os.fsdecode(b"\xff\n")).write_text("x")

    def close_stdout(self) -> None:
        sys.stdout.close()

    def print_much(self) -> None:
        for _ in range(1000):
            print("much " * 200)  # noqa: T201  # what jobs do

    def report_too_much(self) -> None:
        for number in range(300):
            self.progress(1.5 + number, "x" * 300)

    def sleep(self) -> None:
        time.sleep(0.5)

    def raise_odd(self) -> None:
        raise Odd

    def raise_base(self) -> None:
        raise Base("\ud800" * 5000)

    def raise_exit(self) -> None:
        raise SystemExit(object())

    def raise_interrupt(self) -> None:
        raise KeyboardInterrupt


DEEDS = sorted(name for name in dir(Mess) if not name.startswith("_") and callable(getattr(Mess, name)))


def loop() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


ANSWERS: dict[str, Any] = {
    "nothing": None,
    "a foreign file": {"files": ["/etc/passwd"]},
    "a file that is not there": {"files": ["nothing", "..", "root"]},
    "odd": {"metrics": {object(): float("nan")}, "tables": [{}], "charts": 5},
    "much": "x" * (6 << 20),
    "itself": loop(),
}
