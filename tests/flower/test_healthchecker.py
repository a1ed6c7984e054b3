"""The health checker, run as in its container, against parts that misbehave in various ways."""

import json
import socket
import socketserver
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.live import ROOT, free_port, until

Behaviour = Callable[[socket.socket], None]
READY = json.dumps({"redis": "ok", "worker": "ok", "files": "ok"}).encode()


def answers(status: int = 200, body: bytes = b"OK") -> Behaviour:
    head = f"HTTP/1.1 {status} Any\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()

    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(head + body)

    return behave


def hangs(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def trickles(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.3)


class Server(NamedTuple):
    url: str
    asked: list[int]


@contextmanager
def serving(behave: Behaviour, port: int = 0) -> Iterator[Server]:
    asked: list[int] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked.append(1)
            with suppress(OSError):  # the checker has hung up
                behave(self.request)

    class Threads(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True

    with Threads(("127.0.0.1", port), Handler) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield Server(f"http://127.0.0.1:{server.server_address[1]}/ready", asked)
        server.shutdown()


class Checker:
    def __init__(self, flower: str, core: str) -> None:
        self.port = free_port()
        script = [sys.executable, str(ROOT / "flower" / "healthchecker.py")]
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--flower", flower, "--core", core]
        self.process = subprocess.Popen([*script, *options], stderr=subprocess.PIPE)
        until(self.listens, 10)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, path: str = "/healthcheck") -> tuple[int, dict[str, Any]]:
        answer = httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=2, trust_env=False)
        return answer.status_code, answer.json()

    def close(self) -> bytes:
        self.process.terminate()
        _, errors = self.process.communicate(timeout=10)
        return errors


@pytest.fixture
def started() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def checker(started: ExitStack, flower: Behaviour | None, core: Behaviour | None) -> Checker:
    """Start a checker of two parts that behave like this; None means that nobody listens there."""
    urls = [
        started.enter_context(serving(behave)).url if behave else f"http://127.0.0.1:{free_port()}/"
        for behave in (flower, core)
    ]
    made = Checker(*urls)
    started.callback(made.close)
    return made


def test_it_answers_200_while_flower_answers_and_a_worker_is_alive(started: ExitStack) -> None:
    assert checker(started, answers(), answers(200, READY)).ask() == (200, {"flower": "ok", "worker": "ok"})


@pytest.mark.parametrize("flower", [None, hangs, trickles])
def test_a_flower_that_does_not_answer_is_reported_in_time(started: ExitStack, flower: Behaviour | None) -> None:
    outcome = checker(started, flower, answers(200, READY)).ask()
    assert outcome == (503, {"flower": "Flower does not answer.", "worker": "ok"})


def test_a_flower_that_answers_with_an_error_is_reported(started: ExitStack) -> None:
    outcome = checker(started, answers(500), answers(200, READY)).ask()
    assert outcome == (503, {"flower": "Flower answers with status 500.", "worker": "ok"})


@pytest.mark.parametrize("core", [None, hangs])
def test_a_core_that_does_not_answer_is_reported_in_time(started: ExitStack, core: Behaviour | None) -> None:
    outcome = checker(started, answers(), core).ask()
    assert outcome == (503, {"flower": "ok", "worker": "The core does not answer."})


def test_a_core_without_a_worker_is_reported_in_its_own_words(started: ExitStack) -> None:
    ready = json.dumps({"redis": "ok", "worker": "No worker has sent a heartbeat lately.", "files": "ok"}).encode()
    status, parts = checker(started, answers(), answers(503, ready)).ask()
    assert (status, parts) == (503, {"flower": "ok", "worker": "No worker has sent a heartbeat lately."})


def test_a_full_disk_does_not_keep_admins_out_of_flower(started: ExitStack) -> None:
    ready = json.dumps({"redis": "ok", "worker": "ok", "files": "The disk is nearly full."}).encode()
    assert checker(started, answers(), answers(503, ready)).ask()[0] == 200


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"{}", b"[]", b"\xff", b'"worker"'])
def test_something_else_at_the_cores_address_is_not_mistaken_for_a_worker(started: ExitStack, body: bytes) -> None:
    assert checker(started, answers(), answers(200, body)).ask() == (
        503,
        {"flower": "ok", "worker": "Something other than the core answers at its address."},
    )


def test_many_simultaneous_requests_share_one_probe_of_a_slow_part(started: ExitStack) -> None:
    def slow(connection: socket.socket) -> None:
        time.sleep(0.5)
        answers()(connection)

    flower, core = started.enter_context(serving(slow)), started.enter_context(serving(answers(200, READY)))
    made = Checker(flower.url, core.url)
    started.callback(made.close)
    with ThreadPoolExecutor(30) as many:
        assert {status for status, _ in many.map(lambda _: made.ask(), range(30))} == {200}
    assert len(flower.asked) <= 3


def test_a_part_that_recovers_is_noticed_at_once_however_many_requests_failed(started: ExitStack) -> None:
    port = free_port()
    core = started.enter_context(serving(answers(200, READY)))
    made = Checker(f"http://127.0.0.1:{port}/", core.url)
    started.callback(made.close)
    with serving(hangs, port), ThreadPoolExecutor(30) as many:
        assert {status for status, _ in many.map(lambda _: made.ask(), range(30))} == {503}
    with serving(answers(), port):
        assert until(lambda: made.ask()[0] == 200, 3)
    assert until(lambda: made.ask()[0] == 503, 3)


def test_a_client_that_sends_nothing_does_not_block_the_others(started: ExitStack) -> None:
    made = checker(started, answers(), answers(200, READY))
    with socket.create_connection(("127.0.0.1", made.port)):
        assert made.ask()[0] == 200


def test_any_other_path_is_a_404_and_probes_nothing(started: ExitStack) -> None:
    flower, core = started.enter_context(serving(answers())), started.enter_context(serving(answers(200, READY)))
    made = Checker(flower.url, core.url)
    started.callback(made.close)
    assert made.ask("/")[0] == made.ask("/metrics")[0] == 404
    assert not flower.asked
    assert not core.asked


def test_a_head_request_gets_only_the_status(started: ExitStack) -> None:
    made = checker(started, None, answers(200, READY))
    answer = httpx2.head(f"http://127.0.0.1:{made.port}/healthcheck", timeout=2, trust_env=False)
    assert (answer.status_code, answer.content) == (503, b"")


def test_it_stops_on_sigterm_without_an_error() -> None:
    with serving(trickles) as flower, serving(answers(200, READY)) as core:
        made = Checker(flower.url, core.url)
        made.ask()
        assert made.close() == b""
