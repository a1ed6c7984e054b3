import pytest
from streamlit.testing.v1 import AppTest

from front.errors import CoreRefused, CoreUnreachable
from front.machine.stages import Stage
from front.records import TaskStatus
from tests.front.fakes import running, task
from tests.front.pages import Core, again, open_page, press, said

ID = "7e57ed00-0000-4000-8000-000000000000"


def rows(app: AppTest) -> list[str]:
    keys = [button.key or "" for button in app.button]
    return [key.removeprefix("open-") for key in keys if key.startswith("open-")]


def at_minute(minute: int, **changed: object) -> TaskStatus:
    return task(f"t{minute:02}", submitted_at=f"2026-11-24T12:{minute:02}:00+00:00", **changed)


def test_my_tasks_are_listed_first_and_everybodys_on_request(fake: Core) -> None:
    fake.client.put(at_minute(1), at_minute(2, username="tanaka"), at_minute(3))
    app = open_page("tasks")
    assert rows(app) == ["t03", "t01"]
    app.button_group(key="whose").set_value("Everybody's")
    assert rows(again(app)) == ["t03", "t02", "t01"]


def test_a_row_shows_the_progress_and_the_times_of_a_task_in_the_companys_time_zone(fake: Core) -> None:
    fake.client.put(
        at_minute(1),
        at_minute(2, task_status="STARTED", progress={"done": 0.58, "message": ""}),
        at_minute(3, task_status="PENDING", queue_position=2, started_at=None),
    )
    text = said(open_page("tasks"))
    assert "sato · 2026/11/24 21:01 · took 1 min 30 s" in text
    assert "58%" in text
    assert "number 2 in the queue" in text


def test_older_tasks_are_on_the_next_page(fake: Core) -> None:
    fake.client.put(*(at_minute(minute) for minute in range(25)))
    app = open_page("tasks")
    assert rows(app)[-1] == "t05"
    press(app, "older")
    assert rows(app) == ["t04", "t03", "t02", "t01", "t00"]
    assert app.button(key="older").disabled
    assert rows(press(app, "newer"))[0] == "t24"


def test_an_empty_list_says_what_to_do(fake: Core) -> None:
    assert "No tasks yet. Submit one" in said(open_page("tasks"))


def test_a_row_opens_its_task_and_the_address_keeps_it(fake: Core) -> None:
    fake.client.put(task(ID))
    app = press(open_page("tasks"), f"open-{ID}")
    assert app.query_params["task"] == ID
    assert app.title[0].value == "Count the items"
    press(app, "back")
    assert "task" not in app.query_params


def test_a_running_task_shows_its_progress(fake: Core) -> None:
    fake.client.put(running(task_id=ID))
    app = open_page("tasks", task=ID)
    assert app.progress[0].value == 58
    assert app.progress[0].text.replace("\\", "") == "**58%**: Item 7"


@pytest.mark.parametrize(
    ("position", "words"),
    [(1, "It is next."), (2, "1 task ahead of it."), (4, "3 tasks ahead of it."), (None, "It is next.")],
)
def test_a_waiting_task_says_how_many_are_ahead_of_it(fake: Core, position: int | None, words: str) -> None:
    fake.client.put(running(task_id=ID, task_status="PENDING", queue_position=position, started_at=None))
    assert words in open_page("tasks", task=ID).progress[0].text.replace("\\", "")


def test_a_waiting_task_says_what_it_waits_for(fake: Core) -> None:
    progress = {"done": 0, "message": "The worker that was free does not have this job."}
    fake.client.put(running(task_id=ID, task_status="PENDING", queue_position=1, started_at=None, progress=progress))
    assert "The worker that was free does not have this job." in said(open_page("tasks", task=ID))


def test_the_result_appears_when_the_task_is_done(fake: Core) -> None:
    fake.client.put(running(task_id=ID))
    app = open_page("tasks", task=ID)
    fake.client.put(task(ID, result={"metrics": {"Items": 1234}}))
    again(app)
    assert app.metric[0].value == "1,234"
    assert not app.progress


def test_a_failed_task_says_what_went_wrong(fake: Core) -> None:
    error = {"type": "ValueError", "message": "The column 'qty' is missing."}
    fake.client.put(task(ID, task_status="FAILURE", result=None, error=error))
    assert "**ValueError**: The column 'qty' is missing." in said(open_page("tasks", task=ID))


def test_cancelling_takes_a_second_step(fake: Core) -> None:
    fake.client.put(running(task_id=ID, username="tanaka"))
    app = press(open_page("tasks", task=ID), "cancel")
    assert "Cancel tanaka's task?" in said(app)
    assert "delete_task" not in fake.client.calls
    press(app, "cancel-yes")
    assert "This task was cancelled by sato on 2026/11/24 at 21:00. It has no result." in said(app)


@pytest.mark.parametrize(
    ("by", "words"), [("佐藤 *x*", " by 佐藤 *x*"), ("", " in Flower, by an admin"), (None, ""), ("absent", "")]
)
def test_a_cancelled_task_says_who_cancelled_it_and_when(fake: Core, by: str | None, words: str) -> None:
    cancelled = task(ID, task_status="REVOKED", result=None, cancelled_by=by)
    if by == "absent":  # a core of an earlier version
        del cancelled["cancelled_by"]
    fake.client.put(cancelled)
    assert f"This task was cancelled{words} on 2026/11/24 at 21:01. It" in said(open_page("tasks", task=ID))


