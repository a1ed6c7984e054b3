"""Which files of a jobs package are left out, and for which reason, whatever they do when they are imported."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from core import fence
from core.job_files import catalog
from core.job_files.lane import Verdict
from tests.live import ROOT, lives, until

HEAD = """\
import os, sys, time
from typing import Annotated, Literal
from pydantic import AfterValidator, BaseModel, Field
from core.registry import job
"""


class File(NamedTuple):
    """What stands in a file, and a part of the sentence about it."""

    content: str
    sentence: str


def doing(code: str, sentence: str) -> File:
    """A job that would work, if its file did not do this when it is imported."""
    return File(f'{HEAD}{code}\n@job(title="T")\ndef made(n: int = 1):\n    """Made."""\n', sentence)


def taking(signature: str, sentence: str, more: str = "") -> File:
    """A job with this signature."""
    return File(f'{HEAD}{more}\n@job(title="T")\ndef made({signature}):\n    """Made."""\n', sentence)


def titled(title: str, sentence: str, docstring: str = "Made.") -> File:
    return File(f'{HEAD}\n@job(title={title})\ndef made():\n    """{docstring}"""\n', sentence)


BROKEN = {
    # that do not come back
    "an_endless_loop": doing("while True: pass", "takes too long to import"),
    "a_file_that_sleeps": doing("time.sleep(3600)", "takes too long to import"),
    "a_file_that_waits_for_nobody": doing("import threading; threading.Event().wait()", "takes too long to import"),
    # that end the process
    "exits_at_once": doing("os._exit(0)", "ends the process that imports it (exit code 0)"),
    "exits_with_three": doing("os._exit(3)", "ends the process that imports it (exit code 3)"),
    "kills_itself": doing("os.kill(os.getpid(), 9)", "ends the process that imports it (exit code -9)"),
    "kills_its_group": doing("os.killpg(0, 9)", "ends the process that imports it (exit code -9)"),
    "crashes": doing("import ctypes; ctypes.string_at(0)", "ends the process that imports it (exit code -11)"),
    "replaces_itself": doing("os.execvp('true', ['true'])", "ends the process that imports it (exit code 0)"),
    # that raise
    "interrupts": doing("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "leaves": doing("sys.exit('done')", "SystemExit: done"),
    "asks_a_person": doing("input('Which month? ')", "EOFError"),
    "raises_its_own": doing("class Odd(BaseException):\n    def __str__(self): raise Odd\nraise Odd", "imported: Odd."),
    "raises_half_a_pair": doing("raise ValueError('\\ud800')", "ValueError: ?"),
    "is_no_module": doing("sys.modules[__name__] = 5", "cannot be read"),
    "is_binary": File("\x00", "SyntaxError"),
    # that take too much
    "takes_memory": doing("hoard = bytearray(2 << 30)", "MemoryError"),
    "keeps_taking_memory": doing("hoard = []\nwhile True: hoard.append(bytearray(1 << 20))", "MemoryError"),
    "prints_much": doing("for _ in range(10_000): print('x' * 10_000)", "prints too much"),
    "has_a_program_print_much": doing("os.system('head -c 2000000 /dev/zero')", "prints too much"),
    "writes_much": doing("import tempfile; tempfile.TemporaryFile().write(bytes(2 << 20))", "File too large"),
    "shares_memory": doing(
        "import mmap; hoard = mmap.mmap(-1, 1100 << 20); hoard.write(bytes(550 << 20)); hoard.write(bytes(550 << 20))",
        "takes more than 1 GB",
    ),
    # that leave something behind
    "starts_a_thread": doing("import threading; threading.Timer(99, print).start()", "starts a thread"),
    "starts_a_daemon": doing(
        "import threading; threading.Thread(target=time.sleep, args=[99], daemon=True).start()", "a thread"
    ),
    "starts_a_child": doing("import subprocess; subprocess.Popen(['sleep', '2718'])", "starts a process"),
    "starts_an_orphan": doing(
        "import subprocess; subprocess.run('setsid sleep 2718 & exit 0', shell=True)", "starts a process"
    ),
    "forks": doing("os.fork()", "starts a process"),
    "starts_a_pool": doing("import multiprocessing; pool = multiprocessing.Pool(2)", "when it is imported"),
    "closes_all": doing("os.closerange(0, 100)", "closes files that it did not open"),
    "closes_the_log": doing("os.close(2)", "closes files that it did not open"),
    "moves_away": doing("os.chdir('/usr')", "changes the current folder"),
    "sets_an_alarm": doing("import signal; signal.alarm(2)", "sets a timer"),
    "ignores_the_end": doing("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", "what a signal does"),
    "opens_to_all": doing("os.umask(0)", "changes the umask"),
    "limits_recursion": doing("sys.setrecursionlimit(90)", "the limit of recursion"),
    "patches_json": doing("import json; json.dumps = str", "replaces json.dumps"),
    "unloads_json": doing("del sys.modules['json']", "replaces json."),
    # without a form
    "lookahead": taking("x: Annotated[str, Field(pattern='^(?!0)')]", "look-ahead"),
    "lazy_typo": taking("x: 'Annotatd[int, 1]'", "NameError"),
    "lazy_exit": taking("x: 'sys.exit(1)'", "SystemExit"),
    "no_python": taking("x: 'int or'", "SyntaxError"),
    "wrong_bound": taking("x: Annotated[int, Field(gt='a')]", "parameter 'x'"),
    "infinite_bound": taking("x: Annotated[float, Field(le=float('inf'))]", "a bound of its parameters is infinite"),
    "nan_bound": taking("x: list[Annotated[float, Field(ge=float('nan'))]]", "or not a number"),
    "half_a_pair_in_help": taking("x: Annotated[int, Field(description='\\ud800')]", "cannot be sent as JSON"),
    # with a default that cannot be used
    "infinite_default": taking("x: float = float('inf')", "default of 'x'"),
    "nan_default": taking("x: float = float('nan')", "default of 'x'"),
    "default_is_no_json": taking("x: Annotated[object, Field(title='X')] = object()", "not JSON serializable"),
    "default_out_of_bounds": taking("x: Annotated[int, Field(gt=0)] = 0", "default of 'x'"),
    "default_not_offered": taking("x: Literal['a', 'b'] = 'c'", "default of 'x'"),
    "default_of_another_type": taking("x: list[int] = 5", "default of 'x'"),
    "half_a_pair_as_default": taking("x: str = '\\ud800'", "cannot be sent as JSON"),
    "huge_default": taking("x: int = 10 ** 5000", "cannot"),
    "default_inside": taking("x: Box = Box()", "JSON", "class Box(BaseModel):\n    size: float = float('nan')\n"),
    "checks_badly": taking("x: Annotated[int, AfterValidator(lambda x: 1 // x)] = 0", "ZeroDivisionError"),
    # with a wrong title or text
    "title_none": titled("None", "must be text"),
    "title_number": titled("2024", "must be text, but is 2024"),
    "title_long": titled("['x' * 999_999]", "must be text, but is ['xxx"),
    "title_empty": titled("' '", "must be text"),
    "title_half_a_pair": titled("'\\ud800'", "cannot be sent as JSON"),
    "docstring_half_a_pair": titled("'T'", "cannot be sent as JSON", "\\ud800"),
    "retry_is_text": titled("'T', retry='no'", "must be True or False"),
}
GOOD = {
    "good": doing("", ""),
    "sets_up_its_log": doing("import logging; logging.basicConfig(level=logging.DEBUG); print('hello')", ""),
    "filters_warnings": doing("import warnings; warnings.filterwarnings('ignore')", ""),
    "adds_to_the_path": doing("sys.path.append('/nowhere'); os.environ['OMP_NUM_THREADS'] = '1'", ""),
    "needs_pandas": doing("import numpy, pandas, scipy.stats, openpyxl, rapidfuzz", ""),
    "asks_a_program": doing("import subprocess; subprocess.run(['true'], check=True)", ""),
    "means_nothing_by_none": taking("x: int = None, y: Annotated[str, Field(min_length=1)] = None", ""),
    "defaults_that_fit": taking("x: Annotated[float, Field(gt=0)] = 1, y: list[str] = [], z: int = Field(3, ge=1)", ""),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Verdict]]:
    """Of one examination of them all."""
    package = tmp_path_factory.mktemp("colleagues") / "their_jobs"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, file in {**BROKEN, **GOOD}.items():
        (package / f"{name}.py").write_text(file.content)
    (package / os.fsdecode(b"\xff.py")).write_text(GOOD["good"].content)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(package.parent))
        yield catalog._tried("their_jobs")


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_a_job_is_left_out_and_the_reason_is_told(
    verdicts: dict[str, Verdict], name: str
) -> None:
    assert BROKEN[name].sentence in verdicts[name][0]


@pytest.mark.parametrize("name", GOOD)
def test_what_does_no_harm_is_left_alone(verdicts: dict[str, Verdict], name: str) -> None:
    assert verdicts[name] == ("", "")


def test_a_file_whose_name_is_no_unicode_is_told(verdicts: dict[str, Verdict]) -> None:
    assert "Rename the file" in verdicts[os.fsdecode(b"\xff")][0]


def test_where_a_file_failed_is_told_for_the_log(verdicts: dict[str, Verdict]) -> None:
    assert "lazy_typo.py" not in verdicts["interrupts"][1]
    assert 'interrupts.py", line 5' in verdicts["interrupts"][1]


def test_nothing_that_a_file_has_started_is_left(verdicts: dict[str, Verdict]) -> None:
    assert [process for process in psutil.process_iter(["cmdline"]) if "2718" in (process.info["cmdline"] or [])] == []


def test_none_of_the_files_has_been_imported_here(verdicts: dict[str, Verdict]) -> None:
    assert not [name for name in sys.modules if name.startswith("their_jobs")]


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Writes a file of the package `few_jobs`."""
    package = tmp_path / "few_jobs"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, code: str) -> None:
        (package / f"{name}.py").write_text(doing(code, "").content)

    yield write

    for name in [name for name in sys.modules if name.startswith("few_jobs")]:
        del sys.modules[name]


