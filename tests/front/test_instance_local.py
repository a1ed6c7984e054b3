import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from front.core_client import CoreClient
from front.errors import CoreUnreachable, InstanceError
from front.machine.instance import ROOT, InstanceState, LocalInstance
from front.machine.watch import Watch
from tests.live import free_port, lives, until

KEY = "the-key-of-the-tests"


@pytest.fixture(autouse=True)
def _jobs_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_PACKAGE", "tests.jobs")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[LocalInstance]:
    instance = LocalInstance(f"http://127.0.0.1:{free_port()}", KEY, tmp_path)
    yield instance
    instance.stop()
    until(lambda: instance.state().name == "stopped")


def is_ready(client: CoreClient) -> bool:
    try:
        return client.readiness()[0]
    except CoreUnreachable:
        return False


def family(instance: LocalInstance) -> list[psutil.Process]:
    """The processes of the core."""
    assert instance._process
    first = psutil.Process(instance._process.pid)
    return [first, *first.children(recursive=True)]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if lives(process.pid)]


def test_it_starts_works_and_stops_and_leaves_no_process_behind(instance: LocalInstance) -> None:
    client = CoreClient(instance.core_url, KEY)
    assert instance.state() == InstanceState("stopped")

    instance.start()
    assert instance.state().name == "running"
    until(lambda: is_ready(client))
    processes = family(instance)
    instance.start()  # a second time changes nothing
    assert family(instance)[0] == processes[0]

    instance.stop()
    assert instance.state().name == "stopping"
    with pytest.raises(InstanceError) as error:
        instance.start()
    assert error.value.retry_after is not None
    until(lambda: instance.state().name == "stopped")
    assert instance.state().reason == ""
    assert len(processes) > 3
    until(lambda: not alive(processes))


def test_its_key_appears_in_no_process_list_and_in_no_log(instance: LocalInstance) -> None:
    client = CoreClient(instance.core_url, KEY)
    instance.start()
    until(lambda: is_ready(client))

    assert not [process for process in family(instance) if KEY in " ".join(process.cmdline())]
    assert KEY not in (instance.data_dir / "core.log").read_text()
    family(instance)[0].kill()  # faster than stopping it


def test_its_log_stays_small_however_much_it_writes(instance: LocalInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("front.machine.log_file.LARGEST", 500)
    client, log = CoreClient(instance.core_url, KEY), instance.data_dir / "core.log"
    instance.start()
    until(lambda: is_ready(client) and log.stat().st_size > 500)

    instance.state()

    assert log.stat().st_size < 500
    assert (instance.data_dir / "core.log.1").stat().st_size == 500
    family(instance)[0].kill()  # faster than stopping it


def test_a_busy_port_is_given_as_the_reason(instance: LocalInstance) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(instance.core_url.rpartition(":")[2])))
        other.listen()
        instance.start()
        until(lambda: instance.state().name == "stopped")

    reason = instance.state().reason
    assert "ended by itself" in reason
    assert "is in use" in reason


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    instance = LocalInstance(f"http://127.0.0.1:{free_port()}", KEY, tmp_path / "file" / "data")

    with pytest.raises(InstanceError, match="could not be started"):
        instance.start()
    assert instance.state().name == "stopped"


def test_a_front_that_is_killed_takes_the_core_with_it(tmp_path: Path) -> None:
    port = free_port()
    front = f"""
        import sys, threading, time
        from pathlib import Path
        from front.machine.instance import LocalInstance

        instance = LocalInstance("http://127.0.0.1:{port}", sys.stdin.readline().strip(), Path({str(tmp_path)!r}))
        # In a thread that ends, like that of a page: the core must outlive the thread but not the process.
        starter = threading.Thread(target=instance.start)
        starter.start()
        starter.join()
        print(instance._process.pid, flush=True)
        time.sleep(60)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(front)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(f"{KEY}\n".encode())
        child.stdin.flush()
        first = psutil.Process(int(child.stdout.readline()))
        until(lambda: is_ready(CoreClient(f"http://127.0.0.1:{port}", KEY)))
        processes = [first, *first.children(recursive=True)]
        assert len(alive(processes)) > 3

        os.kill(child.pid, signal.SIGKILL)

        until(lambda: not alive(processes))


def test_a_watch_wakes_a_real_core_and_puts_it_to_sleep(instance: LocalInstance) -> None:
    client = CoreClient(instance.core_url, KEY)
    watch = Watch(instance, client, quick=0.1).begin()

    watch.start("sato")
    until(lambda: watch.snapshot().stage == "ready")
    until(lambda: "sato" in client.active_users())
    client.drain("sato")
    watch.stop("sato")
    until(lambda: watch.snapshot().stage == "asleep")

    assert watch.snapshot().problem == ""
    watch.end()


def test_a_core_that_is_killed_while_in_use_is_reported_as_killed(instance: LocalInstance) -> None:
    client = CoreClient(instance.core_url, KEY)
    watch = Watch(instance, client, quick=0.1).begin()
    watch.start("sato")
    until(lambda: watch.snapshot().stage == "ready")

    family(instance)[0].kill()
    until(lambda: watch.snapshot().stage == "asleep")

    assert "was killed (SIGKILL)" in watch.snapshot().problem
    watch.end()
