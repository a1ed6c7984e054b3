"""The supervisor on real processes: what it starts, what it starts again, and what it leaves behind."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.local.supervisor import PAUSE
from tests.live import ROOT, lives, until

# `run` adopts and kills children, so it needs a process of its own.
SUPERVISOR = """
import json, logging, signal, sys
from core.local import supervisor

logging.basicConfig()
told = []
signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
supervisor.PATIENCE, services = json.load(sys.stdin)
for service in services:
    service["stdin"] = service["stdin"].encode()
supervisor.run([supervisor.Service(**service) for service in services], lambda: not told)
"""

SERVICE = """
import os, signal, subprocess, sys, time

def note(*words):
    with open("diary", "a") as diary:
        print(*words, file=diary)

def end(*_):
    note({name!r}, "ends")
    sys.exit()

signal.signal(signal.SIGTERM, end)
note({name!r}, "begins", os.getpid())
{code}
while True:
    signal.pause()
"""


def service(name: str, code: str = "", **more: Any) -> dict[str, Any]:
    """A service that writes its begin and its end into the diary."""
    command = [sys.executable, "-c", SERVICE.format(name=name, code=code)]
    return {"name": name, "command": command, "stdin": "", **more}


class Supervised:
    """A supervisor in a folder of its own, and the diary of its services."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stack = folder, ExitStack()

    def start(self, *services: dict[str, Any], patience: float = 10, keeps: tuple[int, ...] = ()) -> None:
        with (self.folder / "log").open("wb") as log:
            self.process = psutil.Popen(
                [sys.executable, "-c", SUPERVISOR],
                cwd=self.folder,
                env={"PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stderr=log,
                pass_fds=keeps,
            )
        self.stack.callback(self.stop)
        self.process.stdin.write(json.dumps([patience, services]).encode())
        self.process.stdin.close()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        code: int = self.process.wait(15)
        return code

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def diary(self) -> list[list[str]]:
        file = self.folder / "diary"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def noted(self, name: str, what: str, times: int = 1) -> list[int]:
        """The numbers that the service wrote beside this word, as soon as there are so many."""

        def numbers() -> list[int] | None:
            found = [int(line[2]) for line in self.diary() if line[:2] == [name, what]]
            return found if len(found) == times else None

        return until(numbers)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    started = Supervised(tmp_path)
    with started.stack:
        yield started


def test_a_service_that_dies_is_started_again_after_the_pause_and_the_others_go_on(supervised: Supervised) -> None:
    supervised.start(service("steady"), service("mortal"))
    (steady,), (mortal,) = supervised.noted("steady", "begins"), supervised.noted("mortal", "begins")

    psutil.Process(mortal).kill()
    killed = time.monotonic()
    pids = supervised.noted("mortal", "begins", times=2)

    assert time.monotonic() - killed > PAUSE
    assert len(set(pids)) == 2
    assert lives(steady)
    assert lives(pids[1])
    assert "mortal has ended" in supervised.log


def test_services_start_in_their_order_and_stop_the_other_way_round(supervised: Supervised) -> None:
    # More than a pipe holds: a start is over only when its service has begun to read.
    reads = {"code": "sys.stdin.read()", "stdin": "x" * (1 << 20)}
    supervised.start(*[service(name, **reads) for name in ("first", "second", "third")])
    supervised.noted("third", "begins")

    assert supervised.stop() == 0

    begins = [line[0] for line in supervised.diary() if line[1] == "begins"]
    ends = [line[0] for line in supervised.diary() if line[1] == "ends"]
    assert (begins, ends) == (["first", "second", "third"], ["third", "second", "first"])


def test_if_a_service_cannot_start_those_before_it_are_stopped_and_none_follows(supervised: Supervised) -> None:
    reads = {"code": "sys.stdin.read()", "stdin": "x" * (1 << 20)}
    supervised.start(service("before", **reads), {"name": "none", "command": ["./none"], "stdin": ""}, service("after"))

    assert supervised.process.wait(15) == 1

    assert [line[:2] for line in supervised.diary()] == [["before", "begins"], ["before", "ends"]]
    assert "FileNotFoundError" in supervised.log


def test_a_service_that_ignores_sigterm_is_killed_with_its_group_when_patience_ends(supervised: Supervised) -> None:
    ignores = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nnote('deaf', 'child', subprocess.Popen(['sleep', '300']).pid)"
    )
    supervised.start(service("deaf", ignores), patience=0.5)
    pids = supervised.noted("deaf", "begins") + supervised.noted("deaf", "child")
    begin = time.monotonic()

    assert supervised.stop() == 0

    assert 0.5 < time.monotonic() - begin < 8
    assert not any(lives(pid) for pid in pids)
    assert "deaf did not end in time and is killed" in supervised.log


