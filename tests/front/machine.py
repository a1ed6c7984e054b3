"""A machine and a core on it that do what a test says."""

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from front.errors import InstanceError
from front.machine.instance import InstanceState
from tests.front.answering import send

GOOD = {"redis": "ok", "worker": "ok", "files": "ok"}


@dataclass
class Machine:
    """Like EC2, it records an order and begins it, or refuses it while changing. The test moves `name` on."""

    name: str = "stopped"
    reason: str = ""
    orders: list[str] = field(default_factory=list)
    refusals: list[InstanceError] = field(default_factory=list)  # of the next orders
    silence: InstanceError | None = None  # raised instead of returning the state
    asked: int = 0

    def state(self) -> InstanceState:
        self.asked += 1
        if self.silence:
            raise self.silence
        return InstanceState(self.name, self.reason)

    def start(self) -> None:
        self._obey("start", "stopped", "pending")

    def stop(self) -> None:
        self._obey("stop", "running", "stopping")

    def _obey(self, order: str, possible: str, then: str) -> None:
        self.orders.append(order)
        if self.refusals:
            raise self.refusals.pop(0)
        if self.name in ("pending", "stopping"):
            raise InstanceError("It is just starting or stopping.", code="IncorrectInstanceState", retry_after=0.1)
        if self.name == possible:
            self.name = then


@dataclass
class Core:
    """What answers at the core's address. Without a `status`, nothing does."""

    status: int | None = None
    parts: dict[str, str] = field(default_factory=lambda: dict(GOOD))
    draining: bool = False

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        if self.status is None:
            return  # closes the connection without an answer
        path = request.path
        if path == "/ready":
            self._say(request, self.status, self.parts)
        elif path == "/drain" and request.command == "DELETE":
            self.draining = False
            self._say(request, 200, {"draining": False})
        elif self.draining:
            self._say(request, 503, {"detail": "The core is about to stop."})
        else:
            self._say(request, 200, {})

    @staticmethod
    def _say(request: BaseHTTPRequestHandler, status: int, body: Any) -> None:
        send(request, status, json.dumps(body).encode())
