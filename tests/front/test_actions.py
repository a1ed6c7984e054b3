import pytest

from front.errors import CoreRefused, CoreUnreachable, FrontError, InstanceError
from front.machine.actions import TRIES_SECONDS, Orders, Stop
from front.machine.wake import Wake
from tests.front.fakes import FakeClient
from tests.front.machine import Machine

BUSY = InstanceError("AWS has no free machine.", retry_after=30)
FORBIDDEN = InstanceError("The front may not do this.")
ASKED = 1000.0


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def orders(machine: Machine, client: FakeClient) -> Orders:
    return Orders(machine, client.as_core)


@pytest.fixture
def wake() -> Wake:
    return Wake("sato", ASKED, users=["sato", "suzuki"])


class TestStart:
    def test_a_machine_that_takes_the_order_is_noted_as_started(
        self, orders: Orders, machine: Machine, wake: Wake
    ) -> None:
        wake.problem = str(BUSY)

        orders.start(wake)

        assert machine.orders == ["start"]
        assert wake.started_at
        assert (wake.problem, wake.over) == ("", False)

    def test_a_refusal_that_may_pass_is_tried_again_later(self, orders: Orders, machine: Machine, wake: Wake) -> None:
        machine.refusals = [BUSY]

        orders.start(wake)

        assert (wake.started_at, wake.over) == (None, False)
        assert wake.next_try > ASKED
        assert wake.problem.startswith(str(BUSY))

    def test_a_lasting_refusal_ends_the_waking(self, orders: Orders, machine: Machine, wake: Wake) -> None:
        machine.refusals = [FORBIDDEN]

        orders.start(wake)

        assert wake.failed
        assert wake.problem == str(FORBIDDEN)


class TestStop:
    def test_a_machine_that_takes_the_order_is_noted_as_told(self, orders: Orders, machine: Machine) -> None:
        machine.name, order = "running", Stop()

        orders.stop(order)

        assert machine.name == "stopping"
        assert order.told_at
        assert not order.waits

    def test_a_refusal_that_may_pass_keeps_the_order_waiting(
        self, orders: Orders, machine: Machine, client: FakeClient
    ) -> None:
        machine.refusals, order = [BUSY], Stop()

        orders.stop(order)

        assert order.waits
        assert client.calls == []

    def test_after_two_minutes_of_refusals_the_order_is_given_up_and_the_core_works_on(
        self, orders: Orders, machine: Machine, client: FakeClient
    ) -> None:
        order = Stop()
        order.asked_at -= TRIES_SECONDS + 1
        machine.refusals, client.draining = [BUSY], True

        orders.stop(order)

        assert order.problem == str(BUSY)
        assert not client.draining

    def test_after_a_lasting_refusal_the_core_works_on(
        self, orders: Orders, machine: Machine, client: FakeClient
    ) -> None:
        machine.refusals, client.draining, order = [FORBIDDEN], True, Stop()

        orders.stop(order)

        assert order.problem == str(FORBIDDEN)
        assert not client.draining

    @pytest.mark.parametrize("failure", [CoreUnreachable("silent"), CoreRefused(503, "busy")])
    def test_a_core_that_cannot_be_told_to_work_on_is_only_logged(
        self, orders: Orders, client: FakeClient, failure: FrontError, caplog: pytest.LogCaptureFixture
    ) -> None:
        client.failure, order = failure, Stop()

        orders.refuse(order, "It is protected.")

        assert order.problem == "It is protected."
        assert str(failure) in caplog.text


class TestJoin:
    def test_everybody_who_asked_goes_on_the_list(self, orders: Orders, client: FakeClient, wake: Wake) -> None:
        orders.join(wake)

        assert list(client.users) == ["sato", "suzuki"]
        assert wake.users == []

    @pytest.mark.parametrize("failure", [CoreUnreachable("silent"), CoreRefused(503, "about to stop")])
    def test_while_the_core_takes_nobody_they_go_on_waiting(
        self, orders: Orders, client: FakeClient, wake: Wake, failure: FrontError
    ) -> None:
        client.failure = failure

        orders.join(wake)

        assert wake.users == ["sato", "suzuki"]

    def test_a_name_that_the_core_refuses_is_not_tried_again(
        self, orders: Orders, client: FakeClient, wake: Wake
    ) -> None:
        client.failure = CoreRefused(422, "Please correct: username.")

        orders.join(wake)

        assert wake.users == []
