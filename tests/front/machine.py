"""A machine that does what a test says, and a core on it that answers what a test says."""

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
    """An order is noted and begun, or refused while it changes, as by EC2; the test moves `name` on."""

    name: str = "stopped"
    reason: str = ""
    orders: list[str] = field(default_factory=list)
    refusals: list[InstanceError] = field(default_factory=list)  # of the next orders
    silence: InstanceError | None = None  # instead of its state
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
    """What answers at the core's address: nothing, until it is told."""

    status: int | None = None
    parts: dict[str, str] = field(default_factory=lambda: dict(GOOD))
    draining: bool = False

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        if self.status is None:
            return  # the connection is closed without a word
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
