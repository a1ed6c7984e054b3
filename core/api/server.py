"""The processes of the API, forked from one that has imported the app: they start fast and share its memory.

gunicorn is there for that fork and because it replaces a process that dies; uvicorn's own workers import the app anew.
"""

import gc
import signal
from collections.abc import Callable
from typing import Any, ClassVar

from fastapi import FastAPI
from gunicorn.app.base import BaseApplication
from uvicorn_worker import UvicornWorker

from core import processes
from core.api.connections import Connection


class Worker(UvicornWorker):  # type: ignore[misc]  # gunicorn and its worker ship no types
    """No route needs the client's address, so the headers of proxies about it are not trusted."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "http": Connection,
        "ws": "none",
        "proxy_headers": False,
        "timeout_graceful_shutdown": 5,
    }

    def init_signals(self) -> None:
        super().init_signals()
        # A process that outlived its master would keep the port, and the next start would find it taken.
        processes.die_with_parent(self.ppid, signal.SIGKILL)


class Server(BaseApplication):  # type: ignore[misc]  # as above
    def __init__(self, create: Callable[[], FastAPI], host: str, port: int, processes: int) -> None:
        self._create = create
        self._options = {
            "bind": f"{host}:{port}",
            "workers": processes,
            "worker_class": Worker,
            "preload_app": True,
            "keepalive": 65,  # s; longer than that of any proxy or client in front
            "graceful_timeout": 7,
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> FastAPI:
        app = self._create()
        gc.collect()
        gc.freeze()  # pages that the collector never touches stay shared
        return app
