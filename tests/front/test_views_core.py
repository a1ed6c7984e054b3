import time

import pytest

from front.errors import CoreRefused, CoreUnreachable, FrontError
from front.machine.instance import InstanceState
from front.machine.stages import Stage
from front.panels.waking import steps, total
from front.records import Hold
from tests.front.fakes import READY, running, snapshot, task
from tests.front.pages import Core, again, open_page, press, said

TASK: Hold = {"kind": "task", "username": "tanaka", "task_id": "t1", "job": "count"}
USER: Hold = {"kind": "user", "username": "suzuki"}


def test_a_sleeping_core_can_be_started(fake: Core) -> None:
    fake.see("asleep")
    app = press(open_page("core"), "start")
    assert fake.watch.started_by == ["sato"]
    assert "costs nothing" in said(app)


def test_the_stages_of_a_waking_are_listed_with_their_times(fake: Core) -> None:
    begun = (("asked", 0.0), ("pending", 2.0), ("running", 14.0))
    fake.see("running", stages=begun, asked_by="tanaka", asked_at=time.time() - 60)
    text = said(open_page("core"))
    assert ":green[:material/check_circle:] Start requested · 2 s" in text
    assert ":green[:material/check_circle:] Machine starting · 12 s" in text
    assert ":orange[:material/pending:] Machine running, core not up yet · " in text
    assert ":gray[:material/circle:] :gray[Ready]" in text
    assert "Started by tanaka." in text


def test_running_is_not_ready() -> None:
    waking = snapshot("running", stages=(("asked", 0.0), ("running", 3.0)), asked_at=100.0)
    assert [step.state for step in steps(waking, 110.0)] == ["done", "done", "now", "later", "later"]
    assert [step.seconds for step in steps(waking, 110.0)] == [3.0, None, 7.0, None, None]
    assert total(waking, 110.0) == 10.0


def test_the_clock_stops_at_ready() -> None:
    awake = snapshot("ready", stages=(("asked", 0.0), ("running", 3.0), ("ready", 40.0)), asked_at=100.0)
    assert {step.state for step in steps(awake, 9000.0)} == {"done"}
    assert total(awake, 9000.0) == 40.0


def test_a_core_that_was_not_woken_has_no_stages() -> None:
    assert steps(snapshot("ready"), 0) == []


def test_each_part_that_is_not_well_says_what_is_wrong(fake: Core) -> None:
    fake.see("containers starting", ready={**READY, "worker": "No worker has sent a heartbeat lately."})
    text = said(open_page("core"))
    assert ":red[:material/error:] Worker: No worker has sent a heartbeat lately." in text
    assert ":green[:material/check_circle:] Queue" in text


def test_a_problem_with_the_machine_is_shown(fake: Core) -> None:
    fake.see("unknown", problem="The front may not ask AWS. Ask an admin.")
    app = open_page("core")
    assert "The front may not ask AWS" in app.error[0].value


@pytest.mark.parametrize("stage", ["ready", "unreachable"])
def test_a_core_that_others_run_has_no_buttons_and_says_why(fake: Core, stage: Stage) -> None:
    fake.see(stage, instance=InstanceState("unmanaged"))
    app = open_page("core")
    assert not {"start", "stop"} & {button.key for button in app.button}
    assert "CORE_INSTANCE_ID" in said(app)


def test_an_unused_core_is_drained_and_stopped_at_once(fake: Core) -> None:
    press(open_page("core"), "stop")
    assert fake.client.draining
    assert fake.watch.stopped == 1


def test_every_hold_is_named_before_the_core_is_stopped(fake: Core) -> None:
    fake.client.holds = [TASK, USER]
    app = press(open_page("core"), "stop")
    assert "**tanaka** has a task waiting or running: Count the items." in said(app)
    assert "**suzuki** is using it" in said(app)
    assert fake.watch.stopped == 0
    press(app, "stop-no")
    assert "still in use" not in said(app)
    assert not fake.client.draining


def test_a_core_that_cannot_tell_who_uses_it_says_so_and_can_be_stopped(fake: Core) -> None:
    fake.client.holds = [{"kind": "list", "username": ""}]
    app = press(open_page("core"), "stop")
    assert "Somebody else may be using it" in said(app)
    press(app, "stop-yes")
    assert fake.watch.stopped == 1


