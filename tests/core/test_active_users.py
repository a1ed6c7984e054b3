"""The list of active users by itself: its entries, its starts, and what becomes of a damaged file."""

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.active_users import FORMAT, ActiveUsers
from core.names import person
from tests.core.active_list import TOKYO, open_list, write
from tests.live import until
from tests.names import SAME_PERSON

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.fixture
def users(tmp_path: Path) -> ActiveUsers:
    return open_list(tmp_path)


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


@pytest.mark.parametrize("others", SAME_PERSON)
def test_somebody_is_on_the_list_once_however_the_name_is_spelled(users: ActiveUsers, others: tuple[str, ...]) -> None:
    first, *spellings = others
    users.add("ito")
    for name in others:
        assert list(users.add(name)) == ["ito", first]
    for name in spellings:
        until(lambda: users.add(first) and users.is_fresh(name))  # noqa: B023  # called at once
        assert users.while_others(name, list) == ["ito"]
        assert list(users.remove(name)) == ["ito"]
        users.add(first)


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


def test_an_entry_that_is_too_old_is_stale(users: ActiveUsers) -> None:
    fresh, old = (datetime.now(TOKYO) - timedelta(hours=hours) for hours in (1, 25))
    listed = {"sato": fresh.strftime(FORMAT), "ito": old.strftime(FORMAT), "suzuki": "long ago"}

    assert users.stale(listed) == ["ito", "suzuki"]


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


@pytest.mark.parametrize("mark", [b"", b"[]", b'{"id": "x"}', b"\xff"])
def test_a_damaged_mark_of_the_start_counts_as_a_new_start(users: ActiveUsers, mark: bytes) -> None:
    users.begin("boot 1")
    users.add("sato")
    users.path.with_name(users.path.name + ".start").write_bytes(mark)

    users.begin("boot 1")
    assert users.read() == {}


class Model(RuleBasedStateMachine):
    """Whatever is called in whatever order, the file says what a dict would say."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.boot, self.expected = "", dict[str, str]()  # each person as first written
        self.reopen()

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(name=NAMES)
    def add(self, name: str) -> None:
        self.expected.setdefault(person(name), name)
        assert set(self.users.add(name)) == set(self.expected.values())

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        self.expected.pop(person(name), None)
        assert set(self.users.remove(name)) == set(self.expected.values())

    @rule(content=st.sampled_from(DAMAGED))
    def damage(self, content: bytes) -> None:
        write(self.users, content)
        self.expected = {}

    @rule(boot=st.sampled_from("ab"), anew=st.booleans())
    def start(self, boot: str, anew: bool) -> None:
        if anew or boot != self.boot:
            self.expected = {}
        self.boot = boot
        self.users.begin(boot, anew=anew)

    @rule()
    def reopen(self) -> None:
        self.users = open_list(Path(self.folder.name))

    @rule(name=NAMES)
    def look_at_others(self, name: str) -> None:
        assert set(self.users.while_others(name, list)) == {
            other for who, other in self.expected.items() if who != person(name)
        }

    @invariant()
    def readers_see_what_is_expected(self) -> None:
        assert set(self.users.read()) == set(self.expected.values())


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
