"""The list of active users over HTTP: 16 clients, 500 users, 4 API processes."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any

import psutil
import pytest

from tests.core.bare import BareClient
from tests.live import LiveCore, until

CLIENTS, USERS = 16, 500


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("crowded"), CORE_API_PROCESSES="4") as live:
        yield live


def each_client(core: LiveCore, method: str, path: str, names: list[str]) -> tuple[list[int], float]:
    """The statuses of one call for each name, shared by all clients; and calls a second."""

    def work(number: int) -> list[int]:
        with BareClient(core) as client:
            return [client.call(method, path, {"username": name}).status for name in names[number::CLIENTS]]

    begin = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = [status for of_one in pool.map(work, range(CLIENTS)) for status in of_one]
    return statuses, len(names) / (time.monotonic() - begin)


@pytest.mark.alone
def test_16_clients_change_500_users_and_nothing_is_lost(crowded: LiveCore, record_property: Any) -> None:
    path, names = crowded.data_dir / "active_users" / "active_user_list.json", [f"user{n}" for n in range(USERS)]
    stop, reads = threading.Event(), list[int]()

    def read() -> None:
        with BareClient(crowded) as client:
            while not stop.wait(0.002):
                reads.append(len(json.loads(path.read_bytes())))
                assert client.call("GET", "/get_active_user").status == 200

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read)
        try:
            added, add_rate = each_client(crowded, "POST", "/add_active_user", names)
            everyone = crowded.http.get("/get_active_user").json()
            removed, remove_rate = each_client(crowded, "DELETE", "/delete_active_user", names[::2])
        finally:
            stop.set()
        reading.result(10)

    record_property("calls a second", [round(add_rate), round(remove_rate)])
    assert set(added + removed) == {200}
    assert set(everyone) == set(names)
    assert set(crowded.http.get("/get_active_user").json()) == set(names[1::2])
    assert len(reads) > 50
    assert min(add_rate, remove_rate) > 50  # several hundred, unless the machine has much else to do


def test_each_answer_is_the_list_with_the_change(crowded: LiveCore) -> None:
    with BareClient(crowded) as client:
        assert "sato" in client.call("POST", "/add_active_user", {"username": " sato "}).body
        assert "sato" not in client.call("DELETE", "/delete_active_user", {"username": "sato"}).body
        assert client.call("DELETE", "/delete_active_user", {"username": "sato"}).status == 200


@pytest.mark.parametrize("name", ["", " ", "x" * 10_000, "a\0b", "a\u200bb", "\ud800"])
def test_a_name_that_cannot_be_one_is_422(core: LiveCore, name: str) -> None:
    for method, path in (("POST", "/add_active_user"), ("DELETE", "/delete_active_user")):
        with BareClient(core) as client:
            answer = client.call(method, path, {"username": name})

        assert (answer.status, list(answer.body["fields"])) == (422, ["username"])


def servers(core: LiveCore) -> list[psutil.Process]:
    """The API processes that serve, the oldest first."""
    return [child for child in core.services()["api"].children() if serves(child)]


def serves(process: psutil.Process) -> bool:
    try:
        return bool(process.net_connections())
    except psutil.NoSuchProcess:  # or a zombie, which is one of them
        return False


def test_api_processes_that_are_killed_while_they_write_lose_nobody(crowded: LiveCore) -> None:
    with BareClient(crowded) as client:
        for number in range(50):
            client.call("POST", "/add_active_user", {"username": f"kept{number}"})
    stop = threading.Event()

    def come_and_go(number: int) -> None:
        while not stop.is_set():
            try:
                with BareClient(crowded) as client:
                    client.call("POST", "/add_active_user", {"username": f"comes{number}"})
                    client.call("DELETE", "/delete_active_user", {"username": f"comes{number}"})
            except (OSError, HTTPException):
                continue

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(come_and_go, number) for number in range(4)]
        try:
            for _ in range(4):
                victim = until(lambda: servers(crowded))[0]
                victim.kill()
                until(lambda: victim not in servers(crowded))  # noqa: B023  # it is called at once
        finally:
            stop.set()
        for worker in workers:
            worker.result(10)

    left = crowded.http.get("/get_active_user").json()
    assert {f"kept{number}" for number in range(50)} <= set(left)
    assert not list((crowded.data_dir / "active_users").glob("*.damaged-*"))
