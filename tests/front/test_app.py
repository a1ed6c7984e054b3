import time

import pytest
from streamlit.testing.v1 import AppTest

from front import session, settings
from front.core_client import CoreClient
from front.errors import CoreRefused, CoreUnreachable, FrontError
from front.machine.stages import Stage
from front.words import STAGE_WORDS
from tests.front.answering import Answering
from tests.front.fakes import task
from tests.front.pages import Core, again, open_page, press, said

PAGES = ("submit", "tasks", "core")
STAGES = tuple(STAGE_WORDS)


def test_somebody_without_a_name_is_asked_for_it_and_told_why(fake: Core) -> None:
    app = open_page(user="")
    assert "What is your name?" in said(app)
    assert "nobody switches it off while you need it" in said(app)
    assert not app.selectbox


def test_the_name_is_asked_for_once_and_kept_in_the_address(fake: Core) -> None:
    app = open_page(user="")
    app.text_input(key="name").set_value("  佐藤 花子 ")
    press(app, "continue")
    assert app.query_params["user"] == "佐藤 花子"
    assert "佐藤 花子" in said(app)


def test_a_reload_with_the_address_knows_the_name(fake: Core) -> None:
    assert "What is your name?" not in said(open_page(user="tanaka"))


@pytest.mark.parametrize("page", PAGES)
def test_the_name_survives_a_change_of_page_that_drops_the_query(fake: Core, page: str) -> None:
    app = open_page()
    app.switch_page(f"views/{page}.py")
    app.query_params.clear()
    assert again(app).query_params["user"] == "sato"


def test_a_link_to_a_task_survives_the_question_for_the_name(fake: Core) -> None:
    fake.client.put(task("7e57ed00-0000-4000-8000-000000000000"))
    app = open_page("tasks", user="", task="7e57ed00-0000-4000-8000-000000000000")
    app.text_input(key="name").set_value("tanaka")
    press(app, "continue")
    assert app.query_params["task"] == "7e57ed00-0000-4000-8000-000000000000"
    assert app.title[0].value == "Count the items"


def sign_in(name: str) -> AppTest:
    app = open_page(user="")
    app.text_input(key="name").set_value(name)
    return press(app, "continue")


def test_an_empty_name_is_asked_for_again(fake: Core) -> None:
    assert "Please enter your name." in said(sign_in(" "))


def test_a_name_that_the_core_refuses_is_asked_for_again_with_the_cores_sentence(fake: Core) -> None:
    fake.client.spellings = {"a\u200bb": ""}
    app = sign_in("a\u200bb")
    assert "This name cannot be used: must not contain control characters" in said(app)
    assert "user" not in app.query_params
    app.text_input(key="name").set_value("ab")
    assert press(app, "continue").query_params["user"] == "ab"


def test_a_name_gets_the_cores_spelling_at_sign_in(fake: Core) -> None:
    fake.client.spellings = {"か\u3099": "が"}
    assert sign_in(" か\u3099 ").query_params["user"] == "が"


@pytest.mark.parametrize(("spelling", "shown"), [("が", ":material/person: **が**"), ("", "This name cannot be used")])
def test_a_name_given_while_the_core_sleeps_is_checked_as_soon_as_the_core_answers(
    fake: Core, spelling: str, shown: str
) -> None:
    fake.client.spellings = {"か\u3099": spelling}
    fake.see("asleep")
    app = sign_in("か\u3099")
    assert app.query_params["user"] == "か\u3099"
    assert "canonical_name" not in fake.client.calls

    fake.see("ready")

    assert shown in said(again(app))
    assert app.query_params.get("user", "") == spelling


def test_a_name_in_the_address_is_checked_too_and_a_refusal_keeps_the_link_to_a_task(fake: Core) -> None:
    fake.client.spellings = {"x": ""}
    fake.see("asleep")
    app = open_page("tasks", user="x", task="7e57ed00-0000-4000-8000-000000000000")
    fake.see("ready")
    assert "This name cannot be used" in said(again(app))
    assert app.query_params["task"] == "7e57ed00-0000-4000-8000-000000000000"


def test_a_name_is_checked_once_a_session(fake: Core) -> None:
    app = open_page()
    app.switch_page("views/core.py")
    press(again(app), "join")
    assert fake.client.calls.count("canonical_name") == 1


@pytest.mark.parametrize("problem", [CoreUnreachable("It is silent."), CoreRefused(503, "It is busy.")])
def test_a_core_that_cannot_check_a_name_keeps_nobody_out(fake: Core, problem: FrontError) -> None:
    fake.client.failure = problem
    assert sign_in("sato").query_params["user"] == "sato"


def test_leaving_forgets_the_name(fake: Core) -> None:
    app = press(open_page(), "leave")
    assert "What is your name?" in said(app)
    assert "user" not in app.query_params


def test_a_missing_setting_is_reported_in_a_sentence(fake: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORE_API_KEY")
    settings.load.cache_clear()
    assert "CORE_API_KEY" in said(open_page())


@pytest.mark.parametrize(
    ("stage", "page"),
    [*((stage, "core") for stage in STAGES), *((stage, page) for stage in STAGES[::2] for page in PAGES[:2])],
)
def test_every_page_opens_at_once_at_every_stage_and_names_the_stage(fake: Core, stage: Stage, page: str) -> None:
    fake.see(stage)
    begun = time.monotonic()
    app = open_page(page)
    assert time.monotonic() - begun < 2
    assert STAGE_WORDS[stage].word in app.page_link[0].value
    assert stage == "ready" or STAGE_WORDS[stage].sentence in said(app)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("stage", ["ready", "unreachable"])
def test_a_core_that_accepts_connections_and_never_answers_delays_no_page(
    fake: Core, monkeypatch: pytest.MonkeyPatch, page: str, stage: Stage
) -> None:
    fake.see(stage)
    with Answering(lambda _: time.sleep(3)) as silent:
        monkeypatch.setattr(session, "client", lambda: CoreClient(silent.url, "k" * 16))
        app = open_page(page)
        begun = time.monotonic()
        again(app)
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_polls_puts_nobody_on_the_list(fake: Core, page: str) -> None:
    app = open_page(page)
    for _ in range(3):
        again(app)
    assert set(fake.client.calls) <= {"canonical_name", "jobs", "tasks", "active_users", "stale_users", "activity"}
    assert fake.client.users == {}


def test_a_page_is_redrawn_when_the_core_reaches_another_stage(fake: Core) -> None:
    fake.see("asleep")
    app = open_page()
    fake.see("ready")
    assert not again(app).button(key="submit").disabled
