"""What ends together with a run, and how much memory a run may use; on real processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import processes
from tests.live import ROOT, lives, until

# A grandchild that has left its parent, its group and its session, as a daemon does, and ignores polite signals.
DAEMON = "(trap '' TERM HUP; setsid sh -c 'trap \"\" TERM HUP; echo $$ >> {file}; sleep 300 & wait') & wait"


def python(code: str, *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *args], cwd=ROOT)


def written(file: Path, lines: int) -> list[int]:
    return until(lambda: read if len(read := [int(line) for line in _text(file).split()]) == lines else None)


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def gone(*pids: int) -> bool:
    return not any(lives(pid) for pid in pids)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pids"


def test_a_process_ends_with_all_that_it_started_even_daemons(file: Path) -> None:
    run = python(
        "import subprocess, sys, time; from core import processes; processes.adopt()\n"
        "subprocess.Popen(['sh', '-c', sys.argv[1]]); time.sleep(300)",
        DAEMON.format(file=file),
    )
    daemons = written(file, lines=1)

    processes.end(run.pid)

    assert run.wait(5) == -signal.SIGKILL
    assert until(lambda: gone(*daemons), 5)


def test_ending_what_has_ended_is_no_error() -> None:
    run = python("")
    run.wait()
    processes.end(run.pid)


def test_children_of_the_dead_are_killed_and_the_kept_ones_are_not(file: Path) -> None:
    parent = python(
        "import subprocess, sys, time; from core import processes; processes.adopt()\n"
        "kept = subprocess.Popen(['sleep', '300']); lost = subprocess.Popen(['sh', '-c', sys.argv[1]])\n"
        "while not open(sys.argv[2], 'a+').tell(): time.sleep(0.05)\n"
        "lost.kill(); lost.wait(); processes.end_strays({kept.pid})\n"
        "print(kept.pid, file=open(sys.argv[2], 'a')); time.sleep(300)",
        DAEMON.format(file=file),
        str(file),
    )
    daemon, kept = written(file, lines=2)
    try:
        assert until(lambda: gone(daemon), 5)
        assert lives(kept)
    finally:
        processes.end(parent.pid)
        parent.wait()


def test_a_process_that_starts_others_until_it_dies_ends_with_all_of_them(file: Path) -> None:
    run = python(
        "import os, subprocess, sys; from core import processes; processes.adopt()\n"
        "loop = 'while :; do sleep 300 & echo $! >> \"$0\"; done'\n"
        "while True: subprocess.Popen(['sh', '-c', loop, sys.argv[1]]).wait()",
        str(file),
    )
    until(lambda: len(_text(file).split()) > 20)

    processes.end(run.pid)

    run.wait(5)
    started = [int(line) for line in _text(file).split()]
    assert until(lambda: gone(*started), 5)


def test_a_stray_that_has_ended_is_reaped(file: Path) -> None:
    code = (
        "import os, psutil, subprocess\nfrom core import processes\nfrom tests.live import until\n"
        "child = subprocess.Popen(['true'])\n"
        "until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)\n"
        "processes.end_strays(set())\nraise SystemExit(psutil.pid_exists(child.pid))"
    )
    assert python(code).wait(10) == 0


def test_a_process_dies_with_its_parent(file: Path) -> None:
    parent = python(
        "import os, subprocess, sys, time; from core import processes; me = os.getpid()\n"
        "child = subprocess.Popen(['sleep', '300'], preexec_fn=lambda: processes.die_with_parent(me, 15))\n"
        "print(child.pid, file=open(sys.argv[1], 'w'), flush=True); time.sleep(300)",
        str(file),
    )
    (child,) = written(file, lines=1)
    parent.kill()
    parent.wait()
    assert until(lambda: gone(child), 5)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_whose_parent_is_already_dead_ends_at_once_whatever_handler_it_has_inherited(how: int) -> None:
    orphan = python(
        "import signal; from core import processes\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\n"
        f"processes.die_with_parent(1 << 22, signal.Signals({how})); signal.pause()"
    )
    assert orphan.wait(10) == -how


def test_a_process_that_hangs_and_ignores_every_signal_ends_within_the_time_that_it_has_set() -> None:
    deaf = "for number in range(1, 65):\n  if number not in (9, 19, 32, 33): signal.signal(number, signal.SIG_IGN)\n"
    hung = python(f"import signal, time; from core import processes\n{deaf}processes.end_within(1); time.sleep(300)")
    assert hung.wait(10) == -signal.SIGALRM


def test_a_process_may_open_as_many_files_as_the_system_allows() -> None:
    code = (
        "import resource; from core import processes; kind = resource.RLIMIT_NOFILE\n"
        "resource.setrlimit(kind, (100, 200)); processes.open_many_files(); print(*resource.getrlimit(kind))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT).split() == [b"200", b"200"]


def outcome(code: str) -> str:
    """The output of a confined process."""
    confined = f"import resource, signal, os\nfrom core import processes\nprocesses.confine(300)\n{code}"
    done = subprocess.run([sys.executable, "-c", confined], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    "need",
    [
        "bytearray(400 << 20)",
        "[bytes(1000) for _ in range(10**9)]",  # filled to the brim: not even small things fit any more
    ],
)
def test_a_run_that_needs_too_much_memory_can_still_report_it(need: str) -> None:
    said = outcome(
        f"try:\n    kept = {need}\nexcept MemoryError as error:\n    processes.reserve(use=True)\n"
        "    print(len(bytearray(20 << 20)))"
    )
    assert said == str(20 << 20)


def test_reserved_address_space_does_not_count_as_memory() -> None:
    assert outcome("import mmap; mmap.mmap(-1, 4 << 30, prot=mmap.PROT_READ); print('ok')") == "ok"


def test_the_reserve_can_be_closed_again() -> None:
    limits = outcome(
        "for use in (False, True, False):\n    processes.reserve(use=use)\n"
        "    print(resource.getrlimit(resource.RLIMIT_DATA)[0] >> 20)"
    )
    closed, opened, again = map(int, limits.split())
    assert (again, opened) == (closed, closed + 64)


def test_a_run_is_the_first_to_be_killed_if_memory_runs_out_and_leaves_no_core_file() -> None:
    look = "print(open('/proc/self/oom_score_adj').read(), resource.getrlimit(resource.RLIMIT_CORE))"
    assert outcome(f"processes.offer_to_kill(); {look}").split() == ["1000", "(0,", "0)"]


def test_a_process_without_limits_has_nothing_to_open() -> None:
    assert python("from core import processes; processes.reserve(use=True)").wait(10) == 0