def test_a_service_that_needs_a_moment_to_end_gets_it(supervised: Supervised) -> None:
    slow = "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), end()))\nnote('slow', 'ready', 1)"
    supervised.start(service("slow", slow))
    supervised.noted("slow", "ready")

    assert supervised.stop() == 0

    assert supervised.diary()[-1] == ["slow", "ends"]
    assert "is killed" not in supervised.log


DAEMON = "note('parent', 'daemon', subprocess.Popen(['sleep', '300'], start_new_session=True).pid)"


def test_nothing_that_a_service_has_started_outlives_the_supervisor(supervised: Supervised) -> None:
    supervised.start(service("parent", DAEMON))
    (daemon,) = supervised.noted("parent", "daemon")

    assert supervised.stop() == 0

    assert not lives(daemon)


def test_what_a_dead_service_leaves_behind_ends_before_the_service_starts_again(supervised: Supervised) -> None:
    supervised.start(service("parent", DAEMON))
    (parent,), (daemon,) = supervised.noted("parent", "begins"), supervised.noted("parent", "daemon")

    psutil.Process(parent).kill()
    _, second = supervised.noted("parent", "daemon", times=2)

    assert not lives(daemon)
    assert lives(second)


def test_services_end_when_the_supervisor_is_killed(supervised: Supervised) -> None:
    supervised.start(service("orphan"))
    (pid,) = supervised.noted("orphan", "begins")

    supervised.process.kill()

    assert until(lambda: not lives(pid), 5)
    assert supervised.diary()[-1] == ["orphan", "ends"]


def test_a_service_may_ask_to_be_killed_with_the_supervisor(supervised: Supervised) -> None:
    supervised.start(service("orphan", orphaned=signal.SIGKILL))
    (pid,) = supervised.noted("orphan", "begins")

    supervised.process.kill()

    assert until(lambda: not lives(pid), 5)
    assert supervised.diary()[-1][1] == "begins"


def test_a_service_keeps_the_files_that_it_is_given_and_no_others(supervised: Supervised, tmp_path: Path) -> None:
    with (tmp_path / "mark").open("wb") as mark:
        number = mark.fileno()
        looks = f"note(sys.argv[1], 'open', int(os.path.exists('/proc/self/fd/{number}')))"
        keeper, other = service("keeper", looks, keeps=(number,)), service("other", looks)
        keeper["command"].append("keeper")
        other["command"].append("other")
        supervised.start(keeper, other, keeps=(number,))

        assert supervised.noted("keeper", "open") == [1]
        assert supervised.noted("other", "open") == [0]


def test_a_service_reads_its_stdin_to_the_end_each_time_it_starts(supervised: Supervised) -> None:
    supervised.start(service("reader", "note('reader', 'read', sys.stdin.read())", stdin="2027"))
    (pid,) = supervised.noted("reader", "begins")
    assert supervised.noted("reader", "read") == [2027]

    psutil.Process(pid).kill()

    assert supervised.noted("reader", "read", times=2) == [2027, 2027]


def test_a_service_has_the_environment_of_the_supervisor_and_its_own(supervised: Supervised) -> None:
    both = "note('heir', 'has', int(os.environ['OWN'] + str(int('PYTHONPATH' in os.environ))))"
    supervised.start(service("heir", both, env={"OWN": "7"}))
    assert supervised.noted("heir", "has") == [71]
