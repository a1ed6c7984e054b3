"""The list of active users by itself: one file, changed by threads and processes at once, killed and damaged."""

import gc
import json
import logging
import multiprocessing.process
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core import active_users
from core.active_users import FORMAT, ActiveUsers
from core.errors import Draining, ListBusy
from tests.live import until

TOKYO = ZoneInfo("Asia/Tokyo")
PROCESSES = multiprocessing.get_context("forkserver")  # a fork of a process with threads may hang
PROCESSES.set_forkserver_preload([__name__])
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def open_list(folder: Path) -> ActiveUsers:
    return ActiveUsers(folder / "users" / "list.json", TOKYO, 24)


@pytest.fixture
def users(tmp_path: Path) -> ActiveUsers:
    return open_list(tmp_path)


def write(users: ActiveUsers, content: bytes) -> None:
    users.path.parent.mkdir(exist_ok=True)
    users.path.write_bytes(content)


def test_an_entry_is_the_local_time_of_the_company(users: ActiveUsers) -> None:
    before = datetime.now(TOKYO).replace(second=0, microsecond=0, tzinfo=None)
    users.add("佐藤")
    at = datetime.strptime(json.loads(users.path.read_text(encoding="utf-8"))["佐藤"], "%Y/%m/%d %H:%M")  # noqa: DTZ007  # that is the format

    assert before <= at <= before + timedelta(minutes=1)
    assert users.read() == {"佐藤": at.strftime("%Y/%m/%d %H:%M")}


def test_who_leaves_is_off_the_list_and_may_leave_twice(users: ActiveUsers) -> None:
    users.add("sato")
    users.add("tanaka")

    assert list(users.remove("sato")) == ["tanaka"]
    assert list(users.remove("sato")) == ["tanaka"]


def test_a_list_that_is_not_there_is_empty(users: ActiveUsers) -> None:
    assert users.read() == {}
    assert not users.is_fresh("sato")


def test_freshness_ends_with_the_minute(users: ActiveUsers) -> None:
    until(lambda: users.add("sato") == users.read() and users.is_fresh("sato"))
    write(users, json.dumps({"sato": (datetime.now(TOKYO) - timedelta(minutes=2)).strftime(FORMAT)}).encode())

    assert not users.is_fresh("sato")


def test_an_entry_that_does_not_change_is_not_written_again(users: ActiveUsers) -> None:
    def unchanged() -> bool:
        first = users.add("sato")
        before = users.path.stat()
        return users.add("sato") == first and users.path.stat().st_ino == before.st_ino

    assert until(unchanged)


def test_a_reader_sees_each_change_however_soon_the_next_one_comes(users: ActiveUsers, tmp_path: Path) -> None:
    writer = open_list(tmp_path)
    seen = []
    for number in range(300):
        name = f"user{number % 10}"
        writer.remove(f"user{(number - 1) % 10}")
        writer.add(name)  # as long as the list before, and by then the old file's inode is free again
        seen.append(list(users.read()) == [name])
    assert all(seen)


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


def test_an_entry_that_is_too_old_is_stale(users: ActiveUsers) -> None:
    fresh, old = (datetime.now(TOKYO) - timedelta(hours=hours) for hours in (1, 25))
    listed = {"sato": fresh.strftime(FORMAT), "ito": old.strftime(FORMAT), "suzuki": "long ago"}

    assert users.stale(listed) == ["ito", "suzuki"]


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
    active_users.LOCK_SECONDS = 0.1
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
    monkeypatch.setattr(active_users, "LOCK_SECONDS", 0.2)
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
    monkeypatch.setattr(active_users, "LOCK_SECONDS", 0.2)
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


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b'{"sato": 1}',
    b'{"sato": null}',
    b"\xff\xfe\x00",
    b"[" * 10_000,
    b'{"\\ud800": ""}',
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_list_counts_as_empty_and_is_set_aside(
    users: ActiveUsers, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    write(users, content)

    assert users.read() == {}
    with caplog.at_level(logging.ERROR):
        assert list(users.add("sato")) == ["sato"]
    (aside,) = users.path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == content
    assert aside.name in caplog.text


def test_the_first_of_a_start_empties_the_list_and_the_others_keep_it(users: ActiveUsers) -> None:
    users.add("from yesterday")
    first = users.begin("boot 1")
    users.add("sato")

    assert users.begin("boot 1") == first
    assert list(users.read()) == ["sato"]


def test_a_new_boot_and_a_new_launch_empty_the_list(users: ActiveUsers) -> None:
    starts = [users.begin("boot 1")]
    for boot, anew in (("boot 2", False), ("boot 2", True)):
        users.add("sato")
        starts.append(users.begin(boot, anew=anew))
        assert users.read() == {}

    assert len({start.id for start in starts}) == 3
    assert starts == sorted(starts, key=lambda start: start.at)


@pytest.mark.parametrize("mark", [b"", b"[]", b'{"id": "x"}', b"\xff"])
def test_a_damaged_mark_of_the_start_counts_as_a_new_start(users: ActiveUsers, mark: bytes) -> None:
    users.begin("boot 1")
    users.add("sato")
    users.path.with_name(users.path.name + ".start").write_bytes(mark)

    users.begin("boot 1")
    assert users.read() == {}


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


class Model(RuleBasedStateMachine):
    """Whatever is called in whatever order, the file says what a dict would say."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.boot, self.expected = "", set[str]()
        self.reopen()

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(name=NAMES)
    def add(self, name: str) -> None:
        self.expected.add(name)
        assert set(self.users.add(name)) == self.expected

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        self.expected.discard(name)
        assert set(self.users.remove(name)) == self.expected

    @rule(content=st.sampled_from(DAMAGED))
    def damage(self, content: bytes) -> None:
        write(self.users, content)
        self.expected = set()

    @rule(boot=st.sampled_from("ab"), anew=st.booleans())
    def start(self, boot: str, anew: bool) -> None:
        if anew or boot != self.boot:
            self.expected = set()
        self.boot = boot
        self.users.begin(boot, anew=anew)

    @rule()
    def reopen(self) -> None:
        self.users = open_list(Path(self.folder.name))

    @rule(name=NAMES)
    def look_at_others(self, name: str) -> None:
        assert set(self.users.while_others(name, list)) == self.expected - {name}

    @invariant()
    def readers_see_what_is_expected(self) -> None:
        assert set(self.users.read()) == self.expected


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
