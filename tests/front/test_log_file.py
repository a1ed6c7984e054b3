import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from front.machine import log_file
from tests.live import until

WRITER = "import sys\nfor line in sys.stdin: print(line * 100, flush=True)"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LARGEST", 1000)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "core.log"


def test_a_log_that_other_processes_write_is_emptied_in_place_and_its_end_is_kept(log: Path) -> None:
    with log_file.begin(log) as file:
        writer = subprocess.Popen([sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=file, text=True)
    with writer:
        assert writer.stdin
        print("0123456789ABCDE", file=writer.stdin, flush=True)
        until(lambda: log.stat().st_size > 1600)

        log_file.keep_small(log)
        assert log.read_bytes() == b""
        assert (log.parent / "core.log.1").stat().st_size == 1000
        assert (log.parent / "core.log.1").read_text().endswith("ABCDE\n\n")

        print("x", file=writer.stdin, flush=True)
        until(lambda: log.stat().st_size > 200)
        assert log.read_text().startswith("x\n")  # and not with a hole where the old lines were


def test_a_log_that_is_small_enough_is_left_alone(log: Path) -> None:
    log_file.keep_small(log)
    log.write_text("x" * 1000)
    log_file.keep_small(log)
    assert log.stat().st_size == 1000
    assert [file.name for file in log.parent.iterdir()] == ["core.log"]


def test_a_new_log_keeps_the_end_of_the_one_before(log: Path) -> None:
    log.write_text("before")
    with log_file.begin(log) as file:
        file.write(b"after")
    assert (log.read_text(), (log.parent / "core.log.1").read_text()) == ("after", "before")


def test_a_full_disk_does_not_keep_a_log_large(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with log.open("ab") as file:
        file.write(b"x" * 2000)
    log_file.keep_small(log)
    assert log.stat().st_size == 0
