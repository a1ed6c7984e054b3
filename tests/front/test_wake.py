import pytest

from front.machine.instance import InstanceState
from front.machine.observer import Seen
from front.machine.stages import stage_of
from front.machine.wake import (
    LONGEST_PAUSE,
    LONGEST_WAIT,
    PATIENCE,
    SETTLE,
    Wake,
    has_fallen_back,
    next_step,
    why_hopeless,
)

ASKED = 1000.0


def seen(name: str, after: float = 1, **more: object) -> Seen:
    reason = str(more.pop("reason", ""))
    return Seen(InstanceState(name, reason), at=ASKED + after, **more)  # type: ignore[arg-type]  # the caller knows the fields


def waking(*looks: Seen, started: float | None = None) -> Wake:
    """A waking after these looks; the machine accepted its order `started` seconds after the request."""
    wake = Wake("sato", ASKED, started_at=None if started is None else ASKED + started)
    for look in looks:
        wake.note(look, stage_of(look.instance.name, ready=None, waking=True, stopping=False, unready_for=0))
    return wake


class TestTheNextStep:
    def test_a_stopped_machine_is_started(self) -> None:
        assert next_step(waking(), seen("stopped")) == "start"

    def test_it_is_not_started_twice(self) -> None:
        assert next_step(waking(started=0), seen("stopped")) == "wait"

    @pytest.mark.parametrize("name", ["pending", "running", "stopping", "unknown"])
    def test_a_machine_that_is_changing_or_silent_is_waited_for(self, name: str) -> None:
        assert next_step(waking(), seen(name)) == "wait"

    def test_a_machine_that_was_running_is_started_once_it_has_stopped(self) -> None:
        wake = waking(seen("running", 1), seen("stopping", 2), seen("stopped", 3))

        assert next_step(wake, seen("stopped", 3)) == "start"
        assert why_hopeless(wake, seen("stopped", 3)) == ""
        wake.started_at = ASKED + 4
        assert why_hopeless(wake, seen("stopped", 5)) == ""

    def test_a_ready_core_is_joined(self) -> None:
        assert next_step(waking(), seen("running", ready=True)) == "join"
        assert next_step(waking(), seen("unmanaged", ready=True)) == "join"

    def test_after_a_refusal_it_waits_twice_as_long_each_time(self) -> None:
        wake, pauses = waking(), []
        for _ in range(6):
            wake.put_off("No machine is free.", 30, ASKED)
            pauses.append(wake.next_try - ASKED)

        assert pauses == [30, 60, 120, 240, LONGEST_PAUSE, LONGEST_PAUSE]
        assert "No machine is free." in wake.problem
        assert "in 300 s" in wake.problem
        assert next_step(wake, seen("stopped", LONGEST_PAUSE - 1)) == "wait"
        assert next_step(wake, seen("stopped", LONGEST_PAUSE)) == "start"

    def test_a_machine_that_stopped_again_for_a_reason_that_passes_is_started_again_after_a_pause(self) -> None:
        wake = waking(seen("pending", 2), started=1)
        stopped = seen("stopped", 5)
        assert has_fallen_back(wake, stopped)

        wake.fall_back("No machine is free.", stopped.at)

        assert "No machine is free. The next attempt is in 30 s." in wake.problem
        assert (why_hopeless(wake, stopped), next_step(wake, stopped)) == ("", "wait")
        assert next_step(wake, seen("stopped", 35)) == "start"


class TestGivingUp:
    def test_a_machine_that_stops_again_is_reported_with_its_reason(self) -> None:
        wake = waking(seen("pending", 1), started=0)

        assert why_hopeless(wake, seen("stopped", 2, reason="Its disk is locked.")) == "Its disk is locked."

    def test_a_machine_that_others_stop_is_not_started_again(self) -> None:
        wake = waking(seen("pending", 1), seen("running", 9), seen("stopping", 10), started=0)

        assert "was stopped again" in why_hopeless(wake, seen("stopped", 20))

    def test_what_aws_says_right_after_a_start_may_be_outdated(self) -> None:
        wake = waking(started=0)

        assert why_hopeless(wake, seen("stopped", SETTLE - 1, reason="Of last week.")) == ""
        assert why_hopeless(wake, seen("stopped", SETTLE + 1, reason="Of today.")) == "Of today."

    def test_a_core_that_is_not_up_in_ten_minutes_is_given_up(self) -> None:
        wake = waking(seen("pending", 1), started=0)

        assert why_hopeless(wake, seen("running", PATIENCE)) == ""
        assert "ten minutes" in why_hopeless(wake, seen("running", PATIENCE + 2))
        assert "redis: down" in why_hopeless(wake, seen("running", PATIENCE + 2, ready=False, problem="redis: down"))

    def test_the_ten_minutes_begin_with_the_machine_and_not_with_the_request(self) -> None:
        wake = waking(seen("pending", 3000), started=2999)

        assert why_hopeless(wake, seen("running", 3000 + PATIENCE - 1)) == ""

    def test_after_an_hour_without_a_machine_the_waking_is_given_up(self) -> None:
        wake = waking()
        wake.put_off("No machine is free.", 30, ASKED)

        assert why_hopeless(wake, seen("stopped", LONGEST_WAIT - 1)) == ""
        assert "No machine is free." in why_hopeless(wake, seen("stopped", LONGEST_WAIT + 1))

    def test_a_ready_core_is_never_given_up(self) -> None:
        wake = waking(seen("pending", 1), started=0)

        assert why_hopeless(wake, seen("running", PATIENCE + 99, ready=True)) == ""
        assert why_hopeless(wake, seen("unknown", 3, ready=True, hopeless=True, problem="Forbidden.")) == ""

    def test_a_hopeless_error_ends_the_waking_at_once(self) -> None:
        assert why_hopeless(waking(), seen("unknown", hopeless=True, problem="Forbidden.")) == "Forbidden."
        assert why_hopeless(waking(), seen("unknown", problem="Throttled.")) == ""


def test_each_stage_is_recorded_once_with_the_seconds_since_the_request() -> None:
    wake = waking(seen("pending", 2), seen("pending", 3), seen("running", 30))

    assert wake.stages == [("asked", 0), ("pending", 2), ("running", 30)]


def test_a_problem_is_cleared_when_the_machine_starts_anyway() -> None:
    wake = waking()
    wake.put_off("No machine is free.", 30, ASKED)

    wake.note(seen("pending"), "pending")

    assert wake.problem == ""
