"""The folder of uploads and result files: names, ids, and files that are either complete or absent."""

import asyncio
import errno
import os
import time
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DiskFull, FilesUnavailable, FileTooLarge, InvalidFields
from core.files import Files, clean_name


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def save(files: Files, name: str, *parts: bytes, limit_mb: int = 1) -> str:
    return asyncio.run(files.save(name, chunks(*parts), limit_mb)).file_id


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_saved_file_is_found_with_its_name_and_size(files: Files) -> None:
    found = files.find(save(files, "売上.csv", b"a,b\n", b"1,2\n"))

    assert found
    assert (found.name, found.size, found.path.read_bytes()) == ("売上.csv", 8, b"a,b\n1,2\n")


def test_a_file_may_be_empty(files: Files) -> None:
    found = files.find(save(files, "empty"))

    assert found
    assert found.size == 0


@pytest.mark.parametrize(
    "name",
    [
        "a.csv",
        "売上 2026年.csv",
        "表\u3000一.xlsx",
        "👨‍👩‍👧.csv",
        "\ue000外字.csv",
        ".hidden",
        "..csv",
        "x" * 200,
        'a"b;c%2F.csv',
    ],
)
def test_ordinary_names_are_kept(files: Files, name: str) -> None:
    found = files.find(save(files, name))

    assert found
    assert found.name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "../a",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\x7fb",
        "a\u2028b",
        "a\u202efdp.exe",
        "\ud800",
        "x" * 201,
        "表" * 67,
    ],
)
def test_names_that_leave_the_folder_or_look_like_other_names_are_refused(files: Files, name: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        save(files, name)

    assert "file name" in refused.value.fields["name"]
    assert not list(files.folder.iterdir())


def test_a_name_is_stored_in_one_spelling() -> None:
    assert clean_name(" か\u3099.csv ") == "が.csv"


@given(st.text(max_size=210))
def test_no_accepted_name_leaves_its_folder(name: str) -> None:
    try:
        clean = clean_name(name)
    except InvalidFields:
        return
    assert (Path("/a") / clean).parent == Path("/a")
    assert len(os.fsencode(clean)) <= 200
    assert clean == unicodedata.normalize("NFC", clean)


@pytest.mark.parametrize(
    "file_id", ["", ".", "..", "../../etc/passwd", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "/" * 32, "\u0660" * 32]
)
def test_no_id_reaches_outside_the_folder(files: Files, file_id: str) -> None:
    assert files.find(file_id) is None


def test_a_file_that_is_too_large_leaves_nothing(files: Files) -> None:
    with pytest.raises(FileTooLarge):
        save(files, "a", b"x" * (1 << 20), b"y")

    assert not list(files.folder.iterdir())


def test_an_interrupted_upload_leaves_nothing(files: Files) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"x" * (2 << 20)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(files.save("a", cut(), 10))

    assert not list(files.folder.iterdir())


@pytest.mark.parametrize("full", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_at_the_very_end_leaves_nothing(
    files: Files, monkeypatch: pytest.MonkeyPatch, full: int
) -> None:
    def fail(_: int) -> None:
        raise OSError(full, os.strerror(full))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(DiskFull):
            save(files, "a", b"x")
    assert not list(files.folder.iterdir())

    assert files.find(save(files, "a", b"x"))


def test_another_disk_error_is_not_mistaken_for_a_full_disk(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FilesUnavailable, match="broken") as told:
        save(files, "a", b"x")
    assert not isinstance(told.value, DiskFull)


def test_a_result_file_is_stored_and_can_be_stored_again_if_the_disk_failed(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made.csv"
    made.write_text("a")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(FilesUnavailable):
            files.keep(made)
    kept = files.keep(made)

    assert (kept.name, kept.path.read_text()) == ("made.csv", "a")
    assert files.find(kept.file_id) == kept
    assert len(list(files.folder.iterdir())) == 1


def test_a_stored_file_is_read_only_and_can_be_removed(files: Files) -> None:
    stored = files.find(save(files, "a", b"x"))
    assert stored
    assert stored.path.stat().st_mode & 0o777 == 0o400
    assert files.expire(-1) == 1


def test_a_folder_that_cannot_be_used_is_no_missing_file(files: Files) -> None:
    file_id = save(files, "a", b"x")
    files.folder.rename(files.folder.with_name("elsewhere"))
    with pytest.raises(FilesUnavailable, match="not there"):
        files.find(file_id)
    files.folder.write_text("no folder")

    with pytest.raises(FilesUnavailable, match="Nothing has been lost"):
        files.find(file_id)
    with pytest.raises(FilesUnavailable):
        save(files, "b", b"x")


def test_an_upload_leaves_the_reserve_free(small_disk: Path) -> None:
    files, part = Files(small_disk, reserve_mb=1024), b"x" * (1 << 20)  # 120 MB, so it keeps 12

    with pytest.raises(DiskFull, match="the last 12 MB are kept"):
        save(files, "unknown length", *[part] * 119, limit_mb=200)
    with pytest.raises(DiskFull):
        asyncio.run(files.save("known length", chunks(b"x"), 200, 119 << 20))
    assert list(files.folder.iterdir()) == []

    assert save(files, "a", *[part] * 100, limit_mb=200)
    assert "disk is full" not in files.check()
    (small_disk / "other").write_bytes(part * 9)
    with pytest.raises(DiskFull):
        save(files, "b", b"x")
    assert "disk is full" in files.check()


def test_files_are_removed_when_they_expire_and_not_before(files: Files) -> None:
    old, young = files.find(save(files, "old")), files.find(save(files, "young"))
    assert old
    assert young
    os.utime(old.path.parent, (time.time() - 100,) * 2)

    assert files.expire(50) == 1
    assert files.find(old.file_id) is None
    assert files.find(young.file_id) == young


def test_the_leftovers_of_a_killed_process_are_removed_after_a_day(files: Files) -> None:
    for name, hours in {".part-running": 1, ".part-left": 25}.items():
        (files.folder / name).mkdir()
        os.utime(files.folder / name, (time.time() - hours * 3600,) * 2)

    files.expire(30 * 86400)

    assert [entry.name for entry in files.folder.iterdir()] == [".part-running"]


def test_a_file_that_another_worker_removes_at_the_same_time_is_not_an_error(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = files.folder / ("0" * 32)
    monkeypatch.setattr(Path, "iterdir", lambda _: iter([gone]))

    assert files.expire(0) == 0


def test_the_check_says_what_is_wrong_with_the_folder(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.check() == "ok"

    files.folder.rmdir()
    assert "No such file" in files.check()