def test_somebody_who_has_seen_every_hold_may_stop_the_core_anyway(fake: Core) -> None:
    fake.client.holds = [TASK, USER]
    app = press(open_page("core"), "stop")
    press(app, "stop-yes")
    assert fake.client.draining
    assert fake.watch.stopped == 1


def test_a_hold_that_appears_before_the_second_press_is_shown_and_not_stopped(fake: Core) -> None:
    fake.client.holds = [USER]
    app = press(open_page("core"), "stop")
    assert "[New]" not in said(app)

    fake.client.holds = [USER, TASK]
    press(app, "stop-yes")

    assert ":orange-badge[New] **tanaka** has a task" in said(app)
    assert "- **suzuki** is using it" in said(app)
    assert fake.watch.stopped == 0
    assert not fake.client.draining
    press(app, "stop-yes")
    assert fake.watch.stopped == 1


def test_a_new_hold_is_shown_even_when_the_accepted_one_has_gone(fake: Core) -> None:
    fake.client.holds = [USER]
    app = press(open_page("core"), "stop")
    fake.client.holds = [TASK]
    press(app, "stop-yes")
    assert ":orange-badge[New] **tanaka** has a task" in said(app)
    assert fake.watch.stopped == 0


def test_tasks_beyond_those_that_the_core_names_are_counted_and_shown_before_it_is_stopped(fake: Core) -> None:
    jobs = [Hold(kind="task", username=f"user{number}", task_id=f"t{number}", job="count") for number in range(3)]
    fake.client.holds, fake.client.named = jobs, 2
    app = press(open_page("core"), "stop")
    assert "and 1 more." in said(app)
    assert "user2" not in said(app)
    press(app, "stop-yes")
    assert "[New] **user2**" in said(app)
    assert fake.watch.stopped == 0
    press(app, "stop-yes")
    assert fake.watch.stopped == 1


CANNOT_SAY = [
    CoreUnreachable("The core did not answer in time."),
    CoreRefused(503, "The task queue does not answer."),
]


@pytest.mark.parametrize("reason", CANNOT_SAY)
def test_a_core_that_cannot_say_who_uses_it_is_stopped_only_on_the_second_press(fake: Core, reason: FrontError) -> None:
    fake.see("unreachable")
    fake.client.failure = reason
    app = press(open_page("core"), "stop")
    assert "The core cannot say who is using it" in said(app)
    assert str(reason) in said(app)
    assert fake.watch.stopped == 0
    press(app, "stop-yes")
    assert fake.watch.stopped == 1


def test_a_core_that_can_say_again_who_uses_it_is_asked_before_it_is_stopped(fake: Core) -> None:
    fake.client.failure = CANNOT_SAY[0]
    app = press(open_page("core"), "stop")
    fake.client.failure, fake.client.holds = None, [TASK]
    press(app, "stop-yes")
    assert "**tanaka** has a task" in said(app)
    assert fake.watch.stopped == 0


def test_holds_that_were_shown_stay_in_sight_when_the_core_falls_silent(fake: Core) -> None:
    fake.client.holds = [TASK]
    app = press(open_page("core"), "stop")
    fake.client.failure = CANNOT_SAY[0]
    press(app, "stop-yes")
    assert "**tanaka** has a task" in said(app)
    assert "The core cannot say who is using it" in said(app)
    assert fake.watch.stopped == 0
    press(app, "stop-yes")
    assert fake.watch.stopped == 1


@pytest.mark.parametrize(("status", "stage"), [(401, "ready"), (422, "ready"), (500, "unreachable"), (507, "ready")])
def test_a_core_that_refuses_for_any_reason_can_be_stopped_and_what_is_unknown_is_said(
    fake: Core, status: int, stage: Stage
) -> None:
    fake.see(stage)
    fake.client.drain_refusal = CoreRefused(status, "The core has a problem. Ask an admin.")
    app = press(open_page("core"), "stop")
    assert "The core has a problem. Ask an admin." in said(app)
    assert "It is unknown at the moment whether a task is running" in said(app)
    assert fake.watch.stopped == 0
    press(app, "stop-yes")
    assert fake.watch.stopped_by == ["sato"]


