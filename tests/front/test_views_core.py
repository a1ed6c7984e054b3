import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from front.errors import CoreRefused, CoreUnreachable
from front.machine.instance import InstanceState
from front.machine.stages import Stage
from front.panels.usage import is_stale
from front.panels.waking import steps, total
from tests.front.fakes import READY, running, snapshot, task
from tests.front.pages import Core, again, open_page, press, said

TASK = {"kind": "task", "username": "tanaka", "task_id": "t1", "job": "count"}
USER = {"kind": "user", "username": "suzuki"}
TOKYO = ZoneInfo("Asia/Tokyo")


def test_a_sleeping_core_can_be_started(fake: Core) -> None:
    fake.see("asleep")
    app = press(open_page("core"), "start")
    assert fake.watch.started_by == ["sato"]
    assert "costs nothing" in said(app)


def test_the_stages_of_a_waking_are_listed_with_their_times(fake: Core) -> None:
    begun = (("asked", 0.0), ("pending", 2.0), ("running", 14.0))
    fake.see("running", stages=begun, asked_by="tanaka", asked_at=time.time() - 60)
    text = said(open_page("core"))
    assert ":green[:material/check_circle:] Asked to start · 2 s" in text
    assert ":green[:material/check_circle:] The machine starts · 12 s" in text
    assert ":orange[:material/pending:] The machine runs; the core on it does not answer yet · " in text
    assert ":gray[:material/circle:] :gray[Ready]" in text
    assert "Asked for by tanaka." in text


def test_running_is_not_ready() -> None:
    waking = snapshot("running", stages=(("asked", 0.0), ("running", 3.0)), asked_at=100.0)
    assert [step.state for step in steps(waking, 110.0)] == ["done", "done", "now", "later", "later"]
    assert [step.seconds for step in steps(waking, 110.0)] == [3.0, None, 7.0, None, None]
    assert total(waking, 110.0) == 10.0


def test_the_clock_stops_at_ready() -> None:
    awake = snapshot("ready", stages=(("asked", 0.0), ("running", 3.0), ("ready", 40.0)), asked_at=100.0)
    assert {step.state for step in steps(awake, 9000.0)} == {"done"}
    assert total(awake, 9000.0) == 40.0


def test_a_core_that_nobody_asked_for_has_no_stages() -> None:
    assert steps(snapshot("ready"), 0) == []


def test_each_part_that_is_not_well_says_what_is_wrong(fake: Core) -> None:
    fake.see("containers starting", ready={**READY, "worker": "No worker has given a sign of life."})
    text = said(open_page("core"))
    assert ":red[:material/error:] Worker: No worker has given a sign of life." in text
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


def test_who_and_what_holds_the_core_is_named_before_it_is_stopped(fake: Core) -> None:
    fake.client.holds = [TASK, USER]
    app = press(open_page("core"), "stop")
    assert "**tanaka** has a task that waits or runs: Count the items." in said(app)
    assert "**suzuki** is using it" in said(app)
    assert fake.watch.stopped == 0
    press(app, "stop-no")
    assert "still in use" not in said(app)
    assert not fake.client.draining


def test_whoever_has_seen_the_names_may_stop_it_all_the_same(fake: Core) -> None:
    fake.client.holds = [TASK, USER]
    app = press(open_page("core"), "stop")
    press(app, "stop-yes")
    assert "drain by force" in fake.client.calls
    assert fake.watch.stopped == 1


def test_whoever_came_meanwhile_is_named_first(fake: Core) -> None:
    fake.client.holds = [USER]
    app = press(open_page("core"), "stop")
    fake.client.holds = [USER, TASK]
    press(app, "stop-yes")
    assert "**tanaka** has a task" in said(app)
    assert fake.watch.stopped == 0
    press(app, "stop-yes")
    assert fake.watch.stopped == 1


def test_a_core_that_cannot_say_who_uses_it_is_stopped_only_on_a_second_word(fake: Core) -> None:
    fake.see("unreachable")
    fake.client.failure = CoreUnreachable("The core did not answer in time.")
    app = press(open_page("core"), "stop")
    assert "It cannot say whether somebody is using it." in said(app)
    assert fake.watch.stopped == 0
    press(app, "stop-yes")
    assert fake.watch.stopped == 1


def test_a_core_that_refuses_to_be_drained_is_not_stopped(fake: Core) -> None:
    fake.client.failure = CoreRefused(503, "The task queue is not available.")
    app = press(open_page("core"), "stop")
    assert "The task queue is not available." in said(app)
    assert fake.watch.stopped == 0


def test_the_question_goes_with_the_core(fake: Core) -> None:
    fake.client.holds = [USER]
    app = press(open_page("core"), "stop")
    fake.see("asleep")
    assert "still in use" not in said(again(app))


def test_people_join_and_part(fake: Core) -> None:
    app = open_page("core")
    assert app.button(key="part").disabled
    press(app, "join")
    assert "**sato** (you) · since" in said(app)
    press(app, "part")
    assert "Nobody is on the list." in said(app)


def test_a_list_that_cannot_be_changed_says_why(fake: Core) -> None:
    app = open_page("core")
    fake.client.failure = CoreRefused(503, "The core is about to stop and accepts nothing new.")
    press(app, "join")
    assert "The core is about to stop" in said(app)


def test_somebody_who_forgot_to_leave_is_shown_as_holding_nothing(fake: Core) -> None:
    now = datetime.now(TOKYO)
    fake.client.users = {
        "tanaka": f"{now - timedelta(hours=25):%Y/%m/%d %H:%M}",
        "suzuki": f"{now - timedelta(hours=2):%Y/%m/%d %H:%M}",
    }
    text = said(open_page("core"))
    assert "person_off: tanaka" in text
    assert "long ago, holds nothing" in text
    assert "person: **suzuki**" in text


@pytest.mark.parametrize(("since", "stale"), [("2026/11/24 12:01", False), ("2026/11/23 11:59", True), ("?", True)])
def test_an_entry_is_stale_after_so_many_hours(since: str, stale: bool) -> None:
    assert is_stale(since, datetime(2026, 11, 24, 12, tzinfo=TOKYO), 24) is stale


def test_what_waits_and_runs_is_listed_and_what_is_finished_is_not(fake: Core) -> None:
    fake.client.put(running(username="tanaka"), running(task_status="PENDING"), task())
    app = open_page("core")
    assert "1 running, 1 waiting." in said(app)
    labels = [link.value.replace("\\", "") for link in app.page_link if "Count" in link.value]
    assert labels == ["Count the items · tanaka · 58%", "Count the items · sato"]
