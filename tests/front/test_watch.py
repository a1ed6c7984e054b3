import threading
import time
from collections.abc import Iterator

import pytest

from front.core_client import CoreClient
from front.errors import InstanceError
from front.machine import watch
from front.machine.instance import InstanceState
from front.machine.watch import Snapshot, Watch
from tests.front.answering import Answering
from tests.front.machine import Core, Machine
from tests.live import until

BUSY = "AWS has no free machine."


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def server(core: Core) -> Iterator[Answering]:
    with Answering(core) as server:
        yield server


@pytest.fixture
def watched(machine: Machine, server: Answering) -> Iterator[Watch]:
    """A watch that looks every 20 ms."""
    watching = Watch(machine, CoreClient(server.url, "the-key-of-the-tests"), quick=0.02, slow=0.02).begin()
    yield watching
    watching.end()


def shows(watched: Watch, *stages: str) -> Snapshot:
    """The snapshot, as soon as it is at one of these stages."""

    def arrived() -> Snapshot | None:
        snapshot = watched.snapshot()
        return snapshot if snapshot.stage in stages else None

    return until(arrived, 5, 0.005)


def tells(watched: Watch, words: str) -> Snapshot:
    """The snapshot, as soon as its problem has these words."""

    def told() -> Snapshot | None:
        snapshot = watched.snapshot()
        return snapshot if words in snapshot.problem else None

    return until(told, 5, 0.005)


def looks(machine: Machine, times: int = 3) -> None:
    """Wait until the machine was asked so many times more."""
    before = machine.asked
    until(lambda: machine.asked >= before + times, 5, 0.005)


def wake(watched: Watch, machine: Machine, core: Core) -> Snapshot:
    watched.start("sato")
    shows(watched, "pending")
    machine.name, core.status = "running", 200
    until(lambda: watched._wake and watched._wake.over)
    return shows(watched, "ready")


def joined(server: Answering) -> list[str]:
    return [body["username"] for _, path, body in server.requests if path == "/add_active_user"]


