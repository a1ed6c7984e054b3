import pytest

from front.errors import CoreUnreachable, InstanceError
from front.machine.instance import InstanceState
from front.machine.observer import Observer, Seen
from tests.front.fakes import READY, FakeClient
from tests.front.machine import Machine

SILENT = CoreUnreachable("The core cannot be reached.")
NOTHING = Seen(InstanceState("unknown"))


@pytest.fixture
def machine() -> Machine:
    return Machine("running")


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def observer(machine: Machine, client: FakeClient) -> Observer:
    return Observer(machine, client.as_core)


class TestTheMachine:
    @pytest.mark.parametrize("name", ["stopped", "pending", "stopping", "shutting-down", "terminated"])
    def test_while_it_is_not_running_the_core_is_not_asked(
        self, observer: Observer, machine: Machine, client: FakeClient, name: str
    ) -> None:
        machine.name = name

        seen = observer.look(NOTHING)

        assert (seen.instance.name, seen.ready, client.calls) == (name, None, [])

    def test_the_reason_why_it_stopped_is_reported(self, observer: Observer, machine: Machine) -> None:
        machine.name, machine.reason = "stopped", "Its disk is locked."

        assert observer.look(NOTHING).problem == "Its disk is locked."

    @pytest.mark.parametrize("name", ["shutting-down", "terminated"])
    def test_once_it_is_terminated_there_is_no_hope(self, observer: Observer, machine: Machine, name: str) -> None:
        machine.name = name

        seen = observer.look(NOTHING)

        assert seen.hopeless
        assert "gone for good" in seen.problem

    @pytest.mark.parametrize(("retry_after", "hopeless"), [(5, False), (None, True)])
    def test_when_it_cannot_be_asked_only_a_lasting_error_is_hopeless(
        self, observer: Observer, machine: Machine, retry_after: float | None, hopeless: bool
    ) -> None:
        machine.silence = InstanceError("AWS said no.", retry_after=retry_after)

        seen = observer.look(NOTHING)

        assert (seen.instance.name, seen.problem, seen.hopeless) == ("unknown", "AWS said no.", hopeless)
        assert seen.ready  # the core was asked all the same


class TestTheCore:
    def test_a_ready_core_has_no_problem(self, observer: Observer) -> None:
        seen = observer.look(NOTHING)

        assert (seen.ready, seen.parts, seen.problem, seen.ready_at) == (True, READY, "", seen.at)

    def test_an_unready_core_says_which_part_is_not_well(self, observer: Observer, client: FakeClient) -> None:
        client.is_ready, client.parts["worker"] = False, "none yet"

        seen = observer.look(NOTHING)

        assert seen.ready is False
        assert seen.problem.endswith("not ready. worker: none yet")

    def test_a_broken_part_that_keeps_no_task_from_running_is_no_problem(
        self, observer: Observer, client: FakeClient
    ) -> None:
        client.parts["jobs"] = "reports.py cannot be imported"

        seen = observer.look(NOTHING)

        assert (seen.ready, seen.problem) == (True, "")
        assert seen.parts == {**READY, "jobs": "reports.py cannot be imported"}

    def test_a_core_that_does_not_answer_is_a_problem(self, observer: Observer, client: FakeClient) -> None:
        client.failure = SILENT

        seen = observer.look(NOTHING)

        assert (seen.ready, seen.parts, seen.problem) == (None, None, str(SILENT))


class TestABlip:
    def test_the_first_missed_answer_of_a_ready_core_is_ignored_and_the_second_counts(
        self, observer: Observer, client: FakeClient
    ) -> None:
        ready = observer.look(NOTHING)
        client.failure = SILENT

        first = observer.look(ready)
        second = observer.look(first)

        assert (first.ready, first.problem, first.parts) == (True, "", READY)
        assert (second.ready, second.problem) == (None, str(SILENT))

    def test_a_missed_answer_counts_at_once_when_the_machine_has_changed_too(
        self, observer: Observer, machine: Machine, client: FakeClient
    ) -> None:
        ready = observer.look(NOTHING)
        client.failure, machine.name = SILENT, "stopped"

        assert observer.look(ready).ready is None

    def test_an_unready_core_remembers_when_it_was_last_ready(self, observer: Observer, client: FakeClient) -> None:
        ready = observer.look(NOTHING)
        client.is_ready = False

        assert observer.look(ready).ready_at == ready.at

    def test_a_core_never_seen_ready_counts_from_the_first_look(self, observer: Observer, client: FakeClient) -> None:
        client.is_ready = False

        first = observer.look(NOTHING)

        assert observer.look(first).ready_at == first.at
