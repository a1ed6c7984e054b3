"""Workers and APIs on one Redis that do not share their DATA_DIR notice it, and a replaced folder is no such case."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import data_id
from core.errors import FilesUnavailable, OtherFolder
from core.queue import neighbours
from core.settings import WorkerSettings
from core.worker.recovery import Recovery
from tests.faults.redis_of import redis_of
from tests.live import LiveCore, free_port, until
from tests.valkey import Queue, Valkey


def recovery(valkey: Valkey, folder: Path) -> Recovery:
    config = WorkerSettings(redis_url=valkey.url, data_dir=folder, _env_file=None)
    return Recovery(config, "w", {}, list)


def forget_the_live(queue: Queue) -> None:
    """As if no worker had been heard of for ten seconds."""
    assert 0 < queue.redis.pttl("okosu:data_id") <= neighbours.ALIVE * 1000
    queue.redis.delete("okosu:data_id")


def test_all_who_come_at_once_find_one_id_and_a_copy_of_the_folder_has_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(data_id.of, [tmp_path / "data"] * 64))
    shutil.copytree(tmp_path / "data", tmp_path / "backup")

    assert found == {data_id.of(tmp_path / "backup")}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["data-id"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(FilesUnavailable):
        data_id.of(tmp_path / "data")


def test_a_worker_with_another_folder_is_refused_while_the_first_is_alive(
    queue: Queue, valkey: Valkey, tmp_path: Path
) -> None:
    first, same, other = (recovery(valkey, tmp_path / name) for name in ("a", "a", "b"))
    first.beat(print)
    same.meet()
    with pytest.raises(OtherFolder, match=r"(?s)the same DATA_DIR.*REDIS_URL of its own.*after 10 s"):
        other.meet()

    forget_the_live(queue)

    other.meet()  # a new folder on an old Redis, or the other way round


def test_an_api_only_asks(queue: Queue) -> None:
    assert queue.run(neighbours.share("a"))
    assert queue.run(neighbours.meet("b"))
    assert not queue.run(neighbours.share("a"))


@pytest.mark.parametrize("module", ["core.api", "core.worker"])
def test_a_process_with_another_folder_does_not_start_and_says_why(
    queue: Queue, valkey: Valkey, tmp_path: Path, module: str
) -> None:
    queue.run(neighbours.meet("another"))
    env = {**LiveCore(tmp_path).env, "REDIS_URL": valkey.url, "CORE_PORT": str(free_port())}

    done = subprocess.run(
        [sys.executable, "-m", module], env=env, capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 1
    assert "use another DATA_DIR" in done.stderr


def test_an_api_that_was_there_first_says_so_when_it_is_asked(quiet: LiveCore) -> None:
    with redis_of(quiet) as theirs:
        theirs.set("okosu:data_id", "another")
        try:
            told = until(lambda: (answer := quiet.http.get("/ready")).status_code == 503 and answer.json())
        finally:
            theirs.delete("okosu:data_id")

    assert "use another DATA_DIR" in told["worker"]
    until(quiet.is_ready)