class TestWaking:
    def test_it_passes_every_stage_and_ends_with_the_user_on_the_list(
        self, watched: Watch, machine: Machine, core: Core, server: Answering
    ) -> None:
        assert shows(watched, "asleep").asked_at is None

        watched.start("sato")
        assert watched.snapshot().stage in ("asked", "pending")
        shows(watched, "pending")
        machine.name = "running"
        assert shows(watched, "running").problem == ""
        core.status, core.parts["worker"] = 503, "none yet"
        starting = shows(watched, "containers starting")
        assert (starting.ready, starting.problem) == (core.parts, "")
        core.status, core.parts["worker"] = 200, "ok"

        ready = shows(watched, "ready")
        until(lambda: joined(server) == ["sato"])
        assert (ready.asked_by, ready.problem) == ("sato", "")
        assert [stage for stage, _ in ready.stages] == ["asked", "pending", "running", "containers starting", "ready"]
        times = [seconds for _, seconds in ready.stages]
        assert times == sorted(times)
        assert machine.orders == ["start"]

    def test_all_who_asked_go_on_the_list_and_the_first_is_named(
        self, watched: Watch, machine: Machine, core: Core, server: Answering
    ) -> None:
        watched.start("sato")
        watched.start("suzuki")
        watched.start("sato")
        shows(watched, "pending")
        machine.name, core.status = "running", 200

        until(lambda: joined(server) == ["sato", "suzuki"])
        assert watched.snapshot().asked_by == "sato"
        assert machine.orders == ["start"]

    def test_a_machine_that_stops_is_started_when_it_has_stopped(self, watched: Watch, machine: Machine) -> None:
        machine.name = "stopping"
        shows(watched, "stopping")

        watched.start("sato")
        looks(machine)
        assert machine.orders == []
        machine.name = "stopped"

        assert shows(watched, "pending").asked_by == "sato"

    def test_a_machine_that_runs_already_is_not_started_again(
        self, watched: Watch, machine: Machine, core: Core, server: Answering
    ) -> None:
        machine.name, core.status = "running", 200
        shows(watched, "ready")

        watched.start("suzuki")

        until(lambda: joined(server) == ["suzuki"])
        assert machine.orders == []

    def test_a_shortage_is_told_and_tried_again(self, watched: Watch, machine: Machine) -> None:
        machine.refusals = [InstanceError(BUSY, retry_after=0.2), InstanceError(BUSY, retry_after=0.2)]

        watched.start("sato")

        told = tells(watched, BUSY)
        assert (told.stage, told.asked_by) == ("asked", "sato")
        assert "tried again in" in told.problem
        assert shows(watched, "pending").problem == ""
        assert machine.orders == ["start"] * 3

    def test_a_refusal_for_good_is_told_and_not_tried_again(self, watched: Watch, machine: Machine) -> None:
        machine.refusals = [InstanceError("The front may not do this.")]

        watched.start("sato")

        told = tells(watched, "may not do this")
        assert (told.stage, told.asked_by, told.asked_at, told.stages) == ("asleep", "", None, ())
        looks(machine)
        assert machine.orders == ["start"]

    def test_after_a_failure_it_can_be_asked_again(self, watched: Watch, machine: Machine) -> None:
        machine.refusals = [InstanceError("The front may not do this.")]
        watched.start("sato")
        tells(watched, "may not do this")

        watched.start("sato")

        assert shows(watched, "pending").problem == ""

    def test_a_start_that_falls_back_is_told_with_its_reason(self, watched: Watch, machine: Machine) -> None:
        watched.start("sato")
        shows(watched, "pending")
        looks(machine)
        machine.name, machine.reason = "stopped", "Its disk is locked."

        told = tells(watched, "Its disk is locked.")
        assert (told.stage, told.instance.reason) == ("asleep", "Its disk is locked.")
        looks(machine)
        assert machine.orders == ["start"]

    def test_why_it_stopped_the_last_time_is_told_until_it_is_asked_again(
        self, watched: Watch, machine: Machine
    ) -> None:
        machine.reason = "Its disk is locked."
        assert tells(watched, "disk is locked").stage == "asleep"

        machine.refusals = [InstanceError(BUSY, retry_after=0.1)]
        watched.start("sato")

        assert "disk" not in tells(watched, BUSY).problem

    def test_while_the_core_drains_the_user_is_not_forgotten(
        self, watched: Watch, machine: Machine, core: Core, server: Answering
    ) -> None:
        machine.name, core.status, core.draining = "running", 200, True
        shows(watched, "ready")
        watched.start("sato")
        until(lambda: joined(server))

        machine.name = "stopping"
        shows(watched, "stopping")
        machine.name, core.draining = "stopped", False
        shows(watched, "pending")
        server.requests.clear()
        machine.name = "running"

        until(lambda: joined(server) == ["sato"])

    def test_a_machine_that_is_started_from_elsewhere_is_followed_too(
        self, watched: Watch, machine: Machine, core: Core
    ) -> None:
        shows(watched, "asleep")
        machine.name = "pending"
        shows(watched, "pending")
        machine.name = "running"
        assert shows(watched, "running", "unreachable").stage == "running"
        core.status = 200

        ready = shows(watched, "ready")
        assert ready.asked_by == ""
        assert ready.asked_at is not None
        assert machine.orders == []


