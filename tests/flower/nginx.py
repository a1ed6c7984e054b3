"""The real nginx with flower/nginx.conf, a DNS server for it, and upstreams that stand in for Flower."""

import os
import re
import shutil
import socket
import socketserver
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2

from tests.live import ROOT, free_port, until

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Names(socketserver.ThreadingUDPServer):
    """A DNS server that knows the upstreams' names."""

    addresses: dict[str, str]

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            query, reply_to = self.request
            end = query.index(b"\0", 12) + 5
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode())
                at += 1 + query[at]
            assert isinstance(self.server, Names)
            address = self.server.addresses.get(".".join(labels))
            record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(address) if address else b""
            flags, found = (0x8180, 1) if address else (0x8183, 0)
            reply = query[:2] + struct.pack("!HHHHH", flags, 1, found, 0, 0) + query[12:end] + record
            reply_to.sendto(reply, self.client_address)


class Upstream(ThreadingHTTPServer):
    """Asks for a password where Flower does, and remembers every request."""

    daemon_threads = True
    status = 200

    def __init__(self, address: str, port: int) -> None:
        self.asked: list[tuple[str, str | None]] = []
        super().__init__((address, port), _Pages)


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Upstream)
        self.server.asked.append((self.path, self.headers["Host"]))
        public = self.path in ("/healthcheck", "/flower/metrics") or "/static/" in self.path
        status = self.server.status if public or self.headers["Authorization"] else 401
        body = f"from {self.server.server_address[0]!s}".encode()
        self.send_response(status)
        self.send_header("X-Content-Type-Options", "nosniff")
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="flower"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


class Nginx:
    """nginx with the project's nginx.conf, in which only ports and folders are replaced."""

    def __init__(self, folder: Path, names_port: int) -> None:
        self.port, self.flower_port, self.checker_port = free_port(), free_port(), free_port()
        conf = (ROOT / "flower" / "nginx.conf").read_text()
        for pattern, other in {
            r"listen 5555": f"listen 127.0.0.1:{self.port}",
            r"resolver 127\.0\.0\.11": f"resolver 127.0.0.1:{names_port}",
            r"//flower:5555": f"//flower:{self.flower_port}",
            r"//flower-healthchecker:5556": f"//flower-healthchecker:{self.checker_port}",
            r"/tmp/": f"{folder}/",  # noqa: S108  # the folder is named in nginx.conf
            r"/dev/std(out|err)": f"{folder}/log",
        }.items():
            conf, count = re.subn(pattern, other, conf)
            assert count, f"{pattern} is not in nginx.conf"
        file = folder / "nginx.conf"
        file.write_text(conf)
        more = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        assert NGINX
        self.process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(file), "-g", more])
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10, trust_env=False)
        until(self.is_alive, 10)

    def is_alive(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.http.get("/alive").status_code == 200
        except httpx2.HTTPError:
            return False

    def get(self, path: str, *, password: bool = True) -> httpx2.Response:
        return self.http.get(path, auth=("admin", "secret") if password else None)

    def close(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(10)