def test_a_file_finds_no_secret_of_the_core(
    add: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = {"CORE_API_KEY", "REDIS_URL", "REDIS_PASSWORD", "FLOWER_BASIC_AUTH"}
    for name in secrets:
        monkeypatch.setenv(name, "a secret")
    add("spy", f"with open({str(tmp_path / 'seen')!r}, 'a') as seen: print(sorted(os.environ), file=seen)")

    jobs, _ = catalog.discover("few_jobs")

    seen = (tmp_path / "seen").read_text().splitlines()
    assert (list(jobs), len(seen)) == (["spy"], 2)
    assert [name for name in secrets if name in "".join(seen)] == []
    assert os.environ["CORE_API_KEY"] == "a secret"


@pytest.mark.parametrize("code", ["while True: pass", "time.sleep(99)", "raise SystemExit", "raise KeyboardInterrupt"])
def test_a_file_that_fails_only_where_it_is_used_is_left_out_as_well(
    add: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(catalog, "SECONDS", 0.3)
    add("a_job", "")
    add("two_faced", f"if 'pytest' in sys.modules:\n    {code}")

    jobs, (problem,) = catalog.discover("few_jobs")

    assert list(jobs) == ["a_job"]
    assert str(problem).startswith("few_jobs.two_faced: cannot be imported: ")


def test_a_package_that_cannot_be_imported_is_the_reason_of_each_of_its_files(
    add: Callable[[str, str], None], tmp_path: Path
) -> None:
    (tmp_path / "few_jobs" / "__init__.py").write_text("1 / 0")
    add("a_job", "")
    add("z_job", "")

    jobs, problems = catalog.discover("few_jobs")

    assert jobs == {}
    assert [str(problem) for problem in problems] == [
        f"few_jobs.{name}: cannot be imported: ZeroDivisionError: division by zero." for name in ("a_job", "z_job")
    ]


def test_if_the_process_that_asks_is_killed_no_file_stays_behind(
    add: Callable[[str, str], None], tmp_path: Path
) -> None:
    add("sleeper", f"open({str(tmp_path / 'begun')!r}, 'w').close(); time.sleep(99)")
    code = "from core.job_files.catalog import discover; discover('few_jobs')"
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    asking = psutil.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    until((tmp_path / "begun").exists)
    started = asking.children(recursive=True)

    asking.kill()
    asking.wait()

    assert len(started) == 2
    until(lambda: not any(lives(process.pid) for process in started), 3)


@pytest.mark.skipif(not fence.is_available(), reason="This kernel has no fence for signals (Linux 6.12 has).")
def test_a_file_cannot_kill_what_examines_it(add: Callable[[str, str], None]) -> None:
    add("made", "os.kill(os.getppid(), 9)")

    jobs, (problem,) = catalog.discover("few_jobs")

    assert jobs == {}
    assert "PermissionError" in str(problem)
