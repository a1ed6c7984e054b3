import pytest
from streamlit.testing.v1 import AppTest

from front.errors import CoreRefused, CoreUnreachable
from tests.front.pages import Pages, said


def filled(pages: Pages) -> AppTest:
    app = pages.open()
    app.file_uploader(key="param-count-sales").upload("sales.csv", b"a,b", "text/csv")
    return app.run()


def test_a_job_is_chosen_by_its_title_and_explained(pages: Pages) -> None:
    app = pages.open()
    assert app.selectbox(key="job").options == ["Count the items", "Nothing"]
    assert "How many there are." in said(app)


def test_submitting_makes_a_task_and_shows_it(pages: Pages) -> None:
    app = pages.press(filled(pages), "submit")
    (task_id,) = pages.client.all_tasks
    assert app.query_params["task"] == task_id
    assert app.query_params["user"] == "sato"
    assert app.title[0].value == "Count the items"


def test_a_job_without_parameters_needs_only_the_button(pages: Pages) -> None:
    app = pages.open()
    app.selectbox(key="job").select("nothing").run()
    pages.press(app, "submit")
    assert [task["params"] for task in pages.client.all_tasks.values()] == [{}]


def test_what_the_core_finds_wrong_stands_beside_its_field(pages: Pages) -> None:
    pages.client.refusal = CoreRefused(422, "Please correct: level.", {"level": "must be lower"})
    app = pages.press(filled(pages), "submit")
    blocks = [block.value.replace("\\", "") for block in app.container(key="form").markdown]
    assert blocks == [":red[:material/error: must be lower]"]
    assert "Please correct: Level." in said(app)


def test_a_refusal_of_what_is_no_field_is_told_under_the_form(pages: Pages) -> None:
    pages.client.refusal = CoreRefused(422, "Please correct: username.", {"username": "must not be empty"})
    assert "username: must not be empty" in said(pages.press(filled(pages), "submit"))


def test_a_core_about_to_stop_says_so_and_keeps_the_input(pages: Pages) -> None:
    pages.client.refusal = CoreRefused(503, "The core is about to stop and takes nothing new.")
    app = filled(pages)
    app.text_input(key="param-count-note").set_value("careful").run()
    pages.press(app, "submit")
    assert "The core is about to stop" in said(app)
    assert app.text_input(key="param-count-note").value == "careful"


def test_a_retry_after_a_lost_answer_is_the_same_task_and_sends_the_file_once(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def lose_the_first(_: str, params: dict[str, object], __: str, task_id: str) -> str:
        sent.append((task_id, params))
        if len(sent) == 1:
            raise CoreUnreachable("The core did not answer in time.")
        return task_id

    monkeypatch.setattr(pages.client, "start_task", lose_the_first)
    app = pages.press(filled(pages), "submit")
    assert "It cannot run twice" in said(app)
    pages.press(app, "submit")
    assert sent[0] == sent[1]
    assert pages.client.calls.count("upload") == 1


def test_the_same_again_after_the_task_was_seen_is_a_new_task(pages: Pages) -> None:
    app = pages.open()
    app.selectbox(key="job").select("nothing").run()
    pages.press(app, "submit")
    app.switch_page("views/submit.py")
    pages.press(pages.again(app), "submit")
    assert len(pages.client.all_tasks) == 2


def test_a_file_that_the_core_has_lost_is_sent_again(pages: Pages) -> None:
    pages.client.refusal = CoreRefused(422, "Please correct: sales.", {"sales": "there is no file with this id"})
    app = pages.press(filled(pages), "submit")
    pages.client.refusal = None
    pages.press(app, "submit")
    assert pages.client.calls.count("upload") == 2
    assert len(pages.client.all_tasks) == 1


def test_a_file_above_the_limit_is_refused_before_it_is_sent(pages: Pages) -> None:
    app = pages.open()
    app.file_uploader(key="param-count-sales").upload("big.csv", b"x" * (1 << 20) + b"x", "text/csv")
    pages.press(app.run(), "submit")
    assert "This file is larger than 1 MB" in said(app)
    assert "upload" not in pages.client.calls


def test_a_sample_file_can_be_used_instead_of_an_own_one(pages: Pages) -> None:
    app = pages.open()
    app.button_group(key="param-count-sales-source").set_value("Sample: daily_sales.csv").run()
    pages.press(app, "submit")
    ((name, content),) = pages.client.files.values()
    assert name == "daily_sales.csv"
    assert content


def test_while_the_core_sleeps_the_form_can_be_filled_but_not_sent(pages: Pages) -> None:
    app = pages.open()
    pages.see("asleep")
    pages.again(app)
    assert app.button(key="submit").disabled
    assert app.number_input(key="param-count-level").value == 0.975
    assert "The core is asleep" in said(app)


def test_start_wakes_the_core_for_this_user(pages: Pages) -> None:
    pages.see("asleep")
    pages.press(pages.open(), "start")
    assert pages.watch.started_by == ["sato"]


def test_a_form_that_was_never_seen_appears_when_the_core_is_awake(pages: Pages) -> None:
    pages.see("asleep")
    app = pages.open()
    assert "The forms appear here as soon as the core is awake" in said(app)
    pages.see("ready")
    assert pages.again(app).selectbox(key="job")


def test_what_was_typed_survives_a_visit_to_another_page(pages: Pages) -> None:
    app = pages.open()
    app.text_input(key="param-count-note").set_value("half").run()
    app.switch_page("views/core.py")
    pages.again(app)
    app.switch_page("views/submit.py")
    assert pages.again(app).text_input(key="param-count-note").value == "half"
