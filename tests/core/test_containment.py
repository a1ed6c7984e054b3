"""A run harms nobody: what a job does to its process, its folder and the machine is over when the run is."""

import ctypes
import json
import mmap
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import psutil
import pytest

from core import fence
from core.worker import output
from core.worker.runner import JobFailed
from tests.live import lives, until
from tests.runs import Runs, job
from tests.valkey import Queue, Valkey

SHARED = Path("/dev/shm")  # noqa: S108  # what is looked at
fenced = pytest.mark.skipif(not fence.is_available(), reason="This kernel has no fence for signals (Linux 6.12 has).")


@pytest.fixture
def result(queue: Queue, runner: Runs) -> Callable[..., Any]:
    """The value that a job of this function returns, or the message of its task's error."""

    def run(function: Callable[[], Any], *, retry: bool = True) -> Any:
        task_id = queue.submit()
        try:
            runner.run(job(function, retry=retry), task_id, "w/1")
        except JobFailed:
            error = queue.field(task_id, "error")
            return json.loads(error)["message"] if error else queue.state(task_id)
        return json.loads(queue.field(task_id, "result") or "null")["value"]

    return run


def patch() -> None:
    json.dumps = json.loads = None  # type: ignore[assignment]  # what a job may do
    os.fsync = os.rename = print  # type: ignore[assignment]  # what a job may do


def starve() -> None:
    for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_CPU):
        resource.setrlimit(limit, (0, 0))


def write_for_ever() -> None:
    def write() -> None:
        while True:
            Path("stolen").touch()
            time.sleep(0.01)

    threading.Thread(target=write, daemon=True).start()
    time.sleep(0.05)


def close_all() -> None:
    os.closerange(3, 1000)


def stop_itself_and_others() -> None:
    signal.alarm(1)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


@pytest.mark.parametrize(
    "deed",
    [lambda: os.umask(0o777), patch, starve, write_for_ever, close_all, stop_itself_and_others, lambda: os._exit(3)],
    ids=["umask", "patches", "limits", "a thread", "closed files", "signals and an alarm", "exit"],
)
def test_what_a_job_leaves_behind_does_not_meet_the_next(result: Callable[..., Any], deed: Callable[[], Any]) -> None:
    def look() -> list[Any]:
        Path("mine").write_text("x")
        threading.Event().wait(0.1)
        return [json.dumps(1), sorted(path.name for path in Path().iterdir())]

    result(lambda: deed() and None)
    assert result(look) == ["1", ["mine"]]


def test_all_that_a_run_has_started_is_gone_at_its_normal_end(result: Callable[..., Any]) -> None:
    def start() -> list[int]:
        daemon = "setsid sh -c 'trap \"\" TERM HUP; echo $$; exec >&-; sleep 300' &"
        said = subprocess.run(["sh", "-c", daemon], stdout=subprocess.PIPE, check=True)
        return [int(said.stdout), *(subprocess.Popen(["sleep", "300"]).pid for _ in range(20))]

    pids = result(start)
    assert len(pids) == 21
    assert not any(lives(pid) for pid in pids)


def test_other_children_of_the_same_process_stay(result: Callable[..., Any]) -> None:
    other = subprocess.Popen(["sleep", "300"])
    result(lambda: subprocess.Popen(["sleep", "300"]).pid)
    assert other.poll() is None
    other.kill()
    other.wait()


def take_in_children() -> None:
    code = "b = bytearray(150 << 20); import time; time.sleep(20)"
    for child in [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]:
        child.wait()


def take_as_shared_memory() -> None:
    block = mmap.mmap(-1, 600 << 20)
    for at in range(0, 600 << 20, mmap.PAGESIZE):
        block[at] = 1
    time.sleep(20)


def take_in_dev_shm() -> None:
    with (SHARED / f"okosu-test-{os.getpid()}").open("wb") as file:
        for _ in range(600):
            file.write(bytes(1 << 20))
    time.sleep(20)


@pytest.mark.parametrize(
    "take",
    [
        take_in_children,
        take_as_shared_memory,
        # Other cores of this user would remove what nobody has open.
        pytest.param(take_in_dev_shm, marks=pytest.mark.alone),
    ],
)
def test_the_memory_of_a_run_is_bounded_as_a_whole(result: Callable[..., Any], take: Callable[[], None]) -> None:
    begin, before = time.monotonic(), set(SHARED.glob("okosu-test-*"))
    assert "needed more than 0.293 GB of memory" in result(take)
    assert time.monotonic() - begin < 10
    assert set(SHARED.glob("okosu-test-*")) <= before


