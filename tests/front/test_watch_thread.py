import threading
import time
from collections.abc import Iterator

import pytest

from front.core_client import CoreClient
from front.machine import watch
from front.machine.instance import InstanceState
from front.machine.watch import Snapshot, Watch
from tests.front.answering import Answering
from tests.front.fakes import FakeClient
from tests.front.machine import Core, Machine
from tests.live import until


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def live(machine: Machine, core: Core) -> Iterator[Watch]:
    """A watch with its thread, which looks every 20 ms, and a core that it reaches over HTTP."""
    with Answering(core) as server:
        watching = Watch(machine, CoreClient(server.url, "the-key-of-the-tests"), quick=0.02, slow=0.02).begin()
        yield watching
        watching.end()


def shows(watched: Watch, stage: str) -> Snapshot:
    """The snapshot, as soon as the core is at this stage."""

    def arrived() -> Snapshot | None:
        snapshot = watched.snapshot()
        return snapshot if snapshot.stage == stage else None

    return until(arrived, 5, 0.005)


def test_it_wakes_a_core_and_puts_it_to_sleep(live: Watch, machine: Machine, core: Core) -> None:
    shows(live, "asleep")
    live.start("sato")
    shows(live, "pending")
    machine.name, core.status = "running", 200
    shows(live, "ready")
    live.stop("sato")
    until(lambda: machine.name == "stopping")
    machine.name = "stopped"

    assert shows(live, "asleep").problem == ""
    assert machine.orders == ["start", "stop"]


def test_a_bug_in_the_front_does_not_end_it(live: Watch, machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    machine.silence = ZeroDivisionError("a bug")  # type: ignore[assignment]  # as said
    until(lambda: "internal error" in live.snapshot().problem)
    assert "a bug" in caplog.text

    machine.silence = None

    shows(live, "asleep")


def test_no_caller_waits_for_a_slow_machine(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def slow() -> InstanceState:
        release.wait(10)
        return InstanceState("running")

    monkeypatch.setattr(machine, "state", slow)
    watching = Watch(machine, FakeClient().as_core).begin()
    began = time.monotonic()

    first = watching.snapshot()

    assert time.monotonic() - began < 1
    assert (first.stage, first.problem, first.checked_at) == ("unknown", "", 0)
    began = time.monotonic()
    watching.start("sato")
    watching.stop("sato")
    assert time.monotonic() - began < 0.1
    release.set()
    watching.end()


def test_a_snapshot_wakes_it_from_a_long_pause(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "WATCHED", 0)
    watching = Watch(machine, FakeClient().as_core, quick=60, slow=60).begin()
    until(lambda: machine.asked == 1)

    watching.snapshot()

    until(lambda: machine.asked == 2)
    watching.end()
