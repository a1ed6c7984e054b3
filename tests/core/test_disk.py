"""The room on the disk: the reserve, how much a run holds, and which run must end when only the reserve is left."""

import os
from pathlib import Path

import pytest

from core.disk import Disk, size_of
from core.errors import DiskFull, FilesUnavailable

MB = 1 << 20


def write(path: Path, megabytes: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * int(megabytes * MB))


def test_the_reserve_is_what_the_setting_says_but_never_more_than_a_tenth_of_the_disk(small_disk: Path) -> None:
    assert Disk(small_disk, 5).room() // MB == 115
    assert Disk(small_disk, 1024).room() // MB == 108
    assert Disk(small_disk, 0).room() // MB == 120


def test_what_would_touch_the_reserve_is_refused_with_a_true_sentence(small_disk: Path) -> None:
    disk = Disk(small_disk, 1024)
    disk.take(100 * MB)
    with pytest.raises(DiskFull, match="120 MB are free, and the last 12 MB are kept for the queue"):
        disk.take(109 * MB)

    write(small_disk / "a", 110)

    with pytest.raises(DiskFull, match="10 MB are free"):
        disk.take()
    assert disk.room() == -2 * MB
    assert "10 MB are free" in disk.check()


def test_a_disk_that_cannot_be_asked_is_no_full_disk(tmp_path: Path) -> None:
    gone = Disk(tmp_path / "gone", 0)
    with pytest.raises(FilesUnavailable, match="No such file"):
        gone.take()
    assert "No such file" in gone.check()


def test_the_size_of_a_folder_counts_what_it_takes_on_the_disk(tmp_path: Path) -> None:
    write(tmp_path / "run" / "deep" / "er" / "a", 2)
    write(tmp_path / "run" / "b", 1)
    write(tmp_path / "outside", 5)
    (tmp_path / "run" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "run" / "loop").symlink_to(tmp_path / "run")
    with (tmp_path / "run" / "sparse").open("wb") as sparse:
        os.truncate(sparse.fileno(), 50 * MB)

    assert 3 * MB <= size_of(tmp_path / "run") < 3.2 * MB
    assert size_of(tmp_path / "gone") == 0


def test_only_the_run_with_the_most_files_ends_and_only_below_the_reserve(small_disk: Path) -> None:
    disk, small, large = Disk(small_disk, 1024), small_disk / "runs" / "small", small_disk / "runs" / "large"
    write(small / "a", 40)
    write(large / "a", 60)
    assert (disk.filled_by(small), disk.filled_by(large)) == (None, None)

    write(small / "b", 15)

    assert disk.filled_by(small) is None
    assert "grown to 60 MB" in str(disk.filled_by(large))
    assert "the last 12 MB" in str(disk.filled_by(large))


def test_no_run_ends_because_of_what_others_wrote(small_disk: Path) -> None:
    disk, run = Disk(small_disk, 1024), small_disk / "runs" / "innocent"
    write(run / "a", 1)
    write(small_disk / "logs", 115)

    assert disk.filled_by(run) is None