def test_a_machine_that_cannot_be_seen_can_be_told_to_stop(fake: Core) -> None:
    fake.see("unknown")
    fake.client.failure = CANNOT_SAY[0]
    press(press(open_page("core"), "stop"), "stop-yes")
    assert fake.watch.stopped == 1


def test_a_drain_that_was_left_behind_is_told_with_its_time_and_ends_with_one_press(fake: Core) -> None:
    fake.client.draining = True
    app = open_page("core")
    assert "**tanaka** is stopping the core, but its machine is still on." in said(app)
    assert "It accepts nothing new for another 7 min 30 s." in said(app)
    assert "The core is on, but accepts nothing new." in said(app)
    assert "ready for tasks" not in said(app)
    press(app, "undrain")
    assert not fake.client.draining
    assert "undrain" not in {button.key for button in app.button}


def test_a_drain_that_cannot_be_ended_says_why(fake: Core) -> None:
    fake.client.draining = True
    app = open_page("core")
    fake.client.failure = CANNOT_SAY[0]
    assert "did not answer in time" in said(press(app, "undrain"))


def test_a_drain_is_no_news_while_its_machine_is_stopping(fake: Core) -> None:
    fake.client.draining = True
    fake.see("stopping", ready=READY, stopped_by="sato", stopped_at=time.time())
    assert "still on" not in said(open_page("core"))


@pytest.mark.parametrize("page", ["submit", "tasks", "core"])
def test_everybody_is_told_who_stops_the_core_and_afterwards_who_did_and_when(fake: Core, page: str) -> None:
    fake.see("stopping", stopped_by="佐藤", stopped_at=time.time())
    app = open_page(page, user="tanaka")
    assert "佐藤 is stopping the core." in said(app)
    fake.see("asleep", stopped_by="佐藤", stopped_at=1764000000.0)
    assert "佐藤 stopped the core on 2025/11/25 at 01:00." in said(again(app))
    fake.see("asleep")
    assert "stopped the core" not in said(again(app))


def test_the_question_disappears_when_the_core_is_asleep(fake: Core) -> None:
    fake.client.holds = [USER]
    app = press(open_page("core"), "stop")
    fake.see("asleep")
    assert "still in use" not in said(again(app))


def test_people_can_join_and_leave_the_list(fake: Core) -> None:
    app = open_page("core")
    assert app.button(key="part").disabled
    press(app, "join")
    assert "**sato** (you) · last active" in said(app)
    press(app, "part")
    assert "Nobody is on the list." in said(app)


def test_a_person_who_is_listed_in_another_spelling_is_recognised_and_can_leave(fake: Core) -> None:
    fake.client.users = {"Sato": "2026/11/24 12:00"}
    app = open_page("core")
    assert "**Sato** (you)" in said(app)
    assert not app.button(key="part").disabled


def test_a_list_that_cannot_be_changed_says_why(fake: Core) -> None:
    app = open_page("core")
    fake.client.failure = CoreRefused(503, "The core is about to stop and accepts nothing new.")
    press(app, "join")
    assert "The core is about to stop" in said(app)


def test_somebody_whom_the_core_calls_stale_is_shown_as_not_counting(fake: Core) -> None:
    fake.client.users = {"tanaka": "2026/11/23 11:59", "suzuki": "2026/11/24 10:00"}
    fake.client.stale = ["tanaka"]
    text = said(open_page("core"))
    assert "person_off: tanaka" in text
    assert "too long ago to count" in text
    assert "person: **suzuki**" in text


def test_what_waits_and_runs_is_listed_and_what_is_finished_is_not(fake: Core) -> None:
    fake.client.put(running(username="tanaka"), running(task_status="PENDING"), task())
    app = open_page("core")
    assert "1 running, 1 waiting." in said(app)
    labels = [link.value.replace("\\", "") for link in app.page_link if "Count" in link.value]
    assert labels == ["Count the items · tanaka · 58%", "Count the items · sato"]
