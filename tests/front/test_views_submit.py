import pytest
from streamlit.testing.v1 import AppTest

from front.errors import CoreRefused, CoreUnreachable
from tests.front.pages import Core, again, open_page, press, said


def filled() -> AppTest:
    app = open_page()
    app.file_uploader(key="param-count-sales").upload("sales.csv", b"a,b", "text/csv")
    return app.run()


def test_a_job_is_chosen_by_its_title_and_explained(fake: Core) -> None:
    app = open_page()
    assert app.selectbox(key="job").options == ["Count the items", "Nothing"]
    assert "How many there are." in said(app)


def test_submitting_creates_a_task_and_shows_it(fake: Core) -> None:
    app = press(filled(), "submit")
    (task_id,) = fake.client.all_tasks
    assert app.query_params["task"] == task_id
    assert app.query_params["user"] == "sato"
    assert app.title[0].value == "Count the items"


def test_a_job_without_parameters_needs_only_the_button(fake: Core) -> None:
    app = open_page()
    app.selectbox(key="job").select("nothing").run()
    press(app, "submit")
    assert [task["params"] for task in fake.client.all_tasks.values()] == [{}]


def test_what_the_core_finds_wrong_is_shown_beside_its_field(fake: Core) -> None:
    fake.client.refusal = CoreRefused(422, "Please correct: level.", {"level": "must be lower"})
    app = press(filled(), "submit")
    blocks = [block.value.replace("\\", "") for block in app.container(key="form").markdown]
    assert blocks == [":red[:material/error: must be lower]"]
    assert "Please correct: Level." in said(app)


def test_a_refusal_that_concerns_no_field_is_shown_under_the_form(fake: Core) -> None:
    fake.client.refusal = CoreRefused(422, "Please correct: username.", {"username": "must not be empty"})
    assert "username: must not be empty" in said(press(filled(), "submit"))


def test_a_core_about_to_stop_says_so_and_keeps_the_input(fake: Core) -> None:
    fake.client.refusal = CoreRefused(503, "The core is about to stop and accepts nothing new.")
    app = filled()
    app.text_input(key="param-count-note").set_value("careful").run()
    press(app, "submit")
    assert "The core is about to stop" in said(app)
    assert app.text_input(key="param-count-note").value == "careful"


def test_a_retry_after_a_lost_answer_is_the_same_task_and_sends_the_file_once(
    fake: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def lose_the_first(_: str, params: dict[str, object], __: str, task_id: str) -> str:
        sent.append((task_id, params))
        if len(sent) == 1:
            raise CoreUnreachable("The core did not answer in time.")
        return task_id

    monkeypatch.setattr(fake.client, "start_task", lose_the_first)
    app = press(filled(), "submit")
    assert "cannot run twice" in said(app)
    press(app, "submit")
    assert sent[0] == sent[1]
    assert fake.client.calls.count("upload") == 1


def test_the_same_input_is_a_new_task_once_the_first_was_seen(fake: Core) -> None:
    app = open_page()
    app.selectbox(key="job").select("nothing").run()
    press(app, "submit")
    app.switch_page("views/submit.py")
    press(again(app), "submit")
    assert len(fake.client.all_tasks) == 2


def test_a_file_that_the_core_has_lost_is_sent_again(fake: Core) -> None:
    fake.client.refusal = CoreRefused(422, "Please correct: sales.", {"sales": "there is no file with this id"})
    app = press(filled(), "submit")
    fake.client.refusal = None
    press(app, "submit")
    assert fake.client.calls.count("upload") == 2
    assert len(fake.client.all_tasks) == 1


def test_a_file_above_the_limit_is_refused_before_it_is_sent(fake: Core) -> None:
    app = open_page()
    app.file_uploader(key="param-count-sales").upload("big.csv", b"x" * (1 << 20) + b"x", "text/csv")
    press(app.run(), "submit")
    assert "This file is larger than 1 MB" in said(app)
    assert "upload" not in fake.client.calls


def test_a_sample_file_can_be_used_instead_of_an_upload(fake: Core) -> None:
    app = open_page()
    app.button_group(key="param-count-sales-source").set_value("Sample: daily_sales.csv").run()
    press(app, "submit")
    ((name, content),) = fake.client.files.values()
    assert name == "daily_sales.csv"
    assert content


def test_while_the_core_sleeps_the_form_can_be_filled_but_not_sent(fake: Core) -> None:
    app = open_page()
    fake.see("asleep")
    again(app)
    assert app.button(key="submit").disabled
    assert app.number_input(key="param-count-level").value == 0.975
    assert "The core is asleep" in said(app)


def test_start_wakes_the_core_for_this_user(fake: Core) -> None:
    fake.see("asleep")
    press(open_page(), "start")
    assert fake.watch.started_by == ["sato"]


def test_a_form_that_was_never_seen_appears_when_the_core_is_awake(fake: Core) -> None:
    fake.see("asleep")
    app = open_page()
    assert "The forms will appear here when the core is awake" in said(app)
    fake.see("ready")
    assert again(app).selectbox(key="job")


def test_what_was_typed_survives_a_visit_to_another_page(fake: Core) -> None:
    app = open_page()
    app.text_input(key="param-count-note").set_value("half").run()
    app.switch_page("views/core.py")
    again(app)
    app.switch_page("views/submit.py")
    assert again(app).text_input(key="param-count-note").value == "half"
