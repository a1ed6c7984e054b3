"""The API's server with a tiny app: who answers, who replaces the dead, and how it ends."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.live import ROOT, free_port, lives, until

SERVER = """
import asyncio, gc, os, sys
from fastapi import FastAPI, Request
from core.api.server import Server

def create():
    with open("created", "a") as file:
        print(os.getpid(), file=file)
    app = FastAPI()

    @app.get("/")
    async def who(request: Request):
        return {"pid": os.getpid(), "frozen": gc.get_freeze_count(), "host": request.client.host}

    @app.get("/slow/{seconds}")
    async def slow(seconds: float):
        open("busy", "w").close()
        await asyncio.sleep(seconds)
        return "done"

    return app

Server(create, "127.0.0.1", int(sys.argv[1]), int(sys.argv[2])).run()
"""
PROCESSES = 2


class Running:
    """A server that works in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        with (folder / "log").open("wb") as log:
            self.process = psutil.Popen(
                [sys.executable, "-c", SERVER, str(self.port), str(PROCESSES)],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    def ask(self, **headers: str) -> dict[str, Any]:
        answer = httpx2.get(f"http://127.0.0.1:{self.port}/", headers=headers, trust_env=False)
        said: dict[str, Any] = answer.json()
        return said

    def pids(self) -> set[int]:
        return {child.pid for child in self.process.children() if lives(child.pid)}

    def answering(self) -> set[int]:
        """The processes that have answered a few requests, each on a connection of its own."""
        try:
            return {self.ask()["pid"] for _ in range(10)}
        except httpx2.TransportError:  # nobody listens yet
            return set()

    def begin_slow(self, seconds: float) -> socket.socket:
        """A connection whose request a process has begun to answer."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=15)
        connection.sendall(f"GET /slow/{seconds} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        until((self.folder / "busy").exists)
        return connection

    def stop(self) -> float:
        """How many seconds it took."""
        begin = time.monotonic()
        self.process.terminate()
        assert self.process.wait(20) == 0
        return time.monotonic() - begin


def everybody_answers(server: Running) -> Callable[[], bool]:
    seen: set[int] = set()

    def all_have_answered() -> bool:
        seen.update(server.answering())
        now = server.pids()
        return len(now) == PROCESSES and now <= seen

    return all_have_answered


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    try:
        until(everybody_answers(running))
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
        running.process.wait(20)


def created_by(server: Running) -> list[int]:
    return [int(pid) for pid in (server.folder / "created").read_text().split()]


def test_one_process_creates_the_app_and_the_others_are_forked_from_it(server: Running) -> None:
    assert created_by(server) == [server.process.pid]
    assert len(server.pids()) == PROCESSES
    assert server.process.pid not in server.pids()


def test_what_the_app_has_imported_is_frozen_so_that_the_processes_share_it(server: Running) -> None:
    assert server.ask()["frozen"] > 10_000


def test_a_process_that_is_killed_is_replaced_without_creating_the_app_again(server: Running) -> None:
    victim, other = sorted(server.pids())
    psutil.Process(victim).kill()

    until(everybody_answers(server))

    assert other in server.pids()
    assert victim not in server.pids()
    assert created_by(server) == [server.process.pid]


def test_the_processes_of_a_master_that_is_killed_end_with_it_and_its_port_is_free(server: Running) -> None:
    pids = server.pids()
    with server.begin_slow(300):
        server.process.kill()
        assert until(lambda: not any(lives(pid) for pid in pids), 5)
    assert server.answering() == set()


def test_sigterm_ends_idle_processes_at_once(server: Running) -> None:
    pids = server.pids()
    assert server.stop() < 4
    assert not any(lives(pid) for pid in pids)


def test_a_request_that_has_begun_is_answered_after_sigterm(server: Running) -> None:
    with server.begin_slow(1) as connection:
        server.process.terminate()
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'"done"')


def test_a_request_that_does_not_end_holds_the_server_up_for_a_few_seconds_only(server: Running) -> None:
    pids = server.pids()
    with server.begin_slow(300):
        assert server.stop() < 9
    assert not any(lives(pid) for pid in pids)


def test_headers_of_a_proxy_are_not_believed(server: Running) -> None:
    assert server.ask(**{"X-Forwarded-For": "203.0.113.7"})["host"] == "127.0.0.1"