def test_a_run_has_the_memory_that_it_may_use(result: Callable[..., Any]) -> None:
    assert result(lambda: [len(bytearray(200 << 20)), threading.Event().wait(1.5)]) == [200 << 20, False]


def test_a_job_that_patches_what_the_core_uses_still_ends_as_it_should(result: Callable[..., Any]) -> None:
    def patch_and_return() -> str:
        patch()
        return "done"

    assert result(patch_and_return) == "done"


def test_a_run_may_use_several_processes_as_the_manual_shows(result: Callable[..., Any]) -> None:
    def pools() -> list[int]:
        with ProcessPoolExecutor(2) as executor, multiprocessing.Pool(2) as pool:
            return [*executor.map(abs, [-1, -2]), *pool.map(abs, [-3])]

    assert result(pools) == [1, 2, 3]


def test_shared_memory_between_processes_works_and_is_removed(result: Callable[..., Any]) -> None:
    name = result(lambda: shared_memory.SharedMemory(create=True, size=1 << 20).name)
    assert not (SHARED / name).exists()


def test_a_forked_child_that_exits_does_not_record_the_end_of_its_parent(result: Callable[..., Any]) -> None:
    def fork() -> str:
        if os.fork() == 0:
            sys.exit(3)
        os.wait()
        return "the true result"

    assert result(fork) == "the true result"


def test_libraries_with_threads_of_their_own_work_after_the_fork(result: Callable[..., Any]) -> None:
    import numpy as np  # noqa: PLC0415  # as a job does

    np.ones((500, 500)) @ np.ones((500, 500))
    assert result(lambda: float((np.ones((500, 500)) @ np.ones((500, 500)))[0, 0])) == 500


def test_temporary_files_lie_in_the_folder_of_the_run_and_go_with_it(
    result: Callable[..., Any], tmp_path: Path
) -> None:
    made = Path(result(tempfile.mkdtemp))
    assert made.is_relative_to(tmp_path / "scratch")
    assert not made.exists()


def test_a_result_file_is_one_that_lies_in_the_folder_of_the_run(result: Callable[..., Any], tmp_path: Path) -> None:
    upload = tmp_path / "upload.csv"
    upload.write_text("a,b")

    def return_it() -> dict[str, Any]:
        os.chdir(tmp_path)
        return {"files": ["upload.csv"]}

    def link_it() -> dict[str, Any]:
        Path("mine.csv").symlink_to(upload)
        return {"files": ["mine.csv"]}

    for attempt in (return_it, link_it, lambda: {"files": [upload]}):
        assert "did not write it to its working folder" in result(attempt)
    assert upload.read_text() == "a,b"


@fenced
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_a_run_can_signal_nobody_else(result: Callable[..., Any], valkey: Valkey, number: int) -> None:
    victims = [os.getpid(), valkey.process.pid, 1]

    def strike() -> list[str]:
        told = []
        for pid in victims:
            try:
                os.kill(pid, number)
            except OSError as error:
                told.append(type(error).__name__)
        return told

    assert result(strike) == ["PermissionError"] * 3


@fenced
def test_a_run_reads_neither_memory_nor_environment_of_the_others(
    result: Callable[..., Any], valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    victims = [os.getpid(), valkey.process.pid]

    def read() -> list[str]:
        told = []
        for place in [Path(f"/proc/{pid}/{name}") for pid in victims for name in ("environ", "mem", "maps")]:
            try:
                place.read_bytes()
            except OSError as error:
                told.append(type(error).__name__)
        return told

    assert result(read) == ["PermissionError"] * 6


def test_a_run_does_not_have_the_secrets_of_the_worker(tmp_path: Path, valkey: Valkey, queue: Queue) -> None:
    code = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from core.queue.store import Store\n"
        "from tests.runs import ECHO, Runs\n"
        "look = lambda **_: [name in Path('/proc/self/environ').read_text() or name in __import__('os').environ"
        " for name in ('REDIS_PASSWORD', 's3cret', 'HOME')]\n"
        "Runs(Store(sys.argv[1]), Path(sys.argv[2])).run(replace(ECHO, function=look), sys.argv[3], 'w/1')"
    )
    task_id = queue.submit()
    env = {**os.environ, "REDIS_PASSWORD": "s3cret", "CORE_API_KEY": "s3cret"}
    subprocess.run([sys.executable, "-c", code, valkey.url, tmp_path, task_id], env=env, check=True)
    assert json.loads(queue.field(task_id, "result") or "") == {"value": [False, False, True]}


