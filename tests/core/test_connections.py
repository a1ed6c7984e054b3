"""What strangers can do to the API's server with connections: on a tiny app, with little patience and little room."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import psutil
import pytest

from tests.live import ROOT, free_port, until

PATIENCE, ROOM = 0.3, 20
SERVER = f"""
import asyncio, sys
from fastapi import FastAPI, Request
from fastapi.responses import Response
from core.api import connections
from core.api.server import Server

connections.PATIENCE, connections.ROOM = {PATIENCE}, {ROOM}

def create():
    app = FastAPI()

    @app.get("/slow")
    async def slow():
        await asyncio.sleep({3 * PATIENCE})
        return "done"

    @app.post("/size")
    async def size(request: Request):
        return len(await request.body())

    @app.post("/unread")
    async def unread():
        return "done"

    @app.get("/much")
    async def much():
        return Response(bytes(64 << 20))

    return app

Server(create, "127.0.0.1", int(sys.argv[1]), 1).run()
"""
ASK = b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"


class Client(socket.socket):
    """A connection to the server."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.settimeout(10)
        try:
            self.connect(("127.0.0.1", port))
        except OSError:
            self.close()
            raise

    def ask(self, request: bytes = ASK) -> bytes:
        """The body of the answer."""
        self.sendall(request)
        return self.answer()

    def answer(self) -> bytes:
        answer = HTTPResponse(self)
        answer.begin()
        return answer.read()

    def is_hung_up(self, seconds: float = 6 * PATIENCE) -> bool:
        self.settimeout(seconds)
        try:
            return self.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def drip(self, piece: bytes, times: int) -> bool:
        """Whether it was hung up on while it sent this again and again, a few times within the server's patience."""
        for _ in range(times):
            try:
                self.sendall(piece)
            except OSError:
                return True
            time.sleep(PATIENCE / 3)
        return False


class Running:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.stack = folder, free_port(), ExitStack()
        with (folder / "log").open("wb") as log:
            self.process = psutil.Popen(
                [sys.executable, "-c", SERVER, str(self.port)],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        self.stack.callback(self.process.wait, 20)
        self.stack.callback(self.process.terminate)

    def client(self) -> Client:
        return self.stack.enter_context(Client(self.port))

    def answers(self) -> bool:
        with suppress(OSError), Client(self.port) as client:
            return client.ask() == b"2"
        return False

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("server"))
    with running.stack:
        until(running.answers)
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with Client(server.port) as connection:
        yield connection


def test_a_client_that_says_nothing_is_hung_up_on(client: Client) -> None:
    assert client.is_hung_up()


def test_a_client_that_says_its_head_a_byte_at_a_time_is_hung_up_on(client: Client) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nX: ")
    assert client.drip(b"y", 20)


def test_a_client_that_has_been_answered_and_then_begins_another_request_but_does_not_end_it_is_hung_up_on(
    client: Client,
) -> None:
    assert client.ask() == b"2"
    client.sendall(b"G")
    assert client.is_hung_up()


def test_a_client_that_sends_its_body_a_byte_at_a_time_is_hung_up_on(client: Client) -> None:
    client.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
    assert client.drip(b"y", 20)


def test_a_client_that_sends_its_body_slowly_but_steadily_is_served(client: Client) -> None:
    client.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 6000\r\n\r\n")
    assert not client.drip(bytes(600), 10)
    assert client.answer() == b"6000"


def test_a_client_that_goes_on_with_a_body_that_nobody_reads_is_hung_up_on(client: Client) -> None:
    assert client.ask(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n") == b'"done"'
    assert client.drip(bytes(1000), 20)


def test_a_client_that_does_not_take_its_answer_is_hung_up_on(server: Running, client: Client) -> None:
    client.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(3 * PATIENCE)
    with pytest.raises((HTTPException, OSError)):
        client.answer()


def test_a_client_waits_for_a_slow_answer_and_may_then_be_idle(client: Client) -> None:
    assert client.ask(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") == b'"done"'
    assert not client.is_hung_up(3 * PATIENCE)
    client.settimeout(10)
    assert client.ask() == b"2"


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"GET /",
        b"GET / HTTP/1.1\r\nX: ",
        b"POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ",
    ],
    ids=["a method", "an address", "a header", "a trailer"],
)
def test_whatever_grows_without_end_before_a_body_is_cut_off(client: Client, begin: bytes) -> None:
    client.sendall(begin)
    with pytest.raises(OSError, match=r"reset|pipe"):  # noqa: PT012  # it depends on the buffers which call it is
        for _ in range(100):
            client.sendall(b"A" * 100_000)


def test_a_head_that_is_too_large_is_refused_with_a_sentence(client: Client) -> None:
    assert "larger than 64 KB" in json.loads(client.ask(b"GET / HTTP/1.1\r\nX: " + b"y" * 66_000))["detail"]


def test_bodies_of_any_size_are_not_taken_for_heads(client: Client) -> None:
    size = 3 << 20
    head = f"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
    for _ in range(2):
        assert client.ask(head + bytes(size)) == str(size).encode()


def test_nobody_is_shut_out_by_connections_that_say_nothing(server: Running, client: Client) -> None:
    assert client.ask() == b"2"

    crowd = [server.client() for _ in range(3 * ROOM)]

    assert server.answers()
    assert client.ask() == b"2"  # who has asked before is the last to make room
    assert sum(one.is_hung_up(0.01) for one in crowd) >= 2 * ROOM
    assert server.log.count(f"There are more than {ROOM} connections.") == 1
    assert "the oldest from 127.0.0.1" in server.log


def test_a_request_that_is_being_answered_never_makes_room(server: Running, client: Client) -> None:
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    for _ in range(3 * ROOM):
        server.client()
    assert client.answer() == b'"done"'