def test_ones_own_task_is_called_so_however_the_name_is_spelled(fake: Core) -> None:
    fake.client.put(running(task_id=ID, username="SATO"))
    assert "Cancel your task?" in said(press(open_page("tasks", task=ID), "cancel"))


def test_a_cancellation_can_be_taken_back_before_it_is_confirmed(fake: Core) -> None:
    fake.client.put(running(task_id=ID))
    app = press(open_page("tasks", task=ID), "cancel")
    press(app, "cancel-no")
    assert app.button(key="cancel")
    assert "delete_task" not in fake.client.calls


def test_an_unknown_task_is_reported_kindly(fake: Core) -> None:
    text = said(open_page("tasks", task="nonsense"))
    assert "There is no task nonsense." in text
    assert "Please check the link, or look for the task in the list." in text


def test_a_task_that_cannot_be_looked_up_is_not_called_unknown(fake: Core) -> None:
    fake.client.failure = CoreRefused(401, "The core does not know the front's key.")
    app = open_page("tasks", task=ID)
    assert "does not know the front's key" in said(app)
    assert "No such task" not in said(app)


def test_while_the_core_is_silent_the_last_known_state_stays(fake: Core) -> None:
    fake.client.put(running(task_id=ID))
    app = open_page("tasks", task=ID)
    fake.client.failure = CoreUnreachable("The core did not answer in time.")
    again(app)
    assert "This may be out of date." in said(app)
    assert app.progress[0].value == 58


def test_a_result_that_was_seen_can_still_be_read_while_the_core_sleeps(fake: Core) -> None:
    fake.client.put(task(ID, result={"metrics": {"Items": 7}}))
    app = open_page("tasks", task=ID)
    fake.see("asleep")
    assert again(app).metric[0].value == "7"


@pytest.mark.parametrize(
    ("stage", "state", "words"),
    [
        ("asleep", "STARTED", "If it was not done when the core went off, it begins again once somebody"),
        ("asked", "RETRY", "the task had been interrupted."),
        ("asleep", "PENDING", "will run when somebody has started the core"),
        ("stopping", "STARTED", "If the task is not done by then, it is interrupted."),
        ("unreachable", "STARTED", "the task was 58% done. What it does now cannot be seen."),
        ("unknown", "PENDING", "the task was not running. What it does now cannot be seen."),
    ],
)
def test_no_page_says_that_a_task_goes_on_while_the_core_does_not(
    fake: Core, stage: Stage, state: str, words: str
) -> None:
    fake.client.put(running(task_id=ID, task_status=state))
    app = open_page("tasks", task=ID)
    fake.see(stage)
    text = said(again(app))
    assert words in text
    assert not app.progress
    assert not any(claim in text for claim in ("Running for", "Waiting for", "by itself", "It is next"))
    assert "Running" not in text


def test_a_task_of_a_sleeping_core_is_promised_for_later(fake: Core) -> None:
    fake.see("asleep")
    assert "shown here when it is awake" in said(open_page("tasks", task=ID))


def test_the_input_is_shown_with_the_labels_of_the_form(fake: Core) -> None:
    fake.client.put(task(ID, params={"level": 0.9, "note": None, "gone": [1, 2], "sales": "f1"}))
    app = open_page("tasks", task=ID)
    assert [line.value.replace("\\", "") for line in app.expander[0].markdown] == [
        "Level: **0.9**",
        "Note: **nothing**",
        "gone: **1, 2**",
    ]
    assert app.download_button(key="input-sales").label.replace("\\", "") == "Sales: the uploaded file"


def test_run_again_opens_the_form_with_the_same_input(fake: Core) -> None:
    fake.client.put(task(ID, params={"sales": "f1", "level": 0.6, "note": "x"}))
    app = press(open_page("tasks", task=ID), "again")
    assert app.number_input(key="param-count-level").value == 0.6
    assert app.text_input(key="param-count-note").value == "x"
    app.switch_page("views/submit.py")  # AppTest does not follow a switch that the script makes
    press(again(app), "submit")
    assert [one["params"] for one in fake.client.all_tasks.values()] == [{"sales": "f1", "level": 0.6, "note": "x"}] * 2


def test_the_link_names_the_task_but_no_user(fake: Core) -> None:
    fake.client.put(task(ID))
    app = open_page("tasks")
    app.context = {"url": "http://front.example/tasks"}
    app.query_params["task"] = ID
    assert again(app).code[-1].value == f"http://front.example/tasks?task={ID}"


def test_names_and_messages_are_shown_literally(fake: Core) -> None:
    fake.client.put(running(task_id=ID, username="**x**", progress={"done": 0.1, "message": ":red[a]"}))
    app = open_page("tasks", user="**x**", task=ID)
    assert app.progress[0].text == r"**10%**: \:red\[a\]"
    assert any(r"\*\*x\*\*" in caption.value for caption in app.caption)
