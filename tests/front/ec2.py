"""EC2 as simulated by moto over HTTP, made slow and able to refuse, like the real one."""

import copy
from typing import Any

import pytest
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance, StateReason

REGION = "ap-northeast-1"
CODES = {"pending": 0, "running": 16, "stopping": 64, "stopped": 80}


class Ec2:
    """One running machine. An order only begins a change; `arrive` completes it, or `fall_back` fails it."""

    def __init__(self, url: str, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self.client = url, client
        started = self.client.run_instances(ImageId="ami-03cf127a", MinCount=1, MaxCount=1)
        self.instance_id = started["Instances"][0]["InstanceId"]
        self.refusals: list[str] = []  # the error codes of the next orders
        self.orders: list[str] = []
        monkeypatch.setattr(Instance, "start", self._order("start", "stopped", "pending"))
        monkeypatch.setattr(Instance, "stop", self._order("stop", "running", "stopping"))

    @property
    def machine(self) -> Any:
        return ec2_backends["123456789012"][REGION].get_instance(self.instance_id)

    @property
    def state(self) -> str:
        name: str = self.machine._state.name
        return name

    def arrive(self) -> None:
        self._become({"pending": "running", "stopping": "stopped"}[self.state])
        if self.state == "stopped":
            self.machine.state_reason = StateReason("User initiated shutdown", "Client.UserInitiatedShutdown")

    def fall_back(self, code: str, message: str = "Why, it says here.") -> None:
        self._become("stopped")
        self.machine.state_reason = StateReason(message, code)

    def _become(self, name: str) -> None:
        self.machine._state.name, self.machine._state.code = name, CODES[name]

    def _order(self, order: str, possible: str, then: str) -> Any:
        def obey(_: Instance) -> Any:
            previous = copy.copy(self.machine._state)
            if self.refusals:
                raise EC2ClientError(self.refusals.pop(0), "Because.")
            if self.state in ("pending", "stopping"):
                raise EC2ClientError("IncorrectInstanceState", f"The instance is not in a state from which to {order}.")
            self.orders.append(order)
            if self.state == possible:
                self._become(then)
            return previous

        return obey