def test_what_a_run_prints_is_logged_under_its_task_and_has_a_limit(
    result: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    def say() -> None:
        sys.stdout.write("hello\x1b[31m\n")
        sys.stdout.flush()
        os.system("echo from the shell")  # noqa: S605  # what a job may do
        for _ in range(20_000):
            sys.stdout.write("x" * 1000 + "\n")

    result(say)
    said = [record.message for record in caplog.records if record.name == output.__name__]
    assert said[0].endswith(": hello [31m")
    assert any(line.endswith(": from the shell") for line in said)
    assert sum(map(len, said)) < 2 * output.LIMIT
    assert "has printed more than 1 MB" in said[-1]


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (lambda: os._exit(3), "ended its own process with exit code 3 before it returned a result."),
        (lambda: os._exit(0), "ended its own process with exit code 0 before it returned a result."),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was ended by the signal SIGKILL. It had used at most 0"),
        (lambda: ctypes.string_at(0), "was ended by the signal SIGSEGV. It had used at most 0"),
    ],
    ids=["exit 3", "exit 0", "kill", "segmentation fault"],
)
def test_a_run_that_dies_is_said_to_have_died_of_what_is_known(
    result: Callable[..., Any], end: Callable[[], None], sentence: str
) -> None:
    assert sentence in result(end, retry=False)


def test_a_run_that_a_signal_ended_gets_another_until_its_attempts_are_used_up(queue: Queue, runner: Runs) -> None:
    task_id = queue.submit()
    states = []
    for _ in range(3):
        with pytest.raises(JobFailed):
            runner.run(job(lambda: os.kill(os.getpid(), signal.SIGKILL)), task_id, "w/1")
        states.append(queue.state(task_id))
    assert states == ["RETRY", "RETRY", "FAILURE"]
    assert "was tried 3 times" in (queue.field(task_id, "error") or "")


@pytest.mark.parametrize("answer", [lambda: ["x" * 1000] * 10_000, lambda: range(10**10), lambda: "x" * (6 << 20)])
def test_a_result_that_is_too_large_is_said_as_that_however_little_memory_there_is(
    result: Callable[..., Any], answer: Callable[[], Any]
) -> None:
    begin = time.monotonic()
    assert result(answer) == "The result is larger than 5 MB. The job should return it as a file."
    assert time.monotonic() - begin < 5


def test_a_library_that_one_run_has_imported_is_there_for_the_next(queue: Queue, runner: Runs) -> None:
    library = "wave"  # of the standard library, and nobody here has imported it

    def is_new() -> bool:
        before = library in sys.modules
        __import__(library)
        return not before

    sys.modules.pop(library, None)
    tasks = [queue.submit(), queue.submit()]
    with runner.runner(job(is_new)) as shared:
        for task_id in tasks:
            shared.run(job(is_new), task_id, "w/1")
    found = [queue.field(task_id, "result") for task_id in tasks]
    assert found == ['{"value":true}', '{"value":false}']


def test_a_task_waits_while_the_data_folder_cannot_be_written_to(queue: Queue, runner: Runs, tmp_path: Path) -> None:
    task_id = queue.submit()
    runner.scratch.write_text("in the way")
    waited = []

    def mend() -> None:
        waited.append(until(lambda: (queue.field(task_id, "message") or "").startswith("The worker cannot write")))
        runner.scratch.unlink()

    thread = threading.Thread(target=mend)
    thread.start()
    runner.run(job(lambda: 1), task_id, "w/1")
    thread.join()
    assert (queue.state(task_id), waited) == ("SUCCESS", [True])


def test_nothing_of_a_run_stays_open_in_the_worker(result: Callable[..., Any]) -> None:
    result(lambda: 1)
    before = psutil.Process().num_fds()
    for _ in range(5):
        result(lambda: 1)
    assert psutil.Process().num_fds() == before


def test_a_run_can_neither_change_nor_move_what_it_was_given(
    result: Callable[..., Any], runner: Runs, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("a,b")
    given = runner.files.keep(tmp_path / "in.csv").path

    def spoil() -> list[str]:
        told = []
        for deed in (lambda: given.write_text("changed"), lambda: given.rename("mine.csv"), given.unlink):
            try:
                deed()
            except OSError as error:
                told.append(type(error).__name__)
        return told

    assert result(spoil) == ["PermissionError"] * 3
    assert given.read_text() == "a,b"
