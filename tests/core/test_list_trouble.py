"""The list of active users cannot be used: tasks are accepted all the same, and the core can be stopped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from core.errors import ListUnavailable
from tests.core.active_list import open_list, write
from tests.live import LiveCore


@pytest.fixture
def listless(quiet: LiveCore) -> Iterator[LiveCore]:
    """A core in which a folder stands where the lock of the list should be, which root cannot open either."""
    lock = quiet.data_dir / "active_users" / "active_user_list.json.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    yield quiet
    if lock.is_dir():
        lock.rmdir()


def drain(core: LiveCore, **more: object) -> httpx2.Response:
    return core.http.post("/drain", json={"username": "sato", **more})


def test_a_task_is_accepted_and_runs_although_its_user_cannot_be_listed(listless: LiveCore) -> None:
    assert listless.wait(listless.submit("echo", text="x"))["task_status"] == "SUCCESS"

    answer = listless.http.get("/ready")

    assert answer.status_code == 200
    assert "cannot be used (Is a directory)" in answer.json()["users"]
    assert "could not be written" in listless.log


def test_the_core_says_that_it_cannot_tell_who_uses_it_and_drains_when_that_is_accepted(listless: LiveCore) -> None:
    held = drain(listless)
    assert held.status_code == 409
    assert "cannot tell who else is using it" in held.json()["detail"]
    assert held.json()["holds"] == [{"kind": "list", "username": ""}]

    assert drain(listless, accept=held.json()["holds"]).json() == {"draining": True}


def test_a_task_holds_the_core_as_well_when_the_list_cannot_be_used(listless: LiveCore) -> None:
    task_id = listless.submit("sleeper", seconds=100)

    holds = drain(listless, accept=[{"kind": "list"}]).json()["holds"]

    assert [hold.get("task_id") for hold in holds] == [task_id]


def test_force_drains_whatever_is_the_matter_with_the_list(listless: LiveCore) -> None:
    assert drain(listless, force=True).json() == {"draining": True}


def test_who_wants_to_change_the_list_is_told_why_that_cannot_be(listless: LiveCore) -> None:
    for method, path in (("POST", "/add_active_user"), ("DELETE", "/delete_active_user")):
        answer = listless.http.request(method, path, json={"username": "sato"})
        assert answer.status_code == 503
        assert "cannot be used (Is a directory)" in answer.json()["detail"]


def test_a_list_that_cannot_be_read_is_not_taken_for_an_empty_one(quiet: LiveCore) -> None:
    listed = quiet.data_dir / "active_users" / "active_user_list.json"
    listed.unlink(missing_ok=True)
    listed.mkdir()
    try:
        assert quiet.http.get("/get_active_user").status_code == 503
        assert quiet.http.get("/activity").status_code == 200
        assert quiet.submit("echo", text="x")
    finally:
        listed.rmdir()


def test_a_damaged_list_is_set_aside_and_told_until_somebody_has_seen_it(tmp_path: Path) -> None:
    users = open_list(tmp_path)
    write(users, b"damaged")

    users.add("sato")

    aside = next(users.path.parent.glob("*.damaged-*"))
    assert aside.read_bytes() == b"damaged"
    assert aside.name in users.check()
    aside.unlink()
    assert users.check() == "ok"


def test_the_core_starts_although_the_list_cannot_be_emptied(tmp_path: Path) -> None:
    users = open_list(tmp_path)
    users.path.parent.mkdir()
    users.path.with_name("list.json.lock").mkdir()

    assert users.begin("boot 1").id == open_list(tmp_path).begin("boot 1", anew=True).id == "boot 1"


def test_a_folder_that_is_gone_is_made_again(tmp_path: Path) -> None:
    users = open_list(tmp_path)
    users.add("sato")
    shutil.rmtree(users.path.parent)

    assert list(users.add("tanaka")) == ["tanaka"]
    users.path.parent.rename(tmp_path / "elsewhere")
    users.path.parent.write_text("no folder")
    with pytest.raises(ListUnavailable):
        users.add("tanaka")
