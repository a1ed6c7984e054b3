import pytest

from front.machine.actions import Stop
from front.machine.instance import InstanceState
from front.machine.observer import Seen
from front.machine.snapshot import is_stopping, is_waking, picture, stage_now
from front.machine.stages import BLIP
from front.machine.wake import Wake

NOW = 5000.0


def seen(name: str, ready: bool | None = None, problem: str = "", ready_at: float = NOW) -> Seen:
    parts = None if ready is None else {"worker": "ok"}
    return Seen(InstanceState(name), ready=ready, parts=parts, problem=problem, ready_at=ready_at, at=NOW)


def waking(problem: str = "", over: bool = False) -> Wake:
    return Wake("sato", NOW - 60, stages=[("asked", 0.0), ("pending", 2.0)], problem=problem, over=over)


def test_a_waking_lasts_until_it_is_over() -> None:
    assert not is_waking(None)
    assert is_waking(waking())
    assert is_waking(waking("It is tried again."))
    assert not is_waking(waking(over=True))


def test_a_stop_lasts_until_it_is_refused() -> None:
    assert not is_stopping(None)
    assert is_stopping(Stop())
    assert not is_stopping(Stop(problem="It is protected."))


def test_the_stage_follows_from_the_look_and_from_what_was_ordered() -> None:
    assert stage_now(seen("stopped"), None, None) == "asleep"
    assert stage_now(seen("stopped"), waking(), None) == "asked"
    assert stage_now(seen("stopped"), waking(over=True), None) == "asleep"
    assert stage_now(seen("running", ready=True), None, Stop()) == "stopping"
    assert stage_now(seen("running", ready=True), None, Stop(problem="no")) == "ready"


@pytest.mark.parametrize(("ago", "stage"), [(BLIP - 1, "containers starting"), (BLIP + 1, "unreachable")])
def test_a_core_may_be_unready_for_a_moment_only(ago: float, stage: str) -> None:
    assert stage_now(seen("running", ready=False, ready_at=NOW - ago), None, None) == stage


def test_a_snapshot_shows_the_core_as_it_was_seen() -> None:
    shown = picture(seen("running", ready=True), None, None)

    assert (shown.instance.name, shown.stage, shown.ready, shown.checked_at) == (
        "running",
        "ready",
        {"worker": "ok"},
        NOW,
    )
    assert (shown.asked_by, shown.asked_at, shown.stages, shown.problem) == ("", None, (), "")


@pytest.mark.parametrize("over", [False, True])
def test_a_snapshot_tells_of_the_last_waking(over: bool) -> None:
    shown = picture(seen("running", ready=True), waking(over=over), None)

    assert (shown.asked_by, shown.asked_at, shown.stages) == ("sato", NOW - 60, (("asked", 0.0), ("pending", 2.0)))


def test_of_a_failed_waking_only_the_problem_is_shown() -> None:
    shown = picture(seen("stopped"), waking("AWS has no free machine.", over=True), None)

    assert (shown.stage, shown.problem) == ("asleep", "AWS has no free machine.")
    assert (shown.asked_by, shown.asked_at, shown.stages) == ("", None, ())


def test_while_the_core_starts_its_silence_is_no_problem() -> None:
    silent = seen("running", problem="The core cannot be reached.")

    assert picture(silent, waking(), None).problem == ""
    assert picture(silent, None, None).problem == "The core cannot be reached."


def test_why_the_machine_stopped_last_time_is_no_problem_of_a_new_waking() -> None:
    stopped = seen("stopped", problem="Its disk is locked.")

    assert picture(stopped, None, None).problem == "Its disk is locked."
    assert picture(stopped, waking(), None).problem == ""


def test_an_orders_problem_is_shown_before_what_was_seen() -> None:
    broken = seen("running", problem="The core cannot be reached.")

    assert picture(broken, None, Stop(problem="It is protected.")).problem == "It is protected."
    assert picture(broken, waking("No free machine."), Stop(problem="It is protected.")).problem == "No free machine."
