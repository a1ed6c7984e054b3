import pytest

from front.errors import CoreUnreachable, InstanceError
from front.machine import watch
from front.machine.instance import InstanceState
from front.machine.watch import Snapshot, Watch
from tests.front.fakes import FakeClient
from tests.front.machine import Machine

BUSY = "AWS has no free machine."
FORBIDDEN = "The front may not do this."
SILENT = CoreUnreachable("The core cannot be reached.")


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def client() -> FakeClient:
    """A core that does not answer until a test says otherwise."""
    return FakeClient(failure=SILENT)


@pytest.fixture
def watched(machine: Machine, client: FakeClient) -> Watch:
    """A watch without its thread: it looks when a test says so."""
    watching = Watch(machine, client.as_core)
    watching._looked.set()
    return watching


def look(watched: Watch, times: int = 1) -> Snapshot:
    for _ in range(times):
        watched._tick()
    return watched.snapshot()


def wake(watched: Watch, machine: Machine, client: FakeClient) -> None:
    """Up to a ready core with sato on its list."""
    watched.start("sato")
    look(watched, 2)
    machine.name, client.failure = "running", None
    assert look(watched).stage == "ready"


class TestWaking:
    def test_it_passes_every_stage_and_ends_with_the_user_on_the_list(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        passed = [look(watched).stage]
        watched.start("sato")
        passed.append(watched.snapshot().stage)
        passed.append(look(watched, 2).stage)
        machine.name = "running"
        passed.append(look(watched).stage)
        client.failure, client.is_ready = None, False
        passed.append(look(watched).stage)
        client.is_ready = True
        ready = look(watched)

        assert passed == ["asleep", "asked", "pending", "running", "containers starting"]
        assert [stage for stage, _ in ready.stages] == ["asked", "pending", "running", "containers starting", "ready"]
        assert (ready.asked_by, ready.problem) == ("sato", "")
        assert list(client.users) == ["sato"]
        assert machine.orders == ["start"]

    def test_everybody_who_asked_goes_on_the_list_and_the_first_is_named(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        watched.start("sato")
        watched.start("suzuki")
        wake(watched, machine, client)

        assert list(client.users) == ["sato", "suzuki"]
        assert watched.snapshot().asked_by == "sato"
        assert machine.orders == ["start"]

    def test_a_machine_that_is_stopping_is_started_once_it_has_stopped(self, watched: Watch, machine: Machine) -> None:
        machine.name = "stopping"
        watched.start("sato")
        assert look(watched, 2).stage == "stopping"
        assert machine.orders == []

        machine.name = "stopped"

        assert look(watched, 2).stage == "pending"

    def test_a_machine_that_is_running_is_not_started_again(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        machine.name, client.failure = "running", None
        watched.start("suzuki")
        look(watched)

        assert list(client.users) == ["suzuki"]
        assert machine.orders == []

    def test_a_shortage_is_shown_and_the_start_is_tried_again(self, watched: Watch, machine: Machine) -> None:
        machine.refusals = [InstanceError(BUSY, retry_after=0), InstanceError(BUSY, retry_after=0)]
        watched.start("sato")

        short = look(watched, 2)

        assert (short.stage, short.asked_by) == ("asked", "sato")
        assert short.problem.startswith(BUSY)
        started = look(watched, 2)
        assert (started.stage, started.problem) == ("pending", "")
        assert machine.orders == ["start"] * 3

    def test_a_lasting_refusal_is_shown_until_somebody_asks_again(self, watched: Watch, machine: Machine) -> None:
        machine.refusals = [InstanceError(FORBIDDEN)]
        watched.start("sato")
        refused = look(watched, 3)
        assert (refused.stage, refused.problem, refused.asked_at) == ("asleep", FORBIDDEN, None)
        assert machine.orders == ["start"]

        watched.start("sato")

        assert look(watched, 2).problem == ""

    def test_a_start_that_fails_later_is_shown_with_its_reason_and_not_repeated(
        self, watched: Watch, machine: Machine
    ) -> None:
        watched.start("sato")
        look(watched, 2)
        machine.name, machine.reason = "stopped", "Its disk is locked."

        failed = look(watched, 3)

        assert (failed.stage, failed.problem) == ("asleep", "Its disk is locked.")
        assert machine.orders == ["start"]

    def test_somebody_who_asks_while_the_core_drains_is_served_after_the_stop(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        machine.name, client.failure, client.draining = "running", None, True
        look(watched)
        watched.start("sato")
        look(watched)
        for name in ("stopping", "stopped"):
            machine.name = name
            look(watched)
        assert machine.orders == ["start"]
        machine.name, client.draining = "running", False

        look(watched)

        assert list(client.users) == ["sato"]

    def test_a_machine_that_somebody_else_started_is_followed_too(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        look(watched)
        passed = []
        for name in ("pending", "running"):
            machine.name = name
            passed.append(look(watched).stage)
        client.failure = None
        ready = look(watched)

        assert [*passed, ready.stage] == ["pending", "running", "ready"]
        assert ready.asked_by == ""
        assert ready.asked_at is not None
        assert machine.orders == []


class TestStopping:
    def test_it_stops_the_machine_and_forgets_who_woke_it(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        wake(watched, machine, client)
        watched.stop("sato")
        assert watched.snapshot().stage == "stopping"
        look(watched)
        assert machine.orders == ["start", "stop"]
        machine.name = "stopped"

        asleep = look(watched)

        assert (asleep.stage, asleep.problem) == ("asleep", "")
        assert (asleep.asked_by, asleep.asked_at, asleep.stages) == ("", None, ())

    def test_who_stopped_it_is_known_until_it_is_awake_again(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        wake(watched, machine, client)
        assert watched.snapshot().stopped_by == ""
        watched.stop("tanaka")
        assert look(watched).stopped_by == "tanaka"
        machine.name = "stopped"
        asleep = look(watched, 2)
        assert (asleep.stage, asleep.stopped_by) == ("asleep", "tanaka")
        assert asleep.stopped_at

        wake(watched, machine, client)

        assert (watched.snapshot().stopped_by, watched.snapshot().stopped_at) == ("", None)
        assert machine.orders == ["start", "stop", "start"]

    def test_an_order_to_stop_a_machine_that_others_have_stopped_is_not_given(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        wake(watched, machine, client)
        machine.refusals = [InstanceError(BUSY, retry_after=0)]
        watched.stop("sato")
        look(watched)
        machine.name = "stopped"
        look(watched, 3)

        assert machine.orders.count("stop") <= 2

    def test_a_refusal_is_shown_and_the_core_works_on(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        wake(watched, machine, client)
        machine.refusals, client.draining = [InstanceError("It is protected.")], True
        watched.stop("sato")

        refused = look(watched, 2)

        assert (refused.stage, refused.problem) == ("ready", "It is protected.")
        assert not client.draining
        assert machine.orders == ["start", "stop"]

    def test_a_machine_that_is_starting_is_stopped_as_soon_as_it_can_be(self, watched: Watch, machine: Machine) -> None:
        watched.start("sato")
        look(watched, 2)
        watched.stop("sato")
        assert look(watched, 2).stage == "stopping"
        assert machine.name == "pending"

        machine.name = "running"
        look(watched)

        assert machine.name == "stopping"

    def test_a_machine_that_agrees_to_stop_and_keeps_running_is_reported(
        self, watched: Watch, machine: Machine, client: FakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch, "SETTLE", -1)
        wake(watched, machine, client)
        monkeypatch.setattr(machine, "stop", lambda: None)
        client.draining = True
        watched.stop("sato")

        still = look(watched)

        assert still.stage == "ready"
        assert "still running" in still.problem
        assert not client.draining

    def test_a_start_that_follows_a_stop_wakes_the_core_after_it(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        wake(watched, machine, client)
        watched.stop("sato")
        watched.start("suzuki")
        look(watched)
        assert machine.name == "stopping"
        machine.name = "stopped"

        assert look(watched, 2).asked_by == "suzuki"
        assert machine.orders == ["start", "stop", "start"]

    def test_a_stop_and_a_start_that_come_during_a_look_are_done_in_that_order(
        self, watched: Watch, machine: Machine, client: FakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wake(watched, machine, client)
        ask = machine.state

        def interrupted() -> InstanceState:
            monkeypatch.setattr(machine, "state", ask)
            state = ask()
            watched.stop("sato")
            watched.start("suzuki")
            return state

        monkeypatch.setattr(machine, "state", interrupted)
        look(watched, 2)
        assert machine.orders == ["start", "stop"]
        machine.name = "stopped"

        assert look(watched, 2).asked_by == "suzuki"


class TestSeeing:
    def test_a_ready_core_stays_ready_while_its_machine_cannot_be_asked(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        wake(watched, machine, client)
        machine.silence = InstanceError("AWS cannot be reached.", retry_after=5)

        seen = look(watched)

        assert (seen.stage, seen.problem) == ("ready", "AWS cannot be reached.")

    def test_a_core_that_dies_is_unreachable_and_one_that_returns_is_ready(
        self, watched: Watch, machine: Machine, client: FakeClient
    ) -> None:
        wake(watched, machine, client)
        client.failure = SILENT

        assert [look(watched).stage, look(watched).stage] == ["ready", "unreachable"]
        client.failure = None
        assert look(watched).stage == "ready"

    def test_a_terminated_machine_is_not_started(self, watched: Watch, machine: Machine) -> None:
        machine.name = "terminated"
        watched.start("sato")

        assert "gone for good" in look(watched, 3).problem
        assert machine.orders == []

    def test_a_core_that_others_run_refuses_an_order_with_the_reason(self, watched: Watch, machine: Machine) -> None:
        machine.name, machine.refusals = "unmanaged", [InstanceError("It is run by others.")]
        assert look(watched).asked_at is None
        watched.start("sato")

        seen = look(watched)

        assert (seen.stage, seen.problem) == ("unreachable", "It is run by others.")

    def test_it_looks_often_only_while_somebody_watches_or_something_changes(
        self, watched: Watch, machine: Machine, client: FakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look(watched)
        assert watched._pause() == watched._quick  # a page has just asked
        monkeypatch.setattr(watch, "WATCHED", 0)
        assert watched._pause() == watched._slow
        machine.name = "pending"
        look(watched)
        assert watched._pause() == watched._quick
        machine.name, client.failure = "running", None
        look(watched)
        assert watched._pause() == watched._slow
        client.failure = SILENT
        look(watched)
        assert watched._pause() == watched._quick  # the missed answer may be the first of many
        watched.stop("sato")
        assert watched._pause() == watched._quick
