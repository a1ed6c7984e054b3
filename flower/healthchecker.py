"""Tells a load balancer, without a password, whether Flower answers and a worker is alive."""

import argparse
import http.client
import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import urlsplit

DEADLINE = 1.5  # seconds for all probes together, no matter what hangs
READ_LIMIT = 1 << 16


class Part:
    """A part that must be healthy. Only one probe of it runs at a time, however many ask and however long it hangs."""

    def __init__(self, name: str, url: str, verdict: Callable[[int, bytes], str]) -> None:
        self._url, self._verdict, self._silence = urlsplit(url), verdict, f"{name} does not answer."
        self._thread = ThreadPoolExecutor(1)
        self._lock = Lock()
        self._probe: Future[str] | None = None

    def probe(self) -> Future[str]:
        with self._lock:
            if self._probe is None or self._probe.done():
                self._probe = self._thread.submit(self._ask)
            return self._probe

    def outcome(self, probe: Future[str]) -> str:
        """Return `ok`, or a sentence about what is wrong."""
        return probe.result() if probe.done() else self._silence

    def _ask(self) -> str:
        connection = http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=DEADLINE)
        try:
            connection.request("GET", self._url.path)
            answer = connection.getresponse()
            return self._verdict(answer.status, answer.read(READ_LIMIT))
        except (OSError, http.client.HTTPException):
            return self._silence
        finally:
            connection.close()


def flower_verdict(status: int, _: bytes) -> str:
    return "ok" if status == 200 else f"Flower answers with status {status}."


def worker_verdict(_: int, ready: bytes) -> str:
    """Return only what the core says about its worker: a nearly full disk must not keep admins out of Flower."""
    try:
        return str(json.loads(ready)["worker"])[:200]
    except (ValueError, KeyError, TypeError):
        return "Something other than the core answers at its address."


def check(parts: dict[str, Part]) -> dict[str, str]:
    probes = {name: part.probe() for name, part in parts.items()}
    wait(probes.values(), DEADLINE)
    return {name: parts[name].outcome(probe) for name, probe in probes.items()}


class Handler(BaseHTTPRequestHandler):
    timeout = 5  # seconds to wait for a client that sends nothing
    server_version, sys_version = "flower-healthchecker", ""

    def __init__(self, parts: dict[str, Part], *args: object) -> None:
        self._parts = parts
        super().__init__(*args)  # type: ignore[arg-type]  # what the server hands over

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/healthcheck":
            self._answer(404, {"detail": "There is only /healthcheck here."})
            return
        outcomes = check(self._parts)
        self._answer(200 if set(outcomes.values()) == {"ok"} else 503, outcomes)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log no requests: a line every few seconds would bury everything else."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="0.0.0.0", help="the address to listen on")  # noqa: S104  # inside its container
    parser.add_argument("--port", type=int, default=5556)
    parser.add_argument("--flower", default="http://flower:5555/flower/healthcheck", metavar="URL")
    parser.add_argument("--core", default="http://core:8502/ready", metavar="URL")
    options = parser.parse_args()
    parts = {
        "flower": Part("Flower", options.flower, flower_verdict),
        "worker": Part("The core", options.core, worker_verdict),
    }
    with ThreadingHTTPServer((options.host, options.port), partial(Handler, parts)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
