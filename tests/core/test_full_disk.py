"""A whole core on a disk that is full: it can be seen and stopped, and goes on when there is room."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveCore, until

MB = 1 << 20


@pytest.fixture
def cramped(small_disk: Path) -> Iterator[LiveCore]:
    """Its DATA_DIR has 120 MB, and 12 of them are the reserve."""
    with LiveCore(small_disk / "data", WORKER_PROCESSES="1") as live:
        yield live


def fill(disk: Path, leave_mb: int) -> Path:
    """Write until so much is left; 0 leaves nothing at all."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while not leave_mb or _free(disk) > leave_mb * MB:
                file.write(bytes(MB if leave_mb else 4096))
        except OSError:
            assert not leave_mb
    return filler


def _free(disk: Path) -> int:
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


def test_with_only_the_reserve_left_the_core_says_so_and_can_be_used_and_stopped(
    cramped: LiveCore, small_disk: Path
) -> None:
    file_id = cramped.upload(b"x")
    running = cramped.submit("sleeper", seconds=100)
    cramped.wait(running, "STARTED")
    redis = cramped.services()["valkey"]
    filler = fill(small_disk, 8)

    ready = until(lambda: (answer := cramped.http.get("/ready")).status_code == 503 and answer.json())
    upload = cramped.http.post("/files?name=a", content=b"x")
    accepted = [cramped.submit("echo", text=str(number)) for number in range(20)]
    cancelled = cramped.http.delete(f"/delete_task/{running}")
    drained = cramped.http.post("/drain", json={"username": "sato", "force": True})

    assert "the last 12 MB are kept for the queue" in ready["files"]
    assert (ready["redis"], ready["worker"]) == ("ok", "ok")
    assert (upload.status_code, upload.headers["Retry-After"]) == (507, "5")
    assert "Ask an admin" in upload.json()["detail"]
    assert (cancelled.status_code, drained.status_code) == (200, 200)
    assert cramped.http.get(f"/files/{file_id}").content == b"x"
    cramped.wait(running, "REVOKED")

    filler.unlink()

    assert {cramped.wait(task_id)["task_status"] for task_id in accepted} == {"SUCCESS"}
    assert cramped.services()["valkey"] == redis
    assert cramped.is_ready()


@pytest.mark.slow
def test_a_redis_that_ended_on_a_full_disk_is_back_as_soon_as_there_is_room_and_has_every_task(
    cramped: LiveCore, small_disk: Path
) -> None:
    accepted = [cramped.submit("echo", text=str(number)) for number in range(20)]
    redis = cramped.services()["valkey"]
    filler = fill(small_disk, 0)
    until(lambda: not redis.is_running() or redis.status() == "zombie")

    told = until(lambda: (ready := cramped.http.get("/ready").json())["redis"] != "ok" and ready)
    upload = cramped.http.post("/files?name=a", content=b"x")

    assert "starts again by itself when there is room" in told["redis"]
    assert "0 MB are free" in told["files"]
    assert upload.status_code in (503, 507)

    filler.unlink()

    until(cramped.is_ready, 30)
    assert {cramped.wait(task_id)["task_status"] for task_id in accepted} == {"SUCCESS"}
    assert cramped.wait(cramped.submit("echo", text="next"))["task_status"] == "SUCCESS"


def test_a_job_that_fills_the_disk_is_ended_with_a_sentence_and_redis_lives(cramped: LiveCore) -> None:
    redis = cramped.services()["valkey"]
    hungry = cramped.submit("fills", pause=0.1, per_file=5)
    cramped.wait(hungry, "STARTED")

    ended = cramped.wait(hungry)

    assert ended["task_status"] == "FAILURE"
    assert ended["error"]["type"] == "RunFilledDisk"
    assert "its own files had grown to 1" in ended["error"]["message"]
    assert cramped.services()["valkey"] == redis
    assert cramped.wait(cramped.submit("echo", text="next"))["task_status"] == "SUCCESS"
    until(cramped.is_ready)


@pytest.mark.slow
@pytest.mark.parametrize("per_file", [1_000_000, 5])
def test_a_job_that_fills_the_disk_faster_than_anybody_looks_fails_with_a_sentence(
    cramped: LiveCore, per_file: int
) -> None:
    hungry = cramped.submit("fills", per_file=per_file)
    waiting = [cramped.submit("echo", text=str(number)) for number in range(5)]

    ended = cramped.wait(hungry)

    assert ended["task_status"] == "FAILURE"
    assert "larger disk" in ended["error"]["message"]
    assert {cramped.wait(task_id)["task_status"] for task_id in waiting} == {"SUCCESS"}
    until(cramped.is_ready)


@pytest.mark.slow
def test_a_task_waits_while_only_the_reserve_is_left_and_runs_when_there_is_room(
    cramped: LiveCore, small_disk: Path
) -> None:
    filler = fill(small_disk, 8)
    task_id = cramped.submit("echo", text="x")
    until(lambda: "waits" in cramped.status(task_id)["progress"]["message"])

    filler.unlink()

    assert cramped.wait(task_id)["task_status"] == "SUCCESS"


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["scratch", "files"])
def test_tasks_wait_while_a_folder_cannot_be_used_and_none_of_them_fails(quiet: LiveCore, folder: str) -> None:
    file_id = quiet.upload(b"a,b\n")
    blocker = quiet.submit("sleeper", seconds=3)
    quiet.wait(blocker, "STARTED")
    tasks = [quiet.submit("measure", file=file_id, copy=True) for _ in range(3)]
    (quiet.data_dir / folder).rename(quiet.data_dir / "away")
    (quiet.data_dir / folder).write_text("no folder")
    until(lambda: "waits" in quiet.status(tasks[0])["progress"]["message"], 20)

    (quiet.data_dir / folder).unlink()
    (quiet.data_dir / "away").rename(quiet.data_dir / folder)

    assert [quiet.wait(task_id)["error"] for task_id in [blocker, *tasks]] == [None] * 4
