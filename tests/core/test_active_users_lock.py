"""The lock of the list of active users: threads and processes that change the list at once, wait, give up and die."""

import gc
import json
import multiprocessing.process
import threading
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from core import list_file
from core.active_users import ActiveUsers
from core.errors import Draining, ListBusy
from tests.core.active_list import open_list, write
from tests.live import until

PROCESSES = multiprocessing.get_context("forkserver")  # a fork of a process with threads may hang
PROCESSES.set_forkserver_preload([__name__])


@pytest.fixture
def users(tmp_path: Path) -> ActiveUsers:
    return open_list(tmp_path)


def test_nobody_is_added_if_the_check_under_the_lock_refuses(users: ActiveUsers, tmp_path: Path) -> None:
    write(users, b'{"sato": "2026/11/24 09:00"}')

    def refuse() -> None:
        told = PROCESSES.Queue()
        run([PROCESSES.Process(target=is_free, args=(tmp_path, told))])
        assert told.get(timeout=5) is False
        raise Draining

    for name in ("sato", "tanaka"):
        with pytest.raises(Draining):
            users.add(name, refuse)

    assert users.read() == {"sato": "2026/11/24 09:00"}


def test_nobody_can_join_while_others_are_looked_at(users: ActiveUsers) -> None:
    joined = threading.Event()

    def join() -> None:
        users.add("late")
        joined.set()

    def decide(others: list[str]) -> tuple[list[str], bool]:
        thread.start()
        return others, joined.wait(0.2)

    thread = threading.Thread(target=join)

    assert users.while_others("sato", decide) == ([], False)
    thread.join()
    assert list(users.read()) == ["late"]


def test_the_lock_holds_other_threads_of_the_same_process_back(users: ActiveUsers) -> None:
    inside, most = 0, 0

    def enter(_: list[str]) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.001)
        inside -= 1

    threads = [threading.Thread(target=users.while_others, args=("", enter)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1


def is_free(folder: Path, told: "multiprocessing.Queue[bool]") -> None:
    list_file.LOCK_SECONDS = 0.1
    try:
        open_list(folder).add("other process")
        told.put(True)
    except ListBusy:
        told.put(False)


def hold(users: Path, held: Event, release: Event) -> None:
    def wait(_: list[str]) -> None:
        held.set()
        release.wait(10)

    open_list(users).while_others("", wait)


def test_who_cannot_have_the_lock_is_told_soon(
    users: ActiveUsers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_file, "LOCK_SECONDS", 0.2)
    held, release = PROCESSES.Event(), PROCESSES.Event()
    holder = PROCESSES.Process(target=hold, args=(tmp_path, held, release))
    holder.start()
    held.wait(10)
    threads = [threading.Thread(target=users.note, args=("sato",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    with pytest.raises(ListBusy, match="Try again"):
        users.add("sato")
    waited = time.monotonic() - begin
    for thread in threads:
        thread.join()
    release.set()
    holder.join()

    assert 0.15 < waited < 2
    assert users.add("tanaka").keys() == {"tanaka"}


def test_who_gave_up_does_not_open_the_lock_of_the_next_thread(
    users: ActiveUsers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_file, "LOCK_SECONDS", 0.2)
    held, release, told = PROCESSES.Event(), PROCESSES.Event(), PROCESSES.Queue()
    holder = PROCESSES.Process(target=hold, args=(tmp_path, held, release))
    holder.start()
    held.wait(10)
    gave_up = []
    try:
        users.add("sato")
    except ListBusy as error:
        gave_up.append(error)  # with it, all that its frames refer to
    release.set()
    holder.join()

    def others_try(_: list[str]) -> bool:
        gave_up.clear()
        gc.collect()
        run([PROCESSES.Process(target=is_free, args=(tmp_path, told))])
        return bool(told.get(timeout=5))

    assert users.while_others("", others_try) is False


def start(users: Path, number: int, told: "multiprocessing.Queue[str]") -> None:
    told.put(open_list(users).begin("boot 1").id)
    open_list(users).add(f"user{number}")


def test_four_processes_that_start_at_once_empty_the_list_once(users: ActiveUsers, tmp_path: Path) -> None:
    told: multiprocessing.Queue[str] = PROCESSES.Queue()
    run([PROCESSES.Process(target=start, args=(tmp_path, number, told)) for number in range(4)])

    assert len({told.get(timeout=5) for _ in range(4)}) == 1
    assert len(users.read()) == 4


def change(folder: Path, process: int) -> None:
    users = open_list(folder)

    def in_thread(thread: int) -> None:
        for number in range(10):
            users.add(f"{process}-{thread}-{number}")
            if number % 2:
                users.remove(f"{process}-{thread}-{number}")

    threads = [threading.Thread(target=in_thread, args=(thread,)) for thread in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def test_processes_and_threads_lose_no_update(users: ActiveUsers, tmp_path: Path) -> None:
    run([PROCESSES.Process(target=change, args=(tmp_path, process)) for process in range(4)])

    assert len(users.read()) == 4 * 4 * 5


def change_for_ever(folder: Path) -> None:
    users = open_list(folder)
    while True:
        users.add("comes")
        users.remove("comes")


def test_a_writer_killed_at_any_moment_leaves_a_whole_list_and_no_lock(users: ActiveUsers, tmp_path: Path) -> None:
    kept = [f"kept{number}" for number in range(200)]
    for name in kept:
        users.add(name)

    for moment in range(40):
        before = users.path.stat().st_ino
        writer = PROCESSES.Process(target=change_for_ever, args=(tmp_path,))
        writer.start()
        until(lambda: users.path.stat().st_ino != before, pause=0.001)  # noqa: B023  # it is called at once
        time.sleep(moment / 10_000)
        writer.kill()
        writer.join()
        assert set(json.loads(users.path.read_bytes())) - {"comes"} == set(kept)
        users.remove("comes")

    assert list(users.read()) == kept
    assert len(list(users.path.parent.iterdir())) <= 3  # the list, its lock, and what the last one was writing


def run(processes: Sequence[multiprocessing.process.BaseProcess]) -> None:
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * len(processes)
