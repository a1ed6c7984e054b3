"""A large file: the time from upload until a job has opened it, and the memory of API and Redis meanwhile."""

import shutil
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.benchmarks.client import Client
from tests.benchmarks.lineup import BARE, OURS, Contestant
from tests.benchmarks.size import Size
from tests.benchmarks.stack import KEY, Stack
from tests.benchmarks.table import Table


def measure(folder: Path, size: Size) -> list[Table]:
    took = Table(f"A file of {size.file_mb} MB, from upload until a job has opened it", "s", "1.5 x (cp + bare route)")
    grew = Table("The same file: peak growth of API and Redis", "MB (RSS)", "flat")
    big = folder / "big"
    big.write_bytes(b"0123456789abcdef" * (size.file_mb << 16))
    for turn in range(size.turns):
        for contestant in size.who(OURS, BARE):
            with Stack(contestant, folder / f"{turn}-{contestant.module}", api_processes=1) as stack:
                stack.start_api()
                if contestant is OURS:
                    stack.start_worker()
                stack.wait()
                peak = Peak(stack)
                seconds = transfer(stack, contestant, big)
                took.add("bare route" if contestant is BARE else contestant.name, seconds)
                heaviest = peak.end()
                if contestant is OURS:
                    grew.add(contestant.name, heaviest)
        begin = time.perf_counter()
        shutil.copyfile(big, folder / "copy")
        took.add("cp", time.perf_counter() - begin)
    return [took, grew]


def transfer(stack: Stack, contestant: Contestant, big: Path) -> float:
    begin = time.perf_counter()
    headers = {"X-API-Key": KEY, "Content-Length": str(big.stat().st_size)}
    with closing(HTTPConnection(urlsplit(stack.url).netloc, timeout=120)) as connection, big.open("rb") as file:
        connection.request("POST", "/files?name=big", file, headers)
        body = connection.getresponse().read()
    if contestant is OURS:
        file_id = body.decode().split('"file_id":"')[1].split('"')[0]
        with Client(stack.url) as client:
            stack.finish(client, client.submit({"job": "measure", "params": {"file": file_id}, "username": "sato"}))
    return time.perf_counter() - begin


class Peak(threading.Thread):
    """Watches the memory of API and Redis, to find by how much it grows at most."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self._parts = [process for name in ("api", "redis") for process in stack.family(name)]
        self._first = self._most = self._memory()
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.02):
            self._most = max(self._most, self._memory())

    def end(self) -> float:
        self._over.set()
        self.join()
        return (self._most - self._first) / 1e6

    def _memory(self) -> int:
        return sum(part.memory_info().rss for part in self._parts if isinstance(part, psutil.Process))
