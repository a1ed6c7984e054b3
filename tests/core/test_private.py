"""Nobody else may read what okosu writes, whatever the umask of whoever starts it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import private
from front import local
from tests.live import LiveCore


def open_to_others(folder: Path) -> set[str]:
    found = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)) for path in found if path.lstat().st_mode & 0o077 and not path.is_symlink()}


@pytest.fixture
def _careless() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_careless")
def test_a_core_started_by_a_careless_user_writes_nothing_that_others_can_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = data / "files" / ("0" * 32) / "from an older version.csv"
    before.parent.mkdir(parents=True)
    before.write_text("a")
    before.chmod(0o444)
    with LiveCore(data) as live:
        data.chmod(0o755)
        stored = data / "files" / live.upload(b"x") / "data.csv"
        live.wait(live.submit("leaves"))
        live.http.post("/add_active_user", json={"username": "sato"})
        left = open_to_others(data)
        assert {path.name for path in data.iterdir()} >= {"files", "scratch", "redis", "active_users", "worker-beat"}

    assert left == {"."}  # which may be shared with others
    assert stat.S_IMODE(stored.stat().st_mode) == 0o400
    assert stat.S_IMODE(stored.parent.stat().st_mode) == 0o500
    assert stat.S_IMODE(before.stat().st_mode) == 0o400


@pytest.mark.usefixtures("_careless")
def test_what_an_older_version_left_open_is_closed_and_a_link_leads_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not ours")
    (tmp_path / "data" / "active_users").mkdir(parents=True)
    (tmp_path / "data" / "active_users" / "active_user_list.json").write_text("{}")
    (tmp_path / "data" / "core.log").write_text("")
    (tmp_path / "data" / "redis").symlink_to(tmp_path)

    private.close(tmp_path / "data")

    assert open_to_others(tmp_path / "data") == {"."}
    assert outside.stat().st_mode & 0o777 == 0o666


@pytest.mark.usefixtures("_careless")
def test_the_secrets_of_make_run_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {})
    local.OWN.parent.mkdir()
    local.OWN.write_text("CORE_API_KEY=from-an-older-version\n")

    local.prepare()

    assert open_to_others(tmp_path / ".local") == set()
    assert "from-an-older-version" in local.OWN.read_text()