class TestStopping:
    def test_it_stops_and_forgets_who_woke_it(self, watched: Watch, machine: Machine, core: Core) -> None:
        wake(watched, machine, core)

        watched.stop()
        assert watched.snapshot().stage == "stopping"
        until(lambda: machine.orders == ["start", "stop"])
        machine.name = "stopped"

        asleep = shows(watched, "asleep")
        assert (asleep.asked_by, asleep.asked_at, asleep.stages, asleep.problem) == ("", None, (), "")

    def test_if_it_refuses_the_core_accepts_tasks_again_and_it_is_told(
        self, watched: Watch, machine: Machine, core: Core
    ) -> None:
        wake(watched, machine, core)
        core.draining = True
        machine.refusals = [InstanceError("It is protected.")]

        watched.stop()

        assert tells(watched, "It is protected.").stage == "ready"
        until(lambda: not core.draining)
        looks(machine)
        assert machine.orders == ["start", "stop"]

    def test_a_machine_that_is_just_starting_is_stopped_as_soon_as_it_can_be(
        self, watched: Watch, machine: Machine
    ) -> None:
        watched.start("sato")
        shows(watched, "pending")

        watched.stop()
        assert watched.snapshot().stage == "stopping"
        until(lambda: machine.orders.count("stop") > 2)
        machine.name = "running"
        until(lambda: machine.name == "stopping")
        machine.name = "stopped"

        assert shows(watched, "asleep").problem == ""

    def test_it_is_not_asked_to_stop_for_ever(
        self, watched: Watch, machine: Machine, core: Core, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("front.machine.actions.TRIES_SECONDS", 0.1)
        wake(watched, machine, core)
        machine.refusals = [InstanceError(BUSY, retry_after=1)] * 99

        watched.stop()

        assert tells(watched, BUSY).stage == "ready"

    def test_a_machine_that_agrees_to_stop_and_runs_on_is_told(
        self, watched: Watch, machine: Machine, core: Core, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch, "SETTLE", 0.1)
        wake(watched, machine, core)
        monkeypatch.setattr(machine, "stop", lambda: None)
        core.draining = True

        watched.stop()

        assert tells(watched, "still runs").stage == "ready"
        until(lambda: not core.draining)

    def test_a_start_after_a_stop_wakes_it_again(self, watched: Watch, machine: Machine, core: Core) -> None:
        wake(watched, machine, core)

        watched.stop()
        watched.start("suzuki")
        until(lambda: machine.name == "stopping")
        machine.name = "stopped"

        assert shows(watched, "pending").asked_by == "suzuki"
        assert machine.orders == ["start", "stop", "start"]

    def test_a_start_that_follows_a_stop_at_once_is_not_done_before_it(
        self, watched: Watch, machine: Machine, core: Core, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wake(watched, machine, core)
        looking, go_on, ask = threading.Event(), threading.Event(), machine.state

        def slow() -> InstanceState:
            state = ask()
            looking.set()
            go_on.wait(5)
            return state

        monkeypatch.setattr(machine, "state", slow)
        assert looking.wait(5)
        watched.stop()
        watched.start("suzuki")
        go_on.set()
        until(lambda: machine.name == "stopping")
        machine.name = "stopped"

        assert shows(watched, "pending").asked_by == "suzuki"


class TestLooking:
    def test_a_snapshot_never_waits_for_a_slow_machine(
        self, machine: Machine, server: Answering, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def slow() -> InstanceState:
            time.sleep(2)
            return InstanceState("running")

        monkeypatch.setattr(machine, "state", slow)
        watching = Watch(machine, CoreClient(server.url, "the-key-of-the-tests")).begin()
        began = time.monotonic()

        first = watching.snapshot()

        assert time.monotonic() - began < 1
        assert (first.stage, first.problem, first.checked_at) == ("unknown", "", 0)
        began = time.monotonic()
        watching.start("sato")
        watching.stop()
        assert time.monotonic() - began < 0.1
        watching.end()

    def test_a_machine_that_cannot_be_asked_is_told(self, watched: Watch, machine: Machine) -> None:
        machine.silence = InstanceError("AWS cannot be reached.", code="EndpointConnectionError", retry_after=5)

        told = shows(watched, "unknown")
        assert told.problem == "AWS cannot be reached."
        machine.silence = None
        assert shows(watched, "asleep").problem == ""

    def test_a_core_that_answers_is_ready_even_if_its_machine_cannot_be_asked(
        self, watched: Watch, machine: Machine, core: Core
    ) -> None:
        machine.name, core.status = "running", 200
        shows(watched, "ready")

        machine.silence = InstanceError("AWS cannot be reached.", retry_after=5)

        assert tells(watched, "AWS cannot be reached.").stage == "ready"

    def test_a_broken_part_that_keeps_no_task_from_running_is_shown_and_no_more(
        self, watched: Watch, machine: Machine, core: Core
    ) -> None:
        machine.name, core.status, core.parts["jobs"] = "running", 200, "reports.py cannot be imported"

        ready = shows(watched, "ready")
        assert ready.ready is not None
        assert ready.ready["jobs"] == "reports.py cannot be imported"
        assert ready.problem == ""

    def test_a_core_that_dies_is_unreachable_and_one_that_returns_is_ready(
        self, watched: Watch, machine: Machine, core: Core
    ) -> None:
        wake(watched, machine, core)

        core.status = None
        assert "cannot be reached" in shows(watched, "unreachable").problem
        core.status = 200

        assert shows(watched, "ready").problem == ""

    def test_one_missed_answer_is_no_news(
        self, watched: Watch, machine: Machine, core: Core, server: Answering
    ) -> None:
        wake(watched, machine, core)
        missed = [True]

        def miss_one(request: object) -> None:
            if missed:
                missed.pop()
            else:
                core(request)  # type: ignore[arg-type]  # the handler passes itself

        server.behave = miss_one
        before = machine.asked
        stages = []

        def missed_and_over() -> bool:
            stages.append(watched.snapshot().stage)
            return not missed and machine.asked > before + 5

        until(missed_and_over, 5, 0.002)
        assert set(stages) == {"ready"}

    def test_a_terminated_machine_is_told(self, watched: Watch, machine: Machine) -> None:
        machine.name = "terminated"

        assert "gone for good" in shows(watched, "unknown").problem
        watched.start("sato")
        looks(machine)
        assert machine.orders == []

    def test_a_failure_of_the_front_itself_does_not_end_the_watch(
        self, watched: Watch, machine: Machine, caplog: pytest.LogCaptureFixture
    ) -> None:
        machine.silence = ZeroDivisionError("a bug")  # type: ignore[assignment]  # as said
        assert tells(watched, "failure of its own").stage == "unknown"
        assert "a bug" in caplog.text

        machine.silence = None

        shows(watched, "asleep")

    def test_it_looks_often_only_while_somebody_watches_or_something_changes(
        self, machine: Machine, server: Answering, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch, "WATCHED", 0.3)
        watching = Watch(machine, CoreClient(server.url, "the-key-of-the-tests"), quick=0.02, slow=60).begin()
        watching.snapshot()
        looks(machine, 5)
        until(lambda: watching._pause() == 60)
        time.sleep(0.1)  # the last quick pause passes
        asked = machine.asked
        time.sleep(0.2)
        assert machine.asked == asked

        watching.snapshot()
        until(lambda: machine.asked > asked)
        watching.end()


class TestACoreThatOthersRun:
    @pytest.mark.parametrize(("status", "stage"), [(None, "unreachable"), (503, "containers starting"), (200, "ready")])
    def test_its_stage_comes_from_the_core_alone(
        self, watched: Watch, machine: Machine, core: Core, status: int | None, stage: str
    ) -> None:
        machine.name, core.status = "unmanaged", status

        assert shows(watched, stage).asked_at is None

    def test_an_order_is_refused_with_the_reason(self, watched: Watch, machine: Machine) -> None:
        machine.name, machine.refusals = "unmanaged", [InstanceError("It is run by others.")]
        shows(watched, "unreachable")

        watched.start("sato")

        assert tells(watched, "It is run by others.").stage == "unreachable"
